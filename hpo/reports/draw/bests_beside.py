"""The best trials of several studies, and what was confirmed, a row per study and architecture."""

from __future__ import annotations

from html import unescape
from typing import Any

from hpo.reports.confirmation_words import within
from hpo.reports.confirmed_beside import figure_text
from hpo.reports.draw.results import majority_line, told_majority
from hpo.reports.draw.section import Picture, Section
from hpo.reports.draw.style import (
    COLOURS,
    SYMBOLS,
    figure,
    objective_axis,
    objective_value,
    safe,
)
from hpo.reports.objectives import by_accuracy
from hpo.reports.sentences import listed
from hpo.reports.side_by_side import SideBySide

BELOW = 0.42
"""Of the distance between two studies' marks, by which a confirmed mark lies below the best."""
MARK, BETWEEN = 30, 0.8
"""Pixels of a study's marks in an architecture, and between two architectures, in such places."""
ENTRY = 12
"""Pixels for a study in the legend, which takes a line each on a phone and less on a page."""
HOLLOW = (
    "Where there is a hollow mark, the mean over further seeds, believe it rather than the filled "
    "one, the luckiest of many runs."
)
BY_ACCURACY = (
    "Does the difference from the first study, in the table above, keep clear of zero? Intervals "
    "of two studies that overlap a little may still differ, and where a study had more time or "
    f"other data its best says little. {HOLLOW}"
)
BY_LOSS = (
    "What lies further left is better. A filled mark is one run and has no interval, as the losses "
    "of single faces are not stored: whether it is ahead of another by luck cannot be told. And "
    f"where a study had more time or other data its best says little. {HOLLOW}"
)
BY_OWN = (
    "Intervals that overlap a little may still differ, and where a study had more time, other data "
    "or an objective other than accuracy its best says little here."
)
DIFFERENT = (
    "The studies have different objectives, so what is drawn is the validation accuracy, which all "
    "record, of each study's best by its own objective: one that was not chosen by accuracy stands "
    "at a disadvantage here."
)
NO_ACCURACY = (
    "The studies have different objectives, and no complete trial has recorded an accuracy, in "
    "which they could be drawn on one axis."
)
ACCURACY: dict[str, Any] = {
    "name": "val_accuracy",
    "direction": "maximize",
    "label": "validation accuracy",
    "percent": True,
}


def tone(place: int) -> str:
    """Return the colour of the study at this place."""
    return COLOURS[place % len(COLOURS)]


def shape(place: int) -> str:
    """Return the symbol of the study at this place; with its colour it is no other's."""
    return SYMBOLS[(place + place // len(COLOURS)) % len(SYMBOLS)]


def common_objective(whole: SideBySide) -> dict[str, Any] | None:
    """Return the objective of all studies; None where they have several."""
    objectives = {study["objective"]["name"]: study["objective"] for study in whole.studies}
    return next(iter(objectives.values())) if len(objectives) == 1 else None


def common_majority(whole: SideBySide) -> dict[str, Any]:
    """Return what always answering the most frequent emotion scores; {} where studies differ."""
    first: dict[str, Any] = whole.studies[0]["majority"]
    return first if all(study["majority"] == first for study in whole.studies) else {}


def bests(whole: SideBySide) -> Section:
    """Draw the best trials with their intervals, and what was confirmed under them."""
    title = "Best trial per architecture"
    common = common_objective(whole)
    objective = common or ACCURACY
    accuracy = by_accuracy(objective)
    look_for = BY_ACCURACY if accuracy else BY_LOSS
    if common is None:
        look_for = f"{BY_OWN} {HOLLOW}"
    confirmed = any(_confirmed(whole, place, objective) for place in range(len(whole.studies)))
    of = objective["label"][0].upper() + objective["label"][1:]
    known = _known(whole, objective)
    if not known and common is None:
        return Section(title, look_for, empty=NO_ACCURACY)
    if not known:
        with_interval = " with an interval" if accuracy else ""
        empty = f"No complete trial has {_a(objective)}{with_interval}."
        return Section(title, look_for, empty=empty)
    heights, middles, end = _heights(list(known))
    drawn = figure(
        f"{of} of each best trial ({'95 % Wilson interval' if accuracy else 'one run each'})"
        + (", and of what was confirmed (95 % bootstrap interval)" if confirmed else ""),
        x=objective_axis(objective),
        height=round(130 + MARK * end + ENTRY * len(whole.studies)),
    )
    note = "" if common else DIFFERENT + _losses_left_out(whole)
    words = [f"Across: {objective_axis(objective)}."]
    for place in range(len(whole.studies)):
        own = {row: best for (row, at), best in known.items() if at == place}
        at = {row: heights[row, place] for row in own}
        # A confirmed configuration is one of an architecture that has a best.
        means = {r: mean for r, mean in _confirmed(whole, place, objective) if r in own}
        for trace in (
            _best_marks(whole, place, own, _apart(at, means, -BELOW / 2), objective)
            if own
            else None,
            _confirmed_marks(whole, place, means, _apart(at, means, BELOW / 2), objective)
            if means
            else None,
        ):
            if trace is not None:
                drawn.add_trace(trace)
                words += [f"{told}." for told in trace.customdata]
    if accuracy and (majority := common_majority(whole)):
        ends = [
            end
            for trace in drawn.data
            for x, more, less in zip(
                trace.x, trace.error_x.array, trace.error_x.arrayminus, strict=True
            )
            for end in (x - less, x + more)
        ]
        always, far = told_majority(majority, ends, lambda: majority_line(drawn, majority))
        note = "\n".join(filter(None, (note, far)))
        if always:
            # Its name stands where the legend would.
            drawn.update_layout(
                height=drawn.layout.height + 45,
                margin={"t": 45, "b": 90 + ENTRY * len(whole.studies)},
                legend={"yref": "container", "y": 0, "yanchor": "bottom"},
            )
            words.append(always)
    if confirmed:
        drawn.add_trace(_key())
    labels = [safe(whole.architectures[row]["label"]) for row in middles]
    drawn.update_yaxes(
        tickvals=list(middles.values()), ticktext=labels, range=[end, 0], showgrid=False
    )
    for middle in list(middles)[:-1]:
        line = max(y for (row, _), y in heights.items() if row == middle) + (1 + BETWEEN) / 2
        drawn.add_hline(y=line, line={"width": 1, "dash": "dot", "color": "#7d8894"})
    return Section(
        title, look_for, [Picture("", drawn, note=note, words=unescape(" ".join(words)))]
    )


def _known(whole: SideBySide, objective: dict[str, Any]) -> dict[tuple[int, int], dict[str, Any]]:
    """Return the best trials that can be drawn, by the places of their architecture and study."""
    return {
        (row, place): best
        for row, entry in enumerate(whole.architectures)
        for place, result in enumerate(entry["results"])
        if result
        and (best := result["best"])
        and best["value"] is not None
        and (best["interval"] or not by_accuracy(objective))
    }


def _heights(
    known: list[tuple[int, int]],
) -> tuple[dict[tuple[int, int], float], dict[int, float], float]:
    """Return how far down each mark lies, the middle of each architecture's, and the axis' end.

    A study that lacks an architecture takes no room there.
    """
    heights: dict[tuple[int, int], float] = {}
    down = 0.5
    for before, key in zip([None, *known], known, strict=False):
        down += BETWEEN if before and before[0] != key[0] else 0.0
        heights[key] = down
        down += 1
    middles = {
        row: (min(own) + max(own)) / 2
        for row in dict.fromkeys(row for row, _ in known)
        if (own := [y for (of, _), y in heights.items() if of == row])
    }
    return heights, middles, down - 0.5


def _a(objective: dict[str, Any]) -> str:
    return "an accuracy" if by_accuracy(objective) else f"a {objective['label']}"


def _confirmed(
    whole: SideBySide, place: int, objective: dict[str, Any]
) -> list[tuple[int, dict[str, Any]]]:
    """Return a study's confirmed values of an objective, with the row of their architecture."""
    return [
        (row, known)
        for row, entry in enumerate(whole.architectures)
        if (result := entry["results"][place])
        and (known := result.get("confirmed"))
        and known["objective"] == objective["name"]
    ]


def _losses_left_out(whole: SideBySide) -> str:
    """Say whose confirmed figures are no accuracies; "" where all are."""
    named = [
        s["title"] for s in whole.studies if s["confirmed"] and not by_accuracy(s["objective"])
    ]
    if not named:
        return ""
    return f" What was confirmed of {listed(named)} is no accuracy: it stands in the table above."


def _apart(at: dict[int, float], means: dict[int, Any], by: float) -> dict[int, float]:
    """Return heights, moved where a best has a confirmed mark beside it."""
    return {row: y + (by if row in means else 0.0) for row, y in at.items()}


def _bars(ends: list[tuple[float, float, float]], place: int, thickness: float) -> dict[str, Any]:
    """Return the error bars of ``low, point, high`` each."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - point for _, point, high in ends],
        "arrayminus": [point - low for low, point, _ in ends],
        "thickness": thickness,
        "width": 6,
        "color": tone(place),
    }


def _best_marks(
    whole: SideBySide,
    place: int,
    known: dict[int, dict[str, Any]],
    heights: dict[int, float],
    objective: dict[str, Any],
) -> Any:
    import plotly.graph_objects as go

    title = safe(whole.titles[place])
    ends = [_ends(best, objective) for best in known.values()]
    accuracy = by_accuracy(objective)
    return go.Scatter(
        x=[point for _, point, _ in ends],
        y=list(heights.values()),
        mode="markers",
        name=title,
        legendgroup=str(place),
        marker={"size": 11, "color": tone(place), "symbol": shape(place)},
        error_x=_bars(ends, place, 2) if accuracy else None,
        customdata=[
            f"{title}, {safe(whole.architectures[row]['label'])} trial {best['number']}: "
            + (
                f"{point:.2f} % [{low:.1f}, {high:.1f}], n = {best['interval']['n']:,}"
                if accuracy
                else f"{point:.4g} nats"
            )
            for (row, best), (low, point, high) in zip(known.items(), ends, strict=True)
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _ends(best: dict[str, Any], objective: dict[str, Any]) -> tuple[float, float, float]:
    """Return ``low, point, high`` of a best trial, the point alone under a loss, as drawn."""
    if by_accuracy(objective):
        of = best["interval"]
        return 100 * of["low"], 100 * of["point"], 100 * of["high"]
    value = objective_value(best["value"], objective) or 0.0
    return value, value, value


def _confirmed_marks(
    whole: SideBySide,
    place: int,
    known: dict[int, dict[str, Any]],
    heights: dict[int, float],
    objective: dict[str, Any],
) -> Any:
    """Return hollow marks a little below a study's bests; the legend has one key for all."""
    import plotly.graph_objects as go

    title, ends = safe(whole.titles[place]), []
    for each in known.values():
        mean = each["mean"]
        low, high = within(mean) if objective["percent"] else (mean["low"], mean["high"])
        scaled = [objective_value(v, objective) or 0.0 for v in (low, mean["point"], high)]
        ends.append((scaled[0], scaled[1], scaled[2]))
    return go.Scatter(
        x=[point for _, point, _ in ends],
        y=[heights[row] for row in known],
        mode="markers",
        name=f"{title}, confirmed",
        legendgroup=str(place),
        showlegend=False,
        marker={
            "size": 11,
            "color": tone(place),
            "symbol": f"{shape(place)}-open",
            "line": {"width": 2.5},
        },
        error_x=_bars(ends, place, 1.5),
        customdata=[
            f"{title}, {safe(each['architecture'])} trial {each['number']}, confirmed: "
            f"{figure_text(each)}"
            for each in known.values()
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _key() -> Any:
    """Return the entry of the legend that says what hollow marks are."""
    import plotly.graph_objects as go

    return go.Scatter(
        x=[None],
        y=[None],
        mode="markers",
        name="hollow: confirmed",
        marker={"size": 11, "color": "#7d8894", "symbol": "circle-open", "line": {"width": 2.5}},
        hoverinfo="skip",
    )
