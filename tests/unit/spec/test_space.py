"""Ranges, steps, conditions and grids of single cases."""

from __future__ import annotations

import warnings
from typing import Any

import optuna
import pytest
from pydantic import ValidationError

from hpo.spec.errors import SpecError
from hpo.spec.space import FloatParameter, SearchSpace, describe

OPTIMIZER = {"type": "categorical", "choices": ["adam", "sgd"]}
MOMENTUM = {"type": "float", "low": 0.5, "high": 0.99, "when": {"optimizer": "sgd"}}


def space(**parameters: dict[str, Any]) -> SearchSpace:
    return SearchSpace.from_plain(parameters)


def test_children_come_after_their_parents_and_the_rest_as_written() -> None:
    last = {"type": "int", "low": 1, "high": 2}
    written = space(momentum=MOMENTUM, optimizer=OPTIMIZER, last=last)
    assert written.order() == ["optimizer", "momentum", "last"]


def test_a_condition_may_lean_on_what_is_fixed() -> None:
    trial = optuna.trial.FixedTrial({"momentum": 0.9})
    only = space(momentum=MOMENTUM)
    assert only.suggest(trial, fixed={"optimizer": "sgd"}) == {"momentum": 0.9}
    assert only.suggest(trial, fixed={"optimizer": "adam"}) == {}
    assert only.suggest(trial) == {}


def test_a_grandchild_of_an_inactive_parent_is_inactive() -> None:
    nested = space(
        optimizer=OPTIMIZER,
        nesterov={"type": "categorical", "choices": [True, False], "when": {"optimizer": "sgd"}},
        warmup={"type": "int", "low": 1, "high": 2, "when": {"nesterov": True}},
    )
    assert nested.active({"optimizer": "adam", "nesterov": True, "warmup": 1}) == ["optimizer"]
    assert nested.grid() == [
        {"optimizer": "adam"},
        {"optimizer": "sgd", "nesterov": True, "warmup": 1},
        {"optimizer": "sgd", "nesterov": True, "warmup": 2},
        {"optimizer": "sgd", "nesterov": False},
    ]
    assert nested.size() == 4


def test_true_is_not_one_but_one_is_one_point_zero() -> None:
    flags = space(flag={"type": "categorical", "choices": [True, 1, 2]}).parameters["flag"]
    assert flags.contains(1.0)
    with pytest.raises(ValidationError, match="stands twice"):
        space(flag={"type": "categorical", "choices": [1, 1.0]})


def test_steps_are_decimals_as_written() -> None:
    tenths = space(x={"type": "float", "low": 0.1, "high": 0.5, "step": 0.1}).parameters["x"]
    assert tenths.values() == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert tenths.contains(0.1 + 2 * 0.1)  # 0.30000000000000004
    assert not tenths.contains(0.35)
    assert tenths.nearest(0.34) == 0.3
    assert tenths.nearest(7) == 0.5


@pytest.mark.parametrize(
    "parameter",
    [
        {"type": "int", "low": 1, "high": 10, "step": 4},
        {"type": "float", "low": 0.0, "high": 1.0, "step": 0.3},
        {"type": "float", "low": 0.1, "high": 0.55, "step": 0.1},
    ],
)
def test_optuna_takes_a_range_that_is_no_whole_number_of_steps_without_a_word(
    parameter: dict[str, Any],
) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    ragged = space(x=parameter)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen = {ragged.suggest(study.ask())["x"] for _ in range(60)}
    # Sixty draws of at most five values miss none of them (chance of a miss under 1e-5).
    assert sorted(seen) == pytest.approx(ragged.parameters["x"].values())


def test_an_int_range_of_billions_is_neither_listed_nor_walked() -> None:
    seeds = space(seed={"type": "int", "low": 0, "high": 2**31})
    assert seeds.size() is None
    assert seeds.parameters["seed"].contains(2**30)
    with pytest.raises(SpecError, match="more than 100,000 configurations"):
        seeds.grid()


def test_a_conditional_grid_is_counted_without_what_never_meets() -> None:
    branches: dict[str, dict[str, Any]] = {
        "optimizer": {"type": "categorical", "choices": [f"o{i}" for i in range(8)]}
    }
    for branch in range(8):
        for parameter in ("a", "b"):
            branches[f"{parameter}{branch}"] = {
                "type": "int", "low": 1, "high": 5, "when": {"optimizer": f"o{branch}"},
            }  # fmt: skip
    # The product of all ranges is 8 · 5¹⁶; only 8 · 5² configurations exist.
    assert space(**branches).size() == 200
    assert len(space(**branches).grid()) == 200


def test_what_is_fixed_does_not_count() -> None:
    both = space(optimizer=OPTIMIZER, n={"type": "int", "low": 1, "high": 3})
    assert both.size() == 6
    assert both.size({"n": 2}) == 2
    assert len(both.grid({"n": 2})) == 2


def test_a_float_without_steps_has_no_grid() -> None:
    rate = {"type": "float", "low": 1e-5, "high": 1e-2, "log": True}
    assert space(rate=rate).size() is None
    with pytest.raises(SpecError, match="'rate' is a float without one"):
        space(rate=rate).grid()
    assert space(rate={**rate, "log": False, "step": 1e-5}).grid_size() == 1000


def test_a_grid_too_large_to_list_is_refused_wherever_it_is_asked_for() -> None:
    numbers = {f"n{k}": {"type": "int", "low": 1, "high": 100} for k in range(3)}
    for ask in (space(**numbers).grid, space(**numbers).grid_size):
        with pytest.raises(SpecError, match="more than 100,000 configurations"):
            ask()


def test_a_step_as_wide_as_the_range_is_two_values_whatever_floats_say() -> None:
    # 0.3 - 0.1 is a little less than 0.2.
    ends = space(x={"type": "float", "low": 0.1, "high": 0.3, "step": 0.2}).parameters["x"]
    assert ends.values() == [0.1, 0.3]


@pytest.mark.parametrize("value", [True, "1", None, 1.5, float("nan"), float("inf"), 0, 10])
def test_an_int_range_contains_whole_numbers_of_it_alone(value: Any) -> None:
    assert (
        not space(n={"type": "int", "low": 1, "high": 9, "step": 2}).parameters["n"].contains(value)
    )


def test_whole_floats_and_steps_count_as_ints() -> None:
    odd = space(n={"type": "int", "low": 1, "high": 9, "step": 2}).parameters["n"]
    assert odd.contains(3.0)
    assert not odd.contains(4)
    assert odd.nearest(8.2) == 9
    assert odd.nearest(-5) == 1
    assert odd.nearest("x") is None


def test_checking_names_the_parameter_its_range_and_the_place() -> None:
    with pytest.raises(SpecError, match=r"study.yaml:9: 'n' lies outside .* int 1 to 3; got 7"):
        space(n={"type": "int", "low": 1, "high": 3}).check({"n": 7, "other": 1}, "study.yaml:9")


def test_a_foreign_configuration_is_clamped_and_what_cannot_be_said_is_kept() -> None:
    mine = space(
        rate={"type": "float", "low": 1e-5, "high": 1e-3, "log": True}, optimizer=OPTIMIZER
    )
    inside, outside, notes = mine.fit({"rate": 0.1, "optimizer": "rmsprop", "depth": 3})
    assert inside == {"rate": 1e-3}
    assert outside == {"optimizer": "rmsprop", "depth": 3}
    assert notes == [
        "rate 0.1 → 0.001, the space's nearest",
        "optimizer 'rmsprop' is not among the space's choices; used all the same",
    ]


def test_differences_name_what_changed_in_words() -> None:
    one = space(rate={"type": "float", "low": 1e-5, "high": 1e-2, "log": True}, optimizer=OPTIMIZER)
    two = space(rate={"type": "float", "low": 1e-5, "high": 1e-3, "log": True})
    assert one.differences(two) == [
        "rate: float 1e-05 to 0.01, log, there float 1e-05 to 0.001, log",
        "optimizer: one of adam, sgd, there absent",
    ]


def test_descriptions_say_steps_and_conditions() -> None:
    stepped = space(
        optimizer=OPTIMIZER,
        n={"type": "int", "low": 2, "high": 8, "step": 2, "when": {"optimizer": ["adam", "sgd"]}},
    )
    assert describe(stepped.parameters["n"]) == (
        "int 2 to 8, step 2, when optimizer is adam or sgd"
    )


def test_a_choice_is_described_as_a_study_file_has_it() -> None:
    flags = space(weights={"type": "categorical", "choices": [True, False, None, 2]})
    assert describe(flags.parameters["weights"]) == "one of true, false, null, 2"


def test_steps_far_from_zero_hold_their_own_values() -> None:
    stepped = FloatParameter(low=524288.0, high=524288.0078125, step=0.004)
    assert all(stepped.contains(value) for value in stepped.values() or [])
    assert stepped.contains(524288.0 + 1 * 0.004), "as a sampler reaches it"
    assert not stepped.contains(524288.002)
    with pytest.raises(ValueError, match="too fine"):
        FloatParameter(low=1e15, high=1e15 + 8, step=0.5)


def test_a_stepped_range_holds_nothing_beyond_its_last_step() -> None:
    stepped = FloatParameter(low=0.0, high=1.0, step=0.3)
    assert [stepped.contains(v) for v in (0.9, 1.0, 1.2, float("nan"), float("inf"))] == [
        True, False, False, False, False,
    ]  # fmt: skip
