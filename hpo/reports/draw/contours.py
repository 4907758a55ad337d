"""The two foremost parameters against each other: trials as points over a smoothed surface."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.data import ReportData
from hpo.reports.draw.axes import log_settings, padded, spread
from hpo.reports.draw.section import Picture, Section, missing
from hpo.reports.draw.style import (
    SCALE,
    about,
    clipped,
    figure,
    objective_axis,
    objective_value,
    safe,
    short,
    trial_hover,
)
from hpo.reports.sentences import EVALUATOR_NAMES, listed

LOOK_FOR = (
    "Is the best region a round patch, or a diagonal band? A band means that the two have to be "
    "tuned together. Blank areas hold no trial, so nothing is known there."
)
LEAST_ACROSS = 170
"""Pixels along the axis on a phone."""


def section(data: ReportData) -> Section:
    """Draw one figure per architecture that has two parameters which varied."""
    title = "The top two together"
    pictures: list[Picture] = []
    absent: dict[str, str] = {}
    for label in data.labels:
        # Without an importance nothing is foremost, whatever an older record drew.
        refused = data.importance.get(label, {}).get("fanova", {}).get("refused", "")
        contours = [] if refused else data.contours.get(label, [])
        pictures += [_picture(data, label, c, place) for place, c in enumerate(contours)]
        if refused:
            absent[label] = f"no picture, as which two matter cannot be said yet; {refused}"
        elif not contours:
            absent[label] = "no picture, as fewer than two parameters took several values"
    return Section(title, LOOK_FOR, pictures, missing(absent, pictures))


def _picture(data: ReportData, label: str, contour: dict[str, Any], place: int) -> Picture:
    import plotly.graph_objects as go

    x, y = contour["x"], contour["y"]
    trials = [
        t
        for t in data.trials_of(label, "complete", "pruned")
        if t["value"] is not None and x["name"] in t["params"] and y["name"] in t["params"]
    ]
    space = next(e["space"] for e in data.architectures if e["label"] == label)
    trials = [t for t in trials if all(_was_active(t, axis["name"], space) for axis in (x, y))]
    told = [t for t in trials if _counts(t, contour)]
    drawn = figure(
        f"{safe(label)}: {safe(x['name'])} and {safe(y['name'])}, n = {contour['trials']} trials",
        x=safe(x["name"]),
        y=safe(y["name"]),
        height=500,
        showlegend=False,
        coloraxis={
            "colorscale": SCALE,
            "reversescale": data.objective["direction"] == "minimize",
            "colorbar": {
                "title": {"text": objective_axis(data.objective), "side": "right"},
                "thickness": 12,
                "outlinewidth": 0,
            },
        },
    )
    if contour["grid"]:
        drawn.add_trace(
            # Not a Contour trace: plotly.js 4.1 never returns from some grids with blank cells.
            go.Heatmap(
                x=contour["grid_x"],
                y=contour["grid_y"],
                z=[[objective_value(v, data.objective) for v in line] for line in contour["grid"]],
                coloraxis="coloraxis",
                opacity=0.8,
                hoverongaps=False,
                hoverinfo="skip",
            )
        )
    drawn.add_trace(
        go.Scatter(
            x=_positions(told, x),
            y=_positions(told, y, turn=True),
            mode="markers",
            meta=about(state=[t["state"] for t in told]),
            marker={
                "size": 9,
                "symbol": ["circle" if t["state"] == "complete" else "x" for t in told],
                "color": [objective_value(t["value"], data.objective) for t in told],
                "coloraxis": "coloraxis",
                "line": {"width": 1, "color": "#ffffff"},
            },
            hovertemplate=[trial_hover(t, data.objective) for t in told],
        )
    )
    drawn.update_xaxes(**_axis_settings(x, across=LEAST_ACROSS))
    drawn.update_yaxes(**_axis_settings(y))
    name = f"{label}, numbers" if place else label
    note = _note(contour)
    if len(told) < len(trials):
        note += " Here repeats and trials of other rungs are left out."
    if doubt := _like_chance(data.importance.get(label, {}), [x["name"], y["name"]]):
        note += f"\n{doubt}"
    return Picture(name, drawn, note=note, architecture=label)


def _like_chance(tables: Mapping[str, Any], names: Sequence[str]) -> str:
    """Say which of these parameters were not told from no effect; "" if all were, or chance not.

    Args:
        tables: of the architecture's importance, by evaluator; the first ranks the parameters.
        names: of the parameters that are drawn.
    """
    table: Mapping[str, Any] = next((t for t in tables.values() if t["parameters"]), {})
    silent = {p["name"] for p in table.get("parameters", ()) if p.get("distinct") is False}
    named = [name for name in names if name in silent]
    if not named:
        return ""
    verb = "are" if len(named) > 1 else "is"
    shown = "they seem" if len(named) > 1 else "it seems"
    return (
        f"Like chance: {listed(named)} {verb} not distinguishable from no effect "
        f"({EVALUATOR_NAMES[table['evaluator']]}), so what {shown} to do here may be chance."
    )


def _counts(trial: dict[str, Any], contour: dict[str, Any]) -> bool:
    """Return whether a trial is evidence: no repeat, and of the rung that the surface is of."""
    # Reports of before repeats and rungs were kept have neither.
    rung = contour.get("rung")
    same = rung is None or (trial.get("rung") or 0) == rung
    return same and trial.get("repeats") is None


def _was_active(trial: dict[str, Any], name: str, space: dict[str, Any]) -> bool:
    # An enqueued trial may have a searched parameter fixed: then it stands in params alone, as does
    # the default of a conditional one that was not active.
    conditional = bool((space.get(name) or {}).get("when"))
    return name in trial["searched"] or (trial["origin"] != "sampler" and not conditional)


def _positions(
    trials: Sequence[dict[str, Any]], axis: dict[str, Any], *, turn: bool = False
) -> Any:
    """Return where trials lie; choices are spread a little so that equal ones do not hide."""
    values = [t["params"].get(axis["name"]) for t in trials]
    if axis["choices"] is None:
        return values
    known = axis["choices"]
    return [
        (known.index(str(v)) if str(v) in known else len(known))
        + 0.36 * spread(t["number"], math.pi if turn else math.e)
        for v, t in zip(values, trials, strict=True)
    ]


def _axis_settings(axis: dict[str, Any], across: float = 0) -> dict[str, Any]:
    if axis["choices"] is not None:
        return {
            "tickvals": list(range(len(axis["choices"]))),
            "ticktext": [safe(clipped(short(c))) for c in axis["choices"]],
            "range": [-0.5, len(axis["choices"]) - 0.5],
        }
    settings: dict[str, Any] = {}
    if axis["log"]:
        settings = {"type": "log", "dtick": 1, "exponentformat": "power"}
    if axis.get("low") is not None:
        low, high = axis["low"], axis["high"]
        if axis["log"] and across:
            settings = log_settings(math.log10(low), math.log10(high), across)
        settings["range"] = padded(low, high, log=axis["log"])
    return settings


def _note(contour: dict[str, Any]) -> str:
    if contour["grid"]:
        return (
            "Shading: kernel-smoothed mean of the trials (Gaussian, 12 % of each axis), blank "
            "where none is near; points carry their own values. Other parameters vary as well."
        )
    if contour["x"]["choices"] or contour["y"]["choices"]:
        return "Choices have no order, so only the trials themselves are shown, spread a little."
    return f"{contour['trials']} trials are too few for a surface."
