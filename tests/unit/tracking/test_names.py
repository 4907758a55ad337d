"""How trials are called in MLflow, and which metrics stand for them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from hpo.spec.records import EpochReport, RankAgreement, TrialRecord, TrialResult
from hpo.tracking import names

GOLDEN = Path(__file__).parents[2] / "golden" / "mlflow_names.json"


def record(**changes: object) -> TrialRecord:
    facts: dict[str, object] = {
        "study": "thesis",
        "architecture": "cnn",
        "number": 3,
        "state": "complete",
        "value": 0.61,
        "params": {"optimizer": "adam", "learning_rate": 0.0012, "batch_size": 64},
        "searched": {"learning_rate": 0.0012},
    }
    return TrialRecord(**{**facts, **changes})  # type: ignore[arg-type]


def test_names_are_those_that_dashboards_were_built_on() -> None:
    now = {
        "tags": sorted(names.TAGS),
        "metrics": sorted(names.METRICS),
        "artifacts": sorted(names.ARTIFACTS),
        "status": names.STATUS,
    }
    assert now == json.loads(GOLDEN.read_text())


def test_every_constant_of_a_name_is_in_its_list() -> None:
    listed = {*names.TAGS, *names.METRICS, *names.ARTIFACTS}
    hpo_tags = {v for k, v in vars(names).items() if isinstance(v, str) and v.startswith("hpo.")}
    assert hpo_tags - {"hpo.tracking.names", "hpo.tracking"} <= listed


def test_run_is_called_by_what_decides() -> None:
    assert names.run_name(record()) == "cnn #3 · adam lr=1.2e-3 batch=64"


def test_run_name_tells_what_this_space_searches_the_usual_first() -> None:
    params = {"optimizer": "adam", "learning_rate": 0.0036, "batch_size": 64, "width": 12}
    space: dict[str, object] = {"width": {}, "learning_rate": {}}
    assert names.run_name(record(params=params, space=space)) == "cnn #3 · lr=3.6e-3 width=12"
    wide = {**space, "optimizer": {}, "batch_size": {}}
    assert names.run_name(record(params=params, space=wide)) == "cnn #3 · adam lr=3.6e-3 batch=64"
    sgd_alone = {"momentum": {}, **space}
    assert names.run_name(record(params=params, space=sgd_alone)).endswith("· lr=3.6e-3 width=12")


def test_run_name_marks_what_breaks_a_constraint() -> None:
    broken = record(params={}, excess={"size_mib": 0.5})
    assert names.run_name(broken) == "cnn #3 infeasible"
    assert names.run_name(record(params={}, excess={"size_mib": -0.5})) == "cnn #3"


def test_run_name_marks_thesis_pruned_failed_and_repeated() -> None:
    assert names.run_name(record(origin="thesis", params={})) == "cnn #3 thesis"
    assert names.run_name(record(state="pruned", params={})) == "cnn #3 pruned"
    assert names.run_name(record(state="failed", params={})) == "cnn #3 failed"
    assert names.run_name(record(params={}, attempt=2, retry_of=1)) == "cnn #3 again (2)"
    assert names.run_name(record(params={}, repeats=1)) == "cnn #3 repeats #1"
    rerun = record(architecture="cnn-7", slot=1, origin="confirmation", params={})
    assert names.run_name(rerun) == "cnn #7 seed 2"


def test_a_repeat_says_whose_value_it_has() -> None:
    note = names.outcome_note(record(repeats=1), "val_accuracy")
    assert note == "**val_accuracy 0.6100** of trial 1; not trained again."


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.001, "1e-3"), (3.26e-5, "3.3e-5"), (0.018, "0.018"), (0.1, "0.1"), (0.0, "0"), (64, "64")],
)
def test_short_values_keep_two_digits(value: float, text: str) -> None:
    assert names.short_value(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (None, "none"), (3.2145678e-05, "3.21457e-05"), ([32, 64], "[32, 64]")],
)
def test_params_are_text_that_compares(value: object, text: str) -> None:
    assert names.param_text(value) == text


def test_only_complete_trials_are_ranked_by_objective() -> None:
    assert names.summary_metrics(record())["objective"] == 0.61
    for state in ("pruned", "failed"):
        assert "objective" not in names.summary_metrics(record(state=state))


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
    metrics = names.summary_metrics(record(result=result, seconds=11.0))
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
    metrics = names.epoch_metrics(EpochReport(1, {"loss": math.inf, "accuracy": 0.2}, 3.0))
    assert math.isnan(metrics["loss"])
    assert metrics["epoch_seconds"] == 3.0


def test_notes_say_how_a_trial_ended() -> None:
    epochs = [EpochReport(1, {"val_accuracy": 0.25}, 1.0)]
    failed = TrialResult("failed", reason="nan_loss: loss is NaN")
    assert "nan_loss" in names.outcome_note(record(state="failed", result=failed), "val_accuracy")
    pruned = names.outcome_note(record(state="pruned", epochs=epochs), "val_accuracy")
    assert "after epoch 1" in pruned
    assert "0.2500" in pruned
    assert "0.6100" in names.outcome_note(record(), "val_accuracy")


def test_a_trial_on_a_rung_says_which_one_it_continues() -> None:
    assert names.run_name(record(params={}, rung=1, continues=2)) == "cnn #3 continues #2"


def test_ranks_are_metrics_named_by_their_rungs() -> None:
    known, unknown = RankAgreement(1, 3, 6, 0.4, 0.6), RankAgreement(3, 9, 1, None, None)
    assert names.rank_metrics([known, unknown]) == {
        "rank_pairs_1_3": 6.0,
        "rank_correlation_1_3": 0.6,
        "rank_correlation_measured_1_3": 0.4,
        "rank_pairs_3_9": 1.0,
    }
