"""The best of each architecture at the smallest common budgets; ``anytime`` shows it."""

from __future__ import annotations

from hpo.reports.data import ReportData
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
from hpo.reports.tables import duration


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
    for place, label in enumerate(labels):
        tone = colour(data.labels, label)
        at = [(k, equal["best"][label][measure]) for k, measure in enumerate(names)]
        found = [(k, each) for k, each in at if each is not None]
        shift = 0.22 * (place - (len(labels) - 1) / 2)
        points = [objective_value(each["value"], objective) or 0.0 for _, each in found]
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
    return Picture("equal budgets", drawn, note=note)
