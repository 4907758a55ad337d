"""Both classifiers asked about the same faces, and what the gate says of their answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import HpoError, IntegrityError, NotFoundError
from hpo.spec.seeds import derive_seed
from hpo.spec.study import StudySpec
from hpo.study.champions import check_answers
from hpo.study.decision import Check, Decision, Measured, decision_of
from hpo.study.gate import decide

if TYPE_CHECKING:
    from hpo.data.store import FaceDataset


@dataclass(frozen=True)
class Candidate:
    """A classifier that may become the champion.

    Args:
        file: its ``.keras`` file, checked against its checksum.
        title: of its trial, for errors.
        dataset_digest: of the faces that it was trained on.
        runs: of how many it was selected.
        reruns: how many of these were a confirmation's.
        entry: MLflow's entry of its version; None if it is not registered yet.
        members: of how many of them it is the mean; 1 for a single one.
    """

    file: Path
    title: str
    dataset_digest: str
    runs: int
    reruns: int = 0
    entry: Any | None = None
    members: int = 1


@dataclass(frozen=True)
class Examined:
    """What a classifier does on a study's validation faces.

    Args:
        labels: of the faces.
        measured: its answers, time and size.
        problem: what keeps its answers from being probabilities; None if nothing does.
    """

    labels: list[int]
    measured: Measured
    problem: str | None = None


def examine(keras_file: Path, dataset: FaceDataset, spec: StudySpec) -> Examined:
    """Ask a classifier about a study's validation faces, in a child.

    A child is forked in no time where a study has just trained, and leaves this process without
    Keras.

    Raises:
        DataError: it cannot be loaded, or has another input or output.
        EnvironmentProblem: Keras cannot be loaded.
    """
    from hpo.execution.children import ChildServer

    told = ChildServer().call(
        "hpo.recommender.gauging:gauge",
        model=str(keras_file),
        dataset=str(dataset.folder),
        validation_limit=spec.data.validation_limit,
        data_seed=derive_seed(spec.seed, "data"),
    )
    labels, problem = told.pop("labels"), told.pop("problem")
    return Examined(labels, Measured(**told), problem)


def judge(
    client: Any,
    spec: StudySpec,
    candidate: Candidate,
    champion: Any | None,
    faces: Callable[[], FaceDataset],
    *,
    stepped_over: str = "",
    force: bool = False,
) -> Decision:
    """Return what the gate says of a candidate.

    A decision that the version bears already holds as long as champion, rule and faces are the
    same: measuring again would give other milliseconds and no other answer.

    Args:
        client: of MLflow.
        spec: of the study, with the rule.
        candidate: who wants to become champion.
        champion: MLflow's entry of the version that is it; None if none is.
        faces: gives the faces that the study was run on.
        stepped_over: when a person rolled back from the candidate; "" if nobody did.
        force: promote it whatever the gate says.

    Raises:
        SpecError: the candidate's answers are no probabilities.
        NotFoundError, DataError: the faces are gone, or others; or the champion's files are gone.
        IntegrityError: the champion is not what was registered.
        EnvironmentProblem: Keras cannot be loaded.
    """
    against = "" if champion is None else str(champion.version)
    decision = _recorded(spec, candidate, against)
    if decision is None:
        try:
            decision = _measured(client, spec, candidate, champion, faces)
        except (HpoError, OSError) as error:
            if not force:
                raise
            check_answers(candidate.file, candidate.title)
            decision = Decision(
                *("refused", against, _now()),
                dataset_digest=candidate.dataset_digest,
                selected_on=_faces_of(spec, candidate),
                selected_from=candidate.runs,
                reruns=candidate.reruns,
                notes=(f"Nothing was compared: {error}",),
            )
    if stepped_over:
        when = f"rolled back at {stepped_over[:16].replace('T', ' ')} UTC"
        back = Check("rollback", False, 1.0, 0.0, when, "", "a person's word: --force")
        checks = (*decision.checks, back)
        # What the gate said before the step back is no word on it, and had another time.
        known = None if candidate.entry is None else decision_of(candidate.entry.tags)
        at = decision.at if known is not None and back in known.checks else _now()
        decision = dataclasses.replace(decision, verdict="refused", checks=checks, at=at)
    if force and decision.verdict == "refused":
        decision = dataclasses.replace(decision, verdict="forced", at=_now())
    return decision


def _recorded(spec: StudySpec, candidate: Candidate, against: str) -> Decision | None:
    decision = None if candidate.entry is None else decision_of(candidate.entry.tags)
    if decision is None or not decision.checks:
        return None
    if (decision.against, dict(decision.rule)) != (against, spec.gate.model_dump()):
        return None
    selection = (_faces_of(spec, candidate), candidate.runs, candidate.reruns)
    if (decision.selected_on, decision.selected_from, decision.reruns) != selection:
        return None
    # A roll-back is asked about each time; what a person forced, the checks alone say again.
    checks = tuple(check for check in decision.checks if check.name != "rollback")
    passed = all(check.passed for check in checks)
    return dataclasses.replace(decision, verdict="promoted" if passed else "refused", checks=checks)


def _measured(
    client: Any,
    spec: StudySpec,
    candidate: Candidate,
    champion: Any | None,
    faces: Callable[[], FaceDataset],
) -> Decision:
    from hpo.data.recorded import digests_of
    from hpo.data.store import open_faces
    from hpo.training.answers import no_softmax

    dataset = faces()
    challenger = examine(candidate.file, dataset, spec)
    if challenger.problem is not None:
        raise no_softmax(candidate.title, len(EMOTIONS), challenger.problem)
    theirs, selected_from = None, 1
    notes: list[str] = []
    if champion is not None:
        theirs = examine(_champion_file(client, champion), dataset, spec).measured
        # What was recorded before a test split came beside the same faces is told apart by all.
        known = digests_of(open_faces(dataset.folder))
        notes = _other_data(champion, candidate, known)
        told = decision_of(champion.tags)
        if told is not None and _selected_there(told, spec, candidate, known):
            selected_from = told.selected_from
    if spec.warm_start is not None:
        notes = [
            *notes,
            f"The study began with what '{spec.warm_start.study}' had found: where that was judged "
            "on these faces too, it was chosen among more trials than the intervals allow for.",
        ]
    return decide(
        spec.gate,
        challenger.labels,
        challenger.measured,
        theirs,
        against="" if champion is None else str(champion.version),
        at=_now(),
        dataset_digest=candidate.dataset_digest,
        selected_on=_faces_of(spec, candidate),
        selected_from=candidate.runs,
        reruns=candidate.reruns,
        members=candidate.members,
        champion_selected_from=selected_from,
        notes=notes,
    )


def _faces_of(spec: StudySpec, candidate: Candidate) -> str:
    """Return a name of a study's validation faces; a subset is its seed's."""
    limit = spec.data.validation_limit
    subset = "all" if limit is None else f"{limit} of seed {spec.seed}"
    return f"{candidate.dataset_digest} {subset}"


def _selected_there(
    told: Decision, spec: StudySpec, candidate: Candidate, known: Collection[str]
) -> bool:
    """Tell whether a champion was selected on a study's validation faces, whose digests are."""
    here = _faces_of(spec, candidate)
    if told.dataset_digest in known and candidate.dataset_digest in known:
        there = told.selected_on.removeprefix(told.dataset_digest)
        return there == here.removeprefix(candidate.dataset_digest)
    return told.selected_on == here


def _champion_file(client: Any, champion: Any) -> Path:
    from hpo.registry.models import load_champion

    try:
        return load_champion(client, str(champion.version)).keras_path
    except (NotFoundError, IntegrityError) as error:
        raise type(error)(
            f"the champion, {champion.name} {champion.version}, cannot be compared with",
            got=str(error),
            hint="Step back to the one before it (hpo champion --rollback), or promote without a "
            "comparison (hpo promote STUDY --force)",
        ) from error


def _other_data(champion: Any, candidate: Candidate, known: Collection[str]) -> list[str]:
    """Say what a champion that was trained on other data makes of the comparison."""
    from hpo.registry.models import TAG_DATASET_DIGEST

    digest = champion.tags.get(TAG_DATASET_DIGEST, "")
    if digest == candidate.dataset_digest != "" or {digest, candidate.dataset_digest} <= {*known}:
        return []
    told = f"digest {digest.removeprefix('sha256:')[:12]}" if digest else "digest not recorded"
    return [
        f"The champion was trained on other data ({told}): it may have seen some of these faces, "
        "and was not selected on them as the challenger was."
    ]


def _now() -> str:
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
