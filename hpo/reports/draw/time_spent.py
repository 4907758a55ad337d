"""Where the time went; ``anytime`` draws what it bought."""

from __future__ import annotations

from hpo.reports.data import ReportData
from hpo.reports.draw.section import Picture, Section
from hpo.reports.draw.style import (
    STATE_COLOURS,
    about,
    figure,
    safe,
)

LOOK_FOR = (
    "How much time went into trials that were pruned or failed? What a pruner saved is not drawn: "
    "how long its trials would have gone on is not known."
)
PATTERNS = {"complete": "", "pruned": "/", "failed": "x", "running": ".", "waiting": ""}


def section(data: ReportData) -> Section:
    """Draw time per architecture and state."""
    title = "Time spent"
    if not any(t["seconds"] > 0 for t in data.trials):
        return Section(title, LOOK_FOR, empty="No trial has recorded its time.")
    return Section(title, LOOK_FOR, [_by_state(data)])


def _unit(seconds: float) -> tuple[float, str]:
    """Return the divisor and name of the unit in which a total reads well."""
    if seconds >= 2 * 3600:
        return 3600.0, "hours"
    return (60.0, "minutes") if seconds >= 180 else (1.0, "seconds")


def _by_state(data: ReportData) -> Picture:
    import plotly.graph_objects as go

    divisor, unit = _unit(max(e["seconds"] for e in data.architectures))
    drawn = figure(
        "Time per architecture, by how the trials ended",
        x=f"time in trials [{unit}]",
        height=170 + 55 * len(data.architectures),
        barmode="stack",
        bargap=0.35,
    )
    labels = [safe(label) for label in data.labels]
    for state, tone in STATE_COLOURS.items():
        spent = [e["seconds_by_state"].get(state, 0.0) for e in data.architectures]
        if any(spent):
            drawn.add_trace(
                go.Bar(
                    x=[s / divisor for s in spent],
                    y=labels,
                    orientation="h",
                    name=state,
                    meta=about(data.labels, state),
                    marker={"color": tone, "pattern": {"shape": PATTERNS[state], "solidity": 0.25}},
                    customdata=[e["counts"].get(state, 0) for e in data.architectures],
                    hovertemplate=f"%{{y}}, {state}: %{{x:.3g}} {unit} in %{{customdata}} trials"
                    "<extra></extra>",
                )
            )
    drawn.update_yaxes(categoryorder="array", categoryarray=labels[::-1])
    drawn.update_layout(legend={"traceorder": "normal"})
    return Picture("", drawn)
