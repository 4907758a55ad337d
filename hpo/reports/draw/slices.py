"""Slices: the objective against one parameter at a time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hpo.reports.data import ReportData
from hpo.reports.draw.axes import (
    LETTER,
    ParameterAxis,
    active,
    axis,
    constant,
    first_of,
    log_settings,
    of_rungs,
    padded,
    placed_trials,
    spread,
    unsearched,
    varied,
    whole_settings,
)
from hpo.reports.draw.section import Picture, Section, missing
from hpo.reports.draw.spoken import along, values_along
from hpo.reports.draw.style import (
    SCALE,
    about,
    clipped,
    folded,
    objective_axis,
    objective_value,
    safe,
    trial_hover,
    whole_ticks,
)

COLUMNS, COLUMNS_NARROW = 3, 2
SHOWN = 12
"""Panels per architecture, in the order of ``varied``."""
LEAST_PANEL, LEAST_PANEL_NARROW = 170, 115
"""Pixels across a panel where the page is as narrow as the arrangement goes."""
PLOT, PLOT_NARROW = 175, 160
"""Pixels from the top of a panel to its axis."""
ABOVE = 40
"""Pixels over the uppermost panels."""
BETWEEN_PANELS, BETWEEN_PANELS_NARROW = 0.05, 0.08
"""Of the width, between two panels: the outermost ticks of both reach into it."""
TICK = 28
"""Pixels along an axis of numbers to each of its ticks, at the least."""
AROUND_TICKS = 52
"""Pixels under a panel for the name of its axis, and for the distances around it."""
NAME_LETTER, NAME_LINE = 7.5, 17
"""Pixels along a letter of the name of an axis, and from one of its lines to the next."""


def look_for(objective: Mapping[str, Any]) -> str:
    """Return what to look for: the edge of the points on which the best lie."""
    edge = "upper" if objective["direction"] == "maximize" else "lower"
    return (
        f"Does the {edge} edge of the points, where the best lie, rise or fall along a parameter, "
        "and does the best lie at the end of its range? Then widen the range. Amber points came "
        "later in the search."
    )


def section(data: ReportData) -> Section:
    """Draw one figure of small panels per architecture."""
    pictures = []
    absent = {}
    for label in data.labels:
        trials = placed_trials(data, label)
        space = next(e["space"] for e in data.architectures if e["label"] == label)
        names = varied(trials, space, data.importance.get(label, {}).get("fanova"))
        if names:
            pictures.append(_picture(data, label, trials, names))
        else:
            absent[label] = "no picture, as no searched parameter took more than one value"
    return Section(
        "One parameter at a time", look_for(data.objective), pictures, missing(absent, pictures)
    )


def _picture(data: ReportData, label: str, trials: list[Any], names: list[str]) -> Picture:
    shown = names[:SHOWN]
    notes = [
        "Axes show the whole range that was searched; "
        f"{first_of(names, SHOWN, data.importance.get(label, {}).get('fanova'))}."
        if len(names) > SHOWN
        else "Axes show the whole range that was searched, and all choices.",
        constant(trials, names),
        unsearched(trials, shown),
        of_rungs(trials),
    ]
    columns = min(COLUMNS, len(shown))
    return Picture(
        label,
        _panels(data, label, trials, shown, columns),
        least_width=210 * columns,
        note="\n".join(n for n in notes if n),
        narrow=_panels(data, label, trials, shown, min(COLUMNS_NARROW, len(shown)), narrow=True),
        words=_words(data, label, trials, shown),
    )


def _words(data: ReportData, label: str, trials: list[Any], names: list[str]) -> str:
    space = next(e["space"] for e in data.architectures if e["label"] == label)
    told = [values_along(axis(name, trials, space), trials, data.objective) for name in names]
    return " ".join([along(data.objective), *told])


def _panels(
    data: ReportData,
    label: str,
    trials: list[Any],
    names: list[str],
    columns: int,
    *,
    narrow: bool = False,
) -> Any:
    from plotly.subplots import make_subplots

    rows = -(-len(names) // columns)
    numbers = sorted(t["number"] for t in trials)
    space = next(e["space"] for e in data.architectures if e["label"] == label)
    # What stands under a panel has to end above the next, and not to reach the one beside it.
    width = (LEAST_PANEL_NARROW * COLUMNS_NARROW if narrow else LEAST_PANEL * COLUMNS) / columns
    settings = {name: _ends(axis(name, trials, space), width) for name in names}
    titles = {name: folded(name, int(width / NAME_LETTER)) for name in names}
    needed = [
        _under(settings[name], width) + NAME_LINE * titles[name].count("<br>") for name in names
    ]
    under = max(needed)
    high = (PLOT_NARROW if narrow else PLOT) * rows + under * (rows - 1)
    drawn = make_subplots(
        rows=rows,
        cols=columns,
        shared_yaxes=True,
        horizontal_spacing=BETWEEN_PANELS_NARROW if narrow else BETWEEN_PANELS,
        vertical_spacing=under / high if rows > 1 else 0,
    )
    for place, name in enumerate(names):
        row, column = place // columns + 1, place % columns + 1
        _panel(
            drawn,
            data,
            [t for t in trials if active(t, name)],
            axis(name, trials, space),
            titles[name],
            settings[name],
            row,
            column,
        )
        if column == 1:
            title = objective_axis(data.objective)
            drawn.update_yaxes(title={"text": title.replace(" [", "<br>[")}, row=row, col=1)
    drawn.update_layout(
        template=None,
        title={
            "text": f"{safe(label)}: {len(trials)} trials, complete (dots) and pruned (crosses)"
        },
        height=ABOVE + high + max(needed[(rows - 1) * columns :]),
        margin={"t": ABOVE, "b": max(needed[(rows - 1) * columns :])},
        showlegend=False,
        coloraxis={
            "colorscale": SCALE,
            "showscale": not narrow,
            "colorbar": {
                "title": {"text": "trial"},
                "thickness": 12,
                "outlinewidth": 0,
                **whole_ticks(numbers[0], numbers[-1]),
                "lenmode": "pixels",
                "len": 200,
                "y": 1,
                "yanchor": "top",
            },
        },
    )
    return drawn


def _panel(
    drawn: Any,
    data: ReportData,
    trials: list[Any],
    parameter: ParameterAxis,
    title: str,
    settings: dict[str, Any],
    row: int,
    column: int,
) -> None:
    import plotly.graph_objects as go

    def across(trial: Any) -> Any:
        value = trial["params"].get(parameter.name)
        if parameter.choices is None:
            return value
        return (parameter.place(value) or 0.0) + 0.2 * spread(trial["number"])

    drawn.add_trace(
        go.Scatter(
            x=[across(t) for t in trials],
            y=[objective_value(t["value"], data.objective) for t in trials],
            mode="markers",
            meta=about(state=[t["state"] for t in trials]),
            marker={
                "size": 9,
                "opacity": 0.9,
                "symbol": ["circle" if t["state"] == "complete" else "x" for t in trials],
                "color": [t["number"] for t in trials],
                "coloraxis": "coloraxis",
                "line": {"width": 0.5, "color": "#5b6775"},
            },
            hovertemplate=[trial_hover(t, data.objective) for t in trials],
        ),
        row=row,
        col=column,
    )
    drawn.update_xaxes(
        row=row,
        col=column,
        title={"text": title, "font": {"size": 13}},
        # A slanted label would end under the panel beside it.
        autotickangles=[0, 90],
        **settings,
    )


def _under(settings: dict[str, Any], width: float) -> float:
    """Return the pixels under a panel: more where its ticks may stand upright for want of width."""
    # An exponent is small.
    texts = [re.sub(r"<[^>]*>|\u2212", "", str(text)) for text in settings.get("ticktext", ())]
    longest = max(map(len, texts), default=0)
    # Between two labels there is room for a letter and a half.
    across = LETTER * sum(len(text) + 1.5 for text in texts)
    return AROUND_TICKS + (LETTER * longest if across > width else LETTER * 2)


def _ends(parameter: ParameterAxis, width: float) -> dict[str, Any]:
    """Return the settings of an axis that shows all that was searched, not what was tried alone."""
    if parameter.choices is not None:
        return {
            "range": [-0.5, len(parameter.choices) - 0.5],
            "tickvals": list(range(len(parameter.choices))),
            "ticktext": [safe(clipped(c)) for c in parameter.choices],
        }
    settings: dict[str, Any] = {"range": padded(parameter.low, parameter.high)}
    if parameter.log:
        return settings | log_settings(parameter.low, parameter.high, width)
    if parameter.whole:
        settings |= whole_settings(int(parameter.low), int(parameter.high), width)
    # Plotly itself leaves two pixels between ticks.
    return {"nticks": int(width / TICK)} | settings
