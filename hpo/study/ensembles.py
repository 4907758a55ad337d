"""The best trials of a study as one model: who its members are, and how it fares."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.spec.errors import NotFoundError
from hpo.spec.records import TrialRecord
from hpo.spec.seeds import derive_seed
from hpo.spec.study import StudySpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from hpo.data.store import FaceDataset
    from hpo.tracking.ensembles import LoggedEnsemble

_EXAMPLE_FACES = 2


@dataclass(frozen=True)
class Members:
    """Whom an ensemble is made of.

    Args:
        records: the trials, the best first.
        files: their checkpoints, checked.
        missing: better trials whose checkpoints were not kept, such as ``cnn #4``.
    """

    records: list[TrialRecord]
    files: list[Path]
    missing: list[str]

    @property
    def names(self) -> list[str]:
        """Return the members as tags hold them, such as ``cnn/7``."""
        return [f"{record.architecture}/{record.number}" for record in self.records]


def choose_members(
    client: Any, ranked: Sequence[TrialRecord], spec: StudySpec, count: int
) -> Members:
    """Return the ``count`` best trials over all architectures whose checkpoints are there.

    Args:
        client: of MLflow, which may hold what this disk does not.
        ranked: those that may be members, from ``rank_members``.
        spec: its study file.
        count: of members at the most, at least 2.

    Raises:
        NotFoundError: there are fewer than two such trials.
        IntegrityError: a checkpoint is not the one that was trained.
    """
    chosen: list[TrialRecord] = []
    files: list[Path] = []
    missing: list[str] = []
    for record in ranked:
        if len(chosen) == count:
            break
        file = checkpoint_of(client, record)
        if file is None:
            missing.append(record.title)
            continue
        chosen.append(record)
        files.append(file)
    if len(chosen) < 2:
        raise _too_few(spec.name, len(chosen), len(ranked), count)
    return Members(chosen, files, missing)


def _too_few(study: str, kept: int, complete: int, count: int) -> NotFoundError:
    """Return the error for a study with fewer than two checkpoints.

    Args:
        study: its name.
        kept: how many there are.
        complete: how many trials could be members.
        count: how many were asked for.
    """
    most = min(count, complete)
    hint = "Give it more trials: `hpo run STUDY.yaml --resume --trials N`"
    if most >= 2:
        only = f"It has only {complete} to choose from. " if complete < count else ""
        hint = (
            f"{only}A study keeps them with ensemble: {most} in its file, or with "
            f"tracking.keep_models: {most}; it must stand there before the search: it holds "
            "for trials that are still to come"
        )
    return NotFoundError(
        "an ensemble needs two trials at least whose checkpoints are there",
        where=f"study {study}",
        expected=f"the checkpoints of the {max(most, 2)} best",
        got=f"{kept} of {complete} complete trial{'' if complete == 1 else 's'}",
        hint=hint,
    )


def find_or_build(
    client: Any,
    members: Members,
    spec: StudySpec,
    faces: Callable[[], FaceDataset],
) -> LoggedEnsemble:
    """Return the ensemble as MLflow has it, built, judged and logged if it does not.

    Args:
        client: of MLflow.
        members: from ``choose_members``.
        spec: of the study.
        faces: gives the faces that the study was run on; called only if it is to be built.

    Raises:
        NotFoundError: the best member has no run in MLflow, or the faces are gone.
        DataError: the faces are others, or the members do not fit together.
        EnvironmentProblem: Keras cannot be loaded, or the disk is full.
    """
    from hpo.execution.children import ChildServer
    from hpo.tracking.ensembles import find_ensemble, log_ensemble

    best = members.records[0]
    if not best.mlflow_run_id:
        raise NotFoundError(
            f"trial {best.study}/{best.architecture}/{best.number} has no MLflow run",
            hint="Was the tracking server away? Go on with the study by --resume",
        )
    found = find_ensemble(client, best.mlflow_run_id, members.names)
    if found is not None:
        return found
    dataset = faces()
    with tempfile.TemporaryDirectory(prefix="hpo-") as scratch:
        # In a child, which is forked in no time where a study has just trained, and leaves this
        # process without Keras.
        built = ChildServer().call(
            "hpo.training.ensemble:build",
            members=[str(file) for file in members.files],
            output=scratch,
            dataset=str(dataset.folder),
            dataset_digest=dataset.digest,
            validation_limit=spec.data.validation_limit,
            data_seed=derive_seed(spec.seed, "data"),
            drop=spec.data.leakage == "drop",
            scale=any(_is_scaled(record) for record in members.records),
        )
        environment = best.result.environment if best.result else {}
        return log_ensemble(
            client,
            best.mlflow_run_id,
            members.names,
            built,
            dataset.split("validation").images[:_EXAMPLE_FACES, ..., None],
            dataset.classes,
            environment.get("backend", "tensorflow"),
        )


def _is_scaled(record: TrialRecord) -> bool:
    return record.result is not None and "temperature" in record.result.metrics


def doubts(members: Members, joined: TrialRecord, spec: StudySpec, count: int) -> list[str]:
    """Return what speaks against an ensemble, a sentence each.

    Args:
        members: whom it is made of.
        joined: its own value, as a trial.
        spec: of the study.
        count: of members that were asked for.
    """
    said = []
    if members.missing:
        several = len(members.missing) > 1
        said.append(
            f"Warning: {', '.join(members.missing)} {'are' if several else 'is'} among the best, "
            f"but without {'their checkpoints' if several else 'its checkpoint'}; others took the "
            "place. A study keeps what it needs with ensemble in its file."
        )
    if len(members.records) < count:
        said.append(
            f"Warning: {count} members were asked for, {len(members.records)} had checkpoints."
        )
    single = members.records[0].value
    if single is not None and joined.value is not None:
        better = joined.value > single
        if spec.objective.direction == "minimize":
            better = joined.value < single
        if not better:
            said.append(
                f"Warning: the mean reached {spec.objective.metric} {joined.value:.4f}, its best "
                f"member alone {single:.4f}; `hpo promote {spec.name} --ensemble 1` serves that."
            )
    return said


def checkpoint_of(client: Any, record: TrialRecord) -> Path | None:
    """Return a trial's checkpoint, from this disk or from MLflow, checked; None if it is gone."""
    from hpo.registry.models import logged_classifier
    from hpo.study.models import find_model
    from hpo.tracking.model_folder import check_sha256

    assert record.result is not None  # is_eligible has seen to it.
    sha256 = record.result.checkpoint_sha256 or ""
    path = Path(record.result.checkpoint or "")
    if path.is_file():
        check_sha256(path, sha256)
        return path
    with contextlib.suppress(NotFoundError):
        found = find_model(client, record)
        if found is not None:
            return logged_classifier(client, found[0], sha256)
    return None
