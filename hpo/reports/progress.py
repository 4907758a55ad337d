"""How far a study is: trials ended of those in its budget, and whether more are to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.sentences import moment, number, plural
from hpo.spec.limits import OTHER_LIMITS
from hpo.spec.records import TrialRecord

ENDED = ("complete", "pruned", "failed")
"""States after which a trial does not change."""
OWN_ENGINES = ("", "optuna")
"""Engines that propose until the budget is used up; others, and a grid, may run out before."""


def ended_trials(counts: Mapping[str, int]) -> int:
    """Return how many trials of these states are over, whatever came of them."""
    return sum(counts.get(state, 0) for state in ENDED)


def trials_left(
    study: Mapping[str, Any], label: str, records: Sequence[TrialRecord]
) -> dict[str, Any]:
    """Return ``budget, ended, running, left`` of one architecture.

    ``budget`` is None where the study file tells none, and where the search may end before it is
    used up: at another limit, or out of proposals. ``left`` then counts only trials under way.
    """
    ended = sum(record.state in ENDED for record in records)
    running = sum(record.state == "running" for record in records)
    budget = _budget(study, label)
    left = len(records) - ended
    if budget is not None:
        # More than the budget were run where it was made smaller since.
        budget = max(budget, len(records))
        left = budget - ended
    return {"budget": budget, "ended": ended, "running": running, "left": left}


def progress(parts: Sequence[Mapping[str, Any]], read_at: str) -> dict[str, Any]:
    """Return ``budget, ended, running, left, read_at`` of a study from those of its architectures.

    ``budget`` is None where that of an architecture is. ``read_at`` is kept only while trials are
    left: what is over is the same whenever it is read.
    """
    budgets = [part["budget"] for part in parts]
    left = sum(part["left"] for part in parts)
    return {
        "budget": None if None in budgets else sum(budgets),
        "ended": sum(part["ended"] for part in parts),
        "running": sum(part["running"] for part in parts),
        "left": left,
        "read_at": read_at if left else "",
    }


def status(known: Mapping[str, Any]) -> str:
    """Return ``running``, ``unfinished`` or ``finished`` (``""`` where no limit says which)."""
    if known["running"]:
        return "running"
    if known["left"]:
        return "unfinished"
    return "" if known["budget"] is None else "finished"


def ended_of(known: Mapping[str, Any]) -> str:
    """Return ``1 of 6``: trials ended, and of how many where that is known."""
    of = "" if known["budget"] is None else f" of {number(known['budget'])}"
    return number(known["ended"]) + of


def progress_sentence(known: Mapping[str, Any]) -> str:
    """Say that more is to come, and what is said below rests on; "" where nothing is."""
    going = status(known)
    if going not in ("running", "unfinished"):
        return ""
    if known["budget"] is None:
        ended = f"{plural(known['ended'], 'trial')} ended"
    else:
        ended = f"{ended_of(known)} {'trial' if known['budget'] == 1 else 'trials'} ended"
    at = f" as of {moment(known['read_at'])}" if known["read_at"] else ""
    if going == "running":
        runs = f"{number(known['running'])} {'is' if known['running'] == 1 else 'are'} running"
        return (
            f"The study is still going: {ended} so far and {runs}{at}. What follows counts ended "
            "trials alone and may change."
        )
    return (
        f"The study is not finished: {ended}{at} and none is running, so its budget is not used "
        "up. What follows may change if it goes on."
    )


def _budget(study: Mapping[str, Any], label: str) -> int | None:
    budget, listed = study.get("budget"), study.get("architectures")
    budget = budget if isinstance(budget, Mapping) else {}
    own = listed.get(label) if isinstance(listed, Mapping) else None
    trials = (own.get("trials") if isinstance(own, Mapping) else None) or budget.get("trials")
    if not isinstance(trials, int) or any(budget.get(name) for name in OTHER_LIMITS):
        return None
    if study.get("fidelity"):
        return None  # It counts configurations, and how far each comes is not known before.
    if _name(study.get("sampler")) == "grid" or _name(study.get("engine")) not in OWN_ENGINES:
        return None
    extra = budget.get("importance_trials")
    return trials + (extra if isinstance(extra, int) else 0)


def _name(part: Any) -> str:
    return str(part.get("name", "") if isinstance(part, Mapping) else part or "")
