"""Paired comparisons against published intervals, by properties and by simulation."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.evidence.intervals import difference, wilson
from hpo.evidence.paired import Paired, mcnemar, pair, paired_difference

counts = st.builds(Paired, *[st.integers(0, 400)] * 4).filter(lambda c: c.n > 0)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        # Fagerland, Lydersen and Laake (2014), "Recommended tests and confidence intervals for
        # paired binomial proportions", Statistics in Medicine 33, airway hyper-responsiveness.
        (Paired(1, 1, 7, 12), -0.507, -0.026),
        # Altman, Machin, Bryant and Gardner (2000), "Statistics with confidence", table 6.2.
        (Paired(14, 5, 0, 22), 0.011, 0.226),
    ],
)
def test_method_10_gives_the_published_intervals(table: Paired, low: float, high: float) -> None:
    interval = paired_difference(table)
    assert (round(interval.low, 3), round(interval.high, 3)) == (low, high)
    assert interval.n == table.n


@given(counts)
def test_the_interval_contains_its_point_and_turns_with_the_two(table: Paired) -> None:
    interval = paired_difference(table)
    assert -1.0 <= interval.low <= interval.point <= interval.high <= 1.0
    turned = paired_difference(Paired(table.both, table.second, table.first, table.neither))
    assert (turned.low, turned.high) == pytest.approx((-interval.high, -interval.low))


def test_two_that_differ_on_no_image_still_have_a_width() -> None:
    interval = paired_difference(Paired(0, 0, 0, 50))
    assert interval.low < 0.0 < interval.high
    same = paired_difference(Paired(600, 0, 0, 400))
    assert same.low <= 0.0 <= same.high
    assert same.high - same.low < 0.01


def test_pairs_make_the_interval_narrower_than_independent_samples_would() -> None:
    table = Paired(520, 60, 40, 380)
    paired = paired_difference(table)
    apart = difference(wilson(0.58, 1000), wilson(0.56, 1000))
    assert paired.high - paired.low < 0.6 * (apart.high - apart.low)


@given(counts)
def test_mcnemar_is_the_exact_binomial_test(table: Paired) -> None:
    # The probability of every outcome that is as improbable as what was seen, or more.
    ways = [math.comb(table.first + table.second, k) for k in range(table.first + table.second + 1)]
    expected = Fraction(sum(w for w in ways if w <= ways[table.first]), sum(ways))
    assert mcnemar(table) == pytest.approx(float(expected), rel=1e-9)


def test_mcnemar_of_thousands_of_images_does_not_overflow() -> None:
    assert 0.0 < mcnemar(Paired(0, 1600, 1400, 0)) < 0.001


def test_images_are_counted_by_who_is_right() -> None:
    labels, first, second = [0, 0, 1, 1, 2], [0, 0, 1, 0, 1], [0, 1, 0, 1, 0]
    assert pair(labels, first, second) == Paired(both=1, first=2, second=1, neither=1)
    with pytest.raises(ValueError, match="5 labels, 4 and 5 predictions"):
        pair(labels, first[:4], second)


@pytest.mark.parametrize(
    ("n", "right", "differ", "gain"),
    [(70, 0.3, 0.2, 0.0), (350, 0.6, 0.1, 0.0), (140, 0.6, 0.3, 0.05)],
)
def test_it_covers_and_seldom_crowns_one_that_is_no_better(
    n: int, right: float, differ: float, gain: float
) -> None:
    generator = random.Random(n)
    shares = [right - differ / 2, (differ + gain) / 2, (differ - gain) / 2]
    weights = [*shares, 1 - sum(shares)]
    covered = above = 0
    for _ in range(400):
        drawn = generator.choices(range(4), weights, k=n)
        interval = paired_difference(Paired(*(drawn.count(kind) for kind in range(4))))
        covered += interval.low <= gain <= interval.high
        above += interval.low > 0
    # 95 % of 400 is 380; three standard deviations of the simulation below.
    assert covered >= 367
    if gain == 0.0:
        assert above <= 20  # nominal 2.5 %: 10, and three standard deviations
