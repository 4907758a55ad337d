"""What single trials reached: which of them is best, its interval, and its line in a summary."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from hpo.evidence.intervals import Interval, wilson
from hpo.registry.promotion import rank_key
from hpo.reports.copies import with_and_without
from hpo.reports.rows import best_metrics, rounded, validation_size
from hpo.spec.bits import unpack_bits
from hpo.spec.records import TrialRecord

Direction = Literal["maximize", "minimize"]


def finite_value(record: TrialRecord) -> bool:
    """Return whether the trial has an objective that can be compared."""
    return record.value is not None and math.isfinite(record.value)


def best_of(records: Sequence[TrialRecord], direction: Direction) -> TrialRecord | None:
    """Return the complete trial that promotion ranks first.

    Pruned trials never win: their value was reached in fewer epochs than the others had; nor do
    those that break a constraint.
    """
    complete = [r for r in records if r.state == "complete" and finite_value(r) and r.feasible]
    return min(complete, key=lambda r: rank_key(r, direction), default=None)


def accuracy_interval(record: TrialRecord) -> Interval | None:
    """Return the trial's validation accuracy with its Wilson interval; None without a size."""
    accuracy, n = rounded(best_metrics(record).get("val_accuracy"), 12), validation_size(record)
    if accuracy is None or n is None or not 0.0 <= accuracy <= 1.0:
        return None
    return wilson(accuracy, n)


def right_faces(record: TrialRecord) -> tuple[bool, ...]:
    """Return which validation faces a trial got right; () where that is not recorded."""
    n, result = validation_size(record), record.result
    if result is None or not result.correct or n is None:
        return ()
    return tuple(unpack_bits(result.correct, n))


def trial_summary(record: TrialRecord) -> dict[str, Any]:
    """Return what the report says of a trial that stands for others, such as the best.

    Keys: ``number, rung, state, origin, value, values`` (in a study of several objectives each by
    its metric), ``accuracy, loss, interval, without_copies, best_epoch, epochs_run, seconds,
    params`` (the searched ones), ``parameter_count, train_size, weights, device``.
    """
    interval = accuracy_interval(record)
    metrics = best_metrics(record)
    result = record.result
    return {
        "number": record.number,
        "rung": record.rung,
        "state": record.state,
        "origin": record.origin,
        # To twelve digits: what is rounded more could tie, and another trial would be the winner.
        "value": rounded(record.value, 12),
        "values": dict(record.values),
        "accuracy": rounded(metrics.get("val_accuracy")),
        "loss": rounded(metrics.get("val_loss")),
        "interval": interval.to_json() if interval else None,
        "without_copies": with_and_without(record),
        "best_epoch": result.best_epoch if result else 0,
        "epochs_run": record.epochs_run,
        "seconds": round(record.seconds, 2),
        "params": {name: record.params.get(name) for name in sorted(record.searched)},
        "parameter_count": result.parameter_count if result else 0,
        "train_size": result.train_size if result else 0,
        "weights": result.weights_used if result else "",
        "device": result.environment.get("device", "") if result else "",
    }


def best_matrices(
    grouped: Mapping[str, Sequence[TrialRecord]], direction: Direction
) -> dict[str, dict[str, Any]]:
    """Return the confusion matrix of each architecture's best trial, as ``ReportData.confusion``.

    Args:
        grouped: the trials by architecture.
        direction: of the objective.
    """
    found: dict[str, dict[str, Any]] = {}
    for label, group in grouped.items():
        best = best_of(group, direction)
        if best is None or best.result is None or not best.result.confusion:
            continue
        found[label] = {"number": best.number, "matrix": best.result.confusion}
        if best.result.confusion_without_copies:
            found[label]["without_copies"] = best.result.confusion_without_copies
    return found
