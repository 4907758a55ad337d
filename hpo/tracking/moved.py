"""A workspace that was moved or copied: its store follows, or it would write into the old place.

MLflow stores where artifacts lie as whole paths. After ``mv`` nothing is found there any more, and
after ``cp -r`` a copy would read and write the files of the original. MLflow has no way to say that
they have moved, so their paths are rewritten in its database, where the files have come along.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

_PATHS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Tables and columns of MLflow's that hold the address of files."""
_DEFAULT = "0"
"""MLflow's own experiment; it is made with the store, beside the artifacts of all others."""


def follow(database: Path, artifacts: Path) -> Path | None:
    """Bring the paths in MLflow's database to the folder in which its artifacts are now.

    Nothing is done where the artifacts of none of its experiments have come along: then it is
    another workspace that looks at this database, and the files are where they were.

    Args:
        database: SQLite, with MLflow's tables; nobody else opens it now.
        artifacts: of the workspace that it lies in.

    Returns:
        The folder in which they were; None where nothing has moved.
    """
    if artifacts.parent.resolve() != database.parent.resolve():
        return None
    with contextlib.closing(sqlite3.connect(database)) as connection:
        before = _folder_before(connection)
        if before is None or before.resolve() == artifacts.resolve():
            return None
        if not any((artifacts / place).is_dir() for place in _experiments(connection, before)):
            return None
        start = f"{before}/"
        with connection:
            for table, column in _PATHS:
                connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                    f"WHERE substr({column}, 1, ?) = ?",
                    (f"{artifacts}/", len(start) + 1, len(start), start),
                )
        return before


def _folder_before(connection: sqlite3.Connection) -> Path | None:
    with contextlib.suppress(sqlite3.Error):  # No table yet: the store is being made.
        row = connection.execute(
            "SELECT artifact_location FROM experiments WHERE experiment_id = ?", (_DEFAULT,)
        ).fetchone()
        location = str(row[0]) if row else ""
        if location.startswith("/") and location.endswith(f"/{_DEFAULT}"):
            return Path(location).parent
    return None


def _experiments(connection: sqlite3.Connection, before: Path) -> list[str]:
    """Return the folders of experiments other than the default one, relative to all artifacts."""
    rows = connection.execute("SELECT artifact_location FROM experiments").fetchall()
    start = f"{before}/"
    places = [str(row[0]).removeprefix(start) for row in rows if str(row[0]).startswith(start)]
    return [place for place in places if place != _DEFAULT]
