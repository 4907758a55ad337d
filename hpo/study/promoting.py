"""``promote``: a study's winner becomes the champion, and the recommender that answers with it."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hpo
from hpo.spec.confirmation import refuse_confirmation
from hpo.spec.errors import InputError
from hpo.spec.records import TrialRecord
from hpo.spec.sections import MOST_MEMBERS
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.answering import find_answering, register_answering
from hpo.study.champions import champion_now, replaced_by
from hpo.study.confirmed import standing_of, winner_of
from hpo.study.ensembles import Members, choose_members, doubts
from hpo.study.gate import Decision, decision_of
from hpo.study.gated import Candidate, judge
from hpo.study.members import rank_members
from hpo.study.naming import resolve_study
from hpo.study.promoted import Promotion
from hpo.study.reconciling import alone_with_registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from hpo.data.store import FaceDataset
    from hpo.registry.models import Origin


def promote(
    study: str | Path,
    *,
    workspace: Workspace | None = None,
    storage_url: str | None = None,
    tracking_uri: str | None = None,
    songs: str | None = None,
    moods: str | os.PathLike[str] | None = None,
    ensemble: int | None = None,
    force: bool = False,
) -> Promotion:
    """Register a study's winner, and make it the champion if it passes the gate; twice is once.

    The winner is what a confirmation says (``hpo.study.confirmed.winner_of``), or without one the
    complete trial with the best objective on validation, over all architectures; or, as an
    ensemble, the mean of the best few (``hpo.study.members.rank_members``), judged by predicting
    the validation faces.
    It and the champion are asked about the study's validation faces, and the study file's ``gate``
    decides. What the gate said is in the promotion and in tags of the version. One that does not
    pass is registered with the alias ``challenger``.

    Args:
        study: its name or its study file.
        workspace: where it is; the current directory by default.
        storage_url: of Optuna's storage, where it is not the workspace's.
        tracking_uri: of MLflow, where it is not the workspace's.
        songs: a song catalogue; the imported one by default, else the embedded one.
        moods: a YAML table from emotion to mood, in place of the shipped one.
        ensemble: how many of the best trials answer together; what the study file says by default,
            1 for the winner alone.
        force: make it the champion whatever the gate says, which is recorded.

    Raises:
        InputError: ``ensemble`` is not from 1 to ``MOST_MEMBERS``, or above 1 in a study of
            several objectives or with constraints.
        NotFoundError: there is no such study, catalogue or table, nothing to promote, its
            checkpoint is gone, or an ensemble would have fewer than two members.
        DataError: songs and moods do not go together, or the faces at hand are not those that the
            study was run on.
        SpecError: the winner's answers are no probabilities.
        IntegrityError: the checkpoint is not the one that was trained, or the champion is not what
            was registered.
        EnvironmentProblem: a store cannot be opened.
    """
    from hpo.registry import models as registry
    from hpo.registry.promotion import is_eligible
    from hpo.registry.succession import crown
    from hpo.registry.versions import point_alias
    from hpo.search.studies import read_dataset_digest, read_spec, read_trials
    from hpo.tracking.store import open_client

    if ensemble is not None and not 1 <= ensemble <= MOST_MEMBERS:
        raise InputError(
            f"an ensemble has a member at least and {MOST_MEMBERS} at most",
            expected=f"1 to {MOST_MEMBERS}, as in a study file",
            got=str(ensemble),
        )
    study, workspace = resolve_study(study, workspace)
    refuse_confirmation(study, "hpo promote {study}")
    url = workspace.storage_url(storage_url)
    spec = read_spec(url, study)
    records = read_trials(url, study)
    winner, said = winner_of(study, records, spec.objective.direction, url)
    count = spec.ensemble if ensemble is None else ensemble
    if count > 1 and (spec.objectives is not None or spec.constraints.bounds):
        raise InputError(
            "an ensemble is as slow and as large as its members together, which the study's "
            "objectives and constraints do not judge",
            expected="--ensemble 1",
            got=str(count),
            hint="Promote the winner alone",
        )
    # Before anything is registered: what was given may be wrong.
    answering = find_answering(workspace, songs, moods)
    client = open_client(workspace.tracking_uri(tracking_uri), workspace.runs / "artifacts")
    digest = read_dataset_digest(url, study)
    single = None
    if count > 1:
        ranking = rank_members(records, spec, url)
        members = choose_members(client, ranking.records, spec, count)
        over_seeds = standing_of(members.records, study, url)
        winner, origin, model_uri = _ensemble(client, members, workspace, spec, digest)
        single = members.records[0].value
        said = [*ranking.said, *doubts(members, winner, spec, count)]
        reruns = ranking.reruns
    else:
        # A re-run was chosen on these faces twice: its configuration, and then the run.
        own = read_trials(url, winner.study) if winner.study != study else []
        reruns = sum(map(is_eligible, own))
        over_seeds = standing_of([winner], study, url)
        origin, model_uri = _classifier(client, winner, workspace, url, spec, digest)
    origin = dataclasses.replace(origin, over_seeds=over_seeds)
    metric = spec.objective.metric
    with alone_with_registry(url):
        while True:
            before = champion_now(client)
            version, decision = _decided(
                client,
                spec,
                origin,
                model_uri,
                before,
                lambda: _same_faces(workspace, spec.data.dataset, digest, _COMPARED),
                runs=sum(map(is_eligible, records)) + reruns,
                reruns=reruns,
                force=force,
            )
            unchanged = before is not None and str(before.version) == version
            refused = not unchanged and decision is not None and decision.verdict == "refused"
            forced = not unchanged and decision is not None and decision.verdict == "forced"
            recommender = ""
            if not refused:
                recommender = register_answering(client, version, winner.mlflow_run_id, answering)
            if _is_champion(client, before):
                break
            # Another promotion came between, so this one was compared with who is champion no more.
        if refused:
            point_alias(client, registry.CLASSIFIER, registry.CHALLENGER, version)
        else:
            crown(client, version, recommender, "forced" if forced else "promoted")
    if forced and decision is not None:
        failed = ", ".join(decision.failed) or "nothing was compared"
        said.append(f"Warning: promoted past the gate ({failed}).")
    return Promotion(
        outcome="unchanged" if unchanged else "refused" if refused else "promoted",
        study=study,
        architecture=winner.architecture,
        trial=winner.number,
        objective=metric,
        value=winner.value or 0.0,
        classifier_version=version,
        recommender_version=recommender,
        catalogue=answering.catalogue,
        members=origin.members,
        over_seeds=over_seeds,
        single=single,
        faces=sum(map(sum, winner.result.confusion)) if winner.result else 0,
        replaced=None if unchanged or before is None else replaced_by(before, metric),
        gate=decision,
        warnings=tuple(said),
    )


def _decided(
    client: Any,
    spec: StudySpec,
    origin: Origin,
    model_uri: str,
    champion: Any | None,
    faces: Callable[[], FaceDataset],
    *,
    runs: int,
    reruns: int,
    force: bool,
) -> tuple[str, Decision | None]:
    """Return a model's version, registered without an alias, and what the gate says of it.

    Of a model that is the champion it is what the gate said then, None if there was none. A
    champion whose files are gone or damaged is registered anew, with that decision.
    """
    from hpo.registry import models as registry
    from hpo.registry.succession import history, stepped_over

    if champion is not None and champion.tags.get(registry.TAG_SHA256) == origin.sha256:
        decision = decision_of(champion.tags)
        if _is_whole(client, champion):
            return str(champion.version), decision
        tags = {} if decision is None else decision.tags()
        return registry.register_classifier(client, model_uri, origin, None, tags), decision
    there = registry.find_classifier(client, model_uri, origin)
    version = "" if there is None else str(there.version)
    decision = judge(
        client,
        spec,
        Candidate(
            registry.logged_classifier(client, model_uri, origin.sha256),
            f"{origin.study}/{origin.architecture}/{origin.trial}",
            origin.dataset_digest,
            runs,
            reruns,
            there,
        ),
        champion,
        faces,
        stepped_over=stepped_over(history(client)).get(version, ""),
        force=force,
    )
    # A version that is there may be from before, or of fewer seeds.
    tags = {**decision.tags(), **origin.seeds_tag()}
    return registry.register_classifier(client, model_uri, origin, None, tags), decision


def _is_champion(client: Any, entry: Any | None) -> bool:
    """Tell whether a version, or none, is champion still."""
    now = champion_now(client)
    return (now and now.version) == (entry and entry.version)


def _is_whole(client: Any, champion: Any) -> bool:
    from hpo.registry import models as registry
    from hpo.spec.errors import IntegrityError, NotFoundError

    try:
        registry.load_champion(client, str(champion.version))
    except (NotFoundError, IntegrityError):
        return False
    return True


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
        client, members, spec, lambda: _same_faces(workspace, spec.data.dataset, recorded, _LOGGED)
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
    from hpo.study.models import find_model, log_model
    from hpo.study.reconciling import alone_with_mlflow

    found = find_model(client, winner)
    if found is not None:
        model_uri, classes = found
    else:
        # The model's example and classes come from the faces.
        dataset = _same_faces(workspace, spec.data.dataset, recorded, _LOGGED)
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
            card_facts(winner, dataset=spec.data.dataset, digest=recorded, classes=classes)
        ),
    )
    return origin, model_uri


_LOGGED = (
    "its winner's model, which MLflow does not have yet, is logged with an example of the faces "
    "that it was trained on"
)
_COMPARED = "its winner is compared with the champion on the faces that it was run on"


def _same_faces(workspace: Workspace, name: str, recorded: str, why: str) -> FaceDataset:
    from hpo.data import library, store
    from hpo.data.recorded import as_recorded
    from hpo.spec.errors import DataError

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
