"""What each architecture reached: best trial, intervals, majority check, gain of tuning, time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from hpo.evidence.intervals import Interval, against_rate, difference, majority_rate, wilson
from hpo.evidence.optuna_study import joined_space
from hpo.registry.promotion import rank, rank_key
from hpo.reports.rows import best_metrics, rounded, validation_size
from hpo.spec.records import TrialRecord, TrialState

Direction = Literal["maximize", "minimize"]
STATES: tuple[TrialState, ...] = ("complete", "pruned", "failed", "running", "waiting")


def finite_value(record: TrialRecord) -> bool:
    """Return whether the trial has an objective that can be compared."""
    return record.value is not None and math.isfinite(record.value)


def best_of(records: Sequence[TrialRecord], direction: Direction) -> TrialRecord | None:
    """Return the complete trial that promotion ranks first.

    Pruned trials never win: their value was reached in fewer epochs than the others had.
    """
    complete = [r for r in records if r.state == "complete" and finite_value(r)]
    return min(complete, key=lambda r: rank_key(r, direction), default=None)


def ranked(entries: Sequence[Mapping[str, Any]], direction: Direction) -> list[Mapping[str, Any]]:
    """Return the entries of architectures that have a best trial, the winner of the study first."""

    def key(entry: Mapping[str, Any]) -> tuple[float, int, str]:
        best = entry["best"]
        return rank(best["value"], best["number"], entry["label"], direction)

    return sorted((e for e in entries if e["best"]), key=key)


def accuracy_interval(record: TrialRecord) -> Interval | None:
    """Return the trial's validation accuracy with its Wilson interval; None without a size."""
    accuracy, n = rounded(best_metrics(record).get("val_accuracy"), 12), validation_size(record)
    if accuracy is None or n is None or not 0.0 <= accuracy <= 1.0:
        return None
    return wilson(accuracy, n)


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


def _trial_summary(record: TrialRecord) -> dict[str, Any]:
    interval = accuracy_interval(record)
    metrics = best_metrics(record)
    result = record.result
    return {
        "number": record.number,
        "state": record.state,
        # To twelve digits: what is rounded more could tie, and another trial would be the winner.
        "value": rounded(record.value, 12),
        "accuracy": rounded(metrics.get("val_accuracy")),
        "loss": rounded(metrics.get("val_loss")),
        "interval": interval.to_json() if interval else None,
        "best_epoch": result.best_epoch if result else 0,
        "epochs_run": record.epochs_run,
        "seconds": round(record.seconds, 2),
        "params": {name: record.params.get(name) for name in sorted(record.searched)},
        "parameter_count": result.parameter_count if result else 0,
        "train_size": result.train_size if result else 0,
        "weights": result.weights_used if result else "",
        "device": result.environment.get("device", "") if result else "",
    }


def _gain(records: Sequence[TrialRecord], best: TrialRecord) -> dict[str, Any]:
    """Return what tuning added over the thesis's own configuration; {} if that did not finish."""
    baseline = next(
        (r for r in records if r.origin == "thesis" and r.state == "complete" and finite_value(r)),
        None,
    )
    if baseline is None:
        return {}
    first, second = accuracy_interval(best), accuracy_interval(baseline)
    return {
        "baseline": _trial_summary(baseline),
        "same_trial": best.number == baseline.number,
        "value": rounded(float(best.value or 0.0) - float(baseline.value or 0.0)),
        "accuracy": difference(first, second).to_json() if first and second else None,
    }


def architecture_entry(
    label: str,
    architecture: str,
    records: Sequence[TrialRecord],
    direction: Direction,
    majority_class: dict[str, Any],
) -> dict[str, Any]:
    """Return everything that the report says about one architecture.

    Keys: ``label, architecture, counts, seconds, seconds_by_state, epochs, best, against_majority,
    gain, thesis_state, space``.
    """
    best = best_of(records, direction)
    interval = accuracy_interval(best) if best else None
    placed = against_rate(interval, majority_class["rate"]) if interval and majority_class else None
    thesis = next((r for r in records if r.origin == "thesis"), None)
    return {
        "label": label,
        "architecture": architecture,
        "counts": {state: sum(r.state == state for r in records) for state in STATES},
        "seconds": round(sum(r.seconds for r in records), 2),
        "seconds_by_state": {
            state: round(sum(r.seconds for r in records if r.state == state), 2) for state in STATES
        },
        "epochs": sum(r.epochs_run for r in records),
        "best": _trial_summary(best) if best else None,
        "against_majority": placed,
        "gain": _gain(records, best) if best else {},
        "thesis_state": thesis.state if thesis else "",
        "space": joined_space(records),
    }
