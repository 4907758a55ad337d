"""The evaluators against Optuna's, and against shares that can be worked out by hand."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator
from sklearn.ensemble import RandomForestRegressor

from hpo.evidence.chance import CARRIED_ON, chance_level, half_interval, rank_correlation
from hpo.evidence.divergence import Grids
from hpo.evidence.evaluators import Problem
from hpo.evidence.forests import Boxes, encode, grow, impurity
from hpo.evidence.optuna_study import Observation, place_among

MIXED: dict[str, Any] = {
    "c": CategoricalDistribution(("a", "b", "c")),
    "k": IntDistribution(1, 5),
    "rate": FloatDistribution(1e-4, 1e-1, log=True),
    "m": FloatDistribution(0.0, 1.0),
}


def trials(n: int, domains: dict[str, Any], value: Any) -> list[Observation]:
    generator = random.Random(n)
    found = []
    for _ in range(n):
        params: dict[str, Any] = {}
        for name, domain in domains.items():
            if isinstance(domain, CategoricalDistribution):
                params[name] = generator.choice(domain.choices)
            elif isinstance(domain, IntDistribution):
                params[name] = generator.randint(domain.low, domain.high)
            elif domain.log:
                low, high = math.log10(domain.low), math.log10(domain.high)
                params[name] = 10 ** generator.uniform(low, high)
            else:
                params[name] = generator.uniform(domain.low, domain.high)
        found.append(Observation(value(params), params))
    return found


def study_of(chosen: list[Observation], domains: dict[str, Any]) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize")
    for o in chosen:
        own = {name: domains[name] for name in o.params}
        study.add_trial(optuna.create_trial(value=o.value, params=o.params, distributions=own))
    return study


def test_the_same_forest_has_the_same_shares_as_by_optuna() -> None:
    domains = {f"x{i}": FloatDistribution(0.0, 1.0) for i in range(3)}
    chosen = trials(30, domains, lambda p: math.sin(6 * p["x0"]) + p["x1"] * p["x2"])
    x, y, encoding = encode(chosen, domains, domains)
    forest = RandomForestRegressor(n_estimators=4, max_depth=64, random_state=1).fit(x, y)
    trees = [estimator.tree_ for estimator in forest.estimators_]
    theirs = FanovaImportanceEvaluator(n_trees=4, max_depth=64, seed=1).evaluate(
        study_of(chosen, domains), params=list(domains)
    )
    ours = dict(zip(domains, Boxes(trees, encoding).shares(), strict=True))
    assert ours == pytest.approx(theirs)
    assert impurity(trees, encoding) == pytest.approx(forest.feature_importances_)


def test_divergences_are_those_of_optuna_with_choices_and_conditions() -> None:
    chosen = trials(60, MIXED, lambda p: p["k"] + (p["c"] == "b") + p["m"] * (p["c"] == "a"))
    chosen = [
        Observation(
            o.value, {k: v for k, v in o.params.items() if k != "m" or o.params["c"] == "a"}
        )
        for o in chosen
    ]
    theirs = PedAnovaImportanceEvaluator().evaluate(study_of(chosen, MIXED), params=list(MIXED))
    ours = Grids(chosen, MIXED, list(MIXED), maximize=True).divergences(np.arange(len(chosen)))
    wanted = np.array([theirs[name] for name in MIXED])
    assert ours / ours.sum() == pytest.approx(wanted / wanted.sum())


def test_choices_and_whole_numbers_weigh_alike() -> None:
    # y is 1 for choice a, else 0, and one more for k = 1: variances 2/9 and 4/25 of 86/225.
    domains = {"c": MIXED["c"], "k": MIXED["k"]}
    every = [
        Observation(float(c == "a") + float(k == 1), {"c": c, "k": k})
        for c in ("a", "b", "c")
        for k in range(1, 6)
    ]
    x, y, encoding = encode(every * 20, domains, domains)
    boxes = Boxes(grow(x, y, 3, np.random.default_rng(0))[0], encoding)
    assert boxes.shares() == pytest.approx([(2 / 9) / (86 / 225), (4 / 25) / (86 / 225)], abs=1e-6)
    assert boxes.pair(0, 1) == pytest.approx(0.0, abs=1e-6)


def test_a_product_of_signs_is_all_interaction() -> None:
    domains = {name: FloatDistribution(-1.0, 1.0) for name in ("a", "b")}
    grid = [k / 10 + 0.05 for k in range(-10, 10)]
    every = [Observation(math.copysign(1.0, a * b), {"a": a, "b": b}) for a in grid for b in grid]
    x, y, encoding = encode(every, domains, domains)
    boxes = Boxes(grow(x, y, 4, np.random.default_rng(1))[0], encoding)
    assert boxes.pair(0, 1) > 0.95
    assert boxes.shares().max() < 0.05


def test_shuffled_copies_of_a_living_parameter_are_far_below_it() -> None:
    domains = {name: FloatDistribution(0.0, 1.0) for name in ("alive", "dead")}
    chosen = trials(60, domains, lambda p: p["alive"])
    problem = Problem(chosen, domains, list(domains), maximize=True)
    real, copies = problem.beside_shuffled(np.random.default_rng(2))
    assert real.shape == copies.shape == (2, 2)
    assert (real[:, 0] > 0.8).all()
    assert (copies < 0.1).all()


def test_true_and_one_are_two_choices() -> None:
    assert place_among((1, True), True) == 1
    assert place_among((1, True), 1) == 0
    assert place_among((1.0, "x"), 1) == 0


def test_an_interval_spreads_with_the_halves_and_is_carried_on_where_they_point() -> None:
    steady = half_interval(0.5, [0.4, 0.6], 0.9, 100)
    deviation = math.sqrt(0.02)
    assert steady.low == pytest.approx(0.5 - 1.6449 * deviation, abs=1e-4)
    assert steady.high == pytest.approx(0.5 + 1.6449 * deviation, abs=1e-4)
    # The halves lie below the whole, so more trials would lead further up.
    rising = half_interval(0.5, [0.4, 0.4], 0.9, 100)
    assert (rising.low, rising.high) == pytest.approx((0.5, 0.5 + CARRIED_ON * 0.1))
    falling = half_interval(0.05, [0.1, 0.1], 0.9, 100)
    assert (falling.low, falling.high) == (0.0, 0.05)
    wide = half_interval(0.5, [0.4, 0.6], 0.9, 100, widening=2.0)
    assert wide.low == pytest.approx(0.5 - 2 * (0.5 - steady.low))
    assert half_interval(0.5, [], 0.9, 100).low == 0.5
    beyond = half_interval(0.5, [0.4, 0.6], 0.9, 100, margin=0.02)
    assert (beyond.low, beyond.high) == pytest.approx((steady.low - 0.02, steady.high + 0.02))
    assert half_interval(0.01, [0.01, 0.01], 0.9, 100, margin=0.02).low == 0.0


def test_the_level_of_chance_lies_above_nearly_all_shuffles() -> None:
    shuffled = np.array([[0.1, 0.0], [0.2, 0.0], [0.3, 0.9]])
    level = chance_level(shuffled)
    assert level[0] == pytest.approx(0.2 + 3 * 0.1)
    assert level[1] > 0.9
    assert rank_correlation(np.array([3, 2, 1]), np.array([[3, 2, 1], [1, 2, 3]])) == 0.0


def test_among_all_parameters_the_level_lies_above_the_farthest_copy_of_any() -> None:
    shuffled = np.full((50, 3), 0.1) + np.linspace(-0.01, 0.01, 50)[:, None]
    shuffled[7, 1] += 0.9
    shuffled[:, 2] = np.nan
    alone, among = chance_level(shuffled), chance_level(shuffled, among_all=True)
    deviation = shuffled[:, 0].std(ddof=1)
    assert alone[0] == pytest.approx(0.1 + 3 * deviation)
    # The one copy that strays says how far chance reaches, in any parameter's own deviations.
    far = (shuffled[7, 1] - shuffled[:, 1].mean()) / shuffled[:, 1].std(ddof=1)
    assert far > 3
    assert among[0] == pytest.approx(0.1 + far * deviation)
    assert np.isnan(among[2])
