"""Figures of several studies: bests with intervals, differences, and value against time."""

from __future__ import annotations

from typing import Any

from hpo.reports.confirmation_sentences import within
from hpo.reports.confirmed_beside import figure_text, is_accuracy
from hpo.reports.draw.section import Picture, Section
from hpo.reports.draw.style import (
    COLOURS,
    SYMBOLS,
    figure,
    objective_axis,
    objective_value,
    safe,
)
from hpo.reports.side_by_side import SideBySide

LANE = 0.5
"""Of the distance between two architectures, over which the studies' marks are spread."""
BELOW = 0.11
"""Of that distance, by which a confirmed mark lies below its study's best."""


def sections(whole: SideBySide) -> dict[str, Section]:
    """Return the figures of a comparison, in the order of its page."""
    return {"bests": _bests(whole), "anytime": _anytime(whole)}


def tone(place: int) -> str:
    """Return the colour of the study at this place."""
    return COLOURS[place % len(COLOURS)]


def _bests(whole: SideBySide) -> Section:
    import plotly.graph_objects as go

    title = "Best trial per architecture"
    look_for = (
        "Does the difference from the first study, in the table above, keep clear of zero? "
        "Intervals of two studies that overlap a little may still differ, and where a study had "
        "more time or other data its best says little. Where there is a hollow mark, the mean over "
        "further seeds, believe it rather than the filled one, the luckiest of many runs."
    )
    drawn = figure(
        "Validation accuracy of each best trial (95 % Wilson interval)"
        + (
            ", and of what was confirmed (95 % bootstrap interval)" if _any_confirmed(whole) else ""
        ),
        x="validation accuracy [%]",
        height=170 + (24 + 22 * len(whole.studies)) * max(1, len(whole.architectures)),
    )
    shown = False
    for place, study in enumerate(whole.studies):
        known = [
            (row, entry["results"][place]["best"])
            for row, entry in enumerate(whole.architectures)
            if entry["results"][place] and entry["results"][place]["best"]
        ]
        known = [(row, best) for row, best in known if best["interval"]]
        if not known:
            continue
        shown = True
        points = [100 * best["interval"]["point"] for _, best in known]
        shift = LANE * ((place + 0.5) / len(whole.studies) - 0.5)
        drawn.add_trace(
            go.Scatter(
                x=points,
                y=[row + shift for row, _ in known],
                mode="markers",
                name=safe(study["title"]),
                marker={
                    "size": 11,
                    "color": tone(place),
                    "symbol": SYMBOLS[place % len(SYMBOLS)],
                },
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [
                        100 * b["interval"]["high"] - p
                        for (_, b), p in zip(known, points, strict=True)
                    ],
                    "arrayminus": [
                        p - 100 * b["interval"]["low"]
                        for (_, b), p in zip(known, points, strict=True)
                    ],
                    "thickness": 2,
                    "width": 6,
                    "color": tone(place),
                },
                customdata=[
                    f"{safe(study['title'])}, {safe(whole.architectures[row]['label'])} trial "
                    f"{best['number']}: {100 * best['interval']['point']:.2f} % "
                    f"[{100 * best['interval']['low']:.1f}, {100 * best['interval']['high']:.1f}], "
                    f"n = {best['interval']['n']:,}"
                    for row, best in known
                ],
                hovertemplate="%{customdata}<extra></extra>",
            )
        )
        if confirmed := _confirmed(whole, place):
            drawn.add_trace(_confirmed_marks(study["title"], place, shift, confirmed))
    labels = [safe(entry["label"]) for entry in whole.architectures]
    drawn.update_yaxes(
        tickvals=list(range(len(labels))), ticktext=labels, range=[len(labels) - 0.5, -0.5]
    )
    if not shown:
        return Section(title, look_for, empty="No complete trial has an accuracy with an interval.")
    return Section(title, look_for, [Picture("", drawn)])


def _any_confirmed(whole: SideBySide) -> bool:
    return any(_confirmed(whole, place) for place in range(len(whole.studies)))


def _confirmed(whole: SideBySide, place: int) -> list[tuple[int, dict[str, Any]]]:
    """Return a study's confirmed accuracies, each with the row of its architecture."""
    return [
        (row, known)
        for row, entry in enumerate(whole.architectures)
        if (result := entry["results"][place])
        and (known := result.get("confirmed"))
        and is_accuracy(known)
    ]


def _confirmed_marks(
    title: str, place: int, shift: float, known: list[tuple[int, dict[str, Any]]]
) -> Any:
    """Return hollow marks a little below a study's bests."""
    import plotly.graph_objects as go

    points = [100 * each["mean"]["point"] for _, each in known]
    ends = [[100 * end for end in within(each["mean"])] for _, each in known]
    return go.Scatter(
        x=points,
        y=[row + shift + BELOW for row, _ in known],
        mode="markers",
        name=f"{safe(title)}, confirmed",
        marker={
            "size": 11,
            "color": tone(place),
            "symbol": f"{SYMBOLS[place % len(SYMBOLS)]}-open",
            "line": {"width": 2.5},
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [high - point for (_, high), point in zip(ends, points, strict=True)],
            "arrayminus": [point - low for (low, _), point in zip(ends, points, strict=True)],
            "thickness": 1.5,
            "width": 6,
            "color": tone(place),
        },
        customdata=[
            f"{safe(title)}, {safe(each['architecture'])} trial {each['number']}, confirmed: "
            f"{figure_text(each)}"
            for _, each in known
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _anytime(whole: SideBySide) -> Section:
    import plotly.graph_objects as go

    title = "Best value against time spent"
    look_for = (
        "Which study was ahead after the same time? Where one line ends, the other had more time."
    )
    objectives = {study["objective"]["name"]: study["objective"] for study in whole.studies}
    if len(objectives) > 1:
        return Section(title, look_for, empty="The studies have different objectives: no one axis.")
    (objective,) = objectives.values()
    longest = max((c["seconds"][-1] for c in whole.curves if c["seconds"]), default=0.0)
    divisor, unit = (3600.0, "hours") if longest >= 7200 else (60.0, "minutes")
    drawn = figure(
        "Best value so far, over all architectures of a study",
        x=f"time in trials [{unit}]",
        y=f"best {objective_axis(objective)}",
        height=440,
    )
    for place, (study, curve) in enumerate(zip(whole.studies, whole.curves, strict=True)):
        if curve["seconds"]:
            drawn.add_trace(_curve(go, place, study["title"], curve, objective, divisor, unit))
    drawn.update_xaxes(rangemode="tozero")
    if not drawn.data:
        return Section(title, look_for, empty="No trial is complete.")
    note = (
        "Time is that of the trials one after another, in the order they ended, failed and pruned "
        "ones included; trials that ran at once count each."
    )
    return Section(title, look_for, [Picture("", drawn, note=note)])


def _curve(
    go: Any,
    place: int,
    title: str,
    curve: dict[str, Any],
    objective: dict[str, Any],
    divisor: float,
    unit: str,
) -> Any:
    return go.Scatter(
        x=[s / divisor for s in curve["seconds"]],
        y=[objective_value(v, objective) for v in curve["values"]],
        mode="lines+markers",
        line={"shape": "hv", "color": tone(place), "width": 2.5},
        marker={"size": 5, "symbol": SYMBOLS[place % len(SYMBOLS)]},
        name=safe(title),
        hovertemplate=f"{safe(title)}: %{{y:.4g}} after %{{x:.3g}} {unit}<extra></extra>",
    )
