"""Which metrics stand for trials and rungs in MLflow."""

from __future__ import annotations

import math

from hpo.spec.records import EpochReport, RankAgreement, TrialResult
from hpo.tracking.run_metrics import epoch_metrics, rank_metrics, summary_metrics
from tests.unit.tracking.records import record


def test_only_complete_trials_are_ranked_by_objective() -> None:
    assert summary_metrics(record())["objective"] == 0.61
    for state in ("pruned", "failed"):
        assert "objective" not in summary_metrics(record(state=state))


def test_summary_holds_best_final_and_timings() -> None:
    result = TrialResult(
        "complete",
        0.61,
        best_epoch=2,
        epochs_run=3,
        metrics={"val_accuracy": 0.61},
        final_metrics={"val_accuracy": 0.6, "val_loss": math.inf},
        seconds={"fit": 9.0, "total": 10.0},
        images_per_second=114.0,
        parameter_count=1000,
    )
    metrics = summary_metrics(record(result=result, seconds=11.0))
    assert math.isnan(metrics.pop("final_val_loss"))
    assert metrics == {
        "objective": 0.61,
        "best_epoch": 2.0,
        "epochs_run": 3.0,
        "best_val_accuracy": 0.61,
        "final_val_accuracy": 0.6,
        "seconds_fit": 9.0,
        # From claim to tell, not the trainer's own total.
        "seconds_total": 11.0,
        "images_per_second": 114.0,
        "parameter_count": 1000.0,
    }


def test_infinite_losses_leave_a_gap_in_the_curve() -> None:
    metrics = epoch_metrics(EpochReport(1, {"loss": math.inf, "accuracy": 0.2}, 3.0))
    assert math.isnan(metrics["loss"])
    assert metrics["epoch_seconds"] == 3.0


def test_ranks_are_metrics_named_by_their_rungs() -> None:
    known, unknown = RankAgreement(1, 3, 6, 0.4, 0.6), RankAgreement(3, 9, 1, None, None)
    assert rank_metrics([known, unknown]) == {
        "rank_pairs_1_3": 6.0,
        "rank_correlation_1_3": 0.6,
        "rank_correlation_measured_1_3": 0.4,
        "rank_pairs_3_9": 1.0,
    }
