"""What each architecture had reached when so much was spent, and at equal budgets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.data import ReportData
from hpo.reports.draw.equal import equal_budgets
from hpo.reports.draw.results import level_majority
from hpo.reports.draw.section import Picture, Section
from hpo.reports.draw.style import (
    about,
    colour,
    faded,
    figure,
    objective_axis,
    objective_value,
    safe,
    symbol,
)
from hpo.reports.judged import none_kept
from hpo.reports.objectives import by_accuracy
from hpo.reports.tables import duration
from hpo.reports.words import in_words

TITLE = "Best so far at equal budgets"
OLD = "This report was made before architectures were compared at equal budgets; draw it again."
MEASURES = {"trials": "trials", "seconds": "time", "epochs": "epochs"}
ASIDE = 0.028
"""Share of the axis by which a confirmed mark stands behind the jump of the line: on a phone, where
the axis has some 280 pixels, more than half of a mark."""
CONFIRMED = ", confirmed"
"""What the name of such marks ends with."""
SLIVER = 0.03
"""Share of the axis under which a last step is too short for its band to be seen."""


Points = list[tuple[float, Mapping[str, Any]]]
"""What was spent, and the step that held then."""


def look_for(objective: Mapping[str, Any], architectures: int = 2) -> str:
    """Return what to look for: the lowest line under a loss, which has no bands."""
    highest = "highest" if objective["direction"] == "maximize" else "lowest"
    if architectures < 2:
        return (
            "Where does the line level off? What was spent after that brought nothing, as far as "
            "these trials show."
        )
    said = (
        f"Which line is {highest} at the vertical line, the smallest budget that all architectures "
        "had? Only up to there is the comparison fair; what came later is dotted. "
    )
    if by_accuracy(objective):
        return said + (
            "How far are the bands apart? Those that overlap a little may still differ: the "
            "opening has the interval of the difference."
        )
    return said + (
        "Losses of single runs have no bands, as those of single faces are not stored: how far "
        "another seed or other faces would move a line is not drawn."
    )


def section(data: ReportData) -> Section:
    """Draw the best so far against time and epochs, and the best at the smallest common budgets."""
    made = data.comparison
    if not made:
        return Section(TITLE, look_for(data.objective, len(data.labels)), empty=OLD)
    if not made["equal"]["best"]:
        empty = none_kept(data.trials) or "No trial has a value yet."
        return Section(TITLE, look_for(data.objective, len(data.labels)), empty=empty)
    pictures = [
        _curves(data, measure)
        for measure in ("seconds", "epochs")
        if made["equal"]["common"][measure] > 0
    ]
    if len(made["equal"]["best"]) > 1:
        pictures.append(equal_budgets(data))
    return Section(TITLE, look_for(data.objective, len(data.labels)), pictures)


def _unit(measure: str, most: float) -> tuple[float, str]:
    """Return the divisor and name of the unit in which a budget reads well."""
    if measure == "epochs":
        return 1.0, "epochs"
    if most >= 2 * 3600:
        return 3600.0, "hours"
    return (60.0, "minutes") if most >= 180 else (1.0, "seconds")


def _curves(data: ReportData, measure: str) -> Picture:
    made = data.comparison
    kept = {label: made["curves"][label][measure] for label in made["equal"]["best"]}
    longest = max(curve["total"] for curve in kept.values())
    divisor, unit = _unit(measure, longest)
    spent = "time in trials" if measure == "seconds" else "epochs trained"
    drawn = figure(
        f"Best so far against {spent}: one training run a trial",
        x=f"{spent} [{unit}]" if measure == "seconds" else spent,
        y=f"best {objective_axis(data.objective)}",
        height=460,
    )
    common = made["equal"]["common"][measure]
    for label, curve in kept.items():
        _architecture(drawn, data, label, curve, common, divisor, SLIVER * longest)
        confirmed = made.get("confirmed", {}).get(label, {}).get(measure)
        if confirmed:
            drawn.add_trace(_confirmed(data, label, confirmed, divisor, ASIDE * longest))
    if len(kept) > 1:
        drawn.add_vline(
            x=common / divisor,
            line={"dash": "dash", "width": 1.5, "color": "#7d8894"},
            layer="below",
        )
    # Room for the mark of a best that was the last.
    drawn.update_xaxes(range=[0, 1.07 * longest / divisor])
    line, far = level_majority(drawn, data)
    note = "\n".join(filter(None, [*_notes(data, measure, common), far]))
    words = " ".join(filter(None, [_words(drawn), _bands(kept), line]))
    return Picture(MEASURES[measure], drawn, note=note, words=words)


def _words(drawn: Any) -> str:
    """Return the figure in words, with what was confirmed where the search found it.

    The marks stand a little behind.
    """
    told = json.loads(drawn.to_json())
    for trace in told["data"]:
        if trace.get("name", "").endswith(CONFIRMED):
            trace["x"] = [spent for _, spent in trace["customdata"]]
    return in_words(told)


def _bands(kept: Mapping[str, Mapping[str, Any]]) -> str:
    """Return where bands end, in words; "" if none is drawn."""
    last = {label: curve["steps"][-1]["interval"] for label, curve in kept.items()}
    told = [
        f"{label} {100 * end['low']:.1f} to {100 * end['high']:.1f}"
        for label, end in last.items()
        if end
    ]
    return f"Bands at the end: {', '.join(told)} %." if told else ""


def _notes(data: ReportData, measure: str, common: float) -> list[str]:
    made = data.comparison
    interval = any(
        step["interval"] for c in made["curves"].values() for step in c[measure]["steps"]
    )
    said = (
        "Trials in their order, one after another; pruned and failed ones cost, too; attempts that "
        "were lost are not counted."
    )
    if len(made["equal"]["best"]) > 1:
        text = duration(common) if measure == "seconds" else f"{common:,.0f} epochs"
        said += f" The smallest common budget is {text}."
    lines = [said]
    if interval:
        lines.append(
            "Bands are 95 % Wilson intervals of the best trial so far on the validation faces; it "
            "was chosen on them, and another seed might train it to another value."
        )
    if made.get("confirmed"):
        lines.append(
            "Large marks are the best confirmed value so far: the mean of a configuration's runs "
            f"with other seeds, with its 95 % bootstrap interval{_over_seeds(data)}, a little "
            "behind where the search found it. The lines are the search's own values, one run "
            "each. What the further runs cost is not in it."
        )
    elif made["values"] == "search":
        lines.append("Values are those of the search; none was confirmed by further runs.")
    if made["any_order"]:
        lines.append(
            "Thin lines are the mean over 300 random orders of the trials that the sampler drew, "
            "since their order is chance: what another run of this search would show. All orders "
            "share their trials, so they meet at the end. A pruned trial counts with what it cost."
        )
    elif data.study.get("fidelity"):
        lines.append(
            "Only the best of a rung go on, so the order of trials is no chance, and no mean over "
            "orders is drawn."
        )
    else:
        lines.append(
            "The sampler learns from earlier trials, so their order is no chance, and no mean over "
            "orders is drawn."
        )
    return lines


def _over_seeds(data: ReportData) -> str:
    return "" if by_accuracy(data.objective) else " over seeds alone"


def _architecture(
    drawn: Any,
    data: ReportData,
    label: str,
    curve: Mapping[str, Any],
    common: float,
    divisor: float,
    sliver: float,
) -> None:
    import plotly.graph_objects as go

    tone, objective = colour(data.labels, label), data.objective
    before, after = _split(curve["steps"], curve["total"], common)
    group = safe(label)
    if all(step["interval"] for step in curve["steps"]):
        for end, fill in (("low", None), ("high", "tonexty")):
            drawn.add_trace(
                go.Scatter(
                    x=[x / divisor for x, _ in [*before, *after]],
                    y=[objective_value(s["interval"][end], objective) for _, s in before + after],
                    mode="lines",
                    line={"shape": "hv", "width": 0},
                    fill=fill,
                    fillcolor=faded(tone, 0.14),
                    legendgroup=group,
                    meta=about(label),
                    showlegend=False,
                    hoverinfo="skip",
                )
            )
    for points, dash, width in ((before, "solid", 2.5), (after, "dot", 1.8)):
        if points:
            drawn.add_trace(
                go.Scatter(
                    x=[x / divisor for x, _ in points],
                    y=[objective_value(step["value"], objective) for _, step in points],
                    mode="lines+markers",
                    line={"shape": "hv", "color": tone, "width": width, "dash": dash},
                    marker={
                        "size": [6 if x == step["spent"] else 0 for x, step in points],
                        "opacity": 1,
                        "color": tone,
                        "symbol": symbol(data.labels, label),
                    },
                    error_y=_bars(points, curve["total"] - sliver, data) | {"color": tone},
                    name=group,
                    legendgroup=group,
                    meta=about(label),
                    showlegend=points is before or not before,
                    customdata=[step["number"] for _, step in points],
                    hovertemplate=f"{group} trial %{{customdata}}: %{{y:.4g}} after %{{x:.3g}}"
                    "<extra></extra>",
                )
            )
    if curve["expected"]:
        drawn.add_trace(
            go.Scatter(
                x=[point["spent"] / divisor for point in curve["expected"]],
                y=[objective_value(point["mean"], objective) for point in curve["expected"]],
                mode="lines",
                line={"color": tone, "width": 1, "dash": "dashdot"},
                name=f"{group}, mean over orders",
                legendgroup=group,
                meta=about(label),
                showlegend=False,
                hovertemplate=f"{group}, mean over orders: %{{y:.4g}} after %{{x:.3g}}"
                "<extra></extra>",
            )
        )


def _bars(points: Points, late: float, data: ReportData) -> dict[str, Any]:
    """Return the interval of a step so late that its band would be a sliver; none of others."""
    ends: dict[str, list[float | None]] = {"low": [], "high": []}
    for x, step in points:
        for end, bars in ends.items():
            known = x == step["spent"] and x > late and step["interval"]
            off = abs(step["interval"][end] - step["value"]) if known else None
            bars.append(objective_value(off, data.objective))
    return {
        "type": "data",
        "symmetric": False,
        "array": ends["high"],
        "arrayminus": ends["low"],
        "thickness": 1.5,
        "width": 4,
    }


def _confirmed(
    data: ReportData,
    label: str,
    steps: Sequence[Mapping[str, Any]],
    divisor: float,
    aside: float,
) -> Any:
    """Return marks a little behind where the search found what was confirmed.

    The line jumps there, and would run through the mark and along its interval.
    """
    import plotly.graph_objects as go

    tone, objective = colour(data.labels, label), data.objective
    ends = [
        [objective_value(step[key], objective) or 0.0 for step in (s["interval"] for s in steps)]
        for key in ("low", "point", "high")
    ]
    low, points, high = ends
    return go.Scatter(
        x=[(step["spent"] + aside) / divisor for step in steps],
        y=points,
        mode="markers",
        marker={
            "size": 13,
            "color": tone,
            "symbol": symbol(data.labels, label),
            "line": {"width": 1.5, "color": "#ffffff"},
        },
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [h - p for h, p in zip(high, points, strict=True)],
            "arrayminus": [p - end for end, p in zip(low, points, strict=True)],
            "thickness": 2,
            "width": 6,
            "color": tone,
        },
        name=safe(label) + CONFIRMED,
        legendgroup=safe(label),
        showlegend=False,
        meta=about(label),
        customdata=[[step["number"], step["spent"] / divisor] for step in steps],
        hovertemplate=f"{safe(label)} trial %{{customdata[0]}}, confirmed: %{{y:.4g}} after "
        "%{customdata[1]:.3g}<extra></extra>",
    )


def _split(
    steps: Sequence[Mapping[str, Any]], total: float, common: float
) -> tuple[Points, Points]:
    """Return the corners up to the common budget, and from there to the end."""
    before: Points = [(step["spent"], step) for step in steps if step["spent"] <= common + 0.01]
    after: Points = [(step["spent"], step) for step in steps if step["spent"] > common + 0.01]
    if before:
        last = before[-1][1]
        if common > before[-1][0] + 0.01:
            before.append((common, last))
        if total > common:
            after.insert(0, (common, last))
    if after and total > after[-1][0]:
        after.append((total, after[-1][1]))
    return before, after
