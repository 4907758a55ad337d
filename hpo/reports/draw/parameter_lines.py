"""The lines and axes of parallel coordinates, across a page or down a narrow one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any

from hpo.reports.draw.axes import ParameterAxis, active, linear_ticks, log_ticks, spread
from hpo.reports.draw.style import (
    about,
    clipped,
    figure,
    folded,
    objective_axis,
    objective_value,
    safe,
    short,
    trial_hover,
)

GREY = "#8b97a5"
"""Of axes and ticks, where neither theme's own colour is known."""
STEP = 82
"""Pixels from one axis to the next down a narrow page, with one row of ticks."""
TICK_ROW = 13
"""Pixels from one row of ticks to the next."""
NAME, NAMES = 11, 46
"""Letters along a line of an axis' name, where many axes stand beside each other, and letters of
the names of few, which share the width of the narrowest page."""
NARROW = 300
"""Pixels along an axis on a phone, about."""
TICK_LETTER = 6.5
"""Pixels along a letter of a tick, at least as wide as most."""


@dataclass(frozen=True)
class Axis:
    """One axis, its ends at 0 and 1.

    Args:
        title: its name.
        shares: where each trial crosses it; below 0 where the parameter was not active.
        ticks: places of its ticks.
        texts: what stands at them.
    """

    title: str
    shares: list[float]
    ticks: list[float]
    texts: list[str]


@dataclass(frozen=True)
class Band:
    """Trials that are drawn alike: their places among the trials, a colour and a width."""

    name: str
    places: list[int]
    tone: str
    width: float


def parameter_axis(parameter: ParameterAxis, trials: Sequence[Mapping[str, Any]]) -> Axis:
    """Return a parameter over its whole range; trials in which it was not active lie before it."""
    span = (parameter.high - parameter.low) or 1.0
    if parameter.choices is not None:
        ticks = [float(k) for k in range(len(parameter.choices))]
        texts = [safe(clipped(c, 12)) for c in parameter.choices]
    else:
        ends = [parameter.low, parameter.high]
        ticks = log_ticks(*ends) if parameter.log else linear_ticks(ends)
        texts = [short(float(f"{10**t if parameter.log else t:.2g}")) for t in ticks]
        if parameter.whole and not parameter.log:
            texts = [f"{t:g}" for t in ticks]
    shares = []
    for trial in trials:
        place = None
        if active(trial, parameter.name):
            place = parameter.place(trial["params"].get(parameter.name))
        share = -0.15 if place is None else (place - parameter.low) / span
        # Lines through one choice would lie on one another.
        shift = 0.05 * spread(trial["number"]) if parameter.choices is not None else 0.0
        shares.append(round(share + shift, 4))
    places = [(t - parameter.low) / span for t in ticks]
    if any(share < -0.1 for share in shares):
        beside = any(parameter.name in trial["outside"] for trial in trials)
        places, texts = [-0.15, *places], ["outside" if beside else "not active", *texts]
    return Axis(safe(parameter.name), shares, places, texts)


def objective_axis_of(objective: Mapping[str, Any], trials: Sequence[Mapping[str, Any]]) -> Axis:
    """Return the last axis, from the least value of the trials to the greatest."""
    values = [objective_value(t["value"], objective) or 0.0 for t in trials]
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    places = [k / 4 for k in range(5)] if high > low else [0.0]
    return Axis(
        objective_axis(objective).replace(" ", "<br>", 1),
        [round((v - low) / span, 4) for v in values],
        places,
        [f"{low + p * span:.3g}" for p in places],
    )


def lines(
    title: str,
    axes: Sequence[Axis],
    bands: Sequence[Band],
    trials: Sequence[Mapping[str, Any]],
    objective: Mapping[str, Any],
    *,
    down: bool = False,
) -> Any:
    """Return the figure: axes beside each other, or one under the other for a narrow page."""
    import plotly.graph_objects as go

    least = min(0.0, *(s for axis in axes for s in axis.shares))
    rows = [_rows(axis, least) if down else [0] * len(axis.ticks) for axis in axes]
    step = STEP + TICK_ROW * max(map(max, rows))
    drawn = figure(title, height=90 + step * len(axes) if down else 480)
    for band in bands:
        along: list[float | None] = []
        across: list[float | None] = []
        hover: list[str] = []
        states: list[str] = []
        for place in band.places:
            along += [*(float(k) for k in range(len(axes))), None]
            across += [*(axis.shares[place] for axis in axes), None]
            hover += [trial_hover(trials[place], objective)] * (len(axes) + 1)
            states += [trials[place]["state"]] * (len(axes) + 1)
        drawn.add_trace(
            go.Scatter(
                x=across if down else along,
                y=along if down else across,
                mode="lines+markers",
                line={"color": band.tone, "width": band.width},
                marker={"size": band.width + 3, "color": band.tone},
                opacity=0.9,
                connectgaps=False,
                name=band.name,
                meta=about(state=states),
                hovertemplate=hover,
            )
        )
    shapes = [_line(place, least, down=down) for place in range(len(axes))]
    words = [
        word
        for place, axis in enumerate(axes)
        for word in _words(axis, place, least, rows[place], down=down)
    ]
    # At once: Plotly checks all annotations again with each that is added to a figure.
    drawn.update_layout(shapes=shapes, annotations=words)
    plain = {"showgrid": False, "zeroline": False, "showline": False, "ticks": ""}
    letters = max(NAME, NAMES // len(axes))
    along_settings = {
        **plain,
        "tickvals": list(range(len(axes))),
        "ticktext": [
            t if "<br>" in t else folded(unescape(t), letters)
            for t in (axis.title for axis in axes)
        ],
        "tickangle": 0,
        "showticklabels": not down,
        "ticklabeloverflow": "allow",
        "range": [len(axes) - 0.65, -0.45] if down else [-0.55, len(axes) - 0.55],
        "fixedrange": True,
    }
    across_settings = {
        **plain,
        "showticklabels": False,
        "range": _ends(least),
        "fixedrange": True,
    }
    drawn.update_xaxes(**(across_settings if down else along_settings))
    drawn.update_yaxes(**(along_settings if down else across_settings))
    drawn.update_layout(margin={"l": 15, "r": 15, "t": 60, "b": 60 if not down else 20})
    return drawn


def _line(place: int, least: float, *, down: bool) -> dict[str, Any]:
    """Return the line of one axis."""
    ends = {"x0": least, "x1": 1, "y0": place, "y1": place}
    if not down:
        ends = {"x0": place, "x1": place, "y0": least, "y1": 1}
    return {"type": "line", "layer": "below", "line": {"color": GREY, "width": 1.2}, **ends}


def _ends(least: float) -> list[float]:
    """Return the range of the direction in which axes run."""
    return [least - 0.06, 1.06]


def _rows(axis: Axis, least: float) -> list[int]:
    """Return in which row under an axis each tick stands, so that none lies on another."""
    low, high = _ends(least)
    ends: list[float] = []
    rows = [0] * len(axis.ticks)
    for place in sorted(range(len(axis.ticks)), key=lambda k: axis.ticks[k]):
        middle = NARROW * (axis.ticks[place] - low) / (high - low)
        half = TICK_LETTER * len(unescape(axis.texts[place])) / 2
        row = next((k for k, end in enumerate(ends) if end <= middle - half), len(ends))
        ends[row : row + 1] = [middle + half]
        rows[place] = row
    return rows


def _words(
    axis: Axis, place: int, least: float, rows: Sequence[int], *, down: bool
) -> list[dict[str, Any]]:
    """Return the ticks beside one axis, and its name above it where it runs across."""
    words: list[dict[str, Any]] = []
    for tick, text, row in zip(axis.ticks, axis.texts, rows, strict=True):
        under = {"x": tick, "y": place, "yshift": -TICK_ROW * (1 + row)}
        where = under if down else {"x": place, "y": tick}
        beside = {} if down else {"xanchor": "right", "xshift": -7}
        words.append({"text": text, "showarrow": False, "font": {"size": 11}, **where, **beside})
    if down:
        words.append(
            {
                "text": f"<b>{axis.title.replace('<br>', ' ')}</b>",
                "x": least,
                "y": place,
                "xanchor": "left",
                "yshift": 15,
                "showarrow": False,
                "font": {"size": 12},
            }
        )
    return words
