"""Cost against quality: which models no other beats for less, by time and by size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from hpo.reports.data import ReportData
from hpo.reports.draw.section import Picture, Section
from hpo.reports.draw.style import (
    about,
    colour,
    faded,
    figure,
    objective_axis,
    objective_value,
    safe,
    symbol,
)
from hpo.reports.judged import none_kept

TITLE = "Cost against quality"
LOOK_FOR = (
    "The line joins the models that no other matches for less, the Pareto front; faint ones are "
    "beaten by a cheaper one. Where the front is flat, more cost bought little."
)
AMONG_SEVERAL = " Is one architecture alone on it?"
OLD = "This report was made before costs were compared; draw it again."
AXES = {
    "seconds": ("training time", "time from claim to end<br>of the trial [s], log scale"),
    "parameters": ("parameters", "weights in the model, log scale"),
}

MOST_TICKS = 8
"""Ticks of a log axis that a phone has room for."""
APART = 0.16
"""Of the axis, between two of its ticks: 40 pixels on a phone, where one with its unit takes 33."""
_STEPS = (
    (1.0, 2.0, 5.0),
    (1.0, 1.5, 2.0, 3.0, 5.0, 7.0),
    tuple(float(k) for k in range(1, 10)),
    tuple(k / 2 for k in range(2, 20)),
    tuple(k / 10 for k in range(10, 100)),
)
"""Multiples of a decade that get a tick, from few to many."""
_COARSE_STEPS = ((1.0, 3.0), (1.0,))
"""Those of axes of several decades, where even 1, 2 and 5 stand too close."""


def section(data: ReportData) -> Section:
    """Draw each model's value against its training time, and against its number of weights."""
    look_for = LOOK_FOR + (AMONG_SEVERAL if len(data.labels) > 1 else "")
    if not data.comparison:
        return Section(TITLE, look_for, empty=OLD)
    models = data.comparison["models"]
    known = [cost for cost in AXES if any(model[cost] for model in models)]
    if not known:
        return Section(
            TITLE,
            look_for,
            empty=none_kept(data.trials) or "No complete trial has a value and a cost.",
        )
    return Section(TITLE, look_for, [_picture(data, cost) for cost in known])


def _picture(data: ReportData, cost: str) -> Picture:
    import plotly.graph_objects as go

    name, axis = AXES[cost]
    models = [m for m in data.comparison["models"] if m[cost]]
    front = sorted((m for m in models if cost in m["front"]), key=lambda m: m[cost])
    drawn = figure(
        f"Value against {name}, and the Pareto front",
        x=axis,
        y=objective_axis(data.objective),
        height=460,
    )
    drawn.add_trace(
        go.Scatter(
            x=[m[cost] for m in front],
            y=[objective_value(m["value"], data.objective) for m in front],
            mode="lines",
            # Between two of its models the front has what the cheaper one gives.
            line={"shape": "hv", "color": "#7d8894", "width": 1.5},
            name="Pareto front",
            hoverinfo="skip",
        )
    )
    for label in data.labels:
        own = [m for m in models if m["label"] == label]
        for on_front in (False, True) if own else ():
            chosen = [m for m in own if (cost in m["front"]) == on_front]
            drawn.add_trace(_marks(go, data, label, chosen, cost, on_front=on_front))
    ticks = _ticks(min(m[cost] for m in models), max(m[cost] for m in models))
    drawn.update_xaxes(type="log", tickvals=list(ticks), ticktext=list(ticks.values()))
    note = (
        f"n = {len(models)} complete trials, {len(front)} of them on the front. One training run "
        "each, selected and judged on the same validation faces; a front runs along the luckiest "
        "of them."
    )
    if cost == "seconds":
        note += (
            "\nTime is of this machine and of what else it did. It holds validation, and of a "
            "trial that went on from another that one, too."
        )
    return Picture(name, drawn, note=note)


def _marks(
    go: Any,
    data: ReportData,
    label: str,
    chosen: list[Mapping[str, Any]],
    cost: str,
    *,
    on_front: bool,
) -> Any:
    tone = colour(data.labels, label)
    return go.Scatter(
        # Without any on the front the mark stands in the legend alone.
        x=[m[cost] for m in chosen] or [None],
        y=[objective_value(m["value"], data.objective) for m in chosen] or [None],
        mode="markers",
        marker={
            "symbol": symbol(data.labels, label),
            "size": 12 if on_front else 9,
            "color": tone if on_front else faded(tone, 0.4),
        },
        # In the legend an architecture stands once; in words its two groups are told apart.
        name=safe(label) + ("" if on_front else ", beaten by a cheaper one"),
        legendgroup=safe(label),
        meta=about(label, "complete"),
        showlegend=on_front,
        customdata=[
            f"{safe(label)} #{m['number']}" + (", on the front" if on_front else "") for m in chosen
        ],
        hovertemplate="%{customdata}<br>%{y:.4g} at %{x:.4g}<extra></extra>",
    )


def _ticks(low: float, high: float) -> dict[float, str]:
    """Return ticks of a log axis with their text, at least two where its ends differ.

    1, 2 and 5 of each decade, or as many more as a shorter axis needs.
    """
    shown: list[float] = []
    for steps in _STEPS:
        shown = _multiples(low, high, steps)
        if len(shown) >= 3:
            break
    else:
        shown = sorted({float(f"{low:.3g}"), float(f"{high:.3g}")})
    for steps in _COARSE_STEPS:
        fewer = _multiples(low, high, steps)
        closest = min((math.log10(b / a) for a, b in pairwise(shown)), default=math.inf)
        if len(fewer) >= 3 and closest < APART * math.log10(high / low):
            shown = fewer
    kept: list[float] = []
    for value in shown[:: -(-len(shown) // MOST_TICKS)]:
        if not kept or math.log10(value / kept[-1]) >= APART * math.log10(high / low):
            kept.append(value)
    return {value: _short(value) for value in kept}


def _multiples(low: float, high: float, steps: Sequence[float]) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    places = sorted({step * 10.0**decade for decade in decades for step in steps})
    # An axis ends a little beyond the models at its ends.
    return [v for v in places if low / 1.01 <= v <= high * 1.01]


def _short(value: float) -> str:
    for size, unit in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
