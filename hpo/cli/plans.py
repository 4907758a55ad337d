"""A plan on the screen: what ``hpo run --dry-run`` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from hpo.cli.shell import counted, print_table, print_wrapped

if TYPE_CHECKING:
    from hpo.search.configurations import Enqueued
    from hpo.study.parts import PlannedArchitecture
    from hpo.study.planned import Plan


def print_plan(planned: Plan) -> None:
    """Print what a study would do: data, search, each architecture's space, notes, the time."""
    from hpo.cli.live import duration
    from hpo.spec.limits import other_limits

    spec = planned.spec
    typer.echo(f"Study {spec.name}: {spec.description}".rstrip(": "))
    digest = planned.dataset.digest.removeprefix("sha256:")
    left_out = counted(planned.leaked, "training face")
    left_out = f"{left_out} left out as copies of held-out ones, " if planned.leaked else ""
    # An architecture may train on fewer faces than another, so its own line says on how many.
    typer.echo(
        f"Data: {planned.dataset.name}, {counted(planned.validation_size, 'face')} to validate, "
        + left_out
        + (f"digest {digest[:12]}" if digest else "digest not known before they are drawn")
    )
    typer.echo(
        f"Search: {spec.engine.name}, sampler {spec.sampler.name}, "
        f"{spec.fidelity.goes_on() if spec.fidelity else f'pruner {spec.pruner.name}'}, "
        f"seed {spec.seed}; {'objective' if len(spec.goals) == 1 else 'objectives'} "
        + ", ".join(f"{goal.metric} ({goal.direction})" for goal in spec.goals)
    )
    bounds = spec.constraints.bounds.items()
    if bounds:
        told = ", ".join(f"{metric} {bound.words()}" for metric, bound in bounds)
        typer.echo(f"Constraints: {told}")
    for part in planned.parts.values():
        typer.echo("")
        _print_part(planned, part)
    typer.echo("")
    for note in planned.notes:
        typer.echo(f"Note: {note}")
    trials = sum(len(spec.slots_of(label)) for label in planned.parts)
    if not planned.left:
        typer.echo(f"All {counted(trials, 'trial')} are done: nothing is left to run.")
        return
    amount = f"In all {counted(trials, 'trial')}"
    likely = sum(planned.likely_of(label) for label in planned.parts)
    if likely < planned.left:
        told = other_limits(spec.budget.model_dump())
        amount = f"{counted(likely, 'trial')} or more, until {told} per architecture are used"
    elif planned.left < trials:
        amount = f"{planned.left} of {counted(trials, 'trial')} left"
    saved = "early stopping saves"
    if spec.pruner.name != "none":
        saved = "pruning and early stopping save"
    typer.echo(f"{amount}, about {duration(planned.seconds)}, less what {saved}: {planned.basis}.")
    if planned.copy_search_seconds:
        search = duration(planned.copy_search_seconds)
        typer.echo(f"Of these {search} are the search for copies among the faces, once.")


def _print_part(planned: Plan, part: PlannedArchitecture) -> None:
    from hpo.cli.live import duration
    from hpo.spec.space import describe

    size = part.spec.space.size(part.spec.fixed)
    trials = len(planned.spec.slots_of(part.label))
    extra = planned.spec.budget.importance_trials
    left = planned.left_of(part.label)
    endless = any(p.count() is None for p in part.spec.space.parameters.values())
    unknown = "infinitely many" if endless else "more than 100,000"
    among = f"{unknown} configurations" if size is None else counted(size, "configuration")
    ended = planned.done_of(part.label)
    most = "at most " if planned.likely_of(part.label) < len(left) else ""
    done = f" ({ended} done, {len(left)} left)" if ended else ""
    done += f", {extra} of them space-filling, beyond the budget," if extra else ""
    typer.echo(
        f"{part.label}: {most}{counted(trials, 'trial')}{done} among {among}, "
        f"about {duration(part.seconds_per_trial * planned.likely_of(part.label))} "
        f"({duration(part.seconds_per_trial)} each), "
        f"{counted(planned.train_size_of(part.label), 'face')} to train" + _at_rungs(planned, part)
    )
    rows: list[list[Any]] = [
        [name, describe(parameter)] for name, parameter in part.spec.space.parameters.items()
    ]
    rows += [[name, f"{value} (fixed)"] for name, value in part.spec.fixed.items()]
    print_table(["parameter", "range"], rows)
    for slot in left:
        if slot < len(part.first):
            _print_first(slot, part.first[slot], part)


def _at_rungs(planned: Plan, part: PlannedArchitecture) -> str:
    from hpo.search.budgets import planned_epochs
    from hpo.spec.fidelity import listed_epochs

    fidelity = planned.spec.fidelity
    if fidelity is None:
        return ""
    return f", rungs at {listed_epochs(fidelity.rungs_of(planned_epochs(part.spec.fixed)))}"


def _print_first(position: int, first: Enqueued, part: PlannedArchitecture) -> None:
    """Print a configuration that is tried first: what is searched, then what else it sets.

    Of the thesis's also what the file fixes otherwise; what was moved the notes say.
    """
    from hpo.cli.live import compact
    from hpo.reports.thesis import departures
    from hpo.training.resolve import resolve_parameters

    searched = compact(first.values) or "all left to the sampler"
    print_wrapped(f"trial {position} ({first.origin}): {searched}")
    if first.overrides:
        print_wrapped(f"  beside the space: {compact(first.overrides)}")
    for note in first.notes:
        print_wrapped(f"  note: {note}")
    if first.origin == "thesis":
        given = {**part.spec.fixed, **first.overrides, **first.values}
        params = resolve_parameters(part.architecture, given).params
        changed = departures(part.spec.architecture, params)
        if other := {d["name"]: d["here"] for d in changed if d["name"] not in first.moved}:
            print_wrapped(f"  not as in the thesis: {compact(other)}")
