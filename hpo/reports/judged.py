"""What trials are judged by beside their first objective, in the sentences and the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.rows import broken_constraints
from hpo.reports.sentences import number, plural
from hpo.spec.objectives import metric_text

HEADINGS = {
    "latency_ms": "latency [ms]",
    "size_mib": "size [MiB]",
    "parameter_count": "parameters",
}
"""Columns of the table of trials; accuracy and loss have theirs in every study."""


def further(study: Mapping[str, Any]) -> list[str]:
    """Return what else counts: objectives after the first, and metrics under a constraint."""
    goals = [g["metric"] if isinstance(g, Mapping) else g for g in study.get("objectives") or []]
    first = goals[0] if goals else (study.get("objective") or {}).get("metric")
    return [m for m in dict.fromkeys([*goals[1:], *_bounds(study)]) if m != first]


def judged_headings(study: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns that the table of trials has for these metrics, by metric."""
    return {m: HEADINGS[m] for m in further(study) if m in HEADINGS}


def judged_cells(trial: Mapping[str, Any]) -> dict[str, tuple[str, float | None]]:
    """Return what a trial has in each of these columns, by heading: text, and number to sort by."""
    known = trial.get("judged") or {}
    cells: dict[str, tuple[str, float | None]] = {}
    for metric, heading in HEADINGS.items():
        value = known.get(metric)
        cells[heading] = ("–" if value is None else metric_text(metric, value), value)
    return cells


def judged_mark(trial: Mapping[str, Any]) -> str:
    """Return what stands beside a trial's state: the constraints that it breaks, or the front."""
    broken = broken_constraints(trial)
    if broken:
        return f"breaks {', '.join(broken)}"
    return "on the front" if trial.get("front") else ""


def constraints_sentence(rows: Sequence[Mapping[str, Any]], study: Mapping[str, Any]) -> str:
    """Say how many complete trials break a constraint, and which; "" where there is none to say.

    Args:
        rows: the trials, as ``hpo.reports.rows.row`` gives them.
        study: the study file as plain data.
    """
    bounds = _bounds(study)
    judged = [t for t in rows if t["state"] == "complete" and t.get("excess")]
    if not bounds or not judged:
        return ""
    counts = Counter(metric for t in judged for metric in broken_constraints(t))
    broken = sum(bool(broken_constraints(t)) for t in judged)
    if not broken:
        named = "; ".join(f"{metric} {words}" for metric, words in bounds.items())
        return f"No complete trial breaks a constraint ({named})."
    named = "; ".join(
        f"{metric} {words}, broken by {number(counts[metric])}"
        for metric, words in bounds.items()
        if counts[metric]
    )
    left = (
        "the best is among the others"
        if broken < len(judged)
        else "there is no best where none keeps them all"
    )
    return (
        f"{number(broken)} of {plural(len(judged), 'complete trial')} "
        f"{'breaks' if broken == 1 else 'break'} a constraint ({named}); {left}."
    )


def _bounds(study: Mapping[str, Any]) -> dict[str, str]:
    """Return the constraints of a study file in words, by metric."""
    found = {}
    for metric, bound in (study.get("constraints") or {}).items():
        ends = [("at least", "at_least"), ("at most", "at_most")]
        said = [
            f"{words} {metric_text(metric, bound[key])}"
            for words, key in ends
            if bound and bound.get(key) is not None
        ]
        if said:
            found[metric] = " and ".join(said)
    return found


def none_kept(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say that every complete trial breaks a constraint, so that none is a best; "" if not so.

    Args:
        rows: as for ``constraints_sentence``.
    """
    complete = [row for row in rows if row["state"] == "complete"]
    if not complete or not all(map(broken_constraints, complete)):
        return ""
    return "Every complete trial breaks a constraint, so none of them counts here."
