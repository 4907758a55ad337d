"""What each architecture reached: best trial, majority check, gain of tuning, time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.evidence.intervals import against_rate, majority_rate
from hpo.evidence.optuna_study import joined_space
from hpo.registry.promotion import rank
from hpo.reports.baselines import BASELINES
from hpo.reports.gains import baseline_trial, gain, sampler_best
from hpo.reports.thesis import departures
from hpo.reports.trials import Direction, accuracy_interval, best_of, trial_summary
from hpo.search.climbing import agreements_of
from hpo.spec.pareto import losses
from hpo.spec.records import TrialRecord, TrialState

STATES: tuple[TrialState, ...] = ("complete", "pruned", "failed", "running", "waiting")


def ranked(entries: Sequence[Mapping[str, Any]], direction: Direction) -> list[Mapping[str, Any]]:
    """Return the entries of architectures that have a best trial, the winner of the study first.

    As ``promotion.rank_key`` has it, further objectives decide between equals, so that the trial
    that is shown is the one that is served.
    """

    def key(entry: Mapping[str, Any]) -> tuple[Any, ...]:
        best = entry["best"]
        value, *rest = rank(
            best["value"], best["number"], entry["label"], direction, rung=best.get("rung")
        )
        # One that is not finite became None on its way through JSON, and decides nothing.
        known = {m: v for m, v in (best.get("values") or {}).items() if v is not None}
        return (value, losses(known)[1:], *rest)

    return sorted((e for e in entries if e["best"]), key=key)


def majority(records: Sequence[TrialRecord], classes: Sequence[str]) -> dict[str, Any]:
    """Return ``rate, label, n`` of the most frequent validation class, from confusion matrices.

    Their rows are the true classes, so their sums are the class counts of the validation split.
    """
    for record in records:
        counts = [sum(line) for line in record.result.confusion] if record.result else []
        rate = majority_rate(counts)
        if rate is not None:
            most = counts.index(max(counts))
            label = classes[most] if most < len(classes) else str(most)
            return {"rate": rate, "label": label, "n": sum(counts)}
    return {}


def architecture_entry(
    label: str,
    architecture: str,
    records: Sequence[TrialRecord],
    direction: Direction,
    majority_class: dict[str, Any],
    objective: str = "val_accuracy",
) -> dict[str, Any]:
    """Return everything that the report says about one architecture.

    Keys: ``label, architecture, counts, seconds, seconds_by_state, epochs, rungs, best`` (with
    ``equals``, the numbers of other configurations that came to the same),
    ``against_majority, baseline_against_majority, gain, sampler, baseline, departures,
    thesis_state, space``; ``gains`` says what ``gain`` and ``sampler`` hold, ``RankAgreement``
    what ``rungs`` lists; ``baseline`` is the origin of the trial that gains are over,
    ``departures`` what it has not as the thesis had it (``thesis.departures``), or which defaults
    were moved into their ranges (``TrialRecord.moved``), and ``thesis_state`` its state, "" where
    the study has none.
    """
    best = best_of(records, direction)
    interval = accuracy_interval(best) if best else None
    # Of a thesis's trial that failed beside a default's that did not, the gain is over the second.
    asked = (r for origin in BASELINES for r in records if r.origin == origin)
    baseline = baseline_trial(records) or next(asked, None)
    ends = (interval, accuracy_interval(baseline) if baseline else None)
    rate = majority_class.get("rate")
    placed, base_placed = (
        against_rate(end, rate) if end is not None and rate is not None else None for end in ends
    )
    return {
        "label": label,
        "architecture": architecture,
        "counts": {state: sum(r.state == state for r in records) for state in STATES},
        "seconds": round(sum(r.seconds for r in records), 2),
        "seconds_by_state": {
            state: round(sum(r.seconds for r in records if r.state == state), 2) for state in STATES
        },
        "epochs": sum(r.epochs_trained for r in records),
        "rungs": [pair.to_json() for pair in agreements_of(records, objective)],
        "best": trial_summary(best) | {"equals": _as_good(best, records)} if best else None,
        "against_majority": placed,
        "baseline_against_majority": base_placed,
        "gain": gain(records, best, objective) if best else {},
        "sampler": sampler_best(records, direction, objective),
        "baseline": baseline.origin if baseline else "thesis",
        "departures": _departures(architecture, baseline),
        "thesis_state": baseline.state if baseline else "",
        "space": joined_space(records),
    }


def _departures(architecture: str, baseline: TrialRecord | None) -> list[dict[str, Any]]:
    if baseline is None:
        return []
    if baseline.origin == "thesis":
        return departures(architecture, baseline.params)
    moved = baseline.moved.items()
    return [{"name": k, "default": v, "here": baseline.params[k]} for k, v in moved]


def _as_good(best: TrialRecord, records: Sequence[TrialRecord]) -> list[int]:
    """Return the numbers of trials of other configurations that came to the value of the best."""
    return sorted(
        record.number
        for record in records
        if record.state == "complete"
        and record.feasible
        and record.repeats is None
        # Attempts and rungs of one slot are one configuration.
        and record.slot != best.slot
        and (record.value, record.values) == (best.value, best.values)
    )
