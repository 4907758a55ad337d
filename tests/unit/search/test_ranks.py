"""Rank correlations against scipy's, and the correction for selection against a simulation."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.search.ranks import agreement, is_low, ranks, spearman, unrestricted

FEW = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=9)


@given(values=FEW)
def test_ranks_are_scipys(values: list[float]) -> None:
    from scipy.stats import rankdata

    assert ranks(values) == rankdata(values).tolist()


@given(pairs=st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=2, max_size=9))
def test_the_correlation_is_scipys(pairs: list[tuple[int, int]]) -> None:
    from scipy.stats import spearmanr

    one, other = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    found = spearman(one, other)
    if len(set(one)) < 2 or len(set(other)) < 2:
        assert found is None
        return
    assert found == pytest.approx(spearmanr(one, other).statistic)


def test_one_value_or_none_says_nothing() -> None:
    assert spearman([1.0], [2.0]) is None
    assert spearman([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]) is None
    known = agreement(1, 3, [0.1, 0.2], [(1, 0.5)])
    assert (known.pairs, known.measured, known.corrected) == (1, None, None)
    assert not is_low(known, 0.5)


def test_all_pairs_need_no_correction() -> None:
    found = agreement(1, 3, [1.0, 2.0, 3.0, 4.0], [(0, 1.0), (1, 3.0), (2, 2.0), (3, 4.0)])
    assert found.measured == pytest.approx(0.8)
    assert found.corrected == pytest.approx(0.8, abs=0.05)
    assert unrestricted(0.3, 1.0) == pytest.approx(0.3)


def test_the_correction_undoes_what_selecting_the_best_third_does() -> None:
    dice = random.Random(1)
    true, n = 0.8, 30_000
    lower = [dice.gauss(0, 1) for _ in range(n)]
    upper = [true * x + (1 - true**2) ** 0.5 * dice.gauss(0, 1) for x in lower]
    best = sorted(range(n), key=lambda i: -lower[i])[: n // 3]
    found = agreement(1, 3, lower, [(i, upper[i]) for i in best])
    whole = spearman(lower, upper)
    assert found.measured is not None
    assert found.corrected is not None
    assert whole is not None
    assert found.measured < 0.65, "the best third alone look hardly related"
    assert abs(found.corrected - whole) < 0.03


def test_low_needs_five_pairs() -> None:
    down = [(i, -float(i)) for i in range(5)]
    assert is_low(agreement(1, 3, [0.0, 1.0, 2.0, 3.0, 4.0], down), 0.5)
    assert not is_low(agreement(1, 3, [0.0, 1.0, 2.0, 3.0], down[:4]), 0.5)
