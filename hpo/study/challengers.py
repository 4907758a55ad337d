"""Whom a study sends to the gate: its winner, or the mean of its best few, as a model in MLflow."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hpo
from hpo.spec.records import TrialRecord
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.confirmed import standing_of, winner_of
from hpo.study.ensembles import Members, choose_members, doubts
from hpo.study.members import rank_members

if TYPE_CHECKING:
    from hpo.data.store import FaceDataset
    from hpo.registry.models import Origin


@dataclass(frozen=True)
class Challenger:
    """A model that may become the champion.

    Args:
        record: the trial; of an ensemble its best member's, with the ensemble's figures.
        origin: where it comes from.
        model_uri: of the logged model.
        runs: of how many trials it is the best, re-runs included.
        reruns: how many of them are a confirmation's.
        single: of an ensemble the value of its best member alone.
        said: what the person should know.
    """

    record: TrialRecord
    origin: Origin
    model_uri: str
    runs: int
    reruns: int
    single: float | None = None
    said: tuple[str, ...] = ()


def find_challenger(
    client: Any, study: str, spec: StudySpec, count: int, workspace: Workspace, url: str
) -> Challenger:
    """Return whom a study sends, its model logged if need be.

    Args:
        client: of MLflow.
        study: its name.
        spec: of the study.
        count: how many of the best answer together; 1 for the winner alone.
        workspace: where the faces are.
        url: of Optuna's storage.

    Raises:
        NotFoundError, DataError, SpecError, IntegrityError: as ``promote``.
    """
    from hpo.registry.promotion import is_eligible
    from hpo.search.studies import read_dataset_digest, read_trials

    records = read_trials(url, study)
    winner, told = winner_of(study, records, spec.objective.direction, url)
    digest = read_dataset_digest(url, study)
    single = None
    if count > 1:
        ranking = rank_members(records, spec, url)
        members = choose_members(client, ranking.records, spec, count)
        over_seeds = standing_of(members.records, study, url)
        winner, origin, model_uri = _ensemble(client, members, workspace, spec, digest)
        single = members.records[0].value
        told = [*ranking.said, *doubts(members, winner, spec, count)]
        reruns = ranking.reruns
    else:
        # A re-run was chosen on these faces twice: its configuration, and then the run.
        own = read_trials(url, winner.study) if winner.study != study else []
        reruns = sum(map(is_eligible, own))
        over_seeds = standing_of([winner], study, url)
        origin, model_uri = _classifier(client, winner, workspace, url, spec, digest)
    origin = dataclasses.replace(origin, over_seeds=over_seeds)
    runs = sum(map(is_eligible, records)) + reruns
    return Challenger(winner, origin, model_uri, runs, reruns, single, tuple(told))


def _ensemble(
    client: Any, members: Members, workspace: Workspace, spec: StudySpec, recorded: str
) -> tuple[TrialRecord, Origin, str]:
    """Return an ensemble as if it were its best member's trial, its origin and its model in MLflow.

    Args:
        client: of MLflow.
        members: of the ensemble.
        workspace: where the faces are.
        spec: of the study.
        recorded: the digest of the faces; "" if the study did not record it.
    """
    from hpo.evidence.model_cards import card_facts, described_ensemble
    from hpo.registry.models import Origin
    from hpo.study.ensembles import find_or_build

    best = members.records[0]
    assert best.result is not None  # choose_members has seen to it.
    logged = find_or_build(
        client, members, spec, lambda: same_faces(workspace, spec, recorded, _LOGGED)
    )
    result = dataclasses.replace(
        best.result,
        value=logged.metrics[spec.objective.metric],
        metrics=logged.metrics,
        confusion=logged.confusion,
        confusion_without_copies=logged.confusion_without_copies,
        validation_size=sum(map(sum, logged.confusion)),
        validation_size_without_copies=logged.validation_size_without_copies,
        # What the best member alone answered is nothing of the ensemble's.
        predictions=[],
        correct="",
        unseen="",
        checkpoint_sha256=logged.sha256,
    )
    joined = dataclasses.replace(best, value=result.value, result=result)
    told = card_facts(joined, dataset=spec.data.dataset, digest=recorded, classes=logged.classes)
    origin = Origin(
        study=best.study,
        architecture=best.architecture,
        trial=best.number,
        run_id=best.mlflow_run_id,
        sha256=logged.sha256,
        classes=logged.classes,
        dataset_digest=recorded,
        metrics=logged.metrics,
        version=hpo.__version__,
        members=logged.members,
        card=described_ensemble(told),
    )
    return joined, origin, logged.uri


def _classifier(
    client: Any,
    winner: TrialRecord,
    workspace: Workspace,
    url: str,
    spec: StudySpec,
    recorded: str,
) -> tuple[Origin, str]:
    """Return where the winner comes from and its model in MLflow, logged if need be.

    Args:
        client: of MLflow.
        winner: the trial.
        workspace: where the faces are.
        url: of Optuna's storage.
        spec: of the study that is promoted.
        recorded: the digest of its faces; "" if the study did not record it.
    """
    from hpo.evidence.model_cards import card_facts, described
    from hpo.registry.models import Origin
    from hpo.study.models import find_model, log_model, logged_copy, restore_model
    from hpo.study.reconciling import alone_with_mlflow

    found = find_model(client, winner)
    if found is not None:
        model_uri, classes = found
        at_hand = bool(winner.result and Path(winner.result.checkpoint or "").is_file())
        if at_hand and logged_copy(client, winner) is None:
            # It is registered from there, and answers from there.
            restore_model(client, winner, same_faces(workspace, spec, recorded, _LOGGED))
    else:
        # The model's example and classes come from the faces.
        dataset = same_faces(workspace, spec, recorded, _LOGGED)
        # The winner may be a confirmation's, whose runs are another study's.
        with alone_with_mlflow(url, spec.model_copy(update={"name": winner.study})):
            model_uri, classes = log_model(client, winner, dataset), dataset.classes
        recorded = recorded or dataset.digest
    assert winner.result is not None  # choose_winner has seen to it.
    origin = Origin(
        study=winner.study,
        architecture=winner.architecture,
        trial=winner.number,
        run_id=winner.mlflow_run_id,
        sha256=winner.result.checkpoint_sha256 or "",
        classes=classes,
        dataset_digest=recorded,
        metrics=winner.result.metrics,
        version=hpo.__version__,
        card=described(
            card_facts(
                winner,
                dataset=spec.data.dataset,
                digest=recorded,
                classes=classes,
                leakage=spec.data.leakage,
            )
        ),
    )
    return origin, model_uri


_LOGGED = (
    "its winner's model, which MLflow does not have yet, is logged with an example of the faces "
    "that it was trained on"
)


def same_faces(workspace: Workspace, spec: StudySpec, recorded: str, why: str) -> FaceDataset:
    """Return the faces that a study was run on.

    Args:
        workspace: where they are.
        spec: of the study.
        recorded: their digest; "" if the study did not record it.
        why: they are needed, the end of a sentence.

    Raises:
        DataError: other faces have their name now.
    """
    from hpo.data import library, store
    from hpo.data.recorded import as_recorded
    from hpo.spec.errors import DataError

    name = spec.data.dataset
    dataset = store.open_faces(library.find_faces(workspace, name))
    known = as_recorded(dataset, recorded)
    if known is None:
        raise DataError(
            f"dataset '{name}' has changed since the study was run, and {why}",
            where=str(dataset.folder),
            expected=f"digest {recorded.removeprefix('sha256:')[:12]}",
            got=f"digest {dataset.digest.removeprefix('sha256:')[:12]}",
            hint="Import the faces that the study was run on again, then promote",
        )
    return known
