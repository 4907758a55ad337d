"""What tuning gained over the thesis's own configuration, per architecture."""

from __future__ import annotations

from typing import Any

from hpo.reports.data import ReportData
from hpo.reports.draw.section import Picture, Section
from hpo.reports.draw.style import colour, figure, safe, symbol
from hpo.reports.sentences import signed

LOOK_FOR = (
    "How long is the line from the hollow mark (the thesis's own configuration, run here as a "
    "trial) to the filled one (the best trial), next to the width of the intervals?"
)

OFFSET = 0.13
"""Of the two marks from the middle of their row, so that neither interval hides the other."""


def section(data: ReportData) -> Section:
    """Draw the thesis's configuration and the best trial of each architecture, joined."""
    title = "What tuning gained"
    known = [
        e
        for e in data.architectures
        if e["gain"] and e["best"]["interval"] and e["gain"]["baseline"]["interval"]
    ]
    if not known:
        return Section(
            title,
            LOOK_FOR,
            empty="No architecture has both a complete trial of the thesis's configuration and a "
            "best trial with a known validation size.",
        )
    drawn = figure(
        "From the thesis's configuration to the best trial (95 % Wilson intervals)",
        x="validation accuracy [%]",
        height=170 + 70 * len(known),
        showlegend=False,
    )
    for place, entry in enumerate(known):
        _draw(drawn, data, entry, place)
    labels = [safe(e["label"]) for e in known]
    drawn.update_yaxes(
        tickvals=list(range(len(labels))), ticktext=labels, range=[len(labels) - 0.5, -0.65]
    )
    note = (
        "The interval of the gain takes the two as independent samples of the same size; both saw "
        "the same faces, so it is rather too wide. The best was selected, the other was not."
    )
    return Section(title, LOOK_FOR, [Picture("", drawn, note=note)])


def _draw(drawn: Any, data: ReportData, entry: dict[str, Any], place: int) -> None:
    """Draw one architecture: the thesis's configuration a little above the best trial."""
    import plotly.graph_objects as go

    tone, mark = colour(data.labels, entry["label"]), symbol(data.labels, entry["label"])
    base, best, gain = entry["gain"]["baseline"], entry["best"], entry["gain"]
    # One trial is both where nothing did better; it is drawn once, and no interval given.
    both = [
        (base, mark + "-open", -OFFSET, "thesis's configuration"),
        (best, mark, OFFSET, "best"),
    ]
    shown = [(best, mark, 0.0, "thesis's configuration and best")] if gain["same_trial"] else both
    ends = [trial["interval"] for trial, *_ in shown]
    points = [100 * end["point"] for end in ends]
    drawn.add_trace(
        go.Scatter(
            x=points,
            y=[place + shift for _, _, shift, _ in shown],
            mode="lines+markers",
            line={"color": tone, "width": 2, "dash": "dot"},
            marker={"size": 13, "color": tone, "symbol": [shape for _, shape, _, _ in shown]},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [100 * e["high"] - p for e, p in zip(ends, points, strict=True)],
                "arrayminus": [p - 100 * e["low"] for e, p in zip(ends, points, strict=True)],
                "thickness": 1.5,
                "width": 6,
                "color": tone,
            },
            customdata=[
                f"{safe(entry['label'])}, {what}, trial {trial['number']}: "
                f"{100 * e['point']:.2f} % [{100 * e['low']:.1f}, {100 * e['high']:.1f}], "
                f"n = {e['n']:,}"
                for (trial, _, _, what), e in zip(shown, ends, strict=True)
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    change = gain["accuracy"]
    drawn.add_annotation(
        x=sum(points) / len(points),
        y=place - OFFSET,
        yshift=20,
        showarrow=False,
        text="nothing did better"
        if gain["same_trial"]
        else f"{signed(100 * change['point'])} points [{signed(100 * change['low'])}, "
        f"{signed(100 * change['high'])}]",
    )
