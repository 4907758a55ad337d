"""A study whose space grows: whether it may, and how earlier trials look in the new space.

Samplers are shown the earlier trials as the present space holds them (``Present``): with its
ranges, and with the value that a parameter had before it was searched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hpo.search import trials as stored
from hpo.spec.errors import InputError
from hpo.spec.evolving import Growth, arranged, growth
from hpo.spec.space import SearchSpace, describe
from hpo.spec.study import StudySpec

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

SPACE = "space"
"""User attribute of a study: its present space, as plain data."""
SPACES = "spaces"
"""User attribute of a study whose space has grown: every version of it, by number."""

ONE_SPACE = {
    "grid": "a grid is one list of configurations, in one order",
    "cmaes": "the state of CMA-ES belongs to one space",
}
"""Samplers that keep something of the space which does not grow with it."""


def version_of(attributes: Mapping[str, Any]) -> int:
    """Return the version of its space that a study with these user attributes has, from 1."""
    return int(attributes.get(stored.SPACE_VERSION, 1))


def space_at(attributes: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Return a version of a study's space as plain data."""
    earlier: dict[str, Any] = attributes.get(SPACES, {})
    space: dict[str, Any] = earlier.get(str(version), attributes.get(SPACE, {}))
    return space


def stored_space(attributes: Mapping[str, Any]) -> SearchSpace:
    """Return the present space of a study with these user attributes."""
    return SearchSpace.from_plain(attributes.get(SPACE, {}))


# Whether it may


def judge(
    attributes: Mapping[str, Any],
    fixed_before: Mapping[str, Any],
    spec: StudySpec,
    label: str,
    trials: Iterable[FrozenTrial],
) -> Growth:
    """Return what a study file adds to the space of a stored study, and what forbids it.

    Args:
        attributes: user attributes of the stored study.
        fixed_before: what it fixes.
        spec: the study file.
        label: the architecture's name in it.
        trials: those of the stored study.
    """
    architecture = spec.architectures[label]
    fixed: Mapping[str, Any] = architecture.fixed
    old = stored_space(attributes)
    new = arranged(architecture.space, old)
    found = growth(old, architecture.space)
    refused = found.refused
    for name in dict.fromkeys([*fixed, *fixed_before]):
        if name in fixed_before and name not in fixed and name in new.parameters:
            if not new.parameters[name].contains(fixed_before[name]):
                refused.append(_outside(new, name, f"it was fixed to {fixed_before[name]}"))
        elif fixed.get(name, _ABSENT) != fixed_before.get(name, _ABSENT):
            one, two = fixed.get(name, "absent"), fixed_before.get(name, "absent")
            refused.append(f"fixed {name}: {one}, until now {two}: what is fixed cannot change")
    if found.added and spec.engine.name != "optuna":
        refused.append(f"engine {spec.engine.name}: its oracles know one space")
    elif found.added and spec.sampler.name in ONE_SPACE:
        refused.append(f"sampler {spec.sampler.name}: {ONE_SPACE[spec.sampler.name]}")
    if found.new and not refused:
        refused += _unknown_values(Present(new, fixed, 0), trials)
    return found


_ABSENT = object()


def _outside(space: SearchSpace, name: str, had: str) -> str:
    parameter = space.parameters[name]
    return f"{name}: {describe(parameter)}, where {had}: let it hold that value"


def _unknown_values(present: Present, trials: Iterable[FrozenTrial]) -> list[str]:
    """Return a line for each new parameter whose value in earlier trials the space lacks."""
    lines: dict[str, str] = {}
    for trial in trials:
        if trial.state.name not in ("COMPLETE", "PRUNED"):
            continue
        for name, value in present.fit(trial)[1].items():
            had = (
                "nothing says which value earlier trials had"
                if value is _ABSENT
                else f"trial {trial.number} had {value}"
            )
            lines.setdefault(name, _outside(present.space, name, had))
    return list(lines.values())


def evolution_line(label: str, version: int, grown: Growth) -> str:
    """Return what a next version of an architecture's space adds, as a sentence."""
    return f"{label}: version {version} of the space adds {'; '.join(grown.added)}."


def evolved_meanwhile(study: str, label: str, version: int) -> InputError:
    """Return the error for a worker that began with an earlier version of the space."""
    return InputError(
        f"the space of study '{study}' ({label}) has come to version {version} since this worker "
        "began",
        hint="Start the worker again with the study file as it is now, or by the study's name",
    )


# Earlier trials in the present space


@dataclass
class Present:
    """A study's present space, and how trials of earlier versions look in it.

    Args:
        space: the present space.
        fixed: what the study fixes now.
        version: of the space.
    """

    space: SearchSpace
    fixed: Mapping[str, Any]
    version: int
    _seen: dict[int, FrozenTrial] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """Return the parameters whose values are to be remembered of earlier trials."""
        return frozenset(self.space.parameters) if self.version > 1 else frozenset()

    def fit(self, trial: FrozenTrial) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the values of a trial that the space holds, and those that it does not.

        What was set beside the space, as by an enqueued configuration, is neither.
        """
        overrides = trial.user_attrs.get(stored.OVERRIDES, {})
        known = {**trial.user_attrs.get(stored.PARAMS, {}), **trial.params}
        inside: dict[str, Any] = {}
        outside: dict[str, Any] = {}
        for name in self.space.order():
            parameter = self.space.parameters[name]
            if name in overrides or not parameter.active({**self.fixed, **overrides, **inside}):
                continue
            if name in known and parameter.contains(known[name]):
                inside[name] = known[name]
            else:
                outside[name] = known.get(name, _ABSENT)
        return inside, outside

    def shown(self, trial: FrozenTrial) -> FrozenTrial:
        """Return a trial as the present space holds it; one that was drawn from it as it is."""
        if trial.user_attrs.get(stored.SPACE_VERSION, 1) == self.version:
            return trial
        if trial.number in self._seen:
            return self._seen[trial.number]
        values, _ = self.fit(trial)
        mapped = copy(trial)
        mapped.distributions = distributions(self.space, values)
        mapped.params = dict(values)
        if trial.state.is_finished():
            self._seen[trial.number] = mapped
        return mapped


def distributions(space: SearchSpace, names: Iterable[str]) -> dict[str, Any]:
    """Return Optuna's distributions of these parameters."""
    asked = _Asked()
    for name in names:
        space.parameters[name].suggest(name, asked)
    return asked.distributions


class _Asked:
    """Notes which distribution a parameter asks for."""

    def __init__(self) -> None:
        self.distributions: dict[str, Any] = {}

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        from optuna.distributions import FloatDistribution

        self.distributions[name] = FloatDistribution(low, high, log=log, step=step)
        return low

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        from optuna.distributions import IntDistribution

        self.distributions[name] = IntDistribution(low, high, log=log, step=step)
        return low

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        from optuna.distributions import CategoricalDistribution

        self.distributions[name] = CategoricalDistribution(choices)
        return choices[0]
