"""Databases for the tests of faults: a file, or a PostgreSQL server of their own."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.cluster import Cluster, cluster, programs


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


@pytest.fixture
def postgresql(server: Cluster) -> str:
    return server.make(f"study{time.monotonic_ns()}")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'optuna.db'}"
    found: str = request.getfixturevalue("postgresql")
    return found
