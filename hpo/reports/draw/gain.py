"""What tuning gained over the thesis's own configuration, per architecture."""

from __future__ import annotations

from hpo.reports.data import ReportData
from hpo.reports.draw.section import Picture, Section
from hpo.reports.draw.style import colour, figure, safe, symbol

LOOK_FOR = (
    "How long is the line from the hollow mark (the thesis's own configuration, run here as a "
    "trial) to the filled one (the best trial), next to the width of the intervals?"
)


def section(data: ReportData) -> Section:
    """Draw the thesis's configuration and the best trial of each architecture, joined."""
    import plotly.graph_objects as go

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
    for entry in known:
        tone = colour(data.labels, entry["label"])
        ends = [entry["gain"]["baseline"]["interval"], entry["best"]["interval"]]
        points = [100 * end["point"] for end in ends]
        change = entry["gain"]["accuracy"]
        drawn.add_trace(
            go.Scatter(
                x=points,
                y=[safe(entry["label"])] * 2,
                mode="lines+markers",
                line={"color": tone, "width": 3},
                marker={
                    "size": 13,
                    "color": tone,
                    "symbol": [
                        symbol(data.labels, entry["label"]) + "-open",
                        symbol(data.labels, entry["label"]),
                    ],
                },
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [100 * e["high"] - p for e, p in zip(ends, points, strict=True)],
                    "arrayminus": [p - 100 * e["low"] for e, p in zip(ends, points, strict=True)],
                    "thickness": 1.2,
                    "width": 6,
                    "color": tone,
                },
                customdata=[
                    f"thesis configuration, trial {entry['gain']['baseline']['number']}",
                    f"best, trial {entry['best']['number']}",
                ],
                hovertemplate="%{customdata}: %{x:.2f} %<extra></extra>",
            )
        )
        drawn.add_annotation(
            x=sum(points) / 2,
            y=safe(entry["label"]),
            yshift=20,
            showarrow=False,
            text=f"{100 * change['point']:+.1f} points [{100 * change['low']:+.1f}, "
            f"{100 * change['high']:+.1f}]",
        )
    labels = [safe(e["label"]) for e in known]
    drawn.update_yaxes(
        categoryorder="array", categoryarray=labels[::-1], range=[-0.6, len(labels) - 0.3]
    )
    note = (
        "The interval of the gain takes the two as independent samples of the same size; both saw "
        "the same faces, so it is rather too wide. The best was selected, the other was not."
    )
    return Section(title, LOOK_FOR, [Picture("", drawn, note=note)])
