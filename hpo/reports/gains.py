"""What tuning gained over what nobody tuned, by whom, and what else changed with it.

That is the thesis's own configuration, or the defaults of an architecture that it has not. The
thesis's trial may carry values beside the search space that no other trial gets, and the best
trial may have been written by hand. A gain is the search's own only as far as neither is so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hpo.evidence.intervals import difference
from hpo.evidence.optimism import optimism
from hpo.evidence.paired import Paired, paired_difference
from hpo.reports.baselines import BASELINES
from hpo.reports.rows import rounded
from hpo.reports.thesis import is_idle
from hpo.reports.trials import (
    Direction,
    accuracy_interval,
    best_of,
    finite_value,
    right_faces,
    trial_summary,
)
from hpo.spec.records import TrialRecord
from hpo.spec.seeds import derive_seed


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
        and not any(is_idle(name, record.params) for record in (first, second))
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

    ``value`` is the difference of the objectives, ``accuracy`` that of the accuracies as
    ``accuracy_change`` gives it, ``unsearched`` what else changed from the one to the other.
    """
    return {
        "value": rounded(float(trial.value or 0.0) - float(baseline.value or 0.0)),
        "accuracy": accuracy_change(trial, baseline),
        "unsearched": unsearched_differences(baseline, trial),
    }


def accuracy_change(trial: TrialRecord, baseline: TrialRecord) -> dict[str, Any] | None:
    """Return the difference of two accuracies with its interval, and whether it is ``paired``.

    Paired over the validation faces where both trials say which they got right; else the two are
    taken as independent samples. None without sizes.
    """
    first, second = accuracy_interval(trial), accuracy_interval(baseline)
    if first is None or second is None:
        return None
    faces = right_faces(trial), right_faces(baseline)
    if not faces[0] or len(faces[0]) != len(faces[1]):
        return {**difference(first, second).to_json(), "paired": False}
    counts = Counter(zip(*faces, strict=True))
    both, only, other, neither = (
        counts[key] for key in ((True, True), (True, False), (False, True), (False, False))
    )
    change = paired_difference(Paired(both, only, other, neither))
    return {**change.to_json(), "paired": True}


def selection(
    candidates: Sequence[TrialRecord], baseline: TrialRecord, objective: str
) -> dict[str, Any]:
    """Return how much of the best candidate's gain is due to having chosen it on the same faces.

    ``Optimism`` as plain data, and ``accuracy``: the gain with its interval, both moved down by the
    optimism. {} where the choice was not by accuracy, or a complete candidate does not say which
    faces it got right.
    """
    chosen_from = sorted(
        (
            r
            for r in candidates
            if r.state == "complete" and finite_value(r) and r.feasible and r.repeats is None
        ),
        key=lambda r: r.number,
    )
    best = best_of(chosen_from, "maximize")
    faces = [right_faces(r) for r in chosen_from]
    base = right_faces(baseline)
    if objective != "val_accuracy" or best is None or {len(f) for f in faces} != {len(base)}:
        return {}
    change = accuracy_change(best, baseline)
    if not base or change is None:
        return {}
    found = optimism(faces, base, seed=derive_seed("optimism", best.architecture))
    lowered = {key: change[key] - found.optimism for key in ("point", "low", "high")}
    return {**found.to_json(), "accuracy": {**change, **lowered}}


def baseline_trial(records: Sequence[TrialRecord]) -> TrialRecord | None:
    """Return the complete trial that gains are over, at its highest rung.

    The one of the thesis's own configuration, or else of the architecture's defaults.
    """
    complete = [r for r in records if r.state == "complete" and finite_value(r)]
    for origin in BASELINES:
        found = [r for r in complete if r.origin == origin]
        if found:
            return max(found, key=lambda r: r.rung or 0)
    return None


def gain(
    records: Sequence[TrialRecord], best: TrialRecord, objective: str = "val_accuracy"
) -> dict[str, Any]:
    """Return ``gain_over`` the baseline with ``baseline, same_trial, selection, broken``.

    ``broken`` lists the metrics whose constraints the baseline breaks. {} without that trial.
    """
    baseline = baseline_trial(records)
    if baseline is None:
        return {}
    return {
        "baseline": trial_summary(baseline),
        "same_trial": best.number == baseline.number,
        "broken": baseline.broken,
        **gain_over(baseline, best),
        "selection": selection(records, baseline, objective),
    }


def sampler_best(
    records: Sequence[TrialRecord], direction: Direction, objective: str = "val_accuracy"
) -> dict[str, Any]:
    """Return ``best`` and ``gain`` of what the sampler itself drew; {} if it completed nothing.

    ``gain`` is {} where the baseline did not finish, and has ``selection`` else.
    """
    drawn = [r for r in records if r.origin == "sampler"]
    best = best_of(drawn, direction)
    if best is None:
        return {}
    baseline = baseline_trial(records)
    if baseline is None:
        return {"best": trial_summary(best), "gain": {}}
    found = {
        **gain_over(baseline, best),
        "selection": selection(drawn, baseline, objective),
    }
    return {"best": trial_summary(best), "gain": found}
