"""Figures of several studies: bests with intervals, and value against time."""

from __future__ import annotations

import json
from typing import Any

from hpo.reports.draw.bests_beside import (
    ACCURACY,
    DIFFERENT,
    ENTRY,
    NO_ACCURACY,
    bests,
    common_majority,
    common_objective,
    shape,
    tone,
)
from hpo.reports.draw.results import level_line, told_majority
from hpo.reports.draw.section import Picture, Section
from hpo.reports.draw.style import figure, objective_axis, objective_value, safe
from hpo.reports.objectives import by_accuracy
from hpo.reports.side_by_side import SideBySide
from hpo.reports.words import in_words


def sections(whole: SideBySide) -> dict[str, Section]:
    """Return the figures of a comparison, in the order of its page."""
    return {"bests": bests(whole), "anytime": _anytime(whole)}


def _anytime(whole: SideBySide) -> Section:
    import plotly.graph_objects as go

    title = "Best value against time spent"
    look_for = (
        "Which study was ahead after the same time? Where one line ends, the other had more time."
    )
    common = common_objective(whole)
    objective = common or ACCURACY
    key = "values" if common else "accuracies"
    if objective["direction"] == "minimize":
        look_for += " The lower a line, the better."
    longest = max((c["seconds"][-1] for c in whole.curves if c["seconds"]), default=0.0)
    divisor, unit = (3600.0, "hours") if longest >= 7200 else (60.0, "minutes")
    drawn = figure(
        "Best value so far, over all architectures of a study"
        if common
        else "Accuracy of the best so far by a study's own objective, over all its architectures",
        x=f"time in trials [{unit}]",
        y=f"best {objective_axis(objective)}" if common else objective_axis(objective),
        height=420 + ENTRY * len(whole.studies),
    )
    for place, (study, curve) in enumerate(zip(whole.studies, whole.curves, strict=True)):
        steps = [
            (seconds, value)
            for seconds, value in zip(curve["seconds"], curve[key], strict=True)
            if value is not None
        ]
        if steps:
            drawn.add_trace(_curve(go, place, study["title"], steps, objective, divisor, unit))
    drawn.update_xaxes(rangemode="tozero")
    line = far = ""
    if by_accuracy(objective):
        majority, heights = common_majority(whole), [y for trace in drawn.data for y in trace.y]
        line, far = told_majority(majority, heights, lambda: level_line(drawn, majority))
    if not drawn.data:
        return Section(title, look_for, empty="No trial is complete." if common else NO_ACCURACY)
    note = (
        "Time is that of the trials one after another, in the order they ended, failed and pruned "
        "ones included; trials that ran at once count each."
    )
    if common is None:
        note += f"\n{DIFFERENT} Its line may fall."
    note += f"\n{far}" if far else ""
    words = f"{in_words(json.loads(drawn.to_json()))} {line}".strip()
    return Section(title, look_for, [Picture("", drawn, note=note, words=words)])


def _curve(
    go: Any,
    place: int,
    title: str,
    steps: list[tuple[float, float]],
    objective: dict[str, Any],
    divisor: float,
    unit: str,
) -> Any:
    return go.Scatter(
        x=[seconds / divisor for seconds, _ in steps],
        y=[objective_value(value, objective) for _, value in steps],
        mode="lines+markers",
        line={"shape": "hv", "color": tone(place), "width": 2.5},
        marker={"size": 5, "symbol": shape(place)},
        name=safe(title),
        hovertemplate=f"{safe(title)}: %{{y:.4g}} after %{{x:.3g}} {unit}<extra></extra>",
    )
