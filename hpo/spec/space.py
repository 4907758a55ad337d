"""The search space: floats, ints and choices, some of them conditional on others.

A space is plain data (YAML in, YAML out). It does not search: ``suggest`` walks it, parents before
children, and asks a ``Suggester`` for each value. An Optuna trial is a ``Suggester`` as it stands.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator, model_validator

from hpo.spec.errors import SpecError, did_you_mean

Scalar = bool | int | float | str | None


class Suggester(Protocol):
    """Chooses values; what Optuna's trials offer."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Return a float in [low, high]."""
        ...

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Return an int in [low, high]."""
        ...

    def suggest_categorical(self, name: str, choices: Sequence[Scalar]) -> Scalar:
        """Return one of ``choices``."""
        ...


def same(one: Scalar, other: Scalar) -> bool:
    """Tell whether two values are one choice: ``True`` is not ``1``, but ``1`` is ``1.0``."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


class _Parameter(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    when: dict[str, list[Scalar]] = Field(
        default_factory=dict,
        description="Active only while each named parameter has one of these values.",
    )

    @field_validator("when", mode="before")
    @classmethod
    def _listed(cls, when: Any) -> Any:
        if isinstance(when, Mapping):
            return {k: list(v) if isinstance(v, list | tuple) else [v] for k, v in when.items()}
        return when

    def active(self, values: Mapping[str, Any]) -> bool:
        """Tell whether the parameter's condition holds among ``values``."""
        return all(
            parent in values and any(same(values[parent], v) for v in allowed)
            for parent, allowed in self.when.items()
        )


class FloatParameter(_Parameter):
    """A float in [low, high], both ends included, on a linear or a log scale."""

    type: Literal["float"] = "float"
    low: float
    high: float
    log: bool = False
    step: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _range(self) -> Self:
        _check_range(self.low, self.high, log=self.log)
        if self.log and self.step is not None:
            raise ValueError("a log scale takes no step; leave out one of them")
        return self

    def suggest(self, name: str, suggester: Suggester) -> float:
        """Ask ``suggester`` for a value."""
        return suggester.suggest_float(name, self.low, self.high, step=self.step, log=self.log)

    def contains(self, value: Any) -> bool:
        """Tell whether ``value`` is in the range (steps within 1e-8 of their size)."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if not self.low <= value <= self.high:
            return False
        if self.step is None:
            return True
        steps = (value - self.low) / self.step
        return abs(steps - round(steps)) < 1e-8

    def values(self) -> list[float] | None:
        """Return every value, or None if there is no step."""
        if self.low == self.high:
            return [self.low]
        if self.step is None:
            return None
        count = math.floor((self.high - self.low) / self.step + 1e-8) + 1
        return [self.low + k * self.step for k in range(count)]

    def nearest(self, value: Any) -> float | None:
        """Return the value of the range nearest to ``value``, or None if it is no number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        inside = min(max(float(value), self.low), self.high)
        if self.step is not None:
            count = math.floor((self.high - self.low) / self.step + 1e-8)
            inside = self.low + min(round((inside - self.low) / self.step), count) * self.step
        return inside


class IntParameter(_Parameter):
    """An int in [low, high], both ends included, by steps or on a log scale."""

    type: Literal["int"] = "int"
    low: int
    high: int
    log: bool = False
    step: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _range(self) -> Self:
        _check_range(self.low, self.high, log=self.log)
        if self.log and self.step != 1:
            raise ValueError("a log scale takes no step; leave out one of them")
        return self

    def suggest(self, name: str, suggester: Suggester) -> int:
        """Ask ``suggester`` for a value."""
        return suggester.suggest_int(name, self.low, self.high, step=self.step, log=self.log)

    def contains(self, value: Any) -> bool:
        """Tell whether ``value`` is in the range."""
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            return False
        return self.low <= value <= self.high and (int(value) - self.low) % self.step == 0

    def values(self) -> list[int]:
        """Return every value."""
        return list(range(self.low, self.high + 1, self.step))

    def nearest(self, value: Any) -> int | None:
        """Return the value of the range nearest to ``value``, or None if it is no number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        inside = min(max(value, self.low), self.high)
        count = (self.high - self.low) // self.step
        return self.low + min(round((inside - self.low) / self.step), count) * self.step


class CategoricalParameter(_Parameter):
    """One of some choices, without an order."""

    type: Literal["categorical"] = "categorical"
    choices: list[Scalar] = Field(min_length=1)

    @field_validator("choices")
    @classmethod
    def _distinct(cls, choices: list[Scalar]) -> list[Scalar]:
        for position, choice in enumerate(choices):
            if any(same(choice, earlier) for earlier in choices[:position]):
                raise ValueError(f"the choice {choice!r} stands twice")
        return choices

    def suggest(self, name: str, suggester: Suggester) -> Scalar:
        """Ask ``suggester`` for a choice."""
        return suggester.suggest_categorical(name, list(self.choices))

    def contains(self, value: Any) -> bool:
        """Tell whether ``value`` is one of the choices."""
        return any(same(value, choice) for choice in self.choices)

    def values(self) -> list[Scalar]:
        """Return the choices."""
        return list(self.choices)

    def nearest(self, value: Any) -> None:
        """Return None: choices have no distance."""
        return


Parameter = Annotated[
    FloatParameter | IntParameter | CategoricalParameter, Field(discriminator="type")
]


class SearchSpace(RootModel[dict[str, Parameter]]):
    """Parameters by name.

    Raises:
        ValueError: conditions that form a circle, or that no value of the parent can meet
            (pydantic wraps it; a study file's loader adds file and line).
    """

    model_config = ConfigDict(frozen=True)

    @property
    def parameters(self) -> dict[str, FloatParameter | IntParameter | CategoricalParameter]:
        """Return the parameters by name, as written."""
        return self.root

    @model_validator(mode="after")
    def _conditions(self) -> Self:
        self.order()
        for name, parameter in self.root.items():
            for parent, allowed in parameter.when.items():
                if parent in self.root:
                    _check_condition(name, parent, self.root[parent], allowed)
        return self

    def order(self) -> list[str]:
        """Return the names with every parent before its children, else as written.

        Raises:
            ValueError: the conditions form a circle.
        """
        done: list[str] = []
        left = list(self.root)
        while left:
            ready = [n for n in left if all(p in done or p not in self.root for p in self._of(n))]
            if not ready:
                raise ValueError(f"the conditions of {', '.join(left)} form a circle")
            # Only the first, so that an unconditional space keeps the order of the file.
            done.append(ready[0])
            left.remove(ready[0])
        return done

    def _of(self, name: str) -> list[str]:
        return list(self.root[name].when)

    def suggest(
        self, suggester: Suggester, fixed: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return chosen values of the active parameters.

        Args:
            suggester: chooses the values.
            fixed: parameters that are not searched; conditions may lean on them, and a parameter
                of the space that stands in ``fixed`` is not asked for.
        """
        values: dict[str, Any] = dict(fixed or {})
        chosen: dict[str, Any] = {}
        for name in self.order():
            parameter = self.root[name]
            if name not in values and parameter.active(values):
                chosen[name] = values[name] = parameter.suggest(name, suggester)
        return chosen

    def active(self, values: Mapping[str, Any]) -> list[str]:
        """Return the names whose conditions hold among ``values``, in ``order``."""
        seen: dict[str, Any] = {k: v for k, v in values.items() if k not in self.root}
        names = []
        for name in self.order():
            if self.root[name].active(seen):
                names.append(name)
                if name in values:
                    seen[name] = values[name]
        return names

    def check(self, values: Mapping[str, Any], where: str | None = None) -> None:
        """Check that each value of a searched parameter lies in its range.

        Raises:
            SpecError: a value lies outside.
        """
        for name, value in values.items():
            parameter = self.root.get(name)
            if parameter is not None and not parameter.contains(value):
                raise SpecError(
                    f"'{name}' lies outside the search space",
                    where=where,
                    expected=describe(parameter),
                    got=repr(value),
                    hint="Widen the space, or change the value",
                )

    def fit(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
        """Bring a configuration that was made without this space as near to it as it allows.

        Returns:
            ``inside``: values of searched parameters, numbers clamped to their ranges;
            ``outside``: values that the space cannot express (unsearched parameters, and choices
            that it lacks), to be used as they are; and a note for each value that changed.
        """
        inside: dict[str, Any] = {}
        outside: dict[str, Any] = {}
        notes: list[str] = []
        for name, value in values.items():
            parameter = self.root.get(name)
            if parameter is None:
                outside[name] = value
            elif parameter.contains(value):
                inside[name] = value
            elif (nearest := parameter.nearest(value)) is not None:
                inside[name] = nearest
                notes.append(f"{name} {value:g} → {nearest:g}, the space's nearest")
            else:
                outside[name] = value
                notes.append(
                    f"{name} {value!r} is not among the space's choices; used all the same"
                )
        return inside, outside, notes

    def grid(self, fixed: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return every configuration once, conditions honoured.

        Raises:
            SpecError: a float has no step, so there is no grid over it.
        """
        for name, parameter in self.root.items():
            if parameter.values() is None:
                raise SpecError(
                    f"a grid needs steps, and '{name}' is a float without one",
                    expected="a step, or a list of choices",
                    hint=f"Give '{name}' a step, make it categorical, or choose another sampler",
                )
        return list(self._grid(self.order(), dict(fixed or {})))

    def _grid(self, names: list[str], values: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if not names:
            yield {n: v for n, v in values.items() if n in self.root}
            return
        first, rest = names[0], names[1:]
        parameter = self.root[first]
        if first in values or not parameter.active(values):
            yield from self._grid(rest, values)
            return
        for value in parameter.values() or []:
            yield from self._grid(rest, {**values, first: value})

    def size(self, fixed: Mapping[str, Any] | None = None, limit: int = 1_000_000) -> int | None:
        """Return the number of configurations; None if it is infinite or above ``limit``."""
        if any(p.values() is None for p in self.root.values()):
            return None
        bound = math.prod(len(p.values() or []) for p in self.root.values())
        if bound > limit:
            return None
        return sum(1 for _ in itertools.islice(self._grid(self.order(), dict(fixed or {})), limit))

    def to_plain(self) -> dict[str, Any]:
        """Return JSON-able data; ``from_plain`` reverses it."""
        return {name: p.model_dump(mode="json") for name, p in self.root.items()}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> SearchSpace:
        """Return the space that ``to_plain`` described."""
        return cls.model_validate(dict(data))

    def differences(self, other: SearchSpace) -> list[str]:
        """Return a line for each parameter that differs from ``other``'s."""
        lines = []
        for name in dict.fromkeys([*self.root, *other.root]):
            mine, theirs = self.root.get(name), other.root.get(name)
            if mine != theirs:
                one = describe(mine) if mine else "absent"
                two = describe(theirs) if theirs else "absent"
                lines.append(f"{name}: {one}, there {two}")
        return lines


def describe(parameter: FloatParameter | IntParameter | CategoricalParameter) -> str:
    """Return the parameter's range in words, such as ``float 1e-05 to 0.01, log``."""
    if isinstance(parameter, CategoricalParameter):
        text = "one of " + ", ".join(str(c) for c in parameter.choices)
    else:
        text = f"{parameter.type} {parameter.low:g} to {parameter.high:g}"
        if parameter.log:
            text += ", log"
        elif parameter.step not in (None, 1):
            text += f", step {parameter.step:g}"
    for parent, allowed in parameter.when.items():
        text += f", when {parent} is {' or '.join(str(v) for v in allowed)}"
    return text


def _check_range(low: float, high: float, *, log: bool) -> None:
    if low > high:
        raise ValueError(f"the range is reversed: low {low:g} lies above high {high:g}; swap them")
    if log and low <= 0:
        raise ValueError(f"a log scale needs low above 0, got {low:g}; raise low or drop log")


def _check_condition(
    child: str,
    parent: str,
    parameter: FloatParameter | IntParameter | CategoricalParameter,
    allowed: Sequence[Scalar],
) -> None:
    if isinstance(parameter, FloatParameter):
        raise ValueError(
            f"'{child}' hangs on '{parent}', a float; a condition needs a categorical or an int"
        )
    for value in allowed:
        if not parameter.contains(value):
            choices = [str(v) for v in parameter.values()[:20]]
            raise ValueError(
                f"'{child}' waits for {parent} = {value}, which '{parent}' never is "
                f"({describe(parameter)}). {did_you_mean(str(value), choices)}"
            )
