"""Best result of each architecture with its interval, beside the thesis's runs and the majority."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hpo.reports.data import ReportData
from hpo.reports.draw.section import Picture, Section
from hpo.reports.draw.style import about, colour, figure, safe, symbol
from hpo.reports.judged import none_kept
from hpo.reports.objectives import by_accuracy, by_other
from hpo.reports.sentences import percent
from hpo.reports.thesis import PROVENANCE
from hpo.reports.words import in_words

LOOK_FOR = (
    "An interval that touches the dashed line does not show that anything was learned. Hollow "
    "marks are the thesis's runs."
)
AMONG_SEVERAL = (
    "How far are the marks apart, next to the width of their intervals? Two that overlap a little "
    "may still differ: the opening has the interval of the difference. "
)

TOUCHING = 0.025
"""Accuracy between two of the thesis's runs whose marks would touch on a phone."""
REACH = 0.06
"""Accuracy that the number of epochs covers on a phone, where a tenth takes about 40 pixels."""


def section(data: ReportData) -> Section:
    """Draw the best validation accuracy per architecture."""
    import plotly.graph_objects as go

    title = "Best result per architecture"
    look_for = (AMONG_SEVERAL if len(data.labels) > 1 else "") + LOOK_FOR
    scored = [e for e in data.architectures if e["best"] and e["best"]["accuracy"] is not None]
    if not scored:
        return Section(
            title,
            look_for,
            empty=none_kept(data.trials) or "No complete trial has a validation accuracy.",
        )
    drawn = figure(
        "Validation accuracy of the best trial, with its 95 % Wilson interval",
        x="validation accuracy [%]",
        height=160 + 85 * len(data.architectures),
    )
    for entry in scored:
        drawn.add_trace(_best(go, data, entry))
        _name_value(drawn, data, entry)
    for place, run in enumerate(data.thesis):
        drawn.add_trace(_thesis(go, data, run, first=place == 0))
    if data.majority:
        draw_majority(drawn, data)
    labels = [safe(label) for label in data.labels]
    drawn.update_yaxes(
        tickvals=list(range(len(labels))), ticktext=labels, range=[len(labels) - 0.3, -0.5]
    )
    # The name of the dashed line stands above the axes; the thesis's marks are named below them.
    drawn.update_layout(
        margin={"t": 45, "b": 90, "r": 35},
        legend={"yref": "container", "y": 0, "yanchor": "bottom"},
    )
    note = PROVENANCE + " Ours are the best of their search, on the faces that chose them"
    note += "." if by_accuracy(data.objective) else f", {by_other(data.objective)}."
    words = in_words(json.loads(drawn.to_json()))
    if data.majority:
        words += f" {majority_words(data.majority)}"
    return Section(title, look_for, [Picture("", drawn, note=note, words=words)])


def draw_majority(drawn: Any, data: ReportData, where: str = "") -> None:
    """Draw a line at what always answering the most frequent class scores, with its name above.

    ``where`` says of which faces, where others are drawn too.
    """
    majority_line(drawn, data.majority, where)


def majority_line(drawn: Any, majority: Mapping[str, Any], where: str = "") -> None:
    """Draw what ``draw_majority`` does of ``rate`` and ``label``."""
    rate = 100 * majority["rate"]
    drawn.add_vline(x=rate, line={"dash": "dash", "width": 1.5, "color": "#b5483a"}, layer="below")
    drawn.add_annotation(
        x=rate,
        y=1,
        yref="paper",
        yanchor="bottom",
        text=f"always '{safe(majority['label'])}'{where}: {rate:.1f}",
        showarrow=False,
        font={"color": "#b5483a", "size": 11},
    )


def level_majority(drawn: Any, data: ReportData) -> tuple[str, str]:
    """Draw what ``draw_majority`` does across a finished figure whose objective runs up.

    Returns:
        The line in words and a note that it lies elsewhere, one of them ""; both where the
        objective is another, or the share is not known.
    """
    if not by_accuracy(data.objective):
        return "", ""
    known = [y for trace in drawn.data for y in trace.y if y is not None]
    return told_majority(data.majority, known, lambda: level_line(drawn, data.majority))


def level_line(drawn: Any, majority: Mapping[str, Any]) -> None:
    """Draw what ``majority_line`` does where accuracies run up.

    The legend names it: words beside the line would hide trials, or the lines of others.
    """
    import plotly.graph_objects as go

    # Before the line is there: to the ends of the axis, or of what is drawn.
    ends = drawn.layout.xaxis.range or [0, max(x for trace in drawn.data for x in trace.x)]
    rate = 100 * majority["rate"]
    drawn.add_trace(
        go.Scatter(
            x=list(ends),
            y=[rate, rate],
            mode="lines",
            line={"dash": "dash", "width": 1.5, "color": "#b5483a"},
            # Last in the legend, and under what is drawn.
            legendrank=2000,
            name=f"always '{safe(majority['label'])}': {rate:.1f}",
            hoverinfo="skip",
        )
    )
    drawn.data = (drawn.data[-1], *drawn.data[:-1])


def told_majority(
    majority: Mapping[str, Any], known: Sequence[float], draw: Callable[[], None]
) -> tuple[str, str]:
    """Draw the line of ``majority`` where it is near what is drawn, and return what to say of it.

    Args:
        majority: ``rate`` and ``label``; {} if unknown.
        known: what is drawn [%], ends of intervals included.
        draw: draws the line.

    Returns:
        As ``level_majority`` does.
    """
    if not majority or not known:
        return "", ""
    if near(majority, min(known), max(known)) is None:
        return "", majority_far(majority)
    draw()
    return majority_words(majority), ""


def majority_words(majority: Mapping[str, Any]) -> str:
    """Return the line of ``draw_majority`` in words."""
    return f"A line at {100 * majority['rate']:.1f}: always '{majority['label']}'."


def majority_far(majority: Mapping[str, Any]) -> str:
    """Return what always answering the most frequent class scores, where no line is drawn of it."""
    return (
        f"Always answering '{majority['label']}' would score {percent(majority['rate'])}, far from "
        "what is drawn."
    )


def near_majority(data: ReportData, low: float, high: float) -> float | None:
    """Return what always answering the most frequent class scores [%]; None where that is far off.

    Args:
        data: the report.
        low, high: the ends of what is drawn; an axis of which it took more than a third is none.
    """
    return near(data.majority, low, high)


def near(majority: Mapping[str, Any], low: float, high: float) -> float | None:
    """Return what ``near_majority`` does of a ``rate``; None where it is not known."""
    if not majority:
        return None
    rate, room = 100 * float(majority["rate"]), (high - low) / 2
    return rate if low - room <= rate <= high + room else None


def _best(go: Any, data: ReportData, entry: dict[str, Any]) -> Any:
    best, interval = entry["best"], entry["best"]["interval"]
    point = 100 * best["accuracy"]
    tone = colour(data.labels, entry["label"])
    error = None
    n = "size of the validation split unknown"
    if interval:
        error = {
            "type": "data",
            "symmetric": False,
            "array": [100 * interval["high"] - point],
            "arrayminus": [point - 100 * interval["low"]],
            "thickness": 2.5,
            "width": 9,
            "color": tone,
        }
        n = f"{100 * interval['low']:.1f} to {100 * interval['high']:.1f} %, n = {interval['n']:,}"
    return go.Scatter(
        x=[point],
        y=[data.labels.index(entry["label"])],
        error_x=error,
        mode="markers",
        marker={"size": 13, "color": tone, "symbol": symbol(data.labels, entry["label"])},
        name=safe(entry["label"]),
        meta=about(entry["label"]),
        showlegend=False,
        hovertemplate=(
            f"<b>{safe(entry['label'])} trial {best['number']}</b><br>"
            f"{point:.2f} % ({n})<extra></extra>"
        ),
    )


def _name_value(drawn: Any, data: ReportData, entry: dict[str, Any]) -> None:
    """Write the accuracy right of its interval, where the majority's line seldom crosses it."""
    best = entry["best"]
    end = best["interval"]["high"] if best["interval"] else best["accuracy"]
    drawn.add_annotation(
        x=100 * end,
        y=data.labels.index(entry["label"]),
        name=safe(entry["label"]),
        text=f"{100 * best['accuracy']:.1f}",
        xanchor="left",
        xshift=8,
        showarrow=False,
    )


def _thesis(go: Any, data: ReportData, run: dict[str, Any], *, first: bool) -> Any:
    """Return a published run, a little below ours so that neither hides the other.

    A run that is hardly better than another stands below that one.
    """
    others = [r["accuracy"] for r in data.thesis if r["architecture"] == run["architecture"]]
    near = any(0 < run["accuracy"] - other < TOUCHING for other in others)
    beside = {
        entry["label"]: place + (0.44 if near else 0.28)
        for place, entry in enumerate(data.architectures)
        if entry["architecture"] == run["architecture"]
    }
    places = list(beside.values())
    return go.Scatter(
        x=[100 * run["accuracy"]] * len(places),
        y=places,
        mode="markers+text",
        text=[str(run["epochs"])] * len(places),
        textposition=f"bottom {_side(data, run)}",
        textfont={"size": 10, "color": "#7d8894"},
        # Cut at the edge, 100 epochs would read as 10.
        cliponaxis=False,
        marker={
            "size": 10,
            "symbol": "circle-open",
            "color": "#7d8894",
            "line": {"width": 1.5},
        },
        name="thesis, single runs of so many epochs",
        legendgroup="thesis",
        meta=about(list(beside)),
        showlegend=first,
        hovertemplate=(
            f"thesis, {run['epochs']} epochs: {100 * run['accuracy']:.2f} %, "
            f"loss {run['loss']:.2f}<extra></extra>"
        ),
    )


def _side(data: ReportData, run: dict[str, Any]) -> str:
    """Return on which side of its mark a run's epochs stand clear on a page as narrow as a phone.

    The majority's line would cross them, and neighbours such as 40 and 100 epochs would print over
    one another. Right is preferred, and left where neither is clear.
    """
    accuracy = run["accuracy"]
    others = [r["accuracy"] for r in data.thesis if r["architecture"] == run["architecture"]]
    better = [a for a in others if a > accuracy]
    in_the_way = [*better, *([data.majority["rate"]] if data.majority else [])]
    clear = all(not 0 <= other - accuracy < REACH for other in in_the_way)
    return "right" if clear else "left"
