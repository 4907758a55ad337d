"""Looking for logged models that are not whole, and versions that point at what is gone."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from hpo.spec.errors import IntegrityError
from hpo.tracking import names
from hpo.tracking.difference import Difference
from hpo.tracking.logged_models import list_models, local_folder, registered_versions
from hpo.tracking.model_folder import KERAS_FILE, check_sha256


def model_differences(
    client: Any, study: str, experiment_id: str, runs: Sequence[Any], since: int | None
) -> list[Difference]:
    """Return the broken models and versions of a study.

    Args:
        client: from ``store.open_client``.
        study: its name.
        experiment_id: its experiment's.
        runs: of the study.
        since: pass over models that were begun later, in milliseconds since 1970.
    """
    run_ids = {run.info.run_id for run in runs}
    versions = registered_versions(client)
    found = []
    for model in list_models(client, experiment_id):
        if model.name != names.MODEL_NAME or is_registered(model, versions):
            continue
        if since is not None and model.creation_timestamp >= since:
            continue
        problem = _model_problem(client, model, run_ids)
        if not problem:
            continue
        label, number = _trial_of(model.tags)
        title = f"{label or 'a run'} #{number}" if number is not None else label or "a run"
        what = f"{title}: its model {model.model_id} {problem}"
        run_id = model.source_run_id or ""
        found.append(
            Difference("model broken", label, number, what, "delete model", run_id, model.model_id)
        )
    for version in versions:
        if version.run_id not in run_ids and version.tags.get(names.STUDY) != study:
            continue
        location = client.get_model_version_download_uri(version.name, version.version)
        problem = _folder_problem(client, location, version.tags.get(names.CHECKPOINT_SHA256))
        if problem:
            label, number = _trial_of(version.tags)
            what = f"{version.name} {version.version} {problem}; promote a study again"
            found.append(
                Difference("version broken", label, number, what, "none", version.run_id or "")
            )
    return found


def is_registered(model: Any, versions: Sequence[Any]) -> bool:
    """Return whether a version points at a logged model.

    A database's versions do not say their model's id, but both forms of a source hold it.
    """
    return any(model.model_id in (version.source or "") for version in versions)


def _trial_of(tags: dict[str, str]) -> tuple[str, int | None]:
    number = tags.get(names.TRIAL, "")
    return tags.get(names.ARCHITECTURE, ""), int(number) if number.isdigit() else None


def _model_problem(client: Any, model: Any, run_ids: set[str]) -> str:
    if str(model.status) != "READY":
        return f"was not logged to its end (it is {model.status})"
    if model.source_run_id not in run_ids:
        return "belongs to a run that is gone"
    sha256 = model.tags.get(names.CHECKPOINT_SHA256)
    return _folder_problem(client, model.artifact_location, sha256)


def _folder_problem(client: Any, location: str, sha256: str | None) -> str:
    """Return what is wrong with a model's files; "" if nothing. Without a checksum, any will do.

    A store that does not answer raises: it must not be taken for one that lost its files.
    """
    wanted = PurePosixPath(KERAS_FILE if sha256 else "MLmodel")
    missing = f"lacks its file {wanted}"
    folder = local_folder(location)
    if folder is not None:
        file = folder / wanted
        return _file_problem(file, sha256) if file.is_file() else missing
    from mlflow.artifacts import download_artifacts, list_artifacts

    root = location.rstrip("/")
    listed = list_artifacts(
        artifact_uri=f"{root}/{wanted.parent}".removesuffix("/."), tracking_uri=client.tracking_uri
    )
    if wanted.name not in {PurePosixPath(info.path).name for info in listed}:
        return missing
    if not sha256:
        return ""
    with tempfile.TemporaryDirectory(prefix="hpo-") as scratch:
        path = download_artifacts(
            artifact_uri=f"{root}/{wanted}", dst_path=scratch, tracking_uri=client.tracking_uri
        )
        return _file_problem(Path(path), sha256)


def _file_problem(file: Path, sha256: str | None) -> str:
    try:
        if sha256:
            check_sha256(file, sha256)
    except IntegrityError:
        return "holds another file than was recorded (its checksum differs)"
    return ""
