"""Which parameters mattered, by three evaluators, with bootstrap intervals."""

from __future__ import annotations

from typing import Any

from hpo.reports.data import ReportData
from hpo.reports.draw.section import Picture, Section, missing
from hpo.reports.draw.style import COLOURS, figure, safe
from hpo.reports.sentences import EVALUATOR_NAMES

LOOK_FOR = (
    "Which intervals stay clear of zero and of each other, and do the evaluators name the same "
    "parameter? A bar whose interval reaches zero is not distinguishable from no effect."
)
SHOWN = 14
"""Parameters drawn; the rest are in ``study.json``."""


def section(data: ReportData) -> Section:
    """Draw one figure per architecture, one group of bars per parameter."""
    title = "Importance of the hyper-parameters"
    pictures: list[Picture] = []
    refused: dict[str, str] = {}
    for label in data.labels:
        tables = data.importance.get(label, {})
        if any(table["parameters"] for table in tables.values()):
            pictures.append(_picture(label, tables))
        elif tables:
            said = next(iter(tables.values()))["refused"] or "no parameter could be assessed"
            refused[label] = f"no answer; {said}"
    return Section(title, LOOK_FOR, pictures, missing(refused, pictures))


def _picture(label: str, tables: dict[str, Any]) -> Picture:
    import plotly.graph_objects as go

    first = next(table for table in tables.values() if table["parameters"])
    order = [p["name"] for p in first["parameters"]][:SHOWN]
    conditional = {p["name"]: p["trials"] for p in first["parameters"] if p["conditional"]}
    names = {
        n: safe(n) + (f"<br><i>active in {conditional[n]}</i>" if n in conditional else "")
        for n in order
    }
    few = " — few trials, the order may be chance" if first["few"] else ""
    drawn = figure(
        f"{safe(label)}: n = {first['trials']} trials, "
        f"{100 * first['level']:.0f} % bootstrap intervals{few}",
        x="importance [share, 0 to 1]",
        height=150 + 46 * len(order),
        barmode="group",
        bargap=0.25,
        bargroupgap=0.1,
    )
    for place, (evaluator, table) in reversed(list(enumerate(tables.items()))):
        rows = {p["name"]: p for p in table["parameters"]}
        shown = [n for n in order if n in rows]
        drawn.add_trace(
            go.Bar(
                x=[rows[n]["value"] for n in shown],
                y=[names[n] for n in shown],
                orientation="h",
                name=EVALUATOR_NAMES[evaluator],
                marker={
                    "color": COLOURS[place],
                    "opacity": 0.9,
                    "pattern": {"shape": ["/" if n in conditional else "" for n in shown]},
                },
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [rows[n]["high"] - rows[n]["value"] for n in shown],
                    "arrayminus": [rows[n]["value"] - rows[n]["low"] for n in shown],
                    "thickness": 1.3,
                    "width": 3,
                    "color": "#7d8894",
                },
                customdata=[[rows[n]["low"], rows[n]["high"], rows[n]["trials"]] for n in shown],
                hovertemplate=(
                    "%{y}: %{x:.2f} [%{customdata[0]:.2f}, %{customdata[1]:.2f}], "
                    "%{customdata[2]} trials"
                ),
            )
        )
    drawn.update_yaxes(categoryorder="array", categoryarray=[names[n] for n in order][::-1])
    drawn.update_xaxes(range=[0, 1.02])
    drawn.update_layout(legend={"traceorder": "reversed"})
    return Picture(label, drawn, note=_note(tables, first, bool(conditional)))


def _note(tables: dict[str, Any], first: dict[str, Any], conditional: bool) -> str:
    said = []
    leaders = {
        EVALUATOR_NAMES[name]: max(table["parameters"], key=lambda p: p["value"])["name"]
        for name, table in tables.items()
        if table["parameters"]
    }
    if len(set(leaders.values())) > 1:
        listed = ", ".join(f"{who} names {what}" for who, what in leaders.items())
        said.append(f"The evaluators disagree on the first: {listed}.")
    if first["pruned"]:
        said.append(f"{first['pruned']} pruned trials count with their best value so far.")
    if first["left_out"]:
        listed = ", ".join(f"{n} {why}" for why, n in first["left_out"].items())
        said.append(f"Left out: {listed}.")
    if first["sampled"] < first["trials"]:
        said.append(f"Computed on {first['sampled']} trials drawn from {first['trials']}.")
    if conditional:
        said.append(
            "Hatched parameters were active in some trials only: under fANOVA and MDI their bar "
            "is a share of the variance among those trials, not of the whole."
        )
    if first["adaptive"] > first["trials"] / 2:
        said.append(
            "The trials were chosen by the sampler, not spread evenly unless it is random or QMC: "
            "the shares speak of the region it visited."
        )
    if first["excluded"]:
        listed = "; ".join(f"{name} {why}" for name, why in first["excluded"].items())
        said.append(f"Not assessed: {listed}.")
    return "\n".join(said)
