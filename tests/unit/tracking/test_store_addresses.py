"""Addresses of stores, without mlflow."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from hpo.spec.addresses import without_password
from hpo.tracking.store import _cannot_open, artifact_folder, is_server, sqlite_path


def test_artifacts_lie_beside_the_database_unless_told() -> None:
    uri = "sqlite:////home/ada/mlruns/mlflow.db"
    assert sqlite_path(uri) == Path("/home/ada/mlruns/mlflow.db")
    assert artifact_folder(uri) == Path("/home/ada/mlruns/artifacts")
    assert artifact_folder(uri, Path("/big")) == Path("/big")


def test_a_server_keeps_artifacts_itself() -> None:
    assert is_server("http://127.0.0.1:5000")
    assert artifact_folder("https://mlflow.example.org", Path("/big")) is None


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://ada:secret@db/hpo", "postgresql://ada:***@db/hpo"),
        ("https://ada:secret@mlflow.example.org", "https://ada:***@mlflow.example.org"),
        ("sqlite:////home/a:b@c/mlflow.db", "sqlite:////home/a:b@c/mlflow.db"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
    ],
)
def test_passwords_are_never_shown(uri: str, shown: str) -> None:
    assert without_password(uri) == shown


def test_a_file_that_is_no_database_is_called_so() -> None:
    error = sqlite3.DatabaseError("file is not a database")
    assert "no SQLite database" in str(_cannot_open("sqlite:////home/ada/mlflow.db", error))


def test_importing_the_room_loads_no_mlflow() -> None:
    code = (
        "import sys, hpo.tracking.mirror, hpo.tracking.models, hpo.tracking.deletion, "
        "hpo.registry.models, hpo.registry.promotion, hpo.cli.ui; "
        "print([m for m in ('mlflow', 'keras', 'pandas', 'numpy') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"
