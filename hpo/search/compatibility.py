"""Which parts of a study file go together: refused with the reason, or allowed with a warning.

Nothing heavy is imported, so that a study file is judged before any work starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hpo.search.budgets import planned_epochs
from hpo.search.configurations import Enqueued, fold_fixed, resolve_enqueue
from hpo.search.fidelity_checks import check_fidelity
from hpo.search.objective_checks import check_objectives
from hpo.search.options import ThresholdOptions, read_options, stated
from hpo.search.oracles import oracle_name, oracle_warnings
from hpo.spec.errors import SpecError
from hpo.spec.space import CategoricalParameter
from hpo.spec.study import ArchitectureSpec, StudySpec
from hpo.training.parameters import HORIZON_SCHEDULES

COMPARING_PRUNERS = frozenset({"median", "hyperband"})
"""Pruners that judge a trial by other trials at the same epoch."""


def check_compatibility(
    spec: StudySpec,
    defaults: Mapping[str, Mapping[str, Any]] | None = None,
    first: Mapping[str, Sequence[Enqueued]] | None = None,
) -> list[str]:
    """Return warnings to show before the study starts.

    Args:
        spec: the study file.
        defaults: by label, values that parameters take where the file neither searches nor fixes
            them, such as an architecture's default ``schedule``.
        first: by label, the configurations tried first; without them those that the file spells
            out, so none of the thesis's.

    Raises:
        SpecError: an option is unknown or wrong, or two parts exclude each other.
    """
    keras_tuner = spec.engine.name == "keras-tuner"
    for kind in ("pruner", "engine") if keras_tuner else ("sampler", "pruner", "engine"):
        chosen = getattr(spec, kind)
        stated(kind, chosen.name, chosen.options)
    _check_bounds(spec)
    warnings = list(check_objectives(spec))
    for label, architecture in spec.architectures.items():
        values = (defaults or {}).get(label, {})
        known = (first or {}).get(label)
        tried = resolve_enqueue(architecture, None, label) if known is None else known
        _check_schedule(spec, label, architecture, values, tried)
        warnings += _check_epochs(spec, label, architecture, values, tried)
        heads = list(_values_of("head_epochs", architecture, values, tried))
        warnings += check_fidelity(spec, label, tried, heads)
        if spec.engine.name == "optuna":
            warnings += _sampler_warnings(spec, label, architecture, len(tried))
    if keras_tuner:
        warnings += oracle_warnings(spec)
    if "pruner" in spec.model_fields_set:  # Nobody is told to lower what nobody has written.
        warnings += _pruner_warnings(spec)
    return warnings


def _values_of(
    name: str,
    architecture: ArchitectureSpec,
    defaults: Mapping[str, Any],
    first: Sequence[Enqueued],
) -> Iterator[tuple[Any, str]]:
    """Yield the values that parameter ``name`` may take in some trial, and where each is said."""
    parameter = architecture.space.parameters.get(name)
    if isinstance(parameter, CategoricalParameter):
        yield from ((choice, f".space.{name}") for choice in parameter.choices)
    if name in architecture.fixed:
        yield architecture.fixed[name], f".fixed.{name}"
    elif name in defaults and (parameter is None or parameter.when):
        yield defaults[name], ""
    for trial in first:
        values = {**trial.values, **trial.overrides}
        if name in values:
            yield values[name], ".enqueue"


def _check_schedule(
    spec: StudySpec,
    label: str,
    architecture: ArchitectureSpec,
    defaults: Mapping[str, Any],
    first: Sequence[Enqueued],
) -> None:
    if spec.pruner.name not in COMPARING_PRUNERS:
        return
    for value, where in _values_of("schedule", architecture, defaults, first):
        if str(value) in HORIZON_SCHEDULES:
            raise SpecError(
                f"the schedule '{value}' and the pruner '{spec.pruner.name}' exclude each other: "
                "its rate at an epoch depends on the epoch at which it ends, so trials under it "
                "cannot be compared half-way, and the pruner would stop those that gain last",
                where=f"architectures.{label}{where}",
                got=None if where else f"'{value}' by the architecture's own default",
                hint="Set pruner to none or threshold, or the schedule to plateau or constant",
            )


def _check_epochs(
    spec: StudySpec,
    label: str,
    architecture: ArchitectureSpec,
    defaults: Mapping[str, Any],
    first: Sequence[Enqueued],
) -> Iterator[str]:
    """Yield what is odd about epochs under Hyperband; refuse epochs of a trial's own."""
    tuner = spec.engine.name == "keras-tuner" and oracle_name(spec) == "hyperband"
    if not tuner and spec.pruner.name != "hyperband":
        return
    other = f"choose another {'oracle' if tuner else 'pruner, such as median'}"
    if "epochs" in architecture.space.parameters:
        raise SpecError(
            "Hyperband decides how many epochs a trial gets, so they cannot be searched too",
            where=f"architectures.{label}.space.epochs",
            hint=f"Move epochs to 'fixed', or {other}",
        )
    usual = planned_epochs({**defaults, **architecture.fixed})
    for trial in first:
        epochs = trial.overrides.get("epochs", usual)
        if epochs == usual:
            continue
        if trial.origin == "thesis":
            yield (
                f"{label}: the thesis's configuration brings its own {epochs} epochs, and "
                "Hyperband takes all trials for equally long; fix epochs, to which it yields."
            )
        else:
            raise SpecError(
                "Hyperband decides how many epochs a trial gets, so a configuration that is tried "
                "first cannot bring its own",
                where=f"architectures.{label}.enqueue",
                got=f"epochs: {epochs}",
                hint=f"Leave them out there, or {other}",
            )


def _sampler_warnings(
    spec: StudySpec, label: str, architecture: ArchitectureSpec, first: int
) -> Iterator[str]:
    """Yield what a sampler leaves out; ``first`` is how many trials come before its own."""
    space = fold_fixed(architecture.space, architecture.fixed)
    if spec.sampler.name == "grid":
        yield from _grid_warnings(spec, label, architecture, first)
    if spec.sampler.name == "cmaes":
        aside = [
            name
            for name, parameter in space.parameters.items()
            if isinstance(parameter, CategoricalParameter) or parameter.when
        ]
        if aside:
            yield (
                f"{label}: CMA-ES searches only floats and ints that every trial has; "
                f"{', '.join(aside)} will be drawn at random, and what they do to the objective "
                "is noise to it. TPE searches all of them."
            )


def _grid_warnings(
    spec: StudySpec, label: str, architecture: ArchitectureSpec, first: int
) -> Iterator[str]:
    try:
        size = fold_fixed(architecture.space, architecture.fixed).grid_size()
    except SpecError as error:
        raise SpecError(
            error.problem,
            where=f"architectures.{label}.{error.where}",
            expected=error.expected,
            hint=error.hint,
        ) from None
    places = spec.trials_of(label) - first
    if size < places:
        yield f"{label}: the grid ends after {size} of {places} trials."
    elif size > places:
        yield (
            f"{label}: the budget covers {max(places, 0)} of the grid's {size} configurations, "
            "drawn in a shuffled order."
        )


def _pruner_warnings(spec: StudySpec) -> Iterator[str]:
    """Yield why a pruner will stop nothing, or nothing early enough to save time."""
    name, options = spec.pruner.name, stated("pruner", spec.pruner.name, spec.pruner.options)
    if name == "median":
        most = max(spec.trials_of(label) for label in spec.architectures)
        if options["startup_trials"] >= most:
            yield (
                f"the median pruner waits for {options['startup_trials']} completed trials and the "
                f"budget is {most}, so it will stop nothing; lower pruner.startup_trials."
            )
        first = max(options["warmup_epochs"], options["patience"]) + 1
        remedy = "lower pruner.warmup_epochs and pruner.patience"
    elif name == "threshold":
        first, remedy = options["warmup_epochs"] + 1, "lower pruner.warmup_epochs"
    elif name == "hyperband":
        first, remedy = options["min_epochs"], "lower pruner.min_epochs"
    else:
        return
    for label, architecture in spec.architectures.items():
        epochs = architecture.fixed.get("epochs")
        if isinstance(epochs, int) and epochs <= first:
            yield (
                f"{label}: the {name} pruner first looks after epoch {first} and trials have "
                f"{epochs}, so it saves nothing; {remedy}."
            )


def _check_bounds(spec: StudySpec) -> None:
    """Refuse bounds that every trial breaks: an accuracy in percent, a loss below zero."""
    if spec.pruner.name != "threshold":
        return
    options = read_options(ThresholdOptions, spec.pruner.options, "pruner")
    metric = spec.objective.metric
    accuracy = metric == "val_accuracy"
    for name, bound in (("lower", options.lower), ("upper", options.upper)):
        if bound is not None and (bound < 0 or (accuracy and bound > 1)):
            raise SpecError(
                f"the threshold's bound lies where {metric} never is",
                where=f"pruner.{name}",
                expected="a share from 0 to 1" if accuracy else "a number from 0",
                got=f"{bound:g}",
                hint=f"Write {bound / 100:g} for {bound:g} %" if 1 < bound <= 100 else None,
            )
