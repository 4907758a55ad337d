"""Databases for the tests of faults: a file, or a PostgreSQL server of their own."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import loaded
from tests.faults.cluster import Cluster, cluster, programs
from tests.faults.studies import elsewhere, prepared


@pytest.fixture(scope="session", autouse=True)
def _loaded() -> None:
    """Load libraries here, once: most of these tests do everything in forks of this process."""
    loaded.load()


@pytest.fixture(scope="session")
def server() -> Iterator[Cluster]:
    if programs() is None:
        pytest.skip("no PostgreSQL server is installed (Debian: postgresql)")
    # Not under pytest's own folder, whose parents other users may not enter.
    folder = Path(tempfile.mkdtemp(prefix="hpo-postgresql-"))
    folder.chmod(0o755)
    try:
        with cluster(folder / "data") as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``studies.prepared`` makes."""
    made: Path = elsewhere(prepared, tmp_path_factory.mktemp("template"))
    return made


@pytest.fixture
def postgresql(server: Cluster) -> str:
    return server.make(f"study{time.monotonic_ns()}")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'optuna.db'}"
    found: str = request.getfixturevalue("postgresql")
    return found
