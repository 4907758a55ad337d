"""Versions of registered models as MLflow keeps them: found, made, pointed at, and fetched."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from hpo.spec.addresses import without_password
from hpo.spec.errors import EnvironmentProblem, NotFoundError


def find_version(client: Any, name: str, which: str) -> Any:
    """Return MLflow's entry of a version.

    Args:
        client: an ``mlflow.MlflowClient``.
        name: of the registered model.
        which: an alias or a version number.

    Raises:
        NotFoundError: there is no such version.
        EnvironmentProblem: the registry does not answer.
    """
    from mlflow.exceptions import MlflowException

    try:
        if which.isdigit():
            return client.get_model_version(name, which)
        return client.get_model_version_by_alias(name, which)
    except MlflowException as error:
        # MLflow calls an alias that nobody has set an invalid parameter.
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise _no_answer(client, error) from error
        known = [str(v.version) for v in versions_of(client, name)]
        raise NotFoundError(
            f"there is no version {which} of {name}"
            if which.isdigit()
            else f"no version of {name} is the {which}",
            got=f"version{'s' if len(known) > 1 else ''} {', '.join(known)}"
            if known
            else "no version at all",
            hint="Promote a study (`hpo promote STUDY`); `hpo quickstart` makes one in minutes",
        ) from error


def versions_of(client: Any, name: str) -> list[Any]:
    """Return every version of a registered model."""
    return list(client.search_model_versions(f"name = '{name}'"))


def create_version(
    client: Any,
    name: str,
    about: str,
    model_uri: str,
    run_id: str | None,
    tags: Mapping[str, str],
    description: str,
) -> str:
    """Make a version that points at a logged model, and its registered model if need be.

    Args:
        client: an ``mlflow.MlflowClient``.
        name: of the registered model.
        about: description of the registered model, should it be new.
        model_uri: ``models:/m-...`` or the address of a model folder.
        run_id: of the run that it comes from.
        tags: of the version.
        description: of the version; MLflow's list of versions shows it beside cut-off tags.

    Returns:
        Its number.
    """
    from mlflow.exceptions import MlflowException

    with contextlib.suppress(MlflowException):  # It is there already, or another worker made it.
        client.create_registered_model(name, description=about)
    source, model_id = model_uri, None
    if model_uri.startswith("models:/m-"):
        model_id = model_uri.removeprefix("models:/")
        if urlsplit(client.tracking_uri).scheme not in ("http", "https"):
            # A database store would look the model up under the process's global tracking URI,
            # which is another store or none.
            source = client.get_logged_model(model_id).artifact_location
    version = client.create_model_version(
        name,
        source=source,
        run_id=run_id,
        tags=dict(tags),
        model_id=model_id,
        description=description,
    )
    return str(version.version)


def point_alias(client: Any, name: str, alias: str, number: str) -> None:
    """Move an alias of a registered model to a version, unless it is there already."""
    model = client.get_registered_model(name)
    if str(model.aliases.get(alias, "")) != number:
        client.set_registered_model_alias(name, alias, number)


def fetch_folder(client: Any, version: Any, cache: Path | None) -> Path:
    """Return the folder of a version's files: where it is on this machine, or a download.

    Args:
        client: an ``mlflow.MlflowClient``.
        version: MLflow's entry.
        cache: folder for downloads; by default a temporary one.

    Raises:
        NotFoundError: the files are gone.
    """
    location = client.get_model_version_download_uri(version.name, version.version)
    if cache is not None and _local(location) is None:
        cache = cache / version.name / str(version.version)
        cache.mkdir(parents=True, exist_ok=True)
    return fetch(client, location, f"{version.name} {version.version}", cache)


def fetch(client: Any, location: str, what: str, cache: Path | None = None) -> Path:
    """Return the folder at an address of MLflow's: where it is on this machine, or a download.

    Args:
        client: an ``mlflow.MlflowClient``.
        location: the address.
        what: to name in an error.
        cache: folder for the download; by default a temporary one.

    Raises:
        NotFoundError: the files are gone.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    folder, got = _local(location), None
    if folder is None:
        try:
            folder = Path(
                download_artifacts(
                    artifact_uri=location,
                    dst_path=str(cache or _temporary()),
                    tracking_uri=client.tracking_uri,
                )
            )
        except (MlflowException, OSError) as error:
            got = _first_line(error)
    if folder is None or not folder.is_dir():
        raise NotFoundError(
            f"the files of {what} "
            + ("are gone" if got is None else "are gone or out of reach at the moment"),
            got=got,
            where=without_password(str(location)),
            hint="Try again in a minute, or promote a study again (`hpo promote STUDY`)"
            if got
            else "Promote a study again (hpo promote STUDY)",
        )
    return folder


def lacks_files(client: Any, version: Any) -> bool:
    """Tell whether a version's model is gone from this machine; what lies elsewhere is trusted."""
    folder = _local(client.get_model_version_download_uri(version.name, version.version))
    return folder is not None and not (folder / "MLmodel").is_file()


def _temporary() -> str:
    """Return a new folder that lasts as long as this process."""
    folder = tempfile.mkdtemp(prefix="hpo-model-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _no_answer(client: Any, error: Exception) -> EnvironmentProblem:
    return EnvironmentProblem(
        "the model registry does not answer",
        got=_first_line(error),
        where=without_password(str(client.tracking_uri)),
        hint="Try again in a minute; `hpo doctor` says whether the store can be opened",
    )


def _first_line(error: Exception) -> str:
    return without_password((str(error).strip().splitlines() or [type(error).__name__])[0])


def _local(location: str) -> Path | None:
    parts = urlsplit(location)
    if parts.scheme == "":
        return Path(location)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    return None
