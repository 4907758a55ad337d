"""What a trial is judged by beside its first objective: further objectives, and constraints."""

from __future__ import annotations

from typing import Any, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from hpo.spec.faults import Fault
from hpo.spec.numbers import Real
from hpo.spec.sections import Section

Direction = Literal["maximize", "minimize"]
Metric = Literal["val_accuracy", "val_loss", "latency_ms", "size_mib", "parameter_count"]
TRAINED: tuple[str, ...] = ("val_accuracy", "val_loss")
"""Metrics that every epoch has; one of them is the first objective and chooses the checkpoint."""
MEASURED: tuple[str, ...] = ("latency_ms", "size_mib", "parameter_count")
"""Metrics of the checkpoint, measured after training in the trial's own process."""


def direction_of(metric: str) -> Direction:
    """Return which way of a metric is better."""
    return "maximize" if metric == "val_accuracy" else "minimize"


def metric_text(metric: str, value: float) -> str:
    """Return a metric as people read it: weights are counted whole, the rest has four digits."""
    return f"{value:,.0f}" if metric == "parameter_count" else f"{value:.4g}"


def size_text(mib: float) -> str:
    """Return a size with its unit, such as ``3.2 MiB``; in KiB below a tenth of a MiB.

    Args:
        mib: in MiB, 0 or above.
    """
    return f"{1024 * mib:.3g} KiB" if mib < 0.1 else f"{mib:.1f} MiB"


class GoalSpec(Section):
    """One of several objectives, written as a metric or ``{metric: NAME, direction: ...}``."""

    metric: Metric
    direction: Direction = "maximize"

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, data: Any) -> Any:
        if isinstance(data, str):
            data = {"metric": data}
        if isinstance(data, dict) and data.get("metric") in get_args(Metric):
            return {"direction": direction_of(data["metric"]), **data}
        return data

    @model_validator(mode="after")
    def _the_better_way(self) -> Self:
        better = direction_of(self.metric)
        if self.direction != better:
            raise ValueError(
                f"{self.metric} is better the other way: {better}; leave direction out"
            )
        return self


class BoundSpec(Section):
    """What a metric must keep to: ``{at_most: 8}``, ``{at_least: 0.5}``, or both."""

    at_most: Real | None = Field(default=None, description="The metric may not be above it.")
    at_least: Real | None = Field(default=None, description="The metric may not be below it.")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.at_most is None and self.at_least is None:
            raise ValueError("a constraint needs a bound; give at_most, at_least or both")
        if None not in (self.at_most, self.at_least) and self.at_least > self.at_most:  # type: ignore[operator]
            raise ValueError("at_least lies above at_most; swap them")
        return self

    def excess(self, value: float) -> float:
        """Return by how much a value breaks the bound, in the metric's unit; 0 or less keeps it."""
        over = [value - self.at_most] if self.at_most is not None else []
        under = [self.at_least - value] if self.at_least is not None else []
        return max(over + under)

    @property
    def scale(self) -> float:
        """Return the size of the bound, by which excesses of several metrics are compared."""
        return max(abs(b) for b in (self.at_most, self.at_least) if b is not None) or 1.0

    def words(self) -> str:
        """Return the bound in words, such as ``at most 8``."""
        bounds = (("at least", self.at_least), ("at most", self.at_most))
        return " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)


class ConstraintsSpec(Section):
    """Bounds by metric; a trial that breaks one is no winner."""

    val_accuracy: BoundSpec | None = None
    val_loss: BoundSpec | None = None
    latency_ms: BoundSpec | None = None
    size_mib: BoundSpec | None = None
    parameter_count: BoundSpec | None = None

    @field_validator("val_accuracy")
    @classmethod
    def _a_share(cls, bound: BoundSpec | None) -> BoundSpec | None:
        for value in (bound.at_most, bound.at_least) if bound else ():
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"an accuracy is a share from 0 to 1, got {value:g}")
        return bound

    @field_validator(*MEASURED)
    @classmethod
    def _above_zero(cls, bound: BoundSpec | None) -> BoundSpec | None:
        for key in ("at_most", "at_least"):
            value = getattr(bound, key, None)
            if value is not None and value <= 0:
                raise Fault(f"takes a number above 0, got {value:g}", key)
        return bound

    @property
    def bounds(self) -> dict[str, BoundSpec]:
        """Return the bounds that are set, by metric."""
        named = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: bound for name, bound in named.items() if bound is not None}
