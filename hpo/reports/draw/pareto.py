"""Several objectives and constraints: each trial by its first objective and by what else counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.data import ReportData
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
)
from hpo.reports.judged import constraints_sentence
from hpo.reports.judged import further as further_metrics
from hpo.reports.rows import keeps_constraints
from hpo.spec.objectives import metric_text

LOOK_FOR = (
    "How much of the first objective does a smaller or faster network cost? Filled marks are the "
    "Pareto front: no trial that keeps the constraints is better in every objective. Two "
    "objectives have a line through it. Crosses break a constraint."
)
AXES = {
    "latency_ms": "latency of one face [ms]",
    "size_mib": "size of the checkpoint [MiB]",
    "parameter_count": "parameters",
    "val_accuracy": "validation accuracy",
    "val_loss": "validation loss [nats]",
}
"""Further objectives and constraints, with their units."""
_MOST_NAMED = 8


def section(data: ReportData) -> Section | None:
    """Draw the first objective against each further one; None in a study of one value."""
    further = further_metrics(data.study)
    if not further:
        return None
    title = "Pareto front" if data.study.get("objectives") else "Constraints"
    trials = [t for t in data.trials if t["state"] == "complete" and t.get("judged")]
    if not trials:
        return Section(title, LOOK_FOR, empty="No complete trial yet.")
    note = _front_in_words(data, trials, further)
    pictures = []
    for name in further:
        drawn = [t for t in trials if _has(t, name)]
        left_out = _left_out(name, len(trials) - len(drawn))
        pictures.append(
            Picture(
                name,
                _picture(data, drawn, name),
                note="\n".join(line for line in (note, left_out) if line),
            )
        )
    return Section(title, LOOK_FOR, pictures)


def _has(trial: Mapping[str, Any], name: str) -> bool:
    """Return whether a trial is a point: what is not finite became None on its way into a row."""
    return trial["value"] is not None and trial["judged"].get(name) is not None


def _left_out(name: str, count: int) -> str:
    if not count:
        return ""
    trials = "1 complete trial is" if count == 1 else f"{count} complete trials are"
    whose = "its" if count == 1 else "their"
    return f"{trials} not drawn: {whose} first objective or {name} is no finite number."


def _picture(data: ReportData, trials: Sequence[Mapping[str, Any]], name: str) -> Any:
    import plotly.graph_objects as go

    drawn = figure(
        "Complete trials",
        x=AXES.get(name, name),
        y=objective_axis(data.objective),
        height=460,
    )
    for label in data.labels:
        own = [t for t in trials if t["architecture"] == label]
        tone, shape = colour(data.labels, label), symbol(data.labels, label)
        groups = (
            ("on the front", shape, [t for t in own if t.get("front")]),
            (
                "others",
                f"{shape}-open",
                [t for t in own if not t.get("front") and keeps_constraints(t)],
            ),
            ("breaks a constraint", "x-thin-open", [t for t in own if not keeps_constraints(t)]),
        )
        for what, marker, group in groups:
            if group:
                drawn.add_trace(
                    go.Scatter(
                        x=[t["judged"][name] for t in group],
                        y=[objective_value(t["value"], data.objective) for t in group],
                        mode="markers",
                        marker={
                            "symbol": marker,
                            "size": 9,
                            "color": tone,
                            "line": {"width": 2, "color": tone},
                        },
                        name=f"{safe(label)}, {what}",
                        meta=about(label, "complete"),
                        hovertemplate=[_hover(t, data.objective) for t in group],
                    )
                )
    front = sorted((t["judged"][name], t["value"]) for t in trials if t.get("front"))
    # With three objectives the front is a surface, and a line through it would say nothing; nor
    # would one along a metric that is under a constraint alone.
    goals = [g["metric"] if isinstance(g, Mapping) else g for g in _objectives(data)]
    if len(goals) == 2 and name in goals and len(front) > 1:
        drawn.add_trace(
            go.Scatter(
                x=[x for x, _ in front],
                y=[objective_value(y, data.objective) for _, y in front],
                mode="lines",
                line={"shape": "hv", "width": 1.5, "color": "#8a8f98"},
                showlegend=False,
                hoverinfo="skip",
            )
        )
    bound = (data.study.get("constraints") or {}).get(name) or {}
    for value in (bound.get("at_least"), bound.get("at_most")):
        if value is not None:
            drawn.add_vline(x=value, line={"dash": "dash", "width": 1.5, "color": "#b5483a"})
    return drawn


def _objectives(data: ReportData) -> Sequence[Any]:
    return data.study.get("objectives") or []


def _hover(trial: Mapping[str, Any], objective: Mapping[str, Any]) -> str:
    lines = [
        f"{AXES.get(m, m)}: {'no finite number' if v is None else metric_text(m, v)}"
        for m, v in trial["judged"].items()
    ]
    told = trial_hover(trial, objective).removesuffix("<extra></extra>")
    return "<br>".join([told, *lines]) + "<extra></extra>"


def _spread(trial: Mapping[str, Any], metric: str) -> str:
    spread = trial["judged"].get("latency_ms_spread")
    return f" (quartiles {spread:.2g} apart)" if metric == "latency_ms" and spread else ""


def _front_in_words(
    data: ReportData, trials: Sequence[Mapping[str, Any]], further: Sequence[str]
) -> str:
    """Return the trials on the front, the first objective's best first, a line each."""
    told = constraints_sentence(trials, data.study)
    said = [told] if told else []
    sign = -1 if data.objective["direction"] == "maximize" else 1
    front = sorted((t for t in trials if t.get("front")), key=lambda t: sign * t["value"])
    for trial in front[:_MOST_NAMED]:
        value = objective_value(trial["value"], data.objective)
        values = [f"{objective_axis(data.objective)} {value:.4g}"]
        values += [
            f"{AXES.get(m, m)} {metric_text(m, trial['judged'][m])}{_spread(trial, m)}"
            for m in further
        ]
        said.append(f"{trial['architecture']} trial {trial['number']}: {', '.join(values)}.")
    if len(front) > _MOST_NAMED:
        said.append(f"{len(front) - _MOST_NAMED} more trials are on the front.")
    if "latency_ms" in further:
        said.append(
            "Latency is the median of up to 50 predictions of one face, in the trial's process "
            "after training, on the cores that it trained on; its spread is the range between "
            "quartiles."
        )
    return "\n".join(said)
