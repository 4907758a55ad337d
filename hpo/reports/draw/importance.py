"""Which parameters mattered, by three evaluators, with intervals, and which did not show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.data import ReportData
from hpo.reports.draw.section import Picture, Section, missing
from hpo.reports.draw.style import COLOURS, figure, safe
from hpo.reports.importance_sentences import TOLD_FROM, disagreement, number, poor_fit, sample_of
from hpo.reports.sentences import EVALUATOR_NAMES, percent, plural

LOOK_FOR = (
    "Which parameters have full colour, which intervals stay clear of each other, and do the "
    "evaluators name the same parameter? A pale bar is not distinguishable from no effect."
)
SHOWN = 14
"""Parameters drawn; the rest are in ``study.json``."""
TOGETHER = "all architectures"
"""Label of the picture of what all architectures share."""
EVEN = "not of the even sample"
"""Why ``hpo.evidence.importance`` leaves out trials of a study that has an even sample."""
_PALE = 0.28
_GREY = "#7d8894"


def section(data: ReportData) -> Section:
    """Draw one figure per architecture and one of what they share, a group of bars a parameter."""
    title = "Importance of the hyper-parameters"
    pictures: list[Picture] = []
    refused: dict[str, str] = {}
    asked = [(label, data.importance.get(label, {})) for label in data.labels]
    for label, tables in [*asked, (TOGETHER, data.shared_importance)]:
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
    silent = {p["name"] for p in first["parameters"] if p.get("distinct") is False}
    names = {n: _named(n, conditional.get(n), like_chance=n in silent) for n in order}
    few = " — few trials, the order may be chance" if first["few"] else ""
    wide = ", widened" if first.get("widened") else ""
    drawn = figure(
        f"{safe(label)}: n = {first['trials']} trials, "
        f"{100 * first['level']:.0f} % intervals{wide}{few}",
        x="importance [share, 0 to 1]",
        height=150 + 46 * len(order),
        barmode="group",
        bargap=0.25,
        bargroupgap=0.1,
    )
    for place, (evaluator, table) in reversed(list(enumerate(tables.items()))):
        if not table["parameters"]:
            continue
        rows = {p["name"]: p for p in table["parameters"]}
        shown = [rows[n] for n in order if n in rows]
        drawn.add_trace(
            go.Bar(
                x=[row["value"] for row in shown],
                y=[names[row["name"]] for row in shown],
                orientation="h",
                name=EVALUATOR_NAMES[evaluator],
                marker={
                    "color": COLOURS[place],
                    # Records of before chance was asked for say nothing of it.
                    "opacity": [_PALE if r.get("distinct") is False else 0.9 for r in shown],
                    "pattern": {"shape": ["/" if r["name"] in conditional else "" for r in shown]},
                },
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [row["high"] - row["value"] for row in shown],
                    "arrayminus": [row["value"] - row["low"] for row in shown],
                    "thickness": 1.3,
                    "width": 3,
                    "color": _GREY,
                },
                customdata=[[r["low"], r["high"], r["trials"], _told(r)] for r in shown],
                hovertemplate=(
                    "%{y}: %{x:.2f} [%{customdata[0]:.2f}, %{customdata[1]:.2f}], "
                    "%{customdata[2]} trials%{customdata[3]}"
                ),
            )
        )
    drawn.update_yaxes(categoryorder="array", categoryarray=[names[n] for n in order][::-1])
    drawn.update_xaxes(range=[0, 1.02])
    drawn.update_layout(legend={"traceorder": "reversed"})
    return Picture(
        label,
        drawn,
        note=_note(label, tables, first, bool(conditional)),
        words=_words(tables, order, first["level"]),
    )


def _words(tables: Mapping[str, Any], order: Sequence[str], level: float) -> str:
    """Return every bar with its interval, the parameters in the picture's order."""
    said = [f"Values: share from 0 to 1, with its {100 * level:.0f} % interval."]
    for evaluator, table in tables.items():
        rows = {p["name"]: p for p in table["parameters"]}
        told = [_row_in_words(rows[n]) for n in order if n in rows]
        if told:
            said.append(f"{EVALUATOR_NAMES[evaluator]}: {'; '.join(told)}.")
    return " ".join(said)


def _row_in_words(row: Mapping[str, Any]) -> str:
    active = f" (active in {plural(row['trials'], 'trial')})" if row["conditional"] else ""
    return f"{row['name']} {number(row)}{active}{_told(row)}"


def _named(name: str, active: int | None, *, like_chance: bool) -> str:
    """Return a parameter's label, in grey where it is not told from no effect."""
    text = safe(name)
    if like_chance:
        text = f'<span style="color:{_GREY}">{text} <i>like chance</i></span>'
    return text + (f"<br><i>active in {active}</i>" if active is not None else "")


def _told(row: Mapping[str, Any]) -> str:
    return ", not distinguishable from no effect" if row.get("distinct") is False else ""


def _why_left(why: str, table: Mapping[str, Any]) -> str:
    """Return why trials were left out; in a study sampled at random the others were asked for."""
    if why == EVEN and not table.get("space_filling"):
        return "not drawn at random, but asked for: by hand, as a default or from an earlier study"
    return why


def _note(label: str, tables: dict[str, Any], first: Mapping[str, Any], conditional: bool) -> str:
    said = [disagreement(tables)]
    if any(p.get("distinct") is False for t in tables.values() for p in t["parameters"]):
        said.append(
            "Pale, or grey and like chance: shuffled copies of the parameter, which cannot matter, "
            "did about as well."
        )
    if first["resamples"]:
        steady = f"{first['parameters'][0]['name']} came first in "
        steady += f"{percent(first['top_share'], 0)} of {first['resamples']} random halves"
        order = first.get("rank_correlation")
        if order is not None:
            steady += f"; rank correlation of the halves' order with this one {order:.2f}"
        said.append(f"{EVALUATOR_NAMES[first['evaluator']]}: {steady}.")
    # Only fANOVA looks for pairs; another one's table lists none, which says nothing of them.
    asked = first["evaluator"] == "fanova" and first.get("interactions") is not None
    if asked and first["resamples"]:
        pairs = [
            f"{pair['first']} with {pair['second']} {number(pair)}"
            for pair in first["interactions"]
            if pair["low"] > TOLD_FROM
        ]
        listed = "; ".join(pairs) or "no pair stands out"
        said.append(f"Together, beyond what each explains alone (fANOVA): {listed}.")
    if label == TOGETHER:
        said.append(
            "Parameters that all architectures search, their trials taken together; the "
            "architecture is one more parameter, so its level is no other's effect."
        )
    if first["pruned"]:
        said.append(f"{first['pruned']} pruned trials count with their best value so far.")
    if first["left_out"]:
        listed = ", ".join(f"{n} {_why_left(why, first)}" for why, n in first["left_out"].items())
        said.append(f"Left out: {listed}.")
    if first["sampled"] < first["trials"] or first.get("space_filling"):
        said.append(f"Computed on {sample_of(first)}.")
    if conditional:
        said.append(
            "Hatched parameters were active in some trials only: under fANOVA and MDI their bar "
            "is a share of the variance among those trials, not of the whole."
        )
    if first.get("widened", first["adaptive"] > first["trials"] / 2):
        said.append(
            f"{first['adaptive']} of {first['trials']} trials were chosen by an adaptive sampler "
            "or by hand: the shares speak of the region it visited, the intervals are wide, and "
            "what has no effect is not told."
        )
    said.append(poor_fit(first))
    said += [
        f"{EVALUATOR_NAMES[evaluator]} has no answer: {table['refused']}."
        for evaluator, table in tables.items()
        if table["refused"] and table is not first
    ]
    if first["excluded"]:
        listed = "; ".join(f"{name} {why}" for name, why in first["excluded"].items())
        said.append(f"Not assessed: {listed}.")
    return "\n".join(line for line in said if line)
