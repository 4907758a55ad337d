"""Which trial MLflow calls an architecture's best."""

from __future__ import annotations

from hpo.spec.records import TrialRecord
from hpo.tracking.parents import best_of


def trial(number: int, accuracy: float, latency: float) -> TrialRecord:
    values = {"val_accuracy": accuracy, "latency_ms": latency}
    return TrialRecord("s", "cnn", number, "complete", accuracy, {}, {}, values=values)


def test_of_equals_it_is_the_one_that_further_objectives_prefer() -> None:
    records = [trial(0, 0.5, 9.0), trial(1, 0.5, 3.0), trial(2, 0.4, 1.0)]
    assert best_of(records, "maximize") is records[1]
    assert best_of([], "maximize") is None
