"""``open_test``: the winner on the test split, once per study, and logged."""

from __future__ import annotations

import dataclasses
import getpass
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hpo
from hpo.spec.confirmation import (
    candidate_label,
    confirmation_name,
    read_candidate,
    refuse_confirmation,
)
from hpo.spec.errors import InputError, NotFoundError
from hpo.spec.records import TrialRecord
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.faces import During, look_for_copies, silently
from hpo.study.naming import resolve_study
from hpo.study.sealed import faces_to_test

if TYPE_CHECKING:
    pass

OPENINGS = "test_openings"
"""User attribute of a study: a list of openings, in their order, as plain data."""


@dataclass(frozen=True)
class Opened:
    """What the test split said.

    Args:
        study: whose winner was asked.
        opening: the entry that is kept: ``opened, finished, by, reason, version, dataset, digest,
            images, confirmed, architecture, number, runs, titles, sha256,
            accuracy`` (an interval),
            ``values`` (of each run), ``metrics`` (of each run, by name), ``validation, gap`` (an
            interval; None where the validation answers are not kept), ``loss_gap`` (under an
            objective of loss), ``scores`` (by name: mean, low, high), ``confusion`` (summed),
            ``per_class``, ``images_without_copies, copies_in`` and, where these are a part of the
            images, ``without_copies`` (all as ``hpo.evidence.tested.opening_figures`` tells them).
        sentences: the same in words.
        notes: what the person should know.
    """

    study: str
    opening: dict[str, Any]
    sentences: list[str]
    notes: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dataclasses.asdict(self)


def open_test(
    study: str | Path,
    *,
    workspace: Workspace | None = None,
    again: str | None = None,
    during: During = silently,
    note: Callable[[str], object] = lambda text: None,
) -> Opened:
    """Ask a study's winner about the test split, and keep what it said with the study.

    All runs of the configuration that a confirmation chose are asked; without a confirmation the
    best trial of the search, with a word on that. The opening is in the study's record before a
    face is looked at, so one that was cut off is known too, and may be finished.

    Args:
        study: its name or its study file.
        workspace: where it is; the current directory by default.
        again: why the split is opened once more, after it was opened.
        during: is entered for as long as copies are looked for, where they are not known.
        note: is told which run is asked.

    Raises:
        InputError: it was opened before, and ``again`` gives no reason; the confirmation is not
            finished; or the study is a confirmation itself.
        NotFoundError: there is no such study, nothing to test, no test split, or a checkpoint is
            gone.
        DataError: the training and validation faces at hand are not those of the study.
        IntegrityError: a checkpoint is not the one that was trained.
        EnvironmentProblem: a store cannot be opened, or Keras cannot be loaded.
    """
    from hpo.evidence.tested import opening_figures
    from hpo.execution.children import ChildServer
    from hpo.search.studies import read_dataset_digest, read_spec, set_attribute
    from hpo.study.ensembles import checkpoint_of
    from hpo.tracking.store import open_client

    study, workspace = resolve_study(study, workspace)
    refuse_confirmation(study, "hpo test {study}")
    url = workspace.storage_url()
    spec = read_spec(url, study)
    _check_unopened(study, openings_of(url, study), again)
    runs, title, confirmed = _winner(study, spec, url)
    dataset = faces_to_test(workspace, spec, url, study)
    client = open_client(workspace.tracking_uri(), workspace.runs / "artifacts")
    files = []
    for record in runs:
        file = checkpoint_of(client, record)
        if file is None:
            raise NotFoundError(
                f"the model of {record.title} of study '{record.study}' is "
                "gone, from this disk and from MLflow",
                hint=_way_out(study, confirmed=confirmed),
            )
        files.append(str(file))
    # Of test faces that were imported after the study, training has left no copy out.
    drop = spec.data.leakage == "drop"
    drop = drop and read_dataset_digest(url, study) in ("", dataset.digest)
    # Before the split counts as opened: it may take minutes, and be stopped.
    look_for_copies(dataset, during)
    entry: dict[str, Any] = {
        "opened": _now(),
        "by": _user(),
        "reason": again or "",
        "version": hpo.__version__,
        "dataset": dataset.name,
        "digest": dataset.digest,
        "confirmed": confirmed,
        "architecture": title[0],
        "number": title[1],
        "runs": [r.number for r in runs],
        "titles": [r.title for r in runs],
        "sha256": [r.result.checkpoint_sha256 for r in runs if r.result],
    }
    set_attribute(url, study, OPENINGS, [*openings_of(url, study), entry])
    asked = _each_of(runs)
    told = ChildServer().call(
        "hpo.training.testing:judge_files",
        files=files,
        dataset=str(dataset.folder),
        drop=drop,
        on_report=lambda place: note(f"Asking {asked[place]}"),
    )
    figures = opening_figures(told, runs, spec.seed, spec.objective.metric)
    begun, entry = entry, {**entry, "finished": _now(), **figures}
    # Read anew, and this one put last: of what others opened meanwhile nothing may be lost.
    kept = [*(other for other in openings_of(url, study) if other != begun), entry]
    set_attribute(url, study, OPENINGS, kept)
    return Opened(study, entry, _sentences(kept), _mirrored(client, url, study))


def _each_of(runs: Sequence[TrialRecord]) -> list[str]:
    """Return what each run is called while it is asked, ``cnn #1 seed 2 (2 of 3)``."""
    if len(runs) == 1:
        return [runs[0].title]
    return [f"{run.title} ({place} of {len(runs)})" for place, run in enumerate(runs, start=1)]


def openings_of(storage_url: str, study: str) -> list[dict[str, Any]]:
    """Return how often the test split was opened for a study, and what it said, in order."""
    from hpo.search.studies import read_attribute

    return list(read_attribute(storage_url, study, OPENINGS) or [])


def with_loss_gaps(
    openings: Sequence[dict[str, Any]], storage_url: str, study: str
) -> list[dict[str, Any]]:
    """Return openings, those of before the losses were set beside each other completed.

    Args:
        openings: of the study, from ``openings_of``.
        storage_url: of Optuna's storage.
        study: whose objective is the loss; openings of another are returned as they are.
    """
    from hpo.evidence.tested import BY_LOSS
    from hpo.search.studies import read_spec

    lacking = [bool(o.get("metrics")) and "loss_gap" not in o for o in openings]
    if not any(lacking) or read_spec(storage_url, study).objective.metric != BY_LOSS:
        return list(openings)
    return [
        _with_loss_gap(opening, storage_url, study) if lacks else opening
        for opening, lacks in zip(openings, lacking, strict=True)
    ]


def _with_loss_gap(opening: dict[str, Any], storage_url: str, study: str) -> dict[str, Any]:
    from hpo.evidence.tested import loss_gap
    from hpo.search.studies import read_trials

    of, label = study, opening["architecture"]
    if opening["confirmed"]:
        of, label = confirmation_name(study), candidate_label(label, opening["number"])
    try:
        records = {r.number: r for r in read_trials(storage_url, of, architecture=label)}
        runs = [records[number] for number in opening["runs"]]
    except (NotFoundError, KeyError):  # They were deleted since.
        return opening
    return {**opening, "loss_gap": loss_gap(opening["metrics"], runs)}


def _sentences(openings: Sequence[dict[str, Any]]) -> list[str]:
    from hpo.reports.opening_sentences import tell_openings

    return tell_openings(openings)


def _check_unopened(study: str, before: Sequence[dict[str, Any]], again: str | None) -> None:
    finished = [opening for opening in before if opening.get("finished")]
    if again is not None and not again.strip():
        raise InputError("--again takes a reason, which is kept", got="an empty one")
    if finished and again is None:
        last = finished[-1]
        raise InputError(
            f"the test split was opened for study '{study}' before: "
            f"{last['opened'][:16].replace('T', ' ')} UTC, accuracy "
            f"{100 * last['accuracy']['point']:.1f} %",
            hint="What is chosen after a look at the test split is selected on it. If it must be, "
            "--again REASON opens it once more, and keeps that it did",
        )


def _way_out(study: str, *, confirmed: bool) -> str:
    """Return what to type where a winner's model is lost."""
    here = "If this is the machine and the tracking server that it was trained on, "
    if not confirmed:
        return here + f"`hpo confirm {study}` runs the best again and keeps their models"
    reruns = confirmation_name(study)
    return here + (
        f"`hpo delete {reruns}` and then `hpo confirm {study}`, with the --top and --seeds that it "
        "had, run all of it again with the same seeds"
    )


def _winner(
    study: str, spec: StudySpec, url: str
) -> tuple[list[TrialRecord], tuple[str, int], bool]:
    """Return the runs to ask, the trial of the search that they are of, and if it is confirmed."""
    from hpo.registry.promotion import choose_winner
    from hpo.search.studies import read_trials
    from hpo.study.confirmed import confirmed

    told = confirmed(study, storage_url=url)
    if told is None:
        try:
            best = choose_winner(read_trials(url, study), spec.objective.direction)
        except NotFoundError as error:
            raise NotFoundError(
                f"study '{study}' has no trial to open the test split for",
                expected=error.expected,
                got=error.got,
                hint=error.hint,
            ) from error
        return [best], (best.architecture, best.number), False
    winner = told.facts["winner"]
    if not told.facts["over"] or winner is None:
        raise InputError(
            f"the confirmation of study '{study}' is not finished, so nobody has won yet",
            hint=f"`hpo confirm {study}` goes on with it",
        )
    runs = read_trials(url, confirmation_name(study), architecture=winner)
    # One that broke a constraint too: it is a run of the winner as good as any, and without those
    # under a bound of accuracy the rest would look better than the configuration is.
    asked = [r for r in runs if r.state == "complete" and r.result and r.result.checkpoint]
    return asked, read_candidate(winner), True


def _mirrored(client: Any, url: str, study: str) -> list[str]:
    """Write the figures into MLflow's runs and notes; return what could not be written."""
    from hpo.study.findings import write_notes
    from hpo.tracking.failures import in_a_sentence

    try:
        write_notes(client, url, study)
    except Exception as error:
        # Broad: MLflow, its server and the network each have errors of their own, and what counts
        # is kept with the study.
        return [
            f"MLflow does not show this: {in_a_sentence(error)} `hpo doctor {study} --fix` writes "
            "it later."
        ]
    return []


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # In a container the user may have no name.
        return ""
