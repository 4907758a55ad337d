"""What a budget asks for, from a study file as plain data: its limits, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.spec.sections import UNCOUNTED_TRIALS

OTHER_LIMITS = ("epochs", "hours", "device_hours")
"""Budgets that may end an architecture before its trials are used up; the same for each."""


def asked_budget(budget: Any) -> dict[str, Any]:
    """Return a budget without the number of trials that only another limit put there.

    Args:
        budget: ``budget`` of a study file as plain data; {} is returned for what is no mapping.
    """
    known = dict(budget) if isinstance(budget, Mapping) else {}
    if known.get("trials") == UNCOUNTED_TRIALS and any(known.get(n) for n in OTHER_LIMITS):
        del known["trials"]
    return known


def other_limits(budget: Any) -> str:
    """Return ``200 epochs or 0.03 device-hours``: of several the first that is reached holds.

    "" where a budget has trials alone.
    """
    known = asked_budget(budget)
    return " or ".join(
        limit_text(name, known[name]) for name in OTHER_LIMITS if known.get(name) is not None
    )


def budget_text(budget: Any, own_trials: int | None = None) -> str:
    """Return ``20 trials or 0.03 device-hours, whichever comes first``: what an architecture has.

    Args:
        budget: as in ``asked_budget``.
        own_trials: trials that the architecture has in place of the budget's.
    """
    trials = own_trials or asked_budget(budget).get("trials")
    limits = [limit_text("trials", trials)] if trials else []
    told = " or ".join(filter(None, (*limits, other_limits(budget))))
    return f"{told}, whichever comes first" if " or " in told else told


def limit_text(name: str, amount: float) -> str:
    """Return ``0.03 device-hours`` of a limit's name and amount."""
    words = name.replace("_", "-")
    told = f"{amount:,}" if isinstance(amount, int) else f"{amount:.6g}"
    return f"{told} {words.removesuffix('s') if amount == 1 else words}"
