"""The words of confirmations: configurations, values and intervals, as every sentence has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.evidence.metric_words import metric_words
from hpo.reports.sentences import in_points, number, percent, plural, signed


def candidate(facts: Mapping[str, Any], label: str | None) -> dict[str, Any] | None:
    """Return the entry of a configuration; None if it is not there."""
    return next((e for e in facts["candidates"] if e["label"] == label), None)


def decided(confirmation: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the configuration that a confirmation has chosen; None before it is over.

    Args:
        confirmation: as in ``ReportData``.
    """
    facts = confirmation.get("facts") or {}
    return candidate(facts, facts["winner"]) if facts.get("over") else None


def title(entry: Mapping[str, Any]) -> str:
    """Return a configuration as its trial of the search: ``cnn #4``."""
    return f"{entry['architecture']} #{entry['number']}"


def how_far(facts: Mapping[str, Any]) -> str:
    """Return how many of a confirmation's runs have ended, ``8 of 12 runs have ended``.

    Of configurations that were stopped only those that they had are asked for; a race may still
    stop others.
    """
    ended = sum(len(entry["values"]) for entry in facts["candidates"])
    asked = sum(entry["stopped"] or facts["seeds"] for entry in facts["candidates"])
    return f"{number(ended)} of {plural(asked, 'run')} {'has' if ended == 1 else 'have'} ended"


def is_share(facts: Mapping[str, Any]) -> bool:
    """Tell whether the objective is a share, told in percent."""
    return "loss" not in facts["objective"]


def value(facts: Mapping[str, Any], shown: float) -> str:
    """Return a value of the objective."""
    return percent(shown) if is_share(facts) else f"{shown:.4f}"


def reaches(facts: Mapping[str, Any], shown: float) -> str:
    """Return a value of the objective in a sentence, with its metric where it is no accuracy."""
    metric = facts["objective"]
    told = value(facts, shown)
    return told if metric == "val_accuracy" else f"a {metric_words(metric)} of {told}"


def ends(facts: Mapping[str, Any], interval: Mapping[str, Any]) -> str:
    """Return the ends of an interval of the objective, ``[50.6, 53.8]``."""
    if is_share(facts):
        low, high = within(interval)
        return f"[{100 * low:.1f}, {100 * high:.1f}]"
    return f"[{interval['low']:.4f}, {interval['high']:.4f}]"


def within(interval: Mapping[str, Any]) -> tuple[float, float]:
    """Return the ends of a share's interval, which a t interval of few seeds may lead beyond."""
    return max(0.0, interval["low"]), min(1.0, interval["high"])


def gap(facts: Mapping[str, Any], interval: Mapping[str, Any]) -> str:
    """Return a difference with its interval, ``1.9 points [0.6, 3.2]``."""
    if is_share(facts):
        low, high = signed(100 * interval["low"]), signed(100 * interval["high"])
        return f"{in_points(100 * interval['point'])} points [{low}, {high}]"
    return f"{interval['point']:.4f} [{interval['low']:+.4f}, {interval['high']:+.4f}]"


def figures_of(facts: Mapping[str, Any], entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a paragraph about a configuration tells of it, whatever its words.

    Args:
        facts: as ``hpo.evidence.confirmation.confirmation`` returns them.
        entry: of the configuration, which has a mean.
    """
    mean = entry["mean"]
    told = [title(entry), f"{value(facts, mean['point'])} {ends(facts, mean)}"]
    told.append(f"over {seeds_of(entry)}")
    if entry["behind"]:
        told.append(gap(facts, entry["behind"]))
    return tuple(told)


def seeds_of(entry: Mapping[str, Any]) -> str:
    """Return how many runs a mean is of, such as ``5 seeds``; one that failed has no value."""
    return plural(sum(v is not None for v in entry["values"]), "seed")
