"""How a trial stands to the front and to the constraints, as its run is tagged."""

from __future__ import annotations

import pytest

from hpo.spec.records import TrialRecord
from hpo.tracking.pareto import standing

BOTH = {"val_accuracy": 0.6, "latency_ms": 2.0}


@pytest.mark.parametrize(
    ("values", "excess", "told"),
    [
        (BOTH, {}, "front"),
        (BOTH, {"size_mib": 0.1}, "infeasible"),
        ({}, {"size_mib": 0.1}, "infeasible"),
        ({}, {"size_mib": -0.1}, "feasible"),
        ({}, {}, None),
    ],
)
def test_a_trial_stands_to_front_and_constraints(
    values: dict[str, float], excess: dict[str, float], told: str | None
) -> None:
    record = TrialRecord("study", "cnn", 3, "complete", 0.6, {}, {}, values=values, excess=excess)
    assert standing(record, {("cnn", 3)}) == told
    if told == "front":
        assert standing(record, set()) == "dominated"
