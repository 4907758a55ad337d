"""How trials are called in MLflow, and what their notes say."""

from __future__ import annotations

import pytest

from hpo.spec.records import EpochReport, TrialResult
from hpo.tracking.run_texts import outcome_note, param_text, run_name, short_value
from tests.unit.tracking.records import record


def test_run_is_called_by_what_decides() -> None:
    assert run_name(record()) == "cnn #3 · adam lr=1.2e-3 batch=64"


def test_run_name_tells_what_this_space_searches_the_usual_first() -> None:
    params = {"optimizer": "adam", "learning_rate": 0.0036, "batch_size": 64, "width": 12}
    space: dict[str, object] = {"width": {}, "learning_rate": {}}
    assert run_name(record(params=params, space=space)) == "cnn #3 · lr=3.6e-3 width=12"
    wide = {**space, "optimizer": {}, "batch_size": {}}
    assert run_name(record(params=params, space=wide)) == "cnn #3 · adam lr=3.6e-3 batch=64"
    sgd_alone = {"momentum": {}, **space}
    assert run_name(record(params=params, space=sgd_alone)).endswith("· lr=3.6e-3 width=12")


def test_run_name_marks_what_breaks_a_constraint() -> None:
    broken = record(params={}, excess={"size_mib": 0.5})
    assert run_name(broken) == "cnn #3 infeasible"
    assert run_name(record(params={}, excess={"size_mib": -0.5})) == "cnn #3"


def test_run_name_marks_thesis_pruned_failed_and_repeated() -> None:
    assert run_name(record(origin="thesis", params={})) == "cnn #3 thesis"
    assert run_name(record(state="pruned", params={})) == "cnn #3 pruned"
    assert run_name(record(state="failed", params={})) == "cnn #3 failed"
    assert run_name(record(params={}, attempt=2, retry_of=1)) == "cnn #3 again (2)"
    assert run_name(record(params={}, repeats=1)) == "cnn #3 repeats #1"
    rerun = record(architecture="cnn-7", slot=1, origin="confirmation", params={})
    assert run_name(rerun) == "cnn #7 seed 2"


def test_a_repeat_says_whose_value_it_has() -> None:
    note = outcome_note(record(repeats=1), "val_accuracy")
    assert note == "**val_accuracy 0.6100** of trial 1; not trained again."


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.001, "1e-3"), (3.26e-5, "3.3e-5"), (0.018, "0.018"), (0.1, "0.1"), (0.0, "0"), (64, "64")],
)
def test_short_values_keep_two_digits(value: float, text: str) -> None:
    assert short_value(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (None, "none"), (3.2145678e-05, "3.21457e-05"), ([32, 64], "[32, 64]")],
)
def test_params_are_text_that_compares(value: object, text: str) -> None:
    assert param_text(value) == text


def test_notes_say_how_a_trial_ended() -> None:
    epochs = [EpochReport(1, {"val_accuracy": 0.25}, 1.0)]
    failed = TrialResult("failed", reason="nan_loss: loss is NaN")
    assert "nan_loss" in outcome_note(record(state="failed", result=failed), "val_accuracy")
    pruned = outcome_note(record(state="pruned", epochs=epochs), "val_accuracy")
    assert "after epoch 1" in pruned
    assert "0.2500" in pruned
    assert "0.6100" in outcome_note(record(), "val_accuracy")


def test_a_trial_on_a_rung_says_which_one_it_continues() -> None:
    assert run_name(record(params={}, rung=1, continues=2)) == "cnn #3 continues #2"
