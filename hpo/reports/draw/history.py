"""How the search went: the objective of each trial in order, and the best so far."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hpo.reports.data import ReportData
from hpo.reports.draw.results import level_majority
from hpo.reports.draw.section import Picture, Section
from hpo.reports.draw.style import (
    about,
    colour,
    figure,
    objective_axis,
    objective_value,
    safe,
    symbol,
    trial_hover,
    whole_ticks,
)
from hpo.reports.rows import keeps_constraints
from hpo.reports.sentences import listed
from hpo.reports.words import LISTED, in_words


def look_for(objective: Mapping[str, Any]) -> str:
    """Return what to look for; failed trials lie beyond the worst."""
    better, edge = (
        ("rising", "foot") if objective["direction"] == "maximize" else ("falling", "top")
    )
    return (
        f"Is the best-so-far line still {better} at its end? Then the budget was too small. "
        f"Crosses are pruned trials at their best epoch, triangles at the {edge} are failed ones."
    )


def section(data: ReportData) -> Section:
    """Draw value against trial number, and the best so far as steps."""
    title = "Optimisation history"
    if not any(t["value"] is not None for t in data.trials):
        return Section(title, look_for(data.objective), empty="No trial has a value yet.")
    drawn = figure(
        "Trials in the order they were asked for",
        x="trial number within its architecture",
        y=objective_axis(data.objective),
        height=460,
    )
    for label in data.labels:
        _architecture(drawn, data, label)
    last = max(t["number"] for t in data.trials)
    # Trial 0 stands clear of the axis; few trials would otherwise get ticks between them.
    margin = max(0.4, 0.02 * last)
    drawn.update_xaxes(range=[-margin, last + margin], **whole_ticks(0, last))
    line, note = level_majority(drawn, data)
    words = f"{_words(data, drawn)} {line}".strip()
    pictures = [Picture("", drawn, note=note, words=words)]
    return Section(title, look_for(data.objective), pictures)


def _words(data: ReportData, drawn: Any) -> str:
    """Return the figure in words; failed trials have a place in it, and no value."""
    figure = json.loads(drawn.to_json())
    marks = [t for t in figure["data"] if (t.get("meta") or {}).get("state") != "failed"]
    said = [in_words({**figure, "data": marks})]
    for label in data.labels:
        failed = [str(trial["number"]) for trial in data.trials_of(label, "failed")]
        which = f"trial{'s' if failed[1:] else ''} {listed(failed)}" if failed else ""
        if failed:
            which = which if len(failed) <= LISTED else f"{len(failed)} trials"
            said.append(f"{label}, failed and without a value: {which}.")
    return " ".join(said)


def _architecture(drawn: Any, data: ReportData, label: str) -> None:
    import plotly.graph_objects as go

    tone, objective = colour(data.labels, label), data.objective
    for state, shape, opacity in (
        ("complete", symbol(data.labels, label), 0.85),
        ("pruned", "x-thin-open", 0.8),
    ):
        trials = [t for t in data.trials_of(label, state) if t["value"] is not None]
        if trials:
            drawn.add_trace(
                go.Scatter(
                    x=[t["number"] for t in trials],
                    y=[objective_value(t["value"], objective) for t in trials],
                    mode="markers",
                    marker={
                        "symbol": shape,
                        "size": 8,
                        "color": tone,
                        "opacity": opacity,
                        "line": {"width": 2 if state == "pruned" else 0, "color": tone},
                    },
                    name=f"{safe(label)}, {state}",
                    legendgroup=safe(label),
                    meta=about(label, state),
                    hovertemplate=[trial_hover(t, objective) for t in trials],
                )
            )
    best = _best_so_far(data, label)
    if best:
        drawn.add_trace(
            go.Scatter(
                x=[number for number, _ in best],
                y=[objective_value(value, objective) for _, value in best],
                mode="lines",
                line={"shape": "hv", "color": tone, "width": 2},
                name=f"{safe(label)}, best so far",
                legendgroup=safe(label),
                meta=about(label, "complete"),
                showlegend=False,
                hoverinfo="skip",
            )
        )
    failed = data.trials_of(label, "failed")
    if failed:
        values = [objective_value(t["value"], objective) for t in data.trials]
        known = [v for v in values if v is not None]
        # Beyond the worst value, so that a failed trial never looks like one that scored.
        beyond = 0.06 * ((max(known) - min(known)) or 1.0)
        worst = min(known) - beyond if objective["direction"] == "maximize" else max(known) + beyond
        drawn.add_trace(
            go.Scatter(
                x=[t["number"] for t in failed],
                y=[worst] * len(failed),
                mode="markers",
                marker={"symbol": "triangle-down-open", "size": 9, "color": tone},
                name=f"{safe(label)}, failed",
                legendgroup=safe(label),
                meta=about(label, "failed"),
                hovertemplate=[trial_hover(t, objective) for t in failed],
            )
        )


def _best_so_far(data: ReportData, label: str) -> list[tuple[int, float]]:
    pick = max if data.objective["direction"] == "maximize" else min
    steps: list[tuple[int, float]] = []
    for trial in data.trials_of(label, "complete"):
        if trial["value"] is not None and keeps_constraints(trial):
            best = pick(steps[-1][1], trial["value"]) if steps else trial["value"]
            steps.append((trial["number"], best))
    ended = [t["number"] for t in data.trials_of(label, "complete", "pruned", "failed")]
    if steps and max(ended) > steps[-1][0]:
        steps.append((max(ended), steps[-1][1]))
    return steps
