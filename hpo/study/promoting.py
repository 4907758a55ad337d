"""``promote``: a study's winner becomes the champion, and the recommender that answers with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.spec.confirmation import refuse_confirmation
from hpo.spec.errors import InputError
from hpo.spec.sections import MOST_MEMBERS
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.answering import find_answering, register_answering
from hpo.study.challengers import Challenger, find_challenger, same_faces
from hpo.study.champions import champion_now, replaced_by
from hpo.study.decision import Decision, decision_of
from hpo.study.gated import Candidate, judge
from hpo.study.naming import resolve_study
from hpo.study.progress import still_going
from hpo.study.promoted import Promotion, answered_before
from hpo.study.reconciling import alone_with_registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from hpo.data.store import FaceDataset


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
    from hpo.registry.succession import crown
    from hpo.registry.versions import point_alias
    from hpo.search.studies import read_spec
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
    challenger = find_challenger(client, study, spec, count, workspace, url)
    said = [*still_going(url, spec), *challenger.said]
    winner, origin = challenger.record, challenger.origin
    metric = spec.objective.metric
    with alone_with_registry(url):
        while True:
            before = champion_now(client)
            version, decision = _decided(
                client,
                spec,
                challenger,
                before,
                lambda: same_faces(workspace, spec, origin.dataset_digest, _COMPARED),
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
    if before is None and not refused:
        said += filter(None, [answered_before()])
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
        over_seeds=dict(origin.over_seeds),
        single=challenger.single,
        faces=sum(map(sum, winner.result.confusion)) if winner.result else 0,
        replaced=None if unchanged or before is None else replaced_by(before, metric),
        gate=decision,
        warnings=tuple(said),
    )


def _decided(
    client: Any,
    spec: StudySpec,
    challenger: Challenger,
    champion: Any | None,
    faces: Callable[[], FaceDataset],
    *,
    force: bool,
) -> tuple[str, Decision | None]:
    """Return a model's version, registered without an alias, and what the gate says of it.

    Of a model that is the champion it is what the gate said then, None if there was none. A
    champion whose files are gone or damaged is registered anew, with that decision.
    """
    from hpo.registry import models as registry
    from hpo.registry.succession import history, stepped_over

    origin, model_uri = challenger.origin, challenger.model_uri
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
            challenger.runs,
            challenger.reruns,
            there,
            max(len(origin.members), 1),
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


_COMPARED = "its winner is compared with the champion on the faces that it was run on"
