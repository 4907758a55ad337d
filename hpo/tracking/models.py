"""Models in MLflow: logging a trial's checkpoint as it is, and keeping the best few.

The ``.keras`` file that training wrote is copied byte for byte, so that its recorded sha256 stays
true from trial to recommender. ``mlflow.keras.log_model`` would load Keras (10 s), save the model
anew under other bytes, and validate the example by a prediction; ``model_folder`` writes the same
folder without.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.spec.confirmation import way_on
from hpo.spec.errors import NotFoundError
from hpo.tracking import names
from hpo.tracking.logged_models import (
    delete_model,
    list_models,
    registered_versions,
    run_models,
)
from hpo.tracking.model_folder import REQUIREMENTS, check_sha256, write_keras_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def log_trial_model(
    client: Any,
    run_id: str,
    checkpoint: Path,
    sha256: str,
    example: NDArray[np.generic],
    classes: Sequence[str],
    requirements: Sequence[str] = REQUIREMENTS,
    backend: str = "tensorflow",
) -> str:
    """Log a trial's checkpoint as an MLflow model and return its URI, ``models:/m-...``.

    A run has one model at most: with the same checksum it is kept, and the checkpoint not asked
    for; one with another checksum is replaced.

    Args:
        client: from ``store.open_client``.
        run_id: of the trial.
        checkpoint: the ``.keras`` file.
        sha256: its checksum as training recorded it.
        example: some faces, shape ``(n, height, width, channels)``, with the values and dtype that
            the model takes; the signature follows from it.
        classes: what the model's outputs stand for, in order.
        requirements: packages to pin at their installed versions.
        backend: Keras's, recorded for the reader.

    Raises:
        NotFoundError: the checkpoint is gone, and MLflow has no copy.
        IntegrityError: the checkpoint is not the one that was trained.
    """
    run = client.get_run(run_id)
    others = []
    for model in run_models(client, run):
        if model.tags.get(names.CHECKPOINT_SHA256) == sha256 and model.status == "READY":
            return f"models:/{model.model_id}"
        others.append(model)
    if not checkpoint.is_file():
        raise NotFoundError(
            "the trial's checkpoint is gone, and MLflow has no copy of it",
            expected=f"a file with sha256 {sha256[:12]}...",
            where=str(checkpoint),
            hint="Put the file back from a copy; no other trial is taken in its place. Or "
            + way_on(run.data.tags.get(names.STUDY, "STUDY")),
        )
    check_sha256(checkpoint, sha256)
    for model in others:
        delete_model(client, model)
    tags = {
        key: run.data.tags[key]
        for key in (names.STUDY, names.ARCHITECTURE, names.TRIAL, names.DATASET_DIGEST)
        if key in run.data.tags
    }
    tags |= {names.CHECKPOINT_SHA256: sha256, names.CLASSES: ", ".join(classes)}
    with tempfile.TemporaryDirectory(prefix="hpo-") as scratch:
        folder = Path(scratch) / names.MODEL_NAME

        def fill(model_id: str) -> None:
            metadata = {"sha256": sha256, "classes": list(classes)}
            write_keras_model(
                folder, checkpoint, example, len(classes), metadata, requirements, backend,
                run_id=run_id, model_id=model_id,
            )  # fmt: skip

        return log_model_folder(client, run, names.MODEL_NAME, folder, tags, fill)


def restore_trial_model(
    client: Any,
    model: Any,
    checkpoint: Path,
    example: NDArray[np.generic],
    backend: str = "tensorflow",
    requirements: Sequence[str] = REQUIREMENTS,
) -> None:
    """Write the files of a trial's model again, where they are gone or were changed.

    It stays the same model, so that what is registered of it has its files again, too.

    Args:
        client: from ``store.open_client``.
        model: MLflow's entry, as ``log_trial_model`` made it.
        checkpoint: the ``.keras`` file that it was logged from.
        example: as for ``log_trial_model``.
        backend: likewise.
        requirements: likewise.

    Raises:
        IntegrityError: the checkpoint is not the one that was trained.
    """
    sha256 = model.tags[names.CHECKPOINT_SHA256]
    classes = model.tags[names.CLASSES].split(", ")
    check_sha256(checkpoint, sha256)
    with tempfile.TemporaryDirectory(prefix="hpo-") as scratch:
        folder = Path(scratch) / names.MODEL_NAME
        metadata = {"sha256": sha256, "classes": classes}
        write_keras_model(
            folder, checkpoint, example, len(classes), metadata, requirements, backend,
            run_id=model.source_run_id, model_id=model.model_id,
        )  # fmt: skip
        client.log_model_artifacts(model.model_id, str(folder))


def log_model_folder(
    client: Any,
    run: Any,
    name: str,
    folder: Path,
    tags: Mapping[str, str],
    fill: Any = None,
    *,
    params: Mapping[str, Any] | None = None,
    repeat_metrics: bool = True,
) -> str:
    """Log a folder that holds an MLmodel file as a model of ``run``; return ``models:/m-...``.

    Args:
        client: from ``store.open_client``.
        run: from ``client.get_run``.
        name: of the model among the run's.
        folder: what to upload.
        tags: of the logged model.
        fill: called with the new model's id before the upload, to write it into the folder.
        params: of the logged model; the run's by default.
        repeat_metrics: whether the run's summary is told of the model too. MLflow keeps metrics of
            a model under a run only, so what is not the run's stands in tags.
    """
    from mlflow.entities import LoggedModelOutput

    model = client.create_logged_model(
        run.info.experiment_id,
        name=name,
        source_run_id=run.info.run_id,
        tags=dict(tags),
        params=dict(run.data.params if params is None else params),
    )
    try:
        if fill is not None:
            fill(model.model_id)
        client.log_model_artifacts(model.model_id, str(folder))
        client.finalize_logged_model(model.model_id, "READY")
    except BaseException:
        # Whatever ended it, Ctrl-C included: a half-uploaded model must not be taken for one.
        client.finalize_logged_model(model.model_id, "FAILED")
        delete_model(client, model)
        raise
    client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=0)])
    if repeat_metrics:
        _repeat_metrics(client, run, model.model_id)
    return f"models:/{model.model_id}"


def _repeat_metrics(client: Any, run: Any, model_id: str) -> None:
    """Tell the run's summary again for its model, which MLflow's list of models then shows."""
    from mlflow.entities import Metric

    shown = (names.METRIC_OBJECTIVE, names.BEST_PREFIX)
    points = [
        Metric(p.key, p.value, p.timestamp, p.step, model_id=model_id, run_id=run.info.run_id)
        for name in run.data.metrics
        if name.startswith(shown)
        for p in client.get_metric_history(run.info.run_id, name)[-1:]
    ]
    client.log_batch(run.info.run_id, metrics=points)


def prune_models(client: Any, study: str, keep_run_ids: Collection[str]) -> list[str]:
    """Delete the checkpoints of runs outside ``keep_run_ids``; return the ids of those runs.

    What a registered version points to stays, whatever its rank; so do models of other names.

    Args:
        client: from ``store.open_client``.
        study: whose experiment to look at; nothing happens if there is none.
        keep_run_ids: runs of the best trials.
    """
    experiment = client.get_experiment_by_name(study)
    if experiment is None:
        return []
    # A database's versions do not say their model's id, but both forms of a source hold it.
    sources = [version.source or "" for version in registered_versions(client)]
    pruned = []
    for model in list_models(client, experiment.experiment_id):
        registered = any(model.model_id in source for source in sources)
        if registered or model.name != names.MODEL_NAME or model.source_run_id in keep_run_ids:
            continue
        delete_model(client, model)
        pruned.append(str(model.source_run_id))
    return pruned
