"""A trial record → one row of the report: what tables and figures need, and no more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hpo.spec.records import WITHOUT_COPIES, TrialRecord

CURVES = ("accuracy", "val_accuracy", "loss", "val_loss", "learning_rate")
"""Metrics whose curves are kept; others stay in the stores."""


def rounded(value: Any, digits: int = 6) -> float | None:
    """Return ``value`` to significant digits, or None if it is no finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return float(f"{value:.{digits}g}")


def validation_size(record: TrialRecord) -> int | None:
    """Return the number of faces behind a trial's validation metrics, None if unknown."""
    if record.result is None:
        return None
    counted = sum(map(sum, record.result.confusion))
    return record.result.validation_size or counted or None


def best_metrics(record: TrialRecord) -> dict[str, float]:
    """Return the metrics of the epoch that would be served; {} if there are none."""
    if record.result is not None and record.result.metrics:
        return record.result.metrics
    scored = [e for e in record.epochs if rounded(e.metrics.get("val_accuracy")) is not None]
    return max(scored, key=lambda e: e.metrics["val_accuracy"]).metrics if scored else {}


def row(record: TrialRecord) -> dict[str, Any]:
    """Return one trial as plain data.

    Keys: ``architecture, number, slot, state, origin, repeats, rung, continues, reason, value,
    space_version, accuracy, accuracy_without_copies, loss, best_epoch, epochs_run, epochs_trained,
    seconds, started, finished, params, searched, mlflow_run_id, validation_size,
    validation_size_without_copies, train_size, parameter_count, weights, images_per_second,
    curves``; ``repeats`` is the trial whose value a repeat has taken, ``continues`` the one at the
    rung below, ``epochs_trained`` leaves out the epochs of that one, ``searched`` lists the names
    that were active in the trial, ``curves`` maps metrics to one number (or None) per epoch. Under
    several objectives or constraints also ``judged`` (those metrics) and ``excess`` (by how much
    each constraint is broken).
    """
    result = record.result
    metrics = best_metrics(record)
    return {
        "architecture": record.architecture,
        "number": record.number,
        "slot": record.slot,
        "state": record.state,
        "origin": record.origin,
        "repeats": record.repeats,
        "rung": record.rung,
        "continues": record.continues,
        "space_version": record.space_version,
        "reason": result.reason if result else "",
        "value": rounded(record.value),
        "accuracy": rounded(metrics.get("val_accuracy")),
        "accuracy_without_copies": rounded(metrics.get("val_accuracy" + WITHOUT_COPIES)),
        "loss": rounded(metrics.get("val_loss")),
        "best_epoch": result.best_epoch if result else 0,
        "epochs_run": record.epochs_run or (result.epochs_run if result else 0),
        "epochs_trained": record.epochs_trained,
        "seconds": round(record.seconds, 2),
        "started": record.started,
        "finished": record.finished,
        "params": dict(record.params),
        "searched": sorted(record.searched),
        "mlflow_run_id": record.mlflow_run_id,
        "validation_size": validation_size(record),
        "validation_size_without_copies": result.validation_size_without_copies if result else None,
        "train_size": result.train_size if result else 0,
        "parameter_count": result.parameter_count if result else 0,
        "weights": result.weights_used if result else "",
        "images_per_second": rounded(result.images_per_second, 4) if result else None,
        "curves": {
            name: [rounded(e.metrics.get(name)) for e in record.epochs]
            for name in CURVES
            if any(name in e.metrics for e in record.epochs)
        },
        **_judged(record),
    }


def keeps_constraints(row: Mapping[str, Any]) -> bool:
    """Return whether a row's trial breaks no constraint, as far as is known."""
    return not broken_constraints(row)


def broken_constraints(row: Mapping[str, Any]) -> list[str]:
    """Return the metrics whose constraints a row's trial breaks, as far as is known."""
    excess = row.get("excess") or {}
    return [metric for metric, over in excess.items() if over is not None and over > 0]


def _judged(record: TrialRecord) -> dict[str, Any]:
    """Return what a study of several objectives or with constraints judges a trial by."""
    if not record.values and not record.excess:
        return {}
    metrics = {**best_metrics(record), **record.values}
    asked = dict.fromkeys([*record.values, *record.excess, "latency_ms", "latency_ms_spread"])
    return {
        # Weights are counted, and shown to the last one.
        "judged": {
            name: rounded(metrics[name], 12 if name == "parameter_count" else 6)
            for name in asked
            if name in metrics
        },
        "excess": {name: rounded(excess) for name, excess in record.excess.items()},
    }
