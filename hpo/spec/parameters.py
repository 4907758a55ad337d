"""The kinds of parameter that a search space is made of: float, int and categorical.

Each knows its range, asks a ``Suggester`` for a value, and says under which condition it is active.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from hpo.spec.numbers import Real, Whole

Scalar = bool | int | float | str | None

_LARGEST = 2**53
"""Larger integers are not exact as floats, in which storages and samplers hold them."""

_FINEST = 1e-12
"""Steps finer than this share of the range are below what floats can tell apart reliably."""

_ROUNDINGS = 4
"""How often arithmetic may round on the way to a step."""


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

    @field_validator("when")
    @classmethod
    def _possible(cls, when: dict[str, list[Scalar]]) -> dict[str, list[Scalar]]:
        for parent, allowed in when.items():
            if not allowed:
                raise ValueError(f"no value of '{parent}' is listed, so this is never active")
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
    low: Real
    high: Real
    log: bool = False
    step: Real | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _range(self) -> Self:
        _check_range(self.low, self.high, log=self.log)
        if self.log and self.step is not None:
            raise ValueError("a log scale takes no step; leave out one of them")
        if self.step is not None and self._too_fine(self.step):
            raise ValueError(
                f"the step {self.step:g} is too fine for {self.low:g} to {self.high:g}; "
                "leave it out"
            )
        if self.step is not None and self._steps() < 1:
            raise _too_large(self.step, self.low, self.high)
        return self

    def suggest(self, name: str, suggester: Suggester) -> float:
        """Ask ``suggester`` for a value."""
        # Optuna warns about a range that is no whole number of steps, and cuts it; we cut first.
        high = self.high if self.step is None else self._at(self._steps())
        return suggester.suggest_float(name, self.low, high, step=self.step, log=self.log)

    def contains(self, value: Any) -> bool:
        """Tell whether ``value`` is in the range (steps within 1e-8 of their size)."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if self.step is None or not math.isfinite(value):
            return self.low <= value <= self.high
        # Far from zero floats lie further apart than that; samplers reach a step by arithmetic.
        slack = max(1e-8 * self.step, _ROUNDINGS * self._resolution())
        steps = min(max(round((value - self.low) / self.step), 0), self._steps())
        return abs(value - (self.low + steps * self.step)) <= slack

    def count(self) -> int | None:
        """Return the number of values, or None if there is no step."""
        return None if self.step is None else self._steps() + 1

    def values(self) -> list[float] | None:
        """Return every value, or None if there is no step."""
        count = self.count()
        return None if count is None else [self._at(k) for k in range(count)]

    def nearest(self, value: Any) -> float | None:
        """Return the value of the range nearest to ``value``, or None if it is no number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        inside = min(max(float(value), self.low), self.high)
        if self.step is not None:
            inside = self._at(min(round((inside - self.low) / self.step), self._steps()))
        return inside

    def _resolution(self) -> float:
        """Return how far apart floats lie at the range's larger end."""
        return math.ulp(max(abs(self.low), abs(self.high)))

    def _too_fine(self, step: float) -> bool:
        return step < max(_FINEST * (self.high - self.low), 4 * _ROUNDINGS * self._resolution())

    def _steps(self) -> int:
        # In decimals, as written: (0.3 - 0.1) / 0.1 is 2, and 0.1 + 2 * 0.1 is 0.3.
        span = Decimal(str(self.high)) - Decimal(str(self.low))
        return int(span // Decimal(str(self.step)))

    def _at(self, position: int) -> float:
        if position == 0:
            return self.low
        return float(Decimal(str(self.low)) + position * Decimal(str(self.step)))


class IntParameter(_Parameter):
    """An int in [low, high], both ends included, by steps or on a log scale."""

    type: Literal["int"] = "int"
    low: Whole = Field(ge=-_LARGEST, le=_LARGEST)
    high: Whole = Field(ge=-_LARGEST, le=_LARGEST)
    log: bool = False
    step: Whole = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _range(self) -> Self:
        _check_range(self.low, self.high, log=self.log)
        if self.log and self.step != 1:
            raise ValueError("a log scale takes no step; leave out one of them")
        if self.step > self.high - self.low:
            raise _too_large(self.step, self.low, self.high)
        return self

    def suggest(self, name: str, suggester: Suggester) -> int:
        """Ask ``suggester`` for a value."""
        high = self.values()[-1]  # see FloatParameter.suggest
        return suggester.suggest_int(name, self.low, high, step=self.step, log=self.log)

    def contains(self, value: Any) -> bool:
        """Tell whether ``value`` is in the range."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if isinstance(value, float) and not value.is_integer():
            return False
        return self.low <= value <= self.high and (int(value) - self.low) % self.step == 0

    def count(self) -> int:
        """Return the number of values."""
        return len(self.values())

    def values(self) -> range:
        """Return every value."""
        return range(self.low, self.high + 1, self.step)

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

    def count(self) -> int:
        """Return the number of choices."""
        return len(self.choices)

    def values(self) -> list[Scalar]:
        """Return the choices."""
        return list(self.choices)

    def nearest(self, value: Any) -> None:
        """Return None: choices have no distance."""
        return


def describe(parameter: FloatParameter | IntParameter | CategoricalParameter) -> str:
    """Return the parameter's range in words, such as ``float 1e-05 to 0.01, log``."""
    if isinstance(parameter, CategoricalParameter):
        text = "one of " + ", ".join(as_written(c) for c in parameter.choices)
    else:
        text = f"{parameter.type} {parameter.low:g} to {parameter.high:g}"
        if parameter.log:
            text += ", log"
        elif parameter.step not in (None, 1):
            text += f", step {parameter.step:g}"
    for parent, allowed in parameter.when.items():
        text += f", when {parent} is {' or '.join(as_written(v) for v in allowed)}"
    return text


def as_written(value: object) -> str:
    """Return a value as a study file has it: ``true``, ``false``, ``null``, others as they are."""
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)


def _check_range(low: float, high: float, *, log: bool) -> None:
    if low > high:
        raise ValueError(f"the range is reversed: low {low:g} lies above high {high:g}; swap them")
    if low == high:
        raise ValueError(
            f"the range is empty: low and high are both {low:g}; "
            "fix the value under 'fixed' instead"
        )
    if log and low <= 0:
        raise ValueError(f"a log scale needs low above 0, got {low:g}; raise low or drop log")


def _too_large(step: float, low: float, high: float) -> ValueError:
    return ValueError(
        f"the step {step:g} is larger than the range {low:g} to {high:g}; lower it or leave it out"
    )
