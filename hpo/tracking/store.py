"""The door to MLflow: one client on one store, initialised once, silent, and without telemetry.

The fluent API (``mlflow.start_run`` and friends) is not used anywhere: it keeps the active run in
global state, which threads and several studies in one process trample.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from hpo.spec.addresses import without_password
from hpo.spec.errors import EnvironmentProblem
from hpo.spec.file_lock import locked
from hpo.tracking import names
from hpo.tracking.moved import follow

CONNECT_TIMEOUT_SECONDS = 5.0

# Set before mlflow is imported, which reads them then; what a person set stays. Mlflow's own
# default waits minutes in a request for a server that is gone; ours wait between requests. The one
# retry left is for a connection that was kept open and died with a server that is back: it comes
# at once. A proxy's Retry-After could hold a request up for an hour.
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER": "0",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}


def is_server(tracking_uri: str) -> bool:
    """Return whether the URI is of a tracking server rather than of a database."""
    return urlsplit(tracking_uri).scheme in {"http", "https"}


def sqlite_path(tracking_uri: str) -> Path | None:
    """Return the file behind a SQLite URI; None for any other URI."""
    prefix = "sqlite:///"
    return Path(tracking_uri.removeprefix(prefix)) if tracking_uri.startswith(prefix) else None


def quiet_environment() -> dict[str, str]:
    """Return the variables that keep mlflow silent, without those that are set already."""
    return {name: value for name, value in _ENVIRONMENT.items() if name not in os.environ}


def open_client(tracking_uri: str, artifact_root: Path | None = None) -> Any:
    """Return an ``mlflow.MlflowClient`` on ``tracking_uri``, its database ready.

    The first use of an empty database runs mlflow's migrations (about 3 s). Processes that do so
    at once break one another, hence a lock beside the SQLite file.

    Args:
        tracking_uri: ``sqlite:///...``, another SQLAlchemy URL, or ``http(s)://...``.
        artifact_root: folder for artifacts where no server keeps them; by default ``artifacts``
            beside the SQLite file.

    Raises:
        EnvironmentProblem: the server cannot be reached, or the database not be opened.
    """
    os.environ.update(quiet_environment())
    if is_server(tracking_uri):
        _reach(tracking_uri)
    return _connect(tracking_uri, artifact_folder(tracking_uri, artifact_root))


def open_existing(tracking_uri: str, artifact_root: Path | None = None) -> Any:
    """Return a client as ``open_client`` does, or None where no SQLite file is; none is made."""
    path = sqlite_path(tracking_uri)
    if path is not None and not path.is_file():
        return None
    return open_client(tracking_uri, artifact_root)


def artifact_folder(tracking_uri: str, configured: Path | None = None) -> Path | None:
    """Return where artifacts belong; None where a server decides that."""
    if is_server(tracking_uri):
        return None
    database = sqlite_path(tracking_uri)
    return configured or (database.parent / "artifacts" if database else None)


def _connect(tracking_uri: str, artifact_root: Path | None) -> Any:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    _quiet_logs()
    database = sqlite_path(tracking_uri)
    try:
        with locked(database.parent / ".mlflow.lock") if database else contextlib.nullcontext():
            if not is_server(tracking_uri):
                if database is None:
                    _reach_database(tracking_uri)
                _initialise(tracking_uri, artifact_root, database)
            client = MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)
            client.search_experiments(max_results=1)
    except Exception as error:
        # SQLAlchemy's errors are told apart without importing it; what is not the store's is
        # raised as it came.
        expected = MlflowException | OSError | ModuleNotFoundError
        if not isinstance(error, expected) and not _is_database_error(error):
            raise
        raise _cannot_open(tracking_uri, error) from error
    return client


def _initialise(tracking_uri: str, artifact_root: Path | None, database: Path | None) -> None:
    from mlflow.tracking._tracking_service.utils import _get_store

    fresh = database is not None and not database.exists()
    # Through this door, not MlflowClient's, because only here the Default experiment can be told
    # where artifacts belong; it would otherwise point at ./mlruns of wherever one happens to be.
    store = _get_store(tracking_uri, str(artifact_root) if artifact_root else None)
    # Only now: a database of an earlier MLflow's has all tables after its migrations alone.
    if database is not None and artifact_root is not None and not fresh:
        follow(database, artifact_root)
    if fresh:
        # A reader (the UI) and the writer do not block each other then. It stays with the file.
        with contextlib.suppress(Exception), store.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")


def ensure_experiment(
    client: Any,
    name: str,
    tags: dict[str, str],
    artifact_root: Path | None = None,
    first_tags: dict[str, str] | None = None,
    untouched: Callable[[str], bool] = lambda there: False,
) -> str:
    """Return the id of the experiment called ``name``, made or brought back if need be.

    Its artifacts lie in ``<artifact root>/<name>``, which deleting the study removes as one.

    Args:
        client: from ``open_client``.
        name: of the study.
        tags: kept up to date.
        artifact_root: as given to ``open_client``.
        first_tags: set where they are missing; people may change them in MLflow's page.
        untouched: tells of the value that is there that nobody has, so that it is kept up to date.
    """
    from mlflow.exceptions import MlflowException

    first_tags = first_tags or {}
    found = client.get_experiment_by_name(name)
    if found is None:
        root = artifact_folder(client.tracking_uri, artifact_root)
        location = str(root / quote(name, safe=" ")) if root else None
        try:
            return str(
                client.create_experiment(
                    name, artifact_location=location, tags={**first_tags, **tags}
                )
            )
        except MlflowException:
            # Another worker of the same study was faster.
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage == "deleted":
        # Removed in MLflow's page, which keeps the name taken; running the study means to use it.
        client.restore_experiment(found.experiment_id)
    missing = {
        key: value
        for key, value in first_tags.items()
        if key not in found.tags or untouched(found.tags[key])
    }
    for key, value in {**missing, **tags}.items():
        # What was written behind a note stays: a link to the report, say.
        there = found.tags.get(key, "")
        if there != value and not there.startswith(f"{value}\n\n"):
            text = renewed(there, value) if key == names.NOTE else value
            client.set_experiment_tag(found.experiment_id, key, text)
    return str(found.experiment_id)


def renewed(note: str, own: str) -> str:
    """Return a note whose first part is of another version of hpo, with this one's in its place.

    What stands behind that part stays; where it is not there, as a person wrote the note anew, all
    of it does.

    Args:
        note: as it is.
        own: what it is to begin with. Its last paragraph begins ``Study **name**`` or the like.
    """
    begins = "**".join(own.rpartition("\n\n")[2].split("**")[:2])
    paragraphs = note.split("\n\n") if note else []
    place = next((k for k, text in enumerate(paragraphs) if text.startswith(begins)), -1)
    return "\n\n".join([own, *paragraphs[place + 1 :]])


def _quiet_logs() -> None:
    for name in ("mlflow", "alembic"):
        logger = logging.getLogger(name)
        if logger.getEffectiveLevel() < logging.WARNING:
            logger.setLevel(logging.WARNING)
    # What these print while nobody answers, a traceback a time, is in the exception too.
    for name in ("mlflow.store.db.utils", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _reach(tracking_uri: str) -> None:
    """Ask the server for its health, twice, so that a wrong address is told in seconds."""
    # urllib takes a user and password for part of the server's name.
    address = re.sub(r"://\S*@", "://", tracking_uri).rstrip("/") + "/health"
    reason: object = ""
    cause: Exception | None = None
    for _ in range(2):
        try:
            with urllib.request.urlopen(address, timeout=CONNECT_TIMEOUT_SECONDS):
                return
        except urllib.error.HTTPError:
            return  # Something answers; a proxy may hide /health or want a login.
        except (OSError, ValueError) as error:
            reason, cause = getattr(error, "reason", error), error
    raise EnvironmentProblem(
        "cannot reach the MLflow tracking server",
        expected="an answer from it",
        got=str(reason),
        where=without_password(tracking_uri),
        hint="Start the server, correct the address (tracking.uri in the study file or "
        "MLFLOW_TRACKING_URI), or leave both away to use the store in mlruns/",
    ) from cause


def _reach_database(tracking_uri: str) -> None:
    """Connect once to a database server: mlflow would try for two minutes before it told why not.

    Raises:
        SQLAlchemyError: the server cannot be reached, or refuses.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    limit = {"connect_timeout": int(CONNECT_TIMEOUT_SECONDS)}
    arguments = limit if tracking_uri.startswith(("postgresql", "mysql")) else {}
    create_engine(tracking_uri, poolclass=NullPool, connect_args=arguments).connect().close()


def _is_database_error(error: Exception) -> bool:
    return type(error).__module__.split(".")[0] in {"sqlalchemy", "sqlite3", "alembic"}


def _cannot_open(tracking_uri: str, error: Exception) -> EnvironmentProblem:
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    hint = "Check the address and the permissions of its folder"
    if "upgrade" in str(error):
        hint = "The store is of another MLflow version: run 'mlflow db upgrade' on it"
    elif "not a database" in str(error):
        hint = "Move the file away; it is no SQLite database"
    elif isinstance(error, ModuleNotFoundError):
        hint = f"Install the database's driver: pip install {error.name}"
    return EnvironmentProblem(
        "cannot open the MLflow store",
        got=without_password(text),
        where=without_password(tracking_uri),
        hint=hint,
    )
