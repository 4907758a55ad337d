"""What a study with rungs needs, and what does not go with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hpo.search.budgets import planned_epochs
from hpo.search.climbing import ladder_of
from hpo.search.configurations import Enqueued
from hpo.spec.errors import SpecError
from hpo.spec.study import ArchitectureSpec, StudySpec


def check_fidelity(
    spec: StudySpec,
    label: str,
    first: Sequence[Enqueued],
    head_epochs: Sequence[tuple[Any, str]],
) -> Iterator[str]:
    """Yield what is odd about an architecture's rungs; nothing where its study has none.

    Args:
        spec: the study file.
        label: the architecture's name in it.
        first: the configurations tried first.
        head_epochs: the values that this parameter may take, and where each is said.

    Raises:
        SpecError: rungs cannot be had, or exclude another part.
    """
    if spec.fidelity is None:
        return
    architecture = spec.architectures[label]
    _check_parts(spec)
    _check_epochs(spec, label, architecture, first)
    ladder = ladder_of(spec, label)
    assert ladder is not None
    rungs, trials = ladder.rungs, spec.trials_of(label)
    if len(rungs) < 2:
        raise SpecError(
            f"{label} has one rung, at {rungs[0]} epochs, and so nothing to compare before the end",
            where="fidelity",
            hint="Lower min_epochs or reduction_factor, raise epochs, or leave fidelity out",
        )
    for value, where in head_epochs:
        if isinstance(value, int) and value >= rungs[0]:
            raise SpecError(
                f"head_epochs of {label} must end before the first rung, or trials there would "
                "have a base that was never trained",
                where=f"architectures.{label}{where}",
                expected=f"fewer than {rungs[0]}",
                got=str(value),
                hint="Raise fidelity.min_epochs, or lower head_epochs",
            )
    keep, eta = spec.fidelity.keep, spec.fidelity.reduction_factor
    if keep is not None and keep >= trials:
        yield f"{label}: first_epoch keeps {keep} of {trials} configurations, so it stops none."
    elif keep is None and trials < eta ** (len(rungs) - 1) and spec.fidelity.name != "hyperband":
        yield (
            f"{label}: {trials} configurations are few for rungs at "
            f"{', '.join(map(str, rungs))} epochs; {eta ** (len(rungs) - 1)} lead one to the last "
            "by themselves. The best is trained on to it in any case; a higher min_epochs leaves "
            "fewer rungs."
        )


def _check_parts(spec: StudySpec) -> None:
    if spec.engine.name != "optuna":
        raise SpecError(
            f"the engine '{spec.engine.name}' does not take configurations from rung to rung",
            where="engine",
            hint="Leave fidelity out, or take engine: optuna",
        )
    if spec.budget.importance_trials:
        raise SpecError(
            "space-filling trials and rungs exclude each other: importance compares trials of one "
            "rung alone",
            where="budget.importance_trials",
            expected="0",
            got=str(spec.budget.importance_trials),
            hint="Leave out the one or the other",
        )
    if spec.pruner.name != "none":
        raise SpecError(
            "a pruner and rungs exclude each other: both decide who stops early",
            where="pruner",
            expected="none, or no pruner",
            got=f"'{spec.pruner.name}'",
            hint="Leave out the one or the other",
        )


def _check_epochs(
    spec: StudySpec, label: str, architecture: ArchitectureSpec, first: Sequence[Enqueued]
) -> None:
    assert spec.fidelity is not None
    if "epochs" in architecture.space.parameters:
        raise SpecError(
            "the rungs decide how many epochs a trial gets, so they cannot be searched too",
            where=f"architectures.{label}.space.epochs",
            hint="Move epochs to 'fixed': it is the last rung",
        )
    rungs, fixed = spec.fidelity.rungs, architecture.fixed.get("epochs")
    if rungs is not None and fixed is not None and planned_epochs({"epochs": fixed}) != rungs[-1]:
        raise SpecError(
            "the last rung is the full training, and epochs say otherwise",
            where=f"architectures.{label}.fixed.epochs",
            expected=str(rungs[-1]),
            got=str(fixed),
            hint="Leave out epochs, or let fidelity.rungs end with them",
        )
    for trial in first:
        # The thesis's own epochs yield to the rungs, as they yield to whatever is fixed.
        if trial.origin != "thesis" and "epochs" in trial.overrides:
            raise SpecError(
                "the rungs decide how many epochs a trial gets, so a configuration that is tried "
                "first cannot bring its own",
                where=f"architectures.{label}.enqueue",
                got=f"epochs: {trial.overrides['epochs']}",
                hint="Leave them out there",
            )


def mean_epochs(spec: StudySpec, label: str, params: Mapping[str, Any]) -> float:
    """Return how many epochs a configuration may come to train on average.

    Args:
        spec: the study file.
        label: the architecture's name in it.
        params: a configuration; its own ``epochs`` count where there are no rungs.
    """
    ladder = ladder_of(spec, label)
    return planned_epochs(params) if ladder is None else ladder.mean_epochs()
