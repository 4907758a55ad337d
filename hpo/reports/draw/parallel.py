"""Parallel coordinates: every trial a line through its parameters to its objective."""

from __future__ import annotations

from typing import Any

from hpo.reports.data import ReportData
from hpo.reports.draw.axes import ParameterAxis, active, axis, linear_ticks, log_ticks, varied
from hpo.reports.draw.section import Picture, Section
from hpo.reports.draw.style import (
    SCALE,
    clipped,
    figure,
    objective_axis,
    objective_value,
    safe,
    short,
)

LOOK_FOR = (
    "Drag along an axis to keep only some lines (click beside the range to let go): where do the "
    "light, good lines cross an axis close together? There the parameter is decided."
)
SHOWN = 8
"""Parameter axes drawn, the most important first: more do not fit."""


def section(data: ReportData) -> Section:
    """Draw one figure per architecture, of complete and pruned trials."""
    title = "Parallel coordinates"
    pictures = []
    for label in data.labels:
        trials = [t for t in data.trials_of(label, "complete", "pruned") if t["value"] is not None]
        names = varied(trials, data.importance.get(label, {}).get("fanova"))
        if names:
            pictures.append(_picture(data, label, trials, names[:SHOWN]))
    empty = "" if pictures else "No searched parameter took more than one value."
    return Section(title, LOOK_FOR, pictures, empty)


def _picture(data: ReportData, label: str, trials: list[Any], names: list[str]) -> Picture:
    import plotly.graph_objects as go

    space = next(e["space"] for e in data.architectures if e["label"] == label)
    values = [objective_value(t["value"], data.objective) for t in trials]
    drawn = figure(
        f"{safe(label)}: {len(trials)} trials, complete and pruned",
        height=460,
        margin={"l": 105, "r": 90, "t": 95, "b": 40},
    )
    drawn.add_trace(
        go.Parcoords(
            dimensions=[
                *(_dimension(axis(name, trials, space), trials) for name in names),
                _objective_dimension(objective_axis(data.objective), values),
            ],
            line={
                "color": values,
                "colorscale": SCALE,
                "reversescale": data.objective["direction"] == "minimize",
                "showscale": True,
                "colorbar": {"thickness": 12, "outlinewidth": 0, "x": 1.04},
            },
            labelangle=-18,
            labelside="top",
            unselected={"line": {"opacity": 0.12}},
        )
    )
    return Picture(label, drawn, least_width=90 * (len(names) + 2))


def _objective_dimension(label: str, values: list[Any]) -> dict[str, Any]:
    """Return the last axis; with its own ticks Plotly prints no ends over the ticks beside them."""
    low, high = min(values), max(values)
    if high == low:
        low, high = low - 0.5, high + 0.5
    ticks = [low + k * (high - low) / 5 for k in range(6)]
    return {
        "label": label,
        "values": values,
        "range": [low, high],
        "tickvals": ticks,
        "ticktext": [f"{t:.3g}" for t in ticks],
    }


def _dimension(parameter: ParameterAxis, trials: list[Any]) -> dict[str, Any]:
    """Return one axis; trials in which the parameter was not active lie on a place below it."""
    places = [
        parameter.place(t["params"].get(parameter.name)) if active(t, parameter.name) else None
        for t in trials
    ]
    known = [p for p in places if p is not None]
    low, high = min(known), max(known)
    if parameter.choices is not None:
        low, high = 0.0, float(max(len(parameter.choices) - 1, 1))
        ticks = [float(k) for k in range(len(parameter.choices))]
        texts = [safe(clipped(c)) for c in parameter.choices]
    else:
        ticks = log_ticks(low, high) if parameter.log else linear_ticks(known)
        texts = [short(float(f"{10**t if parameter.log else t:.3g}")) for t in ticks]
    absent = low - 0.15 * ((high - low) or 1.0)
    if len(known) < len(places):
        ticks, texts = [absent, *ticks], ["not active", *texts]
        low = absent
    return {
        "label": safe(parameter.name),
        "values": [absent if p is None else p for p in places],
        "range": [low, high if high > low else low + 1.0],
        "tickvals": ticks,
        "ticktext": texts,
    }
