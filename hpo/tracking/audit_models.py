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

# The file that a recorded checksum is of: in a classifier's folder, or a copy in a recommender's.
_CHECKPOINTS = (KERAS_FILE, "artifacts/classifier.keras")
_DESCRIPTION = "MLmodel"


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
    # A recommender's version names its trial "cnn/0", a classifier's "0" beside its architecture.
    label, _, number = tags.get(names.TRIAL, "").rpartition("/")
    return tags.get(names.ARCHITECTURE, label), int(number) if number.isdigit() else None


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
    wanted = _CHECKPOINTS if sha256 else (_DESCRIPTION,)
    missing = f"lacks its file {wanted[0]}"
    folder = local_folder(location)
    if folder is not None:
        files = [folder / path for path in wanted if (folder / path).is_file()]
        return _file_problem(files[0], sha256) if files else missing
    from mlflow.artifacts import download_artifacts

    addresses = [a for path in wanted if (a := _remote_file(client, location, path))]
    if not addresses or not sha256:
        return "" if addresses else missing
    with tempfile.TemporaryDirectory(prefix="hpo-") as scratch:
        path = download_artifacts(
            artifact_uri=addresses[0], dst_path=scratch, tracking_uri=client.tracking_uri
        )
        return _file_problem(Path(path), sha256)


def _remote_file(client: Any, location: str, path: str) -> str | None:
    """Return the address of a file that is not on this machine; None if it is not there."""
    from mlflow.artifacts import list_artifacts

    address = f"{location.rstrip('/')}/{path}"
    listed = list_artifacts(
        artifact_uri=address.rpartition("/")[0], tracking_uri=client.tracking_uri
    )
    there = {PurePosixPath(info.path).name for info in listed}
    return address if PurePosixPath(path).name in there else None


def _file_problem(file: Path, sha256: str | None) -> str:
    try:
        if sha256:
            check_sha256(file, sha256)
    except IntegrityError:
        return "holds another file than was recorded (its checksum differs)"
    return ""
