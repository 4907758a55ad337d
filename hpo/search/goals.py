"""Objectives and constraints as Optuna stores them with a trial, and how they are read back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hpo.spec.objectives import BoundSpec, ConstraintsSpec, GoalSpec
from hpo.spec.records import TrialResult
from hpo.spec.study import StudySpec

CONSTRAINT = "constraints:"
"""Prefix of a trial's system attributes from which Optuna reads ``FrozenTrial.constraints``."""


@dataclass(frozen=True)
class Goals:
    """What the trials of a study are judged by.

    Args:
        metrics: names of the objectives, in Optuna's order.
        maximize: the direction of each.
        bounds: the constraints, by metric.
    """

    metrics: tuple[str, ...]
    maximize: tuple[bool, ...]
    bounds: Mapping[str, BoundSpec] = field(default_factory=dict)

    @classmethod
    def of(cls, spec: StudySpec) -> Goals:
        """Return those of a study file."""
        goals = spec.goals
        return cls(
            tuple(g.metric for g in goals),
            tuple(g.direction == "maximize" for g in goals),
            spec.constraints.bounds,
        )

    @classmethod
    def stored(cls, plain: Mapping[str, Any], maximize: bool) -> Goals:
        """Return those of a stored study file, whatever version wrote it.

        Args:
            plain: the study file as plain data.
            maximize: the direction of its (first) objective.
        """
        several = plain.get("objectives")
        bounds = ConstraintsSpec.model_validate(plain.get("constraints") or {}).bounds
        if not several:
            metric = (plain.get("objective") or {}).get("metric", "")
            return cls((metric,), (maximize,), bounds)
        goals = [GoalSpec.model_validate(goal) for goal in several]
        return cls(
            tuple(g.metric for g in goals), tuple(g.direction == "maximize" for g in goals), bounds
        )

    def values(self, result: TrialResult) -> list[float] | None:
        """Return a complete trial's objectives, ``value`` first; None if one is not known."""
        further = [result.metrics.get(metric) for metric in self.metrics[1:]]
        found = [result.value, *further]
        known = [float(v) for v in found if v is not None and not math.isnan(v)]
        return known if len(known) == len(found) else None

    def missing(self, result: TrialResult) -> list[str]:
        """Return what should have been measured of a complete trial and was not."""
        wanted = (*self.metrics[1:], *self.bounds)
        return [m for m in dict.fromkeys(wanted) if m not in result.metrics]

    def excess(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """Return by how much each constraint is broken, in its metric's unit."""
        return {m: b.excess(metrics[m]) for m, b in self.bounds.items() if m in metrics}

    def constraints(self, result: TrialResult) -> dict[str, float]:
        """Return what Optuna keeps of the constraints: excesses as shares of their bounds.

        Samplers add up what is broken, and milliseconds and weights have no common unit.
        """
        return {
            CONSTRAINT + metric: excess / self.bounds[metric].scale
            for metric, excess in self.excess(result.metrics).items()
        }
