"""What the trials support about the importance of parameters, and what they do not, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.evidence.importance import FEW_BELOW
from hpo.reports.sentences import EVALUATOR_NAMES, listed, percent, plural

POOR_FIT = 0.5
"""Share of the variance that a forest foretells under which that is said."""
STEADY = 0.8
"""Share of the halves in which the first parameter must come first to be said to matter most."""
TOLD_FROM = 0.01
"""Lower end from which on an interaction or a further parameter is told, or one matters most."""
_LISTED = 3
"""Parameters named with their numbers."""

Table = Mapping[str, Any]


def importance_sentence(
    label: str, tables: Mapping[str, Table], objective: Mapping[str, Any]
) -> str:
    """Say what matters in an architecture, what does not show, and how sure that is.

    Args:
        label: the architecture; "" for all of them together.
        tables: by evaluator.
        objective: of the study.
    """
    where = label or "all architectures together"
    table = tables["fanova"]
    if table.get("refused"):
        return f"Which parameter matters in {where} cannot be said yet: {table['refused']}."
    rows = table["parameters"]
    if not rows:
        return f"Which parameter matters in {where} cannot be said: none could be assessed."
    told = [row for row in rows if row.get("distinct") is not False]
    silent = [row["name"] for row in rows if row.get("distinct") is False]
    level = f"{100 * table['level']:.0f} % intervals, " if table["resamples"] else ""
    basis = f"fANOVA, {level}{sample_of(table)}"
    if not told:
        return (
            f"In {where}, no parameter can be told from no effect by {basis}. That does not say "
            "that none has one."
        )
    first, *others = told
    whole = f"the variance of {objective['label']} over the space"
    doubtful = table["few"] or table.get("widened") or table["top_share"] < STEADY
    doubtful = doubtful or first["low"] <= TOLD_FROM or poor_fit(table) != ""
    verb = "ranks first" if doubtful and table["resamples"] else "matters most"
    if first is not rows[0]:
        verb = "stands out from chance"
    if first["conditional"]:
        whole = f"the variance of {objective['label']} among the trials that had it"
    text = f"In {where}, {first['name']} {verb}: by itself it explains {number(first)} of {whole}"
    # Where chance was not asked about, an interval that reaches down to nothing is no rank.
    open_ones = [r["name"] for r in others if r.get("distinct") is None and r["low"] <= TOLD_FROM]
    others = [row for row in others if row["name"] not in open_ones]
    if others:
        text += "; then " + ", ".join(
            f"{row['name']} {number(row)}" for row in others[: _LISTED - 1]
        )
    if open_ones:
        text += f"; {listed(open_ones)} may explain nothing"
    if silent:
        are = "is" if len(silent) == 1 else "are"
        text += f"; {listed(silent)} {are} not distinguishable from no effect"
    text += f" ({basis})."
    return " ".join([text, *remarks(tables)])


def number(row: Mapping[str, Any]) -> str:
    """Return ``0.61 [0.48, 0.70]``."""
    if row["low"] == row["high"] == row["value"]:
        return f"{row['value']:.2f}"
    return f"{row['value']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"


def sample_of(table: Table) -> str:
    """Say how many trials are behind a table, and how they were chosen."""
    told = f"n = {plural(table['sampled'], 'trial')}"
    if table.get("space_filling"):
        added = table["space_filling"]
        of = "" if added == table["sampled"] else f", {added} added"
        told += f"{of} that sample the space evenly"
    if table["sampled"] < table["trials"]:
        told += f" drawn from {table['trials']}"
    if table["pruned"]:
        told += f", {table['pruned']} of them pruned"
    return told


def remarks(tables: Mapping[str, Table]) -> list[str]:
    """Say how steady an answer is, what acts together, and where evaluators disagree."""
    table, said = tables["fanova"], []
    if table["resamples"]:
        halves = f"{table['resamples']} random halves"
        first = table["parameters"][0]["name"]
        share = percent(table["top_share"], 0)
        chance = ", and with so few trials that may be chance" if table["few"] else ""
        said.append(f"{first} came first in {share} of {halves} of the trials{chance}.")
    # Of a widened table it is said below.
    if table["few"] and not table.get("widened"):
        said.append(f"Of fewer than {FEW_BELOW} trials it is not told what has no effect.")
    said += [
        f"{pair['first']} and {pair['second']} act together: {number(pair)} beyond what each "
        "explains alone."
        for pair in table.get("interactions", [])
        if pair["low"] > TOLD_FROM
    ]
    if table.get("widened"):
        said.append(
            f"{table['adaptive']} of the {table['trials']} trials were chosen by an adaptive "
            "sampler or by hand, so the intervals are widened, and what has no effect is not told; "
            "`--importance-trials 50` adds trials that can tell."
        )
    if fit := poor_fit(table):
        said.append(fit)
    said += [disagreement(tables)] if disagreement(tables) else []
    if doubt := _doubted(tables):
        said.append(doubt)
    return said


def _doubted(tables: Mapping[str, Table]) -> str:
    """Say which other evaluators do not tell the first parameter from chance; else ""."""
    first = tables["fanova"]["parameters"][0]
    if first.get("distinct") is False:
        return ""
    others = [
        EVALUATOR_NAMES[name]
        for name, table in tables.items()
        for row in table["parameters"]
        if row["name"] == first["name"] and row.get("distinct") is False
    ]
    do = "does" if len(others) == 1 else "do"
    return f"{listed(others)} {do} not tell {first['name']} from no effect." if others else ""


def poor_fit(table: Table) -> str:
    """Say that the forest knows little of other trials, and the intervals are widened; else ""."""
    foretold = table.get("foretold")
    if foretold is None or foretold >= POOR_FIT:
        return ""
    return (
        f"The forest foretells {percent(max(foretold, 0.0), 0)} of the variance of trials that it "
        "has not seen, so its intervals are widened: more trials may show what it misses."
    )


def disagreement(tables: Mapping[str, Table]) -> str:
    """Say which parameter each evaluator names first where these differ, and why that may be.

    A parameter that an evaluator does not tell from no effect is not named by it. "" where they
    agree.
    """
    leaders = {
        name: next(row["name"] for row in table["parameters"] if row.get("distinct") is not False)
        for name, table in tables.items()
        if any(row.get("distinct") is not False for row in table["parameters"])
    }
    if len(set(leaders.values())) < 2:
        return ""
    named = ", ".join(f"{EVALUATOR_NAMES[who]} names {what}" for who, what in leaders.items())
    said = f"The evaluators disagree on the first: {named}."
    if leaders.get("pedanova") not in (None, leaders.get("fanova")):
        said += (
            " They ask different questions, and both may be right: fANOVA and MDI what moves the "
            "objective over the whole space, PED-ANOVA what sets the best tenth of the trials "
            "apart."
        )
    return said
