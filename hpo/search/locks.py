"""Locks between processes, on a file or in PostgreSQL; a killed holder drops them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from hpo.spec.file_lock import locked


def beside(path: Path) -> AbstractContextManager[None]:
    """Hold the lock beside a file."""
    return locked(path.with_name(path.name + ".lock"))


@contextmanager
def _advisory(connection: Any, name: str) -> Iterator[None]:
    """Hold PostgreSQL's lock of this name; the server drops it with its holder's connection."""
    from sqlalchemy import text

    with connection.begin():
        key = zlib.crc32(name.encode())
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
        yield


@contextmanager
def making_tables(url: str, arguments: dict[str, Any]) -> Iterator[None]:
    """Let one worker at a time make or check the tables on a server.

    "CREATE TABLE IF NOT EXISTS" is no answer: PostgreSQL looks first and creates later, and of
    eight workers on an empty database some ended with a duplicate key.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    engine = create_engine(url, poolclass=NullPool, connect_args=arguments)
    if engine.dialect.name != "postgresql":
        yield
        return
    with engine.connect() as connection, _advisory(connection, "hpo: tables"):
        yield


@contextmanager
def claiming(storage: Any, study: str) -> Iterator[Callable[[], bool]]:
    """Hold the right to claim a slot of ``study``, against all other processes and threads.

    A claim reads which slots are taken, draws a configuration and inserts the trial. Optuna's
    storage has no transaction around the three, so they go under a lock: a file's for SQLite, an
    advisory one for PostgreSQL. Both vanish with a killed holder. PostgreSQL also takes the right
    from a holder that was stopped or cut off, who may then still insert: so a claim counts only if
    the right is still held after it.

    Args:
        storage: what ``open_storage`` returned.
        study: Optuna's name of the study.

    Yields:
        A function that tells whether the right is still held.
    """
    engine = storage.engine
    if engine.dialect.name == "sqlite":
        with beside(Path(engine.url.database)):
            yield lambda: True
        return
    if engine.dialect.name != "postgresql":
        yield lambda: True
        return
    with engine.connect() as connection, _advisory(connection, f"hpo:{study}"):
        yield lambda: _answers(connection)


@contextmanager
def alone(storage: Any, purpose: str) -> Iterator[None]:
    """Let one process at a time do what may take minutes and must not be done twice at once.

    Args:
        storage: what ``open_storage`` returned.
        purpose: names the lock; others go on meanwhile.
    """
    from sqlalchemy import text

    engine = storage.engine
    if engine.dialect.name == "sqlite":
        path = Path(engine.url.database)
        name = f"{path.name}.{zlib.crc32(purpose.encode()):08x}.lock"
        # One for each study and purpose would else be left over for good.
        with locked(path.with_name(name), passing=True):
            yield
    elif engine.dialect.name == "postgresql":
        with engine.connect() as connection, _advisory(connection, f"hpo:{purpose}"):
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            yield
    else:
        yield


def _answers(connection: Any) -> bool:
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    try:
        connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True
