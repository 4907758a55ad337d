"""The best of each architecture at the smallest common budgets; ``anytime`` shows it."""

from __future__ import annotations

import json

from hpo.reports.data import ReportData
from hpo.reports.draw.results import draw_majority, told_majority
from hpo.reports.draw.section import Picture
from hpo.reports.draw.style import (
    about,
    colour,
    figure,
    objective_axis,
    objective_value,
    safe,
    symbol,
)
from hpo.reports.objectives import by_accuracy
from hpo.reports.tables import duration
from hpo.reports.words import in_words


def equal_budgets(data: ReportData) -> Picture:
    """Draw the best of each architecture at the least that any had of trials, time and epochs."""
    import plotly.graph_objects as go

    equal, objective = data.comparison["equal"], data.objective
    labels = list(equal["best"])
    common = equal["common"]
    names = {
        "trials": f"{common['trials']:.0f} trials",
        "seconds": duration(common["seconds"]),
        "epochs": f"{common['epochs']:,.0f} epochs",
    }
    drawn = figure(
        "The best of each architecture at the smallest common budget",
        x=objective_axis(objective),
        height=150 + 62 * len(names),
    )
    ends: list[float] = []
    for place, label in enumerate(labels):
        tone = colour(data.labels, label)
        at = [(k, equal["best"][label][measure]) for k, measure in enumerate(names)]
        found = [(k, each) for k, each in at if each is not None]
        shift = 0.22 * (place - (len(labels) - 1) / 2)
        points = [objective_value(each["value"], objective) or 0.0 for _, each in found]
        ends += points
        error = None
        if found and all(each["interval"] for _, each in found):
            error = {
                "type": "data",
                "symmetric": False,
                "array": [
                    100 * each["interval"]["high"] - p
                    for (_, each), p in zip(found, points, strict=True)
                ],
                "arrayminus": [
                    p - 100 * each["interval"]["low"]
                    for (_, each), p in zip(found, points, strict=True)
                ],
                "thickness": 1.5,
                "width": 4,
                "color": tone,
            }
            ends += [100 * each["interval"][end] for _, each in found for end in ("low", "high")]
        drawn.add_trace(
            go.Scatter(
                x=points,
                y=[k + shift for k, _ in found],
                error_x=error,
                mode="markers",
                marker={"size": 10, "color": tone, "symbol": symbol(data.labels, label)},
                name=safe(label),
                meta=about(label),
                customdata=[each["number"] for _, each in found],
                hovertemplate=f"{safe(label)} trial %{{customdata}}: %{{x:.4g}}<extra></extra>",
            )
        )
    drawn.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=list(names.values()),
        range=[len(names) - 0.5, -0.5],
    )
    note = (
        "Each row takes of every architecture the trials that fit the least that any had: by "
        "number, by time and by epochs. The order may differ between rows, since a trial of one "
        "costs more than of another."
    )
    words, line = in_words(json.loads(drawn.to_json())), ""
    if by_accuracy(objective):
        line, far = told_majority(data.majority, ends, lambda: draw_majority(drawn, data))
        note += f"\n{far}" if far else ""
    if line:
        # The name of the dashed line stands above the axes.
        drawn.update_layout(
            height=drawn.layout.height + 45,
            margin={"t": 45, "b": 90},
            legend={"yref": "container", "y": 0, "yanchor": "bottom"},
        )
    return Picture("equal budgets", drawn, note=note, words=f"{words} {line}".strip())
