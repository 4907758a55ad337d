"""Parameter axes: numbers linear or log, choices by position, missing values set apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpo.evidence.optuna_study import is_number
from hpo.reports.draw.style import short


@dataclass(frozen=True)
class ParameterAxis:
    """One parameter over the trials that had it.

    Args:
        name: the parameter.
        choices: labels by position; None for numbers.
        log: numbers are shown in their decimal logarithm.
    """

    name: str
    choices: list[str] | None
    log: bool

    def place(self, value: Any) -> float | None:
        """Return where ``value`` lies: its position among the choices, or (the log of) itself."""
        if self.choices is not None:
            return float(self.choices.index(short(value)))
        if not is_number(value) or (self.log and value <= 0):
            return None
        return math.log10(value) if self.log else float(value)


def active(trial: Mapping[str, Any], name: str) -> bool:
    """Return whether a parameter was searched in a trial."""
    return name in trial["searched"]


def axis(name: str, trials: Sequence[Mapping[str, Any]], space: Mapping[str, Any]) -> ParameterAxis:
    """Return the axis of a parameter over the trials in which it was active."""
    entry = space.get(name) or {}
    values = [t["params"].get(name) for t in trials if active(t, name)]
    if entry.get("choices") or not all(is_number(v) for v in values):
        listed = [short(c) for c in entry.get("choices", ())]
        extra = sorted({short(v) for v in values if short(v) not in listed})
        return ParameterAxis(name, [*listed, *extra], False)
    return ParameterAxis(name, None, bool(entry.get("log")) and min(values, default=0) > 0)


def varied(
    trials: Sequence[Mapping[str, Any]], importance: Mapping[str, Any] | None = None
) -> list[str]:
    """Return the parameters that took more than one value, the most important first."""
    ranked = [p["name"] for p in (importance or {}).get("parameters", [])]
    names = sorted({n for t in trials for n in t["searched"]})
    many = [
        n for n in names if len({short(t["params"].get(n)) for t in trials if active(t, n)}) > 1
    ]
    return sorted(many, key=lambda n: (ranked.index(n) if n in ranked else len(ranked), n))


def linear_ticks(values: Sequence[float]) -> list[float]:
    """Return five ticks from the least to the greatest value; whole ones where all values are."""
    low, high = min(values), max(values)
    ticks = [low + k * (high - low) / 4 for k in range(5)]
    if all(float(v).is_integer() for v in values):
        ticks = [float(round(t)) for t in ticks]
    return sorted(set(ticks))


def log_ticks(low: float, high: float) -> list[float]:
    """Return the whole decades between two logarithms, and the ends where no decade is near."""
    decades = [float(k) for k in range(math.ceil(low), math.floor(high) + 1)]
    near = 0.12 * (high - low)
    ends = [e for e in (low, high) if all(abs(e - d) > near for d in decades)]
    return sorted({*decades, *ends})
