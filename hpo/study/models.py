"""The best models of a study in MLflow, and no more of them than the study keeps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.registry.promotion import rank_key
from hpo.spec.errors import HpoError
from hpo.spec.records import TrialRecord
from hpo.spec.study import StudySpec
from hpo.tracking.failures import Failure, in_a_sentence, judge

if TYPE_CHECKING:
    from hpo.data.store import FaceDataset

_EXAMPLE_FACES = 2
_LATER = " `hpo doctor {study} --fix` logs it"


def best_records(records: Sequence[TrialRecord], spec: StudySpec) -> list[TrialRecord]:
    """Return the trials whose models a study keeps: of each architecture the best few.

    A repeat has another trial's value and no model of its own, so it takes none of the places.
    """
    best = []
    # Not those of the study file alone: it may have left out one whose trials are there.
    for label in dict.fromkeys(record.architecture for record in records):
        complete = [
            r
            for r in records
            if r.architecture == label
            and r.state == "complete"
            and r.value is not None
            and r.repeats is None
        ]
        complete.sort(key=lambda r: rank_key(r, spec.objective.direction))
        best += complete[: spec.models_kept]
    return best


def missing_models(
    client: Any, records: Sequence[TrialRecord], spec: StudySpec
) -> list[TrialRecord]:
    """Return the best trials whose checkpoints are on this disk and whose models MLflow lacks."""
    return [
        record
        for record in best_records(records, spec)
        if record.mlflow_run_id
        and record.result is not None
        and record.result.checkpoint
        and Path(record.result.checkpoint).is_file()
        and find_model(client, record) is None
    ]


def log_models(client: Any, records: Sequence[TrialRecord], dataset: FaceDataset) -> list[str]:
    """Log the checkpoints of these trials; return what could not be logged, one line each.

    Training is over by now and the checkpoints are on disk: a model that cannot be logged is no
    reason to lose the study, and ``hpo promote`` tries again.

    Args:
        client: of MLflow, from ``tracking.store.open_client``.
        records: complete trials whose checkpoints were kept.
        dataset: gives the input example.
    """
    problems = []
    for record in records:
        try:
            log_model(client, record, dataset)
        except Exception as error:
            # Broad: MLflow, its server, the network and the disk each have errors of their own.
            # One that is away takes none of the others either.
            if not isinstance(error, HpoError) and judge(error) is Failure.AWAY:
                raise
            again = "" if isinstance(error, HpoError) else _LATER.format(study=record.study)
            problems.append(f"{record.title} has no model in MLflow: {in_a_sentence(error)}{again}")
    return problems


def log_model(client: Any, record: TrialRecord, dataset: FaceDataset) -> str:
    """Log one trial's checkpoint and return the model's URI; logged already, it is returned.

    Raises:
        NotFoundError: the checkpoint is gone, or the trial has no MLflow run.
        IntegrityError: the checkpoint is not the one that was trained.
    """
    from hpo.spec.errors import NotFoundError
    from hpo.tracking.models import log_trial_model

    result = record.result
    title = f"{record.study}/{record.architecture}/{record.number}"
    if result is None or not result.checkpoint or not result.checkpoint_sha256:
        raise NotFoundError(f"trial {title} has no checkpoint")
    if not record.mlflow_run_id:
        raise NotFoundError(
            f"trial {title} has no MLflow run",
            hint="Was the tracking server away? Go on with the study by --resume",
        )
    faces = dataset.split("validation").images[:_EXAMPLE_FACES, ..., None]
    return log_trial_model(
        client,
        record.mlflow_run_id,
        Path(result.checkpoint),
        result.checkpoint_sha256,
        faces,
        dataset.classes,
        backend=result.environment.get("backend", "tensorflow"),
    )


def restore_model(client: Any, record: TrialRecord, dataset: FaceDataset) -> None:
    """Write the files of a trial's model in MLflow again, from its checkpoint on this disk.

    Args:
        client: of MLflow.
        record: of a trial whose model ``find_model`` finds.
        dataset: that it was trained on.

    Raises:
        IntegrityError: the checkpoint is not the one that was trained.
    """
    from hpo.tracking.models import restore_trial_model

    found = find_model(client, record)
    assert found is not None
    assert record.result is not None
    restore_trial_model(
        client,
        client.get_logged_model(found[0].removeprefix("models:/")),
        Path(record.result.checkpoint or ""),
        dataset.split("validation").images[:_EXAMPLE_FACES, ..., None],
        record.result.environment.get("backend", "tensorflow"),
    )


def find_model(client: Any, record: TrialRecord) -> tuple[str, tuple[str, ...]] | None:
    """Return the URI and the classes of a trial's model in MLflow; None if it is not there."""
    from hpo.tracking import names
    from hpo.tracking.logged_models import run_models

    if not record.mlflow_run_id or record.result is None:
        return None
    for model in run_models(client, client.get_run(record.mlflow_run_id)):
        same = model.tags.get(names.CHECKPOINT_SHA256) == record.result.checkpoint_sha256
        if same and model.status == "READY" and names.CLASSES in model.tags:
            return f"models:/{model.model_id}", tuple(model.tags[names.CLASSES].split(", "))
    return None


def logged_copy(client: Any, record: TrialRecord) -> Path | None:
    """Return MLflow's copy of a trial's checkpoint, checked; None if it has no whole one."""
    from mlflow.exceptions import MlflowException

    from hpo.registry.models import logged_classifier
    from hpo.spec.errors import IntegrityError, NotFoundError

    sha256 = (record.result.checkpoint_sha256 if record.result else None) or ""
    try:
        found = find_model(client, record)
        return None if found is None else logged_classifier(client, found[0], sha256)
    except (NotFoundError, IntegrityError):
        return None
    except MlflowException as error:
        # A run that is gone has no model. A store that does not answer may have one.
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
