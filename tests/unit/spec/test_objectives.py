"""Objectives and constraints of a study file, and the front over records."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.spec.loading import dump_study
from hpo.spec.objectives import BoundSpec, size_text
from hpo.spec.pareto import dominates, pareto_front
from hpo.spec.records import TrialRecord
from hpo.spec.study import StudySpec


def study(**keys: Any) -> StudySpec:
    return StudySpec.model_validate({"name": "s", "architectures": {"cnn": {}}, **keys})


def test_the_first_objective_is_the_objective() -> None:
    spec = study(objectives=["val_loss", {"metric": "latency_ms"}, "parameter_count"])
    assert spec.objective.metric == "val_loss"
    assert [g.direction for g in spec.goals] == ["minimize"] * 3
    assert spec.pruner.name == "none", "it would compare one value"
    assert spec.measures == ["latency_ms", "parameter_count"]
    assert StudySpec.model_validate(spec.to_plain()) == spec
    assert "latency_ms" in dump_study(spec)


def test_one_objective_is_as_it_was() -> None:
    spec = study()
    assert [g.metric for g in spec.goals] == ["val_accuracy"]
    assert spec.measures == []
    assert spec.pruner.name == "median"
    assert study(constraints={"size_mib": {"at_most": 8}}).measures == ["size_mib"]


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"objectives": ["val_accuracy"]}, "at least 2"),
        ({"objectives": ["latency_ms", "val_accuracy"]}, "chooses the checkpoint"),
        ({"objectives": ["val_accuracy", "val_accuracy"]}, "stands twice"),
        (
            {"objectives": ["val_accuracy", {"metric": "size_mib", "direction": "maximize"}]},
            "the other way",
        ),
        ({"objective": {"metric": "val_loss"}, "objectives": ["val_accuracy", "size_mib"]}, "says"),
        ({"constraints": {"size_mib": {}}}, "needs a bound"),
        ({"constraints": {"size_mib": {"at_most": 1, "at_least": 2}}}, "swap them"),
        ({"constraints": {"val_accuracy": {"at_least": 60}}}, "a share from 0 to 1"),
        ({"constraints": {"size_mib": {"at_most": -3}}}, "takes a number above 0, got -3"),
        ({"constraints": {"latency_ms": {"at_least": 0}}}, "takes a number above 0, got 0"),
        ({"constraints": {"parameter_count": {"at_most": -1}}}, "takes a number above 0, got -1"),
        ({"constraints": {"speed": {"at_most": 1}}}, "speed"),
    ],
)
def test_what_is_no_objective_or_constraint_is_refused(keys: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        study(**keys)


def test_a_bound_says_by_how_much_it_is_broken() -> None:
    bound = BoundSpec(at_most=8, at_least=2)
    assert [bound.excess(v) for v in (10, 8, 5, 1)] == [2, 0, -3, 1]
    assert bound.words() == "at least 2 and at most 8"


def record(number: int, accuracy: float, latency: float, **more: Any) -> TrialRecord:
    values = {"val_accuracy": accuracy, "latency_ms": latency}
    return TrialRecord("s", "cnn", number, "complete", accuracy, {}, {}, values=values, **more)


def test_the_front_is_of_complete_trials_that_keep_the_constraints() -> None:
    records = [
        record(0, 0.6, 5.0),
        record(1, 0.5, 6.0),
        record(2, 0.4, 2.0),
        record(3, 0.9, 1.0, excess={"size_mib": 0.5}),
        record(4, 0.6, 5.0, repeats=0),
    ]
    assert pareto_front(records) == {("cnn", 0), ("cnn", 2)}
    assert pareto_front([]) == set()


VALUES = st.tuples(st.sampled_from([0.1, 0.2, 0.3, 0.4]), st.sampled_from([1.0, 2.0, 3.0]))


@given(st.lists(VALUES, min_size=1, max_size=12))
def test_every_trial_is_on_the_front_or_behind_one_that_is(values: list[Any]) -> None:
    front = pareto_front([record(i, *v) for i, v in enumerate(values)])
    losses = [(-a, b) for a, b in values]
    on_it = [losses[n] for _, n in front]
    for number, one in enumerate(losses):
        if ("cnn", number) in front:
            assert not any(dominates(other, one) for other in losses)
        else:
            assert any(dominates(other, one) for other in on_it)
    best = min(range(len(values)), key=lambda i: losses[i])
    assert ("cnn", best) in front, "the first objective's best, then the next one's"


def test_a_size_is_told_in_the_unit_that_shows_its_digits() -> None:
    assert [size_text(mib) for mib in (0.0123, 0.0996, 0.1, 1.0, 103.26)] == [
        "12.6 KiB",
        "102 KiB",
        "0.1 MiB",
        "1.0 MiB",
        "103.3 MiB",
    ]
