"""Intervals against published values and by simulation."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.evidence.intervals import (
    against_rate,
    bootstrap,
    difference,
    majority_rate,
    percentile_interval,
    wilson,
)


def test_wilson_gives_the_published_interval() -> None:
    # Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I,
    # method 3: 81 of 263 gives 0.2553 to 0.3662.
    interval = wilson(81 / 263, 263)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)


def test_wilson_at_the_ends_stays_in_the_unit_interval_and_has_width() -> None:
    assert wilson(0.0, 20).low == 0.0
    assert 0.1 < wilson(0.0, 20).high < 0.2  # published: 0.1611
    assert wilson(1.0, 20).high == 1.0


@given(st.integers(1, 5000), st.data())
def test_wilson_contains_its_point(n: int, data: st.DataObject) -> None:
    p = data.draw(st.integers(0, n)) / n
    interval = wilson(p, n)
    assert 0.0 <= interval.low <= p <= interval.high <= 1.0


@pytest.mark.parametrize(("p", "n", "level"), [(-0.1, 5, 0.9), (0.5, 0, 0.9), (0.5, 5, 1.0)])
def test_wilson_refuses_what_has_no_interval(p: float, n: int, level: float) -> None:
    with pytest.raises(ValueError, match="no interval"):
        wilson(p, n, level)


def test_difference_gives_the_published_interval() -> None:
    # Newcombe (1998), "Interval estimation for the difference", table II, contrast (a):
    # 56/70 - 48/80, method 10 gives 0.0524 to 0.3339.
    interval = difference(wilson(56 / 70, 70), wilson(48 / 80, 80))
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.0524, 0.3339)
    assert interval.n == 70


def test_difference_of_unequal_levels_is_refused() -> None:
    with pytest.raises(ValueError, match="levels differ"):
        difference(wilson(0.5, 10, 0.9), wilson(0.5, 10, 0.95))


def test_an_interval_is_placed_against_the_majority_rate() -> None:
    rate = majority_rate([467, 56, 496, 895, 607, 653, 415])
    assert rate is not None
    assert math.isclose(rate, 895 / 3589)
    assert against_rate(wilson(0.25, 3589), rate) == "contains"
    assert against_rate(wilson(0.40, 3589), rate) == "above"
    assert against_rate(wilson(0.10, 3589), rate) == "below"
    assert majority_rate([]) is None
    assert majority_rate([0, 0]) is None


def test_bootstrap_repeats_with_its_seed_and_narrows_with_n() -> None:
    def mean(values: object) -> float:
        return sum(values) / len(values)  # type: ignore[arg-type,call-overload,no-any-return]

    values = [random.Random(3).gauss(0, 1) for _ in range(20)]
    generator = random.Random(4)
    few = [generator.gauss(0, 1) for _ in range(20)]
    many = [generator.gauss(0, 1) for _ in range(500)]
    assert bootstrap(values, mean, seed=1) == bootstrap(values, mean, seed=1)
    wide, narrow = bootstrap(few, mean, seed=1), bootstrap(many, mean, seed=1)
    # The width goes with 1/sqrt(n): a factor of 5; half of it leaves room for chance.
    assert wide.high - wide.low > 2.5 * (narrow.high - narrow.low)
    with pytest.raises(ValueError, match="without values"):
        bootstrap([], mean, seed=1)


def test_percentile_interval_interpolates_and_survives_no_samples() -> None:
    interval = percentile_interval(0.5, [0.0, 1.0], 0.9, 7)
    assert (interval.low, interval.high) == pytest.approx((0.05, 0.95))
    empty = percentile_interval(0.5, [], 0.9, 7)
    assert (empty.low, empty.high, empty.n) == (0.5, 0.5, 7)
