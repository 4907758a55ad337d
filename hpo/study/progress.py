"""What a study has done already, for its plan: which places of the budget are filled."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from hpo.search.storage import sqlite_path
from hpo.spec.errors import NotFoundError, SpecError
from hpo.spec.limits import limit_text
from hpo.spec.records import TrialRecord
from hpo.spec.sections import FIRST_FILLING_SLOT
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace, shown_url

if TYPE_CHECKING:
    from hpo.study.planned import Plan


def with_progress(planned: Plan, workspace: Workspace, *, resume: bool) -> Plan:
    """Return the plan with what is done of it; where nothing may be done yet, with a note.

    Args:
        planned: the plan.
        workspace: where the study's storage is.
        resume: whether the study is to go on. If not, only a local database is looked into: that
            the name is taken elsewhere is told when the study starts.

    Raises:
        SpecError: the study exists with another space, other settings or other data.
        EnvironmentProblem: the storage cannot be read.
    """
    from hpo.reports.opening_sentences import searched_on
    from hpo.search.climbing import filled_slots
    from hpo.search.studies import check_study, read_trials
    from hpo.study.confirmed import first_look
    from hpo.study.opening import openings_of

    spec = planned.spec
    url = workspace.storage_url(spec.storage)
    path = sqlite_path(url)
    if not resume and path is None:
        return planned
    if resume:
        digest, evolve = planned.dataset.digest, planned.evolve
        grown = check_study(url, spec, resume=True, dataset_digest=digest, evolve=evolve)
        planned = dataclasses.replace(planned, notes=[*planned.notes, *grown])
    try:
        attempts = read_trials(url, spec.name, attempts=True)
    except NotFoundError:
        if not resume:
            return planned
        # As W&B's "allow" and Optuna's load_if_exists: one command begins a study and goes on with
        # it, whatever ended it. A name or a folder that is mistyped is seen by this line.
        where = path or shown_url(url)
        nothing = f"No study is named '{spec.name}' in {where} yet"
        return _noted(planned, f"{nothing}; its first trial begins it.")
    records = [record for record in attempts if not record.lost]
    filled = {label: filled_slots(spec, label, records) for label in planned.parts}
    if resume:
        spent = {label: _spent(label, attempts) for label in planned.parts}
        planned = dataclasses.replace(planned, filled=filled, spent=spent)
        for label in planned.parts:
            # The trials of an even sample, asked for before, are beyond every budget.
            done = sum(slot < FIRST_FILLING_SLOT for slot in filled[label])
            budget = spec.trials_of(label)
            if done > budget:
                planned = _noted(
                    planned,
                    f"{label}: {done} trials are done, more than the budget of {budget}; all of "
                    "them are kept and count.",
                )
        opened = first_look(openings_of(url, spec.name)) if planned.left else ""
        return _noted(planned, searched_on(opened, begun=False)) if opened else planned
    finished = sum(map(len, filled.values()))
    trials = f"{finished} finished trial{'' if finished == 1 else 's'}"
    there = f"A study named '{spec.name}' exists already, with {trials}"
    others = f"`hpo delete {spec.name}` removes it, --set name=OTHER starts another."
    try:
        check_study(url, spec, resume=True, dataset_digest=planned.dataset.digest)
    except SpecError as error:
        # Other faces have digests alone to show, and a foreign study has nothing.
        why = error.got if error.got and not error.expected else error.problem
        return _noted(planned, f"{there}, and differs from this file ({why}): {others}")
    return _noted(planned, f"{there}: --resume goes on with it, {others}")


def still_going(storage_url: str, spec: StudySpec) -> list[str]:
    """Return what is to be known of a study whose winner is chosen while it is worked on.

    Args:
        storage_url: of the storage.
        spec: the study.
    """
    from hpo.search.climbing import filled_slots
    from hpo.search.inspection import inspecting
    from hpo.search.studies import read_trials

    with inspecting(storage_url, spec) as inspection:
        if not inspection.at_work():
            return []
    records = read_trials(storage_url, spec.name)
    done = sum(len(filled_slots(spec, label, records)) for label in spec.architectures)
    budget = sum(len(spec.slots_of(label)) for label in spec.architectures)
    return [
        f"Warning: the study is not finished ({done} of {budget} trials), and a trial to come may "
        "be better."
    ]


def limits_reached(spec: StudySpec, attempts: Sequence[TrialRecord]) -> list[str]:
    """Return why architectures ended before their trials were used up: a sentence, or none.

    Args:
        spec: of a study whose workers found nothing more to claim.
        attempts: all of its trials, lost attempts too.
    """
    from hpo.search.climbing import filled_slots

    budget, records = spec.budget, [record for record in attempts if not record.lost]
    reached: dict[str, list[str]] = {}
    # Others and a grid may be out of proposals while there are epochs left.
    runs_out = spec.engine.name != "optuna" or spec.sampler.name == "grid"
    for label in spec.architectures:
        filled = filled_slots(spec, label, records)
        if sum(slot < FIRST_FILLING_SLOT for slot in filled) >= spec.trials_of(label):
            continue
        for name, seconds in zip(("hours", "device_hours"), _spent(label, attempts), strict=True):
            limit = getattr(budget, name)
            if limit is not None and seconds >= 3600 * limit:
                told = f"{label} {seconds / 3600:.3g}"
                reached.setdefault(limit_text(name, limit), []).append(told)
                break
        else:
            if budget.epochs is not None and not runs_out:
                own = [r for r in records if r.architecture == label]
                epochs = sum(r.epochs_trained for r in own if r.slot < FIRST_FILLING_SLOT)
                more = ", and another trial's do not fit" if epochs < budget.epochs else ""
                told = f"{label} {epochs:,}{more}"
                reached.setdefault(limit_text("epochs", budget.epochs), []).append(told)
    return [
        f"The budget of {limit} per architecture is spent ({'; '.join(each)}): no more trials are "
        "begun."
        for limit, each in reached.items()
    ]


def recorded_digest(storage_url: str, study: str, *, resume: bool) -> str:
    """Return the digest of the faces that a study of this name is bound to; "" if there is none.

    Args:
        storage_url: of the storage.
        study: its name.
        resume: whether the study is to go on. If not, only a local database is looked into.

    Raises:
        EnvironmentProblem: the storage cannot be read.
    """
    from hpo.search.studies import read_dataset_digest

    if not resume and sqlite_path(storage_url) is None:
        return ""
    try:
        return read_dataset_digest(storage_url, study)
    except NotFoundError:
        return ""


def _spent(label: str, attempts: Iterable[TrialRecord]) -> tuple[float, float]:
    """Return the seconds that an architecture's ended trials took, at once and added up.

    Lost attempts count too, as they do when a trial is claimed, and space-filling ones do not.
    """
    from hpo.search.budgets import busy_seconds

    spans = [
        (
            datetime.fromisoformat(r.started).timestamp(),
            datetime.fromisoformat(r.finished).timestamp(),
        )
        for r in attempts
        if r.architecture == label and r.started and r.finished and r.slot < FIRST_FILLING_SLOT
    ]
    return busy_seconds(spans), sum(end - start for start, end in spans)


def _noted(planned: Plan, note: str) -> Plan:
    return dataclasses.replace(planned, notes=[*planned.notes, note])
