"""The metrics of a trial and of an architecture's rungs, by their names in MLflow."""

from __future__ import annotations

import math
from collections.abc import Iterable

from hpo.spec.records import EpochReport, RankAgreement, TrialRecord
from hpo.tracking import names


def epoch_metrics(report: EpochReport) -> dict[str, float]:
    """Return the curve points of one epoch; what is not finite becomes NaN, a gap in the curve."""
    return {**_finite(report.metrics), names.EPOCH_SECONDS: report.seconds}


def summary_metrics(record: TrialRecord) -> dict[str, float]:
    """Return the metrics that stand for a whole trial, for tables and charts.

    ``objective`` is there for complete trials only: a pruned trial's best so far comes from fewer
    epochs and must not be ranked among them (it is the tag ``hpo.last_value``).
    """
    metrics: dict[str, float] = {}
    result = record.result
    if record.state == "complete" and record.value is not None:
        metrics[names.METRIC_OBJECTIVE] = record.value
    if record.seconds:
        metrics[names.SECONDS_PREFIX + "total"] = record.seconds
    if result is None:
        metrics[names.EPOCHS_RUN] = float(record.epochs_run)
        return _finite(metrics)
    metrics[names.EPOCHS_RUN] = float(result.epochs_run or record.epochs_run)
    if result.best_epoch:
        metrics[names.BEST_EPOCH] = float(result.best_epoch)
    metrics.update({names.BEST_PREFIX + name: value for name, value in result.metrics.items()})
    metrics.update(
        {names.FINAL_PREFIX + name: value for name, value in result.final_metrics.items()}
    )
    for phase, seconds in result.seconds.items():
        metrics.setdefault(names.SECONDS_PREFIX + phase, seconds)
    for name, value in (
        (names.IMAGES_PER_SECOND, result.images_per_second),
        (names.PARAMETER_COUNT, result.parameter_count),
        (names.TRAIN_SIZE, result.train_size),
        (names.VALIDATION_SIZE, result.validation_size),
        (names.VALIDATION_SIZE_WITHOUT_COPIES, result.validation_size_without_copies),
    ):
        if value:
            metrics[name] = float(value)
    # None of them is a finding, and not the same as not knowing.
    if result.validation_copies_trained_on is not None:
        metrics[names.VALIDATION_COPIES_TRAINED_ON] = float(result.validation_copies_trained_on)
    return _finite(metrics)


def rank_metrics(ranks: Iterable[RankAgreement]) -> dict[str, float]:
    """Return the metrics of an architecture's rungs; what is not known is left out."""
    found: dict[str, float] = {}
    for pair in ranks:
        between = f"{pair.lower}_{pair.upper}"
        found[names.RANK_PAIRS_PREFIX + between] = float(pair.pairs)
        if pair.measured is not None and pair.corrected is not None:
            found[names.RANK_PREFIX + between] = pair.corrected
            found[names.RANK_MEASURED_PREFIX + between] = pair.measured
    return found


def last_value(record: TrialRecord, objective: str) -> float | None:
    """Return the objective at the last reported epoch, or the record's value; None if neither."""
    if record.epochs and objective in record.epochs[-1].metrics:
        return record.epochs[-1].metrics[objective]
    return record.value


def _finite(metrics: dict[str, float]) -> dict[str, float]:
    # MLflow stores infinity as 1.8e308, which flattens every other point of the chart.
    return {k: float(v) if math.isfinite(v) else math.nan for k, v in metrics.items()}
