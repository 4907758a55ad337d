"""Parameters two at a time, and a smoothed surface of the objective over them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hpo.evidence.optuna_study import Observation, is_number

GRID = 32
"""Points per side of the surface."""
BANDWIDTH = 0.12
"""Standard deviation of the Gaussian kernel, as a share of an axis."""
NEAR = 0.35
"""Kernel weight under which a point of the grid is left blank: no trial lies near enough."""
FEWEST = 12
"""Trials under which no surface is drawn, only the points."""


def by_rank(
    table: Mapping[str, Any], usable: Sequence[Observation], space: Mapping[str, Any]
) -> list[str]:
    """Return the parameters that varied: by importance, then by how many values they took."""
    ranked = [p["name"] for p in table.get("parameters", [])]
    varied = {
        name: len({repr(o.params[name]) for o in usable if name in o.params})
        for name in {*space, *(n for o in usable for n in o.params)}
    }
    rest = sorted((n for n in varied if n not in ranked), key=lambda n: (-varied[n], n))
    return [n for n in (*ranked, *rest) if varied.get(n, 0) > 1]


def axis_of(name: str, usable: Sequence[Observation], entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``name, log, choices, low, high``: the whole searched range, or the choices.

    ``choices`` is None for an axis of numbers; ``low`` and ``high`` are None for choices.
    """
    values = [o.params[name] for o in usable if name in o.params]
    if entry.get("choices") or not all(is_number(v) for v in values):
        listed = [str(c) for c in entry.get("choices", ())]
        seen = sorted({str(v) for v in values if str(v) not in listed})
        return {
            "name": name,
            "log": False,
            "choices": [*listed, *seen],
            "low": None,
            "high": None,
        }
    # An enqueued value may lie outside the range, and a study without a space has none.
    ends = [*values, *(entry[k] for k in ("low", "high") if is_number(entry.get(k)))]
    low, high = min(ends, default=None), max(ends, default=None)
    log = bool(entry.get("log")) and low is not None and low > 0
    return {"name": name, "log": log, "choices": None, "low": low, "high": high}


def surface(
    usable: Sequence[Observation], names: Sequence[str], space: Mapping[str, Any]
) -> dict[str, Any]:
    """Return ``x, y`` (axes), ``grid_x, grid_y, grid`` and ``trials`` for two parameters.

    ``grid`` is a Nadaraya-Watson mean (Nadaraya 1964, Watson 1964) with a Gaussian kernel in the
    unit square of the two axes, log axes in their logarithm, and None where no trial is near. It
    is empty for choices, where nearness means nothing, and for fewer than ``FEWEST`` trials.
    """
    x, y = (axis_of(name, usable, space.get(name, {})) for name in names)
    both = [o for o in usable if x["name"] in o.params and y["name"] in o.params]
    data: dict[str, Any] = {"x": x, "y": y, "trials": len(both)}
    data |= {"grid_x": [], "grid_y": [], "grid": []}
    if x["choices"] or y["choices"] or len(both) < FEWEST:
        return data
    xs, scaled_x = _unit([o.params[x["name"]] for o in both], x["log"])
    ys, scaled_y = _unit([o.params[y["name"]] for o in both], y["log"])
    values = [o.value for o in both]
    steps = [k / (GRID - 1) for k in range(GRID)]
    data["grid_x"] = [scaled_x(k) for k in steps]
    data["grid_y"] = [scaled_y(k) for k in steps]
    data["grid"] = [[_smoothed(u, v, xs, ys, values) for u in steps] for v in steps]
    return data


def _unit(values: Sequence[float], log: bool) -> tuple[list[float], Any]:
    """Return values scaled to [0, 1], and the way back to six digits."""
    flat = [math.log10(v) if log else float(v) for v in values]
    low, high = min(flat), max(flat)
    span = (high - low) or 1.0

    def back(share: float) -> float:
        value = low + share * span
        return float(f"{10**value if log else value:.6g}")

    return [(v - low) / span for v in flat], back


def _smoothed(
    u: float, v: float, xs: Sequence[float], ys: Sequence[float], values: Sequence[float]
) -> float | None:
    weights = [
        math.exp(-((u - a) ** 2 + (v - b) ** 2) / (2 * BANDWIDTH**2))
        for a, b in zip(xs, ys, strict=True)
    ]
    total = sum(weights)
    if total < NEAR:
        return None
    mean = sum(w * value for w, value in zip(weights, values, strict=True)) / total
    return float(f"{mean:.6g}")
