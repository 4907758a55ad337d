"""Importance on analytic objectives whose truth is planted."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from hpo.evidence.importance import FEW_BELOW, REFUSE_BELOW, importance
from hpo.evidence.optuna_study import distribution, joined_space, observations
from hpo.spec.errors import InputError
from hpo.spec.records import TrialRecord

SPACE: dict[str, Any] = {
    "learning_rate": {"type": "float", "low": 1e-5, "high": 1e-1, "log": True},
    "optimizer": {"type": "categorical", "choices": ["adam", "sgd"]},
    "momentum": {"type": "float", "low": 0.5, "high": 1.0, "when": {"optimizer": ["sgd"]}},
    "dead": {"type": "float", "low": 0.0, "high": 1.0},
    "layers": {"type": "int", "low": 2, "high": 2},
}


def planted(n: int, seed: int = 0, momentum_weight: float = 0.0) -> list[TrialRecord]:
    """Trials whose value hangs on the learning rate, and on momentum where there is one."""
    generator = random.Random(seed)
    records = []
    for number in range(n):
        params: dict[str, Any] = {
            "learning_rate": 10 ** generator.uniform(-5, -1),
            "optimizer": generator.choice(["adam", "sgd"]),
            "dead": generator.random(),
            "layers": 2,
        }
        value = 0.6 - 0.08 * abs(math.log10(params["learning_rate"]) + 3)
        if params["optimizer"] == "sgd":
            params["momentum"] = generator.uniform(0.5, 1.0)
            value += momentum_weight * params["momentum"]
        records.append(
            TrialRecord("s", "cnn", number, "complete", value, params, params, space=SPACE)
        )
    return records


@pytest.mark.parametrize("evaluator", ["fanova", "mdi", "pedanova"])
def test_the_planted_parameter_comes_first_and_the_dead_one_near_zero(evaluator: Any) -> None:
    table = importance(planted(60), None, evaluator, n_bootstrap=3)
    by_name = {p.name: p for p in table.parameters}
    assert table.parameters[0].name == "learning_rate"
    # The learning rate carries all of the planted variance; forests of 60 trials leave a little.
    assert by_name["learning_rate"].value > 0.7
    assert by_name["dead"].value < 0.15
    assert table.excluded == {"layers": "took one value only"}
    assert table.trials == 60


@pytest.mark.parametrize("evaluator", ["fanova", "mdi"])
def test_a_conditional_that_rules_its_trials_is_found_among_them(evaluator: Any) -> None:
    table = importance(planted(80, momentum_weight=3.0), None, evaluator, n_bootstrap=0)
    momentum = next(p for p in table.parameters if p.name == "momentum")
    assert momentum.conditional
    assert momentum.trials == sum("momentum" in r.searched for r in planted(80))
    # Among the SGD trials momentum spans 1.5 points of value, the learning rate 0.16.
    assert momentum.value > 0.8


def test_the_same_seed_gives_the_same_table_and_intervals_hold_their_points() -> None:
    one = importance(planted(30), None, "mdi", seed=5, n_bootstrap=4)
    two = importance(planted(30), None, "mdi", seed=5, n_bootstrap=4)
    assert one == two
    assert one.resamples == 4
    assert all(p.low <= p.value <= p.high for p in one.parameters)


def test_few_trials_are_refused_then_flagged() -> None:
    refused = importance(planted(REFUSE_BELOW - 1))
    assert not refused.parameters
    assert f"{REFUSE_BELOW - 1} usable trials" in refused.refused
    few = importance(planted(FEW_BELOW - 1), None, "mdi", n_bootstrap=0)
    assert few.few
    assert few.parameters
    assert not importance(planted(FEW_BELOW), None, "mdi", n_bootstrap=0).few


def test_no_trials_equal_values_and_constant_parameters_are_refused_with_the_reason() -> None:
    assert importance([]).refused.startswith("0 usable trials")
    flat = [TrialRecord("s", "a", i, "complete", 0.5, {"x": i}, {"x": i}) for i in range(12)]
    assert importance(flat).refused == "all trials reached the same value"
    constant = [TrialRecord("s", "a", i, "complete", i / 9, {"x": 1}, {"x": 1}) for i in range(12)]
    assert "more than one value" in importance(constant).refused


def test_an_unknown_evaluator_is_named_with_those_that_exist() -> None:
    with pytest.raises(InputError, match="fanova"):
        importance([], None, "shap")  # type: ignore[arg-type]


def test_pruned_trials_count_and_failed_and_nan_ones_do_not() -> None:
    usable, left = observations(
        [
            TrialRecord("s", "a", 0, "complete", 0.5, {}, {"x": 1}),
            TrialRecord("s", "a", 1, "pruned", 0.2, {}, {"x": 2}),
            TrialRecord("s", "a", 2, "pruned", None, {}, {"x": 2}),
            TrialRecord("s", "a", 3, "complete", math.nan, {}, {"x": 2}),
            TrialRecord("s", "a", 4, "failed", None, {}, {"x": 2}),
        ]
    )
    assert [o.value for o in usable] == [0.5, 0.2]
    assert usable[1].pruned
    assert left == {"no finite value": 2, "failed": 1}


def test_an_inactive_conditional_stays_out_although_params_hold_its_default() -> None:
    params = {"optimizer": "adam", "momentum": 0.9, "dead": 0.1, "learning_rate": 0.1}
    record = TrialRecord("s", "a", 0, "complete", 0.5, params, {"optimizer": "adam"}, space=SPACE)
    (only,), _ = observations([record])
    assert only.params == {"optimizer": "adam", "dead": 0.1, "learning_rate": 0.1}


def test_a_domain_widens_to_hold_an_enqueued_value_and_a_grown_space_is_joined() -> None:
    domain = distribution({"type": "float", "low": 0.1, "high": 0.2, "log": True}, [0.05, 0.15])
    assert (domain.low, domain.high, domain.log) == (0.05, 0.2, True)
    choice = distribution({"type": "categorical", "choices": ["a"]}, ["a", "b"])
    assert choice.choices == ("a", "b")
    grown = joined_space(
        [
            TrialRecord("s", "a", 0, "complete", 1.0, {}, {}, space={"x": {"low": 1, "high": 2}}),
            TrialRecord("s", "a", 1, "complete", 1.0, {}, {}, space={"x": {"low": 0, "high": 1}}),
        ]
    )
    assert grown == {"x": {"low": 0, "high": 2}}
