"""MLflow's paths follow a workspace that was moved or copied, and nobody else's."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hpo.tracking.moved import follow


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The columns of MLflow's that hold paths, of a workspace that was in /old."""
    folder = tmp_path / "mlruns"
    (folder / "artifacts" / "study" / "run").mkdir(parents=True)
    file = folder / "mlflow.db"
    with sqlite3.connect(file) as connection:
        connection.executescript(
            """
            CREATE TABLE experiments (experiment_id TEXT, artifact_location TEXT);
            CREATE TABLE runs (artifact_uri TEXT);
            CREATE TABLE logged_models (artifact_location TEXT);
            CREATE TABLE model_versions (source TEXT, storage_location TEXT);
            INSERT INTO experiments VALUES
                ('0', '/old/mlruns/artifacts/0'), ('1', '/old/mlruns/artifacts/study'),
                ('2', '/old/mlruns/artifacts2/other'), ('3', 's3://bucket/study');
            INSERT INTO runs VALUES ('/old/mlruns/artifacts/study/run/artifacts');
            INSERT INTO logged_models VALUES ('/old/mlruns/artifacts/study/models/m-1/artifacts');
            INSERT INTO model_versions VALUES
                ('models:/m-1', '/old/mlruns/artifacts/study/models/m-1/artifacts');
            """
        )
    return file


def told(database: Path) -> list[str]:
    with sqlite3.connect(database) as connection:
        return [
            str(row[0])
            for query in (
                "SELECT artifact_location FROM experiments",
                "SELECT artifact_uri FROM runs",
                "SELECT artifact_location FROM logged_models",
                "SELECT source FROM model_versions",
                "SELECT storage_location FROM model_versions",
            )
            for row in connection.execute(query)
        ]


def test_paths_follow_to_where_the_files_are(database: Path) -> None:
    here = database.parent / "artifacts"
    assert follow(database, here) == Path("/old/mlruns/artifacts")
    assert told(database) == [
        f"{here}/0", f"{here}/study", "/old/mlruns/artifacts2/other", "s3://bucket/study",
        f"{here}/study/run/artifacts", f"{here}/study/models/m-1/artifacts",
        "models:/m-1", f"{here}/study/models/m-1/artifacts",
    ]  # fmt: skip
    assert follow(database, here) is None


def test_files_that_did_not_come_along_are_left_where_they_are(
    database: Path, tmp_path: Path
) -> None:
    before = told(database)
    # Another workspace looks at this database.
    assert follow(database, tmp_path / "other" / "artifacts") is None
    (database.parent / "artifacts" / "study").rename(tmp_path / "gone")
    assert follow(database, database.parent / "artifacts") is None
    assert told(database) == before


def test_another_name_of_the_same_folder_is_no_move(database: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(database.parent)
    here = database.parent / "artifacts"
    follow(database, here)
    assert follow(database, tmp_path / "link" / "artifacts") is None
    assert f"{here}/0" in told(database)


def test_a_store_that_is_being_made_has_not_moved(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    sqlite3.connect(file).close()
    assert follow(file, tmp_path / "artifacts") is None
