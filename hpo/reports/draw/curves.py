"""Training and validation curves of the best trials, and of those that the pruner stopped."""

from __future__ import annotations

from typing import Any

from hpo.reports.data import ReportData
from hpo.reports.draw.section import Picture, Section
from hpo.reports.draw.style import about, colour, faded, figure, objective_axis, safe
from hpo.reports.judged import none_kept

LOOK_FOR = (
    "Where do training (dotted) and validation (solid) part? From there the network learns its "
    "training faces by heart. Did the pruner stop curves that were still catching up?"
)
SHOWN_PRUNED = 40
"""Pruned curves drawn per architecture; more would be one smear."""


def section(data: ReportData) -> Section:
    """Draw accuracy and loss of the best trials, and validation accuracy of the pruned."""
    title = "Learning curves"
    best = [
        (e["label"], trial)
        for e in data.architectures
        if e["best"]
        for trial in data.trials_of(e["label"], "complete")
        if trial["number"] == e["best"]["number"] and trial["curves"]
    ]
    pictures = []
    for metric, unit, scale in (("accuracy", "%", 100.0), ("loss", "nats", 1.0)):
        if any(f"val_{metric}" in trial["curves"] for _, trial in best):
            pictures.append(_best(data, best, metric, unit, scale))
    pruned = _pruned(data, best)
    if pruned:
        pictures.append(pruned)
    return Section(
        title,
        LOOK_FOR,
        pictures,
        "" if pictures else none_kept(data.trials) or "No trial reported an epoch.",
    )


def _epochs(values: list[Any]) -> list[int]:
    return list(range(1, len(values) + 1))


def _scaled(values: list[float | None], scale: float) -> list[float | None]:
    return [None if v is None else scale * v for v in values]


def _best(
    data: ReportData, best: list[tuple[str, Any]], metric: str, unit: str, scale: float
) -> Picture:
    import plotly.graph_objects as go

    drawn = figure(f"Best trial of each architecture: {metric}", x="epoch", y=f"{metric} [{unit}]")
    for label, trial in best:
        tone = colour(data.labels, label)
        for name, dash, what in (
            (f"val_{metric}", "solid", "validation"),
            (metric, "dot", "training"),
        ):
            values = trial["curves"].get(name)
            if values is None:
                continue
            drawn.add_trace(
                go.Scatter(
                    x=_epochs(values),
                    y=_scaled(values, scale),
                    mode="lines+markers" if len(values) < 2 or what == "validation" else "lines",
                    line={"color": tone, "dash": dash, "width": 2},
                    marker={"size": 5},
                    name=f"{safe(label)} #{trial['number']}, {what}",
                    meta=about(label),
                    hovertemplate=f"{safe(label)}, {what}, epoch %{{x}}: %{{y:.4g}} {unit}"
                    "<extra></extra>",
                )
            )
        served = trial["best_epoch"]
        values = trial["curves"].get(f"val_{metric}", [])
        if 0 < served <= len(values) and values[served - 1] is not None:
            drawn.add_trace(
                go.Scatter(
                    x=[served],
                    y=[scale * values[served - 1]],
                    mode="markers",
                    marker={
                        "symbol": "circle-open",
                        "size": 13,
                        "color": tone,
                        "line": {"width": 2},
                    },
                    # Not in the legend; the figure in words calls it by its name.
                    name=f"{safe(label)} #{trial['number']}, the checkpoint",
                    showlegend=False,
                    meta=about(label),
                    hovertemplate=f"{safe(label)}: the checkpoint, epoch {served}<extra></extra>",
                )
            )
    drawn.update_xaxes(rangemode="tozero", **_whole(best))
    return Picture(metric, drawn, note="The ring marks the epoch whose checkpoint would be served.")


def _whole(best: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return tick settings that keep epochs whole on short axes."""
    longest = max((len(v) for _, t in best for v in t["curves"].values()), default=0)
    return {"dtick": 1} if longest <= 12 else {}


def _pruned(data: ReportData, best: list[tuple[str, Any]]) -> Picture | None:
    import plotly.graph_objects as go

    # What the pruner looked at.
    metric, objective = data.objective["name"], data.objective
    unit, scale = ("%", 100.0) if objective["percent"] else ("nats", 1.0)
    drawn = figure(
        f"{objective['label'][0].upper()}{objective['label'][1:]} of the pruned trials, beside the "
        "best",
        x="epoch",
        y=objective_axis(objective),
    )
    count, longest = 0, list(best)
    for label in data.labels:
        tone = colour(data.labels, label)
        trials = [t for t in data.trials_of(label, "pruned") if t["curves"].get(metric)]
        count += len(trials)
        for place, trial in enumerate(trials[-SHOWN_PRUNED:]):
            values = trial["curves"][metric]
            longest.append((label, trial))
            drawn.add_trace(
                go.Scatter(
                    x=_epochs(values),
                    y=_scaled(values, scale),
                    mode="lines+markers",
                    line={"color": faded(tone, 0.55), "width": 1.3},
                    marker={
                        "symbol": ["circle"] * (len(values) - 1) + ["x"],
                        "size": [3] * (len(values) - 1) + [8],
                        "color": tone,
                    },
                    name=f"{safe(label)}, pruned",
                    legendgroup=safe(label),
                    meta=about(label, "pruned"),
                    showlegend=place == 0,
                    hovertemplate=f"{safe(label)} #{trial['number']}, epoch %{{x}}: "
                    f"%{{y:.4g}} {unit}<extra></extra>",
                )
            )
    if not count:
        return None
    for label, trial in best:
        values = trial["curves"].get(metric)
        if values:
            drawn.add_trace(
                go.Scatter(
                    x=_epochs(values),
                    y=_scaled(values, scale),
                    mode="lines",
                    line={"color": colour(data.labels, label), "width": 3},
                    name=f"{safe(label)}, best",
                    legendgroup=safe(label),
                    meta=about(label, "complete"),
                    hovertemplate=f"{safe(label)} #{trial['number']} (best), epoch %{{x}}: "
                    f"%{{y:.4g}} {unit}<extra></extra>",
                )
            )
    drawn.update_xaxes(rangemode="tozero", **_whole(longest))
    note = f"{count} pruned trials; the cross is the epoch at which each was stopped."
    if any(len(data.trials_of(label, "pruned")) > SHOWN_PRUNED for label in data.labels):
        note += f" Only the last {SHOWN_PRUNED} of an architecture are drawn."
    return Picture("pruned", drawn, note=note)
