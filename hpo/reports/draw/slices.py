"""Slices: the objective against one parameter at a time."""

from __future__ import annotations

from typing import Any

from hpo.reports.data import ReportData
from hpo.reports.draw.axes import active, axis, varied
from hpo.reports.draw.section import Picture, Section
from hpo.reports.draw.style import (
    SCALE,
    clipped,
    objective_axis,
    objective_value,
    safe,
    short,
    trial_hover,
    whole_ticks,
)

LOOK_FOR = (
    "Does the upper edge of the points rise or fall along a parameter, and does the best lie at "
    "the end of its range? Then widen the range. Brighter points came later in the search."
)
COLUMNS = 3
SHOWN = 12
"""Panels per architecture, the most important parameters first."""


def section(data: ReportData) -> Section:
    """Draw one figure of small panels per architecture."""
    title = "One parameter at a time"
    pictures = []
    for label in data.labels:
        trials = [t for t in data.trials_of(label, "complete", "pruned") if t["value"] is not None]
        names = varied(trials, data.importance.get(label, {}).get("fanova"))[:SHOWN]
        if names:
            pictures.append(_picture(data, label, trials, names))
    empty = "" if pictures else "No searched parameter took more than one value."
    return Section(title, LOOK_FOR, pictures, empty)


def _picture(data: ReportData, label: str, trials: list[Any], names: list[str]) -> Picture:
    from plotly.subplots import make_subplots

    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    drawn = make_subplots(
        rows=rows,
        cols=columns,
        shared_yaxes=True,
        horizontal_spacing=0.03,
        vertical_spacing=0.32 / rows,
    )
    numbers = sorted(t["number"] for t in trials)
    space = next(e["space"] for e in data.architectures if e["label"] == label)
    for place, name in enumerate(names):
        row, column = place // columns + 1, place % columns + 1
        _panel(
            drawn,
            data,
            [t for t in trials if active(t, name)],
            axis(name, trials, space),
            row,
            column,
        )
        if column == 1:
            drawn.update_yaxes(title={"text": objective_axis(data.objective)}, row=row, col=1)
    drawn.update_layout(
        template=None,
        title={
            "text": f"{safe(label)}: {len(trials)} trials, complete (dots) and pruned (crosses)"
        },
        height=110 + 250 * rows,
        showlegend=False,
        coloraxis={
            "colorscale": SCALE,
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
    return Picture(label, drawn, least_width=230 * columns)


def _panel(
    drawn: Any, data: ReportData, trials: list[Any], parameter: Any, row: int, column: int
) -> None:
    import plotly.graph_objects as go

    def across(value: Any) -> Any:
        return safe(short(value)) if parameter.choices is not None else value

    drawn.add_trace(
        go.Scatter(
            x=[across(t["params"].get(parameter.name)) for t in trials],
            y=[objective_value(t["value"], data.objective) for t in trials],
            mode="markers",
            marker={
                "size": 8,
                "opacity": 0.85,
                "symbol": ["circle" if t["state"] == "complete" else "x" for t in trials],
                "color": [t["number"] for t in trials],
                "coloraxis": "coloraxis",
                "line": {"width": 0.5, "color": "#7d8894"},
            },
            hovertemplate=[trial_hover(t, data.objective) for t in trials],
        ),
        row=row,
        col=column,
    )
    settings: dict[str, Any] = {"title": {"text": safe(parameter.name)}}
    if parameter.choices is not None:
        settings |= {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [safe(c) for c in parameter.choices],
            "tickvals": [safe(c) for c in parameter.choices],
            "ticktext": [safe(clipped(c)) for c in parameter.choices],
        }
    elif parameter.log:
        settings |= {"type": "log", "dtick": 1, "exponentformat": "power"}
    else:
        values = [t["params"].get(parameter.name) for t in trials]
        if all(isinstance(v, int) for v in values):
            settings |= whole_ticks(min(values), max(values))
    drawn.update_xaxes(row=row, col=column, **settings)
