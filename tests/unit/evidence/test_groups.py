"""Groups of trials against planted truths: equal ones are told apart no more often than said."""

from __future__ import annotations

import random

import numpy as np
import pytest

from hpo.evidence.groups import between_share, shuffled_share


def test_equal_groups_are_set_apart_by_chance_no_more_often_than_the_share_says() -> None:
    generator = random.Random(1)
    told = 0
    for seed in range(200):
        values = [
            [generator.gauss(0.5, 0.1) if generator.random() > 0.2 else None for _ in range(6)]
            for _ in range(2)
        ]
        if any(all(v is None for v in group) for group in values):
            continue
        told += shuffled_share(*values, "maximize", seed=seed) <= 0.05
    assert told / 200 <= 0.07


def test_groups_that_do_not_overlap_are_told_apart_as_soon_as_there_are_enough() -> None:
    low, high = [0.1, 0.2, 0.15, 0.12], [0.5, 0.4, 0.45, 0.6]
    # Two of the 70 ways to divide eight trials set them as far apart.
    assert shuffled_share(low, high, "maximize", seed=1) == pytest.approx(2 / 70)
    assert shuffled_share(low, high, "minimize", seed=1) == pytest.approx(2 / 70)
    assert shuffled_share(low[:2], high[:2], "maximize", seed=1) == pytest.approx(2 / 6)


def test_many_trials_are_shuffled_by_chance_and_never_give_nought() -> None:
    low, high = [0.1 + 0.001 * k for k in range(40)], [0.5 + 0.001 * k for k in range(40)]
    assert shuffled_share(low, high, "maximize", seed=1, shuffles=99) == pytest.approx(0.01)


def test_a_group_without_any_value_is_refused() -> None:
    with pytest.raises(ValueError, match="without any value"):
        shuffled_share([None], [0.5], "maximize", seed=1)


def test_the_share_between_groups_is_found_where_it_was_planted() -> None:
    generator = np.random.default_rng(0)
    found = [
        between_share(
            [generator.normal(mean, 1.0, 20).tolist() for mean in (0.0, 1.0, 2.0)],
            seed=k,
            resamples=300,
        )
        for k in range(60)
    ]
    # The variance of the means 0, 1 and 2 is 1, that within the groups is 1.
    assert np.mean([f.point for f in found if f]) == pytest.approx(0.5, abs=0.04)
    assert np.mean([f.low <= 0.5 <= f.high for f in found if f]) >= 0.8


def test_equal_groups_have_no_share_between_them() -> None:
    generator = np.random.default_rng(0)
    lows = []
    for k in range(60):
        found = between_share(
            [generator.normal(0, 1, 12).tolist() for _ in range(3)], seed=k, resamples=200
        )
        assert found is not None
        lows.append(found.low)
    assert np.mean([low == 0 for low in lows]) >= 0.9


@pytest.mark.parametrize("groups", [[[1.0] * 5], [[1.0] * 5, [2.0] * 3], [[1.0] * 5] * 2])
def test_no_share_is_given_of_too_little(groups: list[list[float]]) -> None:
    assert between_share(groups, seed=1) is None
