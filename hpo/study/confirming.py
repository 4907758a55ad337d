"""``confirm``: the best of a search run again over seeds, and who has won."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hpo.spec.confirmation as spec_of
from hpo.execution.watch import Silence, Watcher
from hpo.spec.confirmation import candidate_label, confirmation_name
from hpo.spec.errors import DataError, InputError, NotFoundError
from hpo.spec.records import TrialRecord
from hpo.spec.sections import NAME, BudgetSpec, ConfirmationSpec, PlugIn
from hpo.spec.space import SearchSpace
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.confirmed import CHOICES, VERDICTS, Confirmed, confirmed
from hpo.study.faces import find_dataset, told_to
from hpo.study.naming import resolve_study

if TYPE_CHECKING:
    from hpo.data.store import FaceDataset


def confirm(
    study: str | Path | StudySpec,
    *,
    workspace: Workspace | None = None,
    top: int | None = None,
    seeds: int | None = None,
    watcher: Watcher | None = None,
) -> Confirmed:
    """Run the best configurations of a search again, each with several seeds, and compare them.

    They race: from three seeds on, one that is worse than the leader beyond doubt is stopped. All
    are judged on the validation faces of the search. What has ended is kept, as trials of the study
    ``<study>.confirmation``, and the same call goes on where it was interrupted.

    Args:
        study: its name or its study file, or the study.
        workspace: where it is; the current directory by default.
        top: how many configurations; by default what the study file says, else 3.
        seeds: with how many seeds each; by default what the study file says, else 5. Of both it is
            at least what was begun before: a confirmation does not shrink.
        watcher: is told what happens.

    Raises:
        InputError: ``top`` or ``seeds`` is out of range, the study is a confirmation itself, or
            its name is too long for one.
        NotFoundError: there is no such study, or no complete trial in it.
        DataError: the faces at hand are not those of the search.
        EnvironmentProblem: a store or weights cannot be had.
    """
    from hpo.registry.promotion import rank_key
    from hpo.reports.confirmation_warnings import few_seeds
    from hpo.search.studies import read_dataset_digest, read_spec, read_trials
    from hpo.study.planning import plan
    from hpo.study.running import StudyRun

    if isinstance(study, StudySpec):
        name, workspace = study.name, workspace or Workspace.at()
    else:
        name, workspace = resolve_study(study, workspace)
    watcher = watcher or Silence()
    url = workspace.storage_url(study.storage if isinstance(study, StudySpec) else None)
    spec = study if isinstance(study, StudySpec) else read_spec(url, name)
    asked = _asked(spec, top, seeds)
    records = read_trials(url, name)
    begun, begun_seeds = begun_with(url, name, records)
    best = {**begun, **best_of(records, spec, asked.top)}
    order = sorted(best, key=lambda label: rank_key(best[label], spec.objective.direction))
    chosen = {label: best[label] for label in order}
    seeds = max(asked.seeds, begun_seeds)
    derived = confirmation_spec(whole(url, spec, chosen.values()), chosen, seeds)
    recorded = read_dataset_digest(url, name)
    # Before copies are looked for among faces that cannot be used.
    _check_faces(find_dataset(workspace, spec.data.dataset), name, recorded)
    planned = plan(
        derived, workspace=workspace, resume=True, digest=recorded, during=told_to(watcher)
    )
    _check_faces(planned.dataset, name, recorded)
    over = set(begun) == set(chosen) and begun_seeds == seeds and is_over(name, url)
    if over:
        # MLflow is looked at all the same: the last call may have been stopped before it was.
        watcher.note("Nothing is left to run: all runs of the confirmation have ended.")
    elif few := few_seeds(seeds):
        # Before hours are spent.
        watcher.note(few)
    if begun and (seeds > begun_seeds or len(chosen) > len(begun)):
        _keep_verdict(url, name)
    # That it begins now is no news: it was asked for.
    planned = dataclasses.replace(
        planned,
        notes=[],
        over=over,
        parts={
            label: dataclasses.replace(
                part, seconds_per_trial=again_seconds(chosen[label]) or part.seconds_per_trial
            )
            for label, part in planned.parts.items()
        },
    )
    run = StudyRun(planned, workspace, watcher, resume=True)
    outcome = run.go()
    told = confirmed(name, workspace=workspace, storage_url=url)
    if told is None:
        told = Confirmed(name, {}, ["It was stopped before any run had begun."])
    notes = [*beyond(asked, seeds, len(begun), len(chosen)), *outcome.notes]
    return dataclasses.replace(told, notes=notes, stopped_by=outcome.stopped_by)


def _keep_verdict(url: str, study: str) -> None:
    """Keep, before a confirmation that is over is enlarged, by how many seeds and among how many
    configurations it was decided.
    """
    from hpo.search.studies import set_attribute

    told = confirmed(study, storage_url=url)
    if told is None or not told.facts["over"] or told.facts["winner"] is None:
        return
    facts, name = told.facts, confirmation_name(study)
    set_attribute(url, name, VERDICTS, [*facts["earlier_verdicts"], facts["seeds"]])
    set_attribute(url, name, CHOICES, [*facts["earlier_choices"], len(facts["candidates"])])


def _check_faces(here: FaceDataset, study: str, recorded: str) -> None:
    from hpo.data.recorded import as_recorded

    # Embedded faces that are yet to be drawn have no digest.
    if here.digest and as_recorded(here, recorded) is None:
        raise DataError(
            f"dataset '{here.name}' has changed since study '{study}' was run, and "
            "runs on other faces cannot be compared with it",
            expected=f"digest {recorded.removeprefix('sha256:')[:12]}",
            got=f"digest {here.digest.removeprefix('sha256:')[:12]}",
            hint="Import the faces that the study was run on again",
        )


def is_over(study: str, url: str) -> bool:
    """Tell whether nothing more will be run of a study's confirmation, as it was begun.

    A race ends before all seeds are run where it has stopped a configuration.
    """
    told = confirmed(study, storage_url=url)
    return told is not None and bool(told.facts["over"])


def again_seconds(record: TrialRecord) -> float:
    """Return how long a trial took, all of its epochs counted; 0 where it does not say.

    A trial that went on from a rung trained its first epochs in another.

    Args:
        record: of a search's trial, which a confirmation runs again.
    """
    if not record.epochs:
        return record.seconds
    own = sum(epoch.seconds for epoch in record.epochs)
    earlier = record.epochs[-1].epoch - len(record.epochs)
    return record.seconds + earlier * own / len(record.epochs)


def beyond(asked: ConfirmationSpec, seeds: int, begun: int, candidates: int) -> list[str]:
    """Return what is said where a confirmation is another than was asked for."""
    from hpo.reports.sentences import plural

    notes = []
    if candidates > asked.top:
        notes.append(
            f"The confirmation keeps the {plural(begun, 'configuration')} that it has begun with."
        )
    if candidates < asked.top:
        notes.append(
            f"{plural(candidates, 'configuration')} could be confirmed, {asked.top} were asked for."
        )
    if seeds > asked.seeds:
        notes.append(f"{plural(seeds, 'seed')} are begun already; all of them count.")
    return notes


def _asked(spec: StudySpec, top: int | None, seeds: int | None) -> ConfirmationSpec:
    if spec.name.endswith(spec_of.SUFFIX):
        raise InputError(
            f"'{spec.name}' is a confirmation itself",
            hint=f"Confirm the study that it belongs to: {spec.name.removesuffix(spec_of.SUFFIX)}",
        )
    name = confirmation_name(spec.name)
    if not NAME.fullmatch(name):
        raise InputError(
            f"study '{spec.name}' has too long a name to be confirmed",
            expected=f"at most {100 - len(spec_of.SUFFIX)} characters",
        )
    usual = spec.confirmation or ConfirmationSpec()
    given = ConfirmationSpec.model_fields
    for key, value in (("top", top), ("seeds", seeds)):
        low, high = (m for m in given[key].metadata if hasattr(m, "ge") or hasattr(m, "le"))
        if value is not None and not low.ge <= value <= high.le:
            raise InputError(
                f"{key} is out of range", expected=f"{low.ge} to {high.le}", got=str(value)
            )
    return ConfirmationSpec(
        top=usual.top if top is None else top, seeds=usual.seeds if seeds is None else seeds
    )


def best_of(records: Iterable[TrialRecord], spec: StudySpec, top: int) -> dict[str, TrialRecord]:
    """Return the best configurations of a search by label, the best first, each once.

    A configuration is a slot of the budget: of the trials at its rungs only the highest counts, and
    repeats are none.
    """
    from hpo.registry.promotion import choose_winner, is_eligible, rank_key

    records = list(records)
    try:
        choose_winner(records, spec.objective.direction)
    except NotFoundError as error:
        raise NotFoundError(
            f"study '{spec.name}' has nothing to confirm",
            expected=error.expected,
            got=error.got,
            hint=error.hint,
        ) from error
    eligible = [r for r in records if is_eligible(r) and r.repeats is None]
    came_to: dict[tuple[str, int], int] = {}
    for record in eligible:
        slot = (record.architecture, record.slot)
        came_to[slot] = max(record.rung or 0, came_to.get(slot, 0))
    eligible = [r for r in eligible if (r.rung or 0) == came_to[r.architecture, r.slot]]
    chosen: dict[str, TrialRecord] = {}
    seen: list[Any] = []
    for record in sorted(eligible, key=lambda r: rank_key(r, spec.objective.direction)):
        keys = [(record.architecture, record.slot), (record.architecture, record.params)]
        if len(chosen) < top and not any(key in seen for key in keys):
            chosen[candidate_label(record.architecture, record.number)] = record
            seen += keys
    return chosen


def begun_with(
    url: str, study: str, records: Iterable[TrialRecord]
) -> tuple[dict[str, TrialRecord], int]:
    """Return the configurations that a confirmation has begun with, by label, and its seeds.

    Neither shrinks. A search that went on since may have found better ones; those that were run
    again stay in. Of seeds all count, as whoever could leave some out could choose a verdict.
    """
    from hpo.search.studies import read_trials, read_widest_spec

    name = confirmation_name(study)
    try:
        spec = read_widest_spec(url, name)
    except NotFoundError:
        return {}, 0
    by_label = {candidate_label(r.architecture, r.number): r for r in records}
    begun = {label: by_label[label] for label in spec.architectures if label in by_label}
    seeds = [spec.budget.trials, *(r.slot + 1 for r in read_trials(url, name))]
    return begun, max(seeds)


def whole(url: str, spec: StudySpec, trials: Iterable[TrialRecord]) -> StudySpec:
    """Return a study with the sections of all its trials' architectures, those left out since too.

    A study may be gone on with without an architecture; its trials stay, and may be the best.
    """
    from hpo.search.studies import read_spec

    gone = {record.architecture for record in trials} - spec.architectures.keys()
    sections = {
        label: read_spec(url, spec.name, architecture=label).architectures[label]
        for label in sorted(gone)
    }
    return spec.model_copy(update={"architectures": {**spec.architectures, **sections}})


def confirmation_spec(spec: StudySpec, chosen: dict[str, TrialRecord], seeds: int) -> StudySpec:
    """Return the study that runs configurations of another again.

    Args:
        spec: the study that was searched.
        chosen: its trials, by label.
        seeds: with how many seeds each.
    """
    from hpo.study.racing_engine import ENGINE, OF

    return spec.model_copy(
        update={
            "name": confirmation_name(spec.name),
            "description": f"The best of study {spec.name}, run again over {seeds} seeds.",
            "budget": BudgetSpec(trials=seeds),
            "engine": PlugIn(name=ENGINE, options={OF: spec.name}),
            "sampler": PlugIn(name="random"),
            "fidelity": None,
            "warm_start": None,
            # The first, which the spec has as its objective, decides here as it does in promotion.
            "objectives": None,
            "pruner": PlugIn(name="none"),
            "repeats": "retrain",
            # The test split is opened with all of the winner's.
            "tracking": spec.tracking.model_copy(update={"keep_models": seeds}),
            "confirmation": None,
            "promote": False,
            "ensemble": 1,
            "architectures": {
                label: spec.architectures[record.architecture].model_copy(
                    update={
                        "trials": None,
                        "fixed": dict(record.params),
                        "space": SearchSpace({}),
                        "enqueue": [],
                    }
                )
                for label, record in chosen.items()
            },
        }
    )
