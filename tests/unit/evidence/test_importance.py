"""Importance on analytic objectives whose truth is planted."""

from __future__ import annotations

import dataclasses
import math
import random
from typing import Any

import pytest

from hpo.evidence.importance import EVEN_FROM, FEW_BELOW, LARGEST, REFUSE_BELOW, importance
from hpo.evidence.importance_table import ImportanceTable, ParameterImportance
from hpo.evidence.optuna_study import distribution, joined_space, observations
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


EVALUATORS = ("fanova", "mdi", "pedanova")


def by_name(table: ImportanceTable) -> dict[str, ParameterImportance]:
    return {p.name: p for p in table.parameters}


def test_every_evaluator_puts_the_planted_parameter_first_and_tells_it_from_chance() -> None:
    tables = importance(planted(60, seed=1), sampler="random", halves=4)
    assert tuple(tables) == EVALUATORS
    for table in tables.values():
        rows = by_name(table)
        assert table.parameters[0].name == "learning_rate"
        # The learning rate carries all of the planted variance; forests of 60 trials leave a
        # little.
        assert rows["learning_rate"].value > 0.7
        assert rows["learning_rate"].distinct
        assert rows["dead"].value < 0.15
        assert rows["dead"].distinct is False
        assert table.excluded == {"layers": "took one value only"}
        assert table.trials == 60
        assert table.top_share >= 0.75
        assert all(p.low <= p.value <= p.high for p in table.parameters)


def test_intervals_of_pedanova_reach_what_a_finer_bandwidth_sees() -> None:
    generator = random.Random(2)
    space = {name: {"type": "float", "low": 0.0, "high": 1.0} for name in ("waves", "slope")}
    records = []
    for number in range(300):
        params: dict[str, Any] = {name: generator.random() for name in space}
        # Two peaks, which a bandwidth of few trials blurs into a plain.
        value = math.sin(2 * math.pi * params["waves"]) ** 2 + 0.3 * params["slope"]
        records.append(
            TrialRecord("s", "cnn", number, "complete", value, params, params, space=space)
        )
    rows = by_name(importance(records, sampler="random")["pedanova"])
    # Of 20,000 such trials PED-ANOVA gives the waves 0.52.
    assert rows["waves"].value < 0.2
    assert rows["waves"].high > 0.52


def test_a_dead_parameter_is_not_told_from_chance_for_lying_unevenly_over_a_living_one() -> None:
    generator = random.Random(5)
    space = {**SPACE, "choice": {"type": "categorical", "choices": ["a", "b", "c", "d"]}}
    records = []
    for record in planted(300, seed=5):
        # As in some Sobol samples: where the rate is good, one choice is more frequent.
        near = abs(math.log10(record.params["learning_rate"]) + 3) < 0.25
        choice = "a" if near and generator.random() < 0.3 else generator.choice("abcd")
        params = {**record.params, "choice": choice}
        records.append(dataclasses.replace(record, params=params, searched=params, space=space))
    rows = by_name(importance(records, sampler="qmc")["pedanova"])
    assert rows["learning_rate"].distinct
    assert rows["choice"].distinct is False


def test_pedanova_adds_up_to_one() -> None:
    table = importance(planted(60), halves=0)["pedanova"]
    assert sum(p.value for p in table.parameters) == pytest.approx(1.0)


@pytest.mark.parametrize("evaluator", ["fanova", "mdi"])
def test_a_conditional_that_rules_its_trials_is_found_among_them(evaluator: str) -> None:
    table = importance(planted(80, momentum_weight=3.0), halves=0)[evaluator]
    momentum = by_name(table)["momentum"]
    assert momentum.conditional
    assert momentum.trials == sum("momentum" in r.searched for r in planted(80))
    # Among the SGD trials momentum spans 1.5 points of value, the learning rate 0.16.
    assert momentum.value > 0.8
    # Shares of another whole come after the others, however high.
    assert table.parameters[-1].name == "momentum"


def test_what_acts_through_another_is_an_interaction() -> None:
    generator = random.Random(3)
    space = {n: {"type": "float", "low": -1.0, "high": 1.0} for n in ("a", "b", "c")}
    records = []
    for number in range(120):
        params = {n: generator.uniform(-1, 1) for n in space}
        value = params["a"] * params["b"] + 0.3 * params["c"]
        records.append(
            TrialRecord("s", "cnn", number, "complete", value, params, params, space=space)
        )
    first = importance(records, halves=3)["fanova"].interactions[0]
    assert (first.first, first.second) == ("a", "b")
    assert first.low <= first.value <= first.high
    assert first.value > 0.2


def test_the_same_seed_gives_the_same_tables() -> None:
    one = importance(planted(30), seed=5, halves=3)
    assert one == importance(planted(30), seed=5, halves=3)
    assert one != importance(planted(30), seed=6, halves=3)
    assert one["mdi"].resamples == 3


def test_an_adaptive_sampler_widens_the_intervals_and_leaves_chance_open() -> None:
    even = importance(planted(40), sampler="qmc", halves=3)["fanova"]
    adapted = importance(planted(40), sampler="tpe", halves=3)["fanova"]
    assert not even.widened
    assert adapted.widened
    assert adapted.adaptive == 40
    assert all(p.distinct is None for p in adapted.parameters)

    def width(table: ImportanceTable) -> float:
        return sum(p.high - p.low for p in table.parameters)

    assert width(adapted) > 1.5 * width(even)


def test_an_adaptive_sampler_widens_the_intervals_of_what_is_hard_to_foretell_too() -> None:
    noise = random.Random(0)
    hard = [dataclasses.replace(r, value=r.value + noise.gauss(0, 0.04)) for r in planted(80)]
    for evaluator in ("fanova", "pedanova"):
        even = importance(hard, sampler="qmc", halves=6)[evaluator]
        adapted = importance(hard, sampler="tpe", halves=6)[evaluator]
        if evaluator == "fanova":
            assert 0 < even.foretold < 0.5
        reach = [
            sum(p.high - p.value for p in table.parameters if p.name != "learning_rate")
            for table in (even, adapted)
        ]
        assert reach[1] > 1.3 * reach[0]


def test_enough_space_filling_trials_are_read_alone() -> None:
    filling = [dataclasses.replace(r, origin="space-filling") for r in planted(EVEN_FROM, seed=1)]
    table = importance([*planted(50), *filling], sampler="tpe", halves=0)["fanova"]
    assert (table.trials, table.space_filling, table.adaptive) == (EVEN_FROM, EVEN_FROM, 0)
    assert table.left_out == {"not of the even sample": 50}
    assert not table.widened
    few = importance([*planted(50), *filling[1:]], sampler="tpe", halves=0)["fanova"]
    assert (few.trials, few.widened) == (50 + EVEN_FROM - 1, True)


def test_more_trials_than_are_read_are_drawn_from() -> None:
    table = importance(planted(LARGEST + 50), halves=0)["mdi"]
    assert (table.trials, table.sampled) == (LARGEST + 50, LARGEST)


def test_few_trials_are_refused_then_flagged() -> None:
    refused = importance(planted(REFUSE_BELOW - 1))["fanova"]
    assert not refused.parameters
    assert f"{REFUSE_BELOW - 1} usable trials" in refused.refused
    few = importance(planted(FEW_BELOW - 1), halves=0)["fanova"]
    assert few.few
    assert few.parameters
    assert not importance(planted(FEW_BELOW), halves=0)["fanova"].few


def test_no_trials_equal_values_and_constant_parameters_are_refused_with_the_reason() -> None:
    assert importance([])["mdi"].refused.startswith("0 usable trials")
    flat = [TrialRecord("s", "a", i, "complete", 0.5, {"x": i}, {"x": i}) for i in range(12)]
    assert importance(flat)["mdi"].refused == "all trials reached the same value"
    constant = [TrialRecord("s", "a", i, "complete", i / 9, {"x": 1}, {"x": 1}) for i in range(12)]
    assert "more than one value" in importance(constant)["mdi"].refused


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


def test_halves_that_hold_one_value_of_the_only_common_parameter_are_no_end() -> None:
    # All else hangs on the optimizer, so a half of adam alone has nothing to split by.
    generator = random.Random(1)
    space = {
        "optimizer": SPACE["optimizer"],
        "momentum": SPACE["momentum"],
        "beta": {**SPACE["momentum"], "when": {"optimizer": ["adam"]}},
    }
    records = []
    for number in range(12):
        chosen = ("sgd", "momentum") if number < 2 else ("adam", "beta")
        params = {"optimizer": chosen[0], chosen[1]: generator.uniform(0.5, 1.0)}
        value = 0.6 - 0.2 * (number < 2) + 0.02 * generator.random()
        records.append(
            TrialRecord("s", "cnn", number, "complete", value, params, params, space=space)
        )
    tables = importance(records, sampler="random")
    assert by_name(tables["fanova"])["optimizer"].value == pytest.approx(1.0)
    # Those halves knew nothing of it, which the interval shows.
    assert by_name(tables["mdi"])["optimizer"].low < 0.5


def collapsed(n: int, living: int) -> list[TrialRecord]:
    """Trials of which all but a few ended at the rate of the most frequent class."""
    generator = random.Random(2)
    space = {name: {"type": "float", "low": 0.0, "high": 1.0} for name in ("a", "b")}
    records = []
    for number in range(n):
        share = 0.9 + 0.1 * generator.random() if number < living else 0.8 * generator.random()
        params = {"a": share, "b": generator.random()}
        value = 0.5 + 0.1 * params["b"] if number < living else 0.25
        records.append(
            TrialRecord("s", "cnn", number, "complete", value, params, params, space=space)
        )
    return records


def test_halves_in_which_all_reached_the_same_put_no_parameter_first() -> None:
    table = importance(collapsed(12, living=3), sampler="random")["fanova"]
    known = table.rank_correlation
    assert known is not None
    assert not math.isnan(known)
    # Three halves hold none of the three that learned, and counted as naming the first: 19 of 24.
    assert table.top_share == pytest.approx(16 / 24)


def test_without_a_best_tenth_pedanova_has_no_answer() -> None:
    tables = importance(collapsed(60, living=5), sampler="random")
    assert (
        "fewer than a tenth of the trials are better than the worst" in tables["pedanova"].refused
    )
    assert tables["fanova"].parameters[0].name == "a"
    enough = importance(collapsed(60, living=8), sampler="random")["pedanova"]
    assert not enough.refused
    assert not math.isnan(enough.rank_correlation or 0.0)


def test_of_trials_that_are_drawn_from_those_are_counted_that_were_read() -> None:
    records = [dataclasses.replace(r, state="pruned") for r in planted(LARGEST + 50)]
    table = importance(records, sampler="random", halves=0)["fanova"]
    assert (table.trials, table.sampled, table.pruned) == (LARGEST + 50, LARGEST, LARGEST)
    filled = [dataclasses.replace(r, origin="space-filling") for r in planted(LARGEST + 50)]
    assert importance(filled, halves=0)["fanova"].space_filling == LARGEST
