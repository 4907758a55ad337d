"""What tuning gained over the thesis's own configuration, by whom, and what else changed with it.

The thesis's trial may carry values beside the search space that no other trial gets, and the best
trial may have been written by hand. A gain is the search's own only as far as neither is so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.evidence.intervals import difference
from hpo.reports.rows import rounded
from hpo.reports.trials import (
    Direction,
    accuracy_interval,
    best_of,
    finite_value,
    trial_summary,
)
from hpo.spec.records import TrialRecord


def unsearched_differences(first: TrialRecord, second: TrialRecord) -> list[dict[str, Any]]:
    """Return ``name, first, second`` of each parameter that differs though nobody searched it.

    A searched parameter counts as well where one of the two trials had its value from elsewhere,
    such as a choice of the thesis that the space lacks. One that was inactive in a trial does not:
    its condition is the search's doing. Of two architectures only what both have and neither
    searched is compared.
    """
    names = list(dict.fromkeys([*first.params, *second.params]))
    # Networks of two architectures differ in what only one of them has, and in what each searched.
    searched = all
    if first.architecture != second.architecture:
        names = [n for n in names if n in first.params and n in second.params]
        searched = any
    absent = object()
    return [
        {"name": name, "first": first.params.get(name), "second": second.params.get(name)}
        for name in names
        if first.params.get(name, absent) != second.params.get(name, absent)
        and not searched(_left_to_search(record, name) for record in (first, second))
    ]


def _left_to_search(record: TrialRecord, name: str) -> bool:
    """Return whether a parameter's value in a trial, or its being unused there, was searched."""
    if name in record.searched:
        return True
    entry = record.space.get(name)
    if not isinstance(entry, Mapping):
        return False
    conditions = entry.get("when") or {}
    return any(record.params.get(parent) not in allowed for parent, allowed in conditions.items())


def gain_over(baseline: TrialRecord, trial: TrialRecord) -> dict[str, Any]:
    """Return ``value, accuracy, unsearched``: what ``trial`` has over ``baseline``.

    ``value`` is the difference of the objectives, ``accuracy`` that of the accuracies with its
    interval (None without sizes), ``unsearched`` what else changed from the one to the other.
    """
    first, second = accuracy_interval(trial), accuracy_interval(baseline)
    return {
        "value": rounded(float(trial.value or 0.0) - float(baseline.value or 0.0)),
        "accuracy": difference(first, second).to_json() if first and second else None,
        "unsearched": unsearched_differences(baseline, trial),
    }


def thesis_trial(records: Sequence[TrialRecord]) -> TrialRecord | None:
    """Return the complete trial of the thesis's own configuration, at its highest rung."""
    complete = [
        r for r in records if r.origin == "thesis" and r.state == "complete" and finite_value(r)
    ]
    return max(complete, key=lambda r: r.rung or 0, default=None)


def gain(records: Sequence[TrialRecord], best: TrialRecord) -> dict[str, Any]:
    """Return ``gain_over`` the thesis's trial with ``baseline`` and ``same_trial``; {} without."""
    baseline = thesis_trial(records)
    if baseline is None:
        return {}
    return {
        "baseline": trial_summary(baseline),
        "same_trial": best.number == baseline.number,
        **gain_over(baseline, best),
    }


def sampler_best(records: Sequence[TrialRecord], direction: Direction) -> dict[str, Any]:
    """Return ``best`` and ``gain`` of what the sampler itself drew; {} if it completed nothing.

    ``gain`` is {} where the thesis's configuration did not finish.
    """
    best = best_of([r for r in records if r.origin == "sampler"], direction)
    if best is None:
        return {}
    baseline = thesis_trial(records)
    return {
        "best": trial_summary(best),
        "gain": gain_over(baseline, best) if baseline is not None else {},
    }
