"""Opening Optuna's storage so that several processes lose nothing, and what goes wrong there.

Stock SQLite under Optuna lost and doubled trials when several workers shared it; with a write-ahead
log, a busy timeout and transactions that take the write lock at their start it did not. PostgreSQL
needs none of that. Passwords appear in no message.
"""

from __future__ import annotations

import importlib.util
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hpo.search.filesystems import refuse_network
from hpo.search.locks import beside, making_tables
from hpo.spec.addresses import password_of, without_password
from hpo.spec.errors import EnvironmentProblem, HpoError, InputError, SpecError

BUSY_SECONDS = 60
"""How long a transaction waits for another process's before it gives up."""

_SERVERS = ("postgresql", "postgres")

LONGEST_CLAIM_SECONDS = 60
"""How long PostgreSQL lets a worker hold the right to claim; a stopped worker then loses it."""


def open_storage(url: str, *, create: bool = True) -> Any:
    """Return Optuna's ``RDBStorage`` for ``url``, its tables made if they are not there.

    Args:
        url: ``sqlite:///file.db`` or ``postgresql://...``.
        create: make a missing SQLite file and its folder.

    Raises:
        SpecError: this is no URL of a database.
        FileNotFoundError: there is no such SQLite file, and ``create`` is False.
        InputError: the folder cannot be written. A database that is there can be read.
        EnvironmentProblem: the folder is on a network file system, the database is locked
            for longer than ``BUSY_SECONDS``, a server does not answer, a driver is missing, or
            another version of Optuna wrote the tables.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = sqlite_path(url)
    if path is not None:
        refuse_network(path)
    if path is not None and not path.exists():
        if not create:
            raise FileNotFoundError(path)
        _make_folder(path.parent)
    with explained(url), _initialising(path):
        return _connect(url, path)


def _connect(url: str, path: Path | None) -> Any:
    from optuna.storages import RDBStorage
    from sqlalchemy import URL, event

    if path is None:
        url = _with_driver(url)
        arguments = _server_arguments(url)
        with making_tables(url, arguments):
            return RDBStorage(url, engine_kwargs={"pool_pre_ping": True, "connect_args": arguments})
    sealed = _is_sealed(path)
    if sealed:
        options = {"mode": "ro", "immutable": "1", "uri": "true"}
        file = f"file:{quote(str(path.resolve()))}"
        url = URL.create("sqlite", database=file, query=options).render_as_string()
    storage = RDBStorage(url, engine_kwargs={"connect_args": {"timeout": BUSY_SECONDS}})
    writable = not sealed and os.access(path, os.W_OK)
    event.listen(storage.engine, "connect", _prepare_connection if writable else _hand_begin_over)
    event.listen(storage.engine, "begin", _begin_immediate if writable else _begin)
    storage.engine.dispose()  # connections made before the listeners
    return storage


def _is_sealed(path: Path) -> bool:
    """Tell whether a database may be read as a file that nobody writes, without a log beside it.

    Even to read SQLite makes its log, and fails where the folder may not be written; where the file
    may not, it leaves a log that stops the next writer. Without a log nobody is writing.
    """
    if not path.exists() or path.with_name(f"{path.name}-wal").exists():
        return False
    return not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK))


def _hand_begin_over(connection: Any, _record: Any) -> None:
    # The driver would begin only at the first write, which is too late for read-then-write.
    connection.isolation_level = None


def _prepare_connection(connection: Any, _record: Any) -> None:
    _hand_begin_over(connection, _record)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    # Safe in WAL against a killed process; a power cut may cost the last commits, never the file.
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")


def sqlite_path(url: str) -> Path | None:
    """Return the file of an SQLite URL; None for other databases.

    Raises:
        SpecError: this is no URL, one of a database that is neither SQLite nor PostgreSQL, or one
            of a database in memory, which no other process sees, or its password is not escaped.
    """
    if not url.startswith("sqlite"):
        if "://" not in url:
            raise SpecError(
                "this is no storage URL",
                where="storage",
                expected="sqlite:///FILE or postgresql://USER@HOST/DATABASE",
                got=without_password(url),
            )
        if url.partition("://")[0].partition("+")[0] not in _SERVERS:
            raise SpecError(
                "studies are not kept in a database of this kind",
                where="storage",
                expected="sqlite:///FILE or postgresql://USER@HOST/DATABASE",
                got=without_password(url),
                hint="Give another --storage, or leave it away to use mlruns/optuna.db",
            )
        if "@" in (password_of(url) or ""):
            # What follows it would be taken for the host, and told where no such host is found.
            raise SpecError(
                "the password in this URL holds an @, which ends it",
                where="storage",
                expected="an @ written as %40",
                got=without_password(url),
            )
        return None
    name = url.partition(":///")[2].partition("?")[0]
    if not name or name == ":memory:":
        raise SpecError(
            "a study cannot live in a database in memory: a trial's process would not see it",
            where="storage",
            expected="sqlite:///FILE or postgresql://USER@HOST/DATABASE",
            got=without_password(url),
        )
    return Path(name)


def _server_arguments(url: str) -> dict[str, Any]:
    """Return what makes PostgreSQL and its driver notice a broken connection within seconds.

    Both sides matter: a worker that is cut off must learn it, and a server must drop the locks of a
    worker that is gone or stopped, which by default it notices after two hours or never.
    """
    if not url.startswith("postgresql"):
        return {}
    server = {
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": "25000",
        "idle_in_transaction_session_timeout": f"{LONGEST_CLAIM_SECONDS * 1000}",
    }
    return {
        "connect_timeout": 10,
        "keepalives": 1,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 25000,
        "options": " ".join(f"-c {name}={value}" for name, value in server.items()),
    }


def _with_driver(url: str) -> str:
    """Name the driver that is installed where a PostgreSQL URL leaves it open."""
    scheme, colon, rest = url.partition("://")
    if scheme not in _SERVERS:
        return url
    for driver in ("psycopg", "psycopg2"):
        if importlib.util.find_spec(driver) is not None:
            return f"postgresql+{driver}{colon}{rest}"
    raise EnvironmentProblem(
        "PostgreSQL needs a driver, and none is installed",
        where="storage",
        expected="psycopg or psycopg2",
        hint="pip install 'hpo[postgresql]'",
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error.strerror or str(error)) from error


def _unwritable(where: Path, got: str) -> InputError:
    return InputError(
        "cannot write the study's database here",
        expected="a folder that you may write to",
        got=got,
        where=str(where),
        hint="Choose another workspace with --home FOLDER, or another storage",
    )


@contextmanager
def _initialising(path: Path | None) -> Iterator[None]:
    """Let one process at a time make or check the tables (migrations race on an empty file)."""
    if path is None or not os.access(path.parent, os.W_OK | os.X_OK):
        if path is not None and not path.exists():
            raise _unwritable(path.parent, "no permission to write")
        yield
    else:
        with beside(path):
            yield


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn what databases raise into one paragraph without the password.

    Raises:
        InputError: the database may not be written.
        EnvironmentProblem: the database is locked, damaged, full, away, or made by another version
            of Optuna.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    try:
        yield
    except HpoError:
        raise
    except ArgumentError as error:
        raise SpecError(
            "this is no storage URL",
            where="storage",
            expected="sqlite:///FILE or postgresql://USER@HOST/DATABASE",
            got=without_password(url),
        ) from error
    except (StorageInternalError, SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise _database_problem(url, _root_message(error)) from error
    except RuntimeError as error:
        if "table schema" not in str(error):
            raise
        raise EnvironmentProblem(
            "another version of Optuna made this database",
            where=without_password(url),
            got=str(error).partition(". ")[0],
            hint="Install that version, run `optuna storage upgrade`, or choose another storage",
        ) from error


def _root_message(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    origin = getattr(error, "orig", None) or error
    return str(origin).strip().partition("\n")[0]


def _database_problem(url: str, message: str) -> HpoError:
    advice = {
        "locked": "Another process holds the database; wait for it, or use PostgreSQL",
        "readonly": "Change the file's permissions, or choose another storage",
        "unable to open": "Check the folder's permissions, or choose another storage",
        "not a database": "Move the file away; it is no SQLite database",
        "malformed": "The file is damaged; restore a copy, or delete it and start again",
        "full": "Free some space on the disk, then give the same command, hpo run with --resume",
        "I/O": "Check the disk, then give the same command, hpo run with --resume",
    }
    hint = next((h for part, h in advice.items() if part in message), None)
    password = password_of(url)
    kind = InputError if "readonly" in message else EnvironmentProblem
    return kind(
        "the study's database cannot be used",
        got=without_password(message.replace(password, "***") if password else message),
        where=without_password(url),
        hint=hint or "Check that the database runs and that the URL is right",
    )
