import multiprocessing
import os
import sqlite3
from pathlib import Path

import pytest
from optuna.study import StudyDirection

from hpo.search import storage as module
from hpo.search.locks import claiming
from hpo.search.storage import open_storage
from hpo.search.summaries import list_studies
from hpo.spec.addresses import without_password
from hpo.spec.errors import EnvironmentProblem, InputError, SpecError


def test_sqlite_writes_ahead_and_begins_with_the_write_lock(storage_url: str) -> None:
    engine = open_storage(storage_url).engine
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 60_000
        other = sqlite3.connect(module.sqlite_path(storage_url) or "", timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    engine.dispose()


def _open(url: str, start: "multiprocessing.synchronize.Event", done: object) -> None:
    start.wait()
    open_storage(url)
    done.put(os.getpid())  # type: ignore[attr-defined]


def test_many_processes_may_open_an_empty_database_at_once(tmp_path: Path) -> None:
    import optuna.storages  # noqa: F401 - so that the children need not load it

    context = multiprocessing.get_context("fork")
    start, done = context.Event(), context.Queue()
    url = f"sqlite:///{tmp_path}/new/optuna.db"
    children = [context.Process(target=_open, args=(url, start, done)) for _ in range(6)]
    for child in children:
        child.start()
    start.set()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0] * 6


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write.*--home"):
        open_storage(f"sqlite:///{tmp_path}/file/optuna.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="no permission"):
        open_storage(f"sqlite:///{tmp_path}/optuna.db")


def test_a_database_that_may_not_be_written_can_be_read(
    storage_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_storage(storage_url).create_new_study([StudyDirection.MAXIMIZE], "ours/cnn")
    folder = tmp_path / "50% {a} #1"
    folder.mkdir()
    connection = sqlite3.connect(module.sqlite_path(storage_url) or "")
    connection.execute("VACUUM INTO ?", (str(folder / "optuna.db"),))
    connection.close()
    url = f"sqlite:///{folder}/optuna.db"
    allowed = os.access
    # For root may write anywhere.
    monkeypatch.setattr(
        os, "access", lambda p, *a: folder not in Path(p, "x").parents and allowed(p, *a)
    )
    storage = open_storage(url)
    assert [study.study_name for study in storage.get_all_studies()] == ["ours/cnn"]
    with pytest.raises(InputError, match=r"readonly.*permissions"), module.explained(url):
        storage.create_new_study([StudyDirection.MAXIMIZE], "other/cnn")
    storage.engine.dispose()
    assert [path.name for path in folder.iterdir()] == ["optuna.db"]
    assert list(tmp_path.glob("50*")) == [folder]


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "optuna.db"
    path.write_text("x" * 5000)
    with pytest.raises(EnvironmentProblem, match="no SQLite database"):
        open_storage(f"sqlite:///{path}")
    assert path.read_text() == "x" * 5000


def test_a_database_of_another_optuna_is_refused(storage_url: str) -> None:
    connection = sqlite3.connect(module.sqlite_path(storage_url) or "")
    connection.execute("UPDATE alembic_version SET version_num = 'v9.0.0'")
    connection.commit()
    connection.close()
    with pytest.raises(EnvironmentProblem, match="another version of Optuna"):
        open_storage(storage_url)


def test_a_locked_database_is_told_after_the_wait(
    storage_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.1)
    holder = sqlite3.connect(module.sqlite_path(storage_url) or "")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(EnvironmentProblem, match="Another process holds the database"):
        open_storage(storage_url)
    holder.close()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "optuna.db", "mysql://x/y", "mssql+pyodbc://me@x/y"]
)
def test_what_cannot_hold_a_study_is_refused(url: str) -> None:
    with pytest.raises(SpecError, match="sqlite:///FILE"):
        open_storage(url)


def test_no_message_holds_a_password() -> None:
    url = "postgresql://me:s3cr/t@127.0.0.1:1/db"
    assert without_password(url) == "postgresql://me:***@127.0.0.1:1/db"
    with pytest.raises(EnvironmentProblem) as caught:
        open_storage(url)
    assert "s3cr" not in str(caught.value)


def test_listing_an_absent_database_makes_none(tmp_path: Path) -> None:
    assert list_studies(f"sqlite:///{tmp_path}/none/optuna.db") == []
    assert list(tmp_path.iterdir()) == []


def test_a_claim_waits_for_another_and_is_free_after_an_error(storage_url: str) -> None:
    import fcntl

    storage = open_storage(storage_url)
    path = Path(f"{module.sqlite_path(storage_url)}.lock")
    with path.open("a") as file, claiming(storage, "study/cnn"), pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with pytest.raises(ZeroDivisionError), claiming(storage, "study/cnn"):
        1 / 0  # noqa: B018
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    storage.engine.dispose()


def test_a_password_that_a_url_would_cut_is_refused_and_not_shown() -> None:
    with pytest.raises(SpecError, match="%40") as refused:
        list_studies("postgresql://ada:first@second@127.0.0.1:9/hpo")
    assert "second" not in str(refused.value)
    assert "first" not in str(refused.value)
