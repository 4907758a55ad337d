"""A database for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.search.analytic import copied, empty_database


@pytest.fixture(scope="session")
def made_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return empty_database(tmp_path_factory.mktemp("database"))


@pytest.fixture
def storage_url(tmp_path: Path, made_database: Path) -> str:
    return copied(made_database, tmp_path)
