"""Best so far, whatever it cost, and its mean over orders against arithmetic."""

from __future__ import annotations

from itertools import permutations

import pytest

from hpo.evidence.anytime import Purchase, best_so_far, best_within, expected_best


def test_what_brought_nothing_costs_all_the_same() -> None:
    trials = [Purchase(3, None), Purchase(2, 0.4), Purchase(5, 0.3), Purchase(1, 0.6)]
    assert best_so_far(trials, "maximize") == [(5, 0.4, 1), (11, 0.6, 3)]
    assert best_so_far(trials, "minimize") == [(5, 0.4, 1), (10, 0.3, 2)]
    assert best_within(trials, 4.9, "maximize") is None
    assert best_within(trials, 10, "maximize") == (0.4, 1)


def test_a_budget_that_is_the_sum_of_costs_holds_them_all() -> None:
    trials = [Purchase(0.1, 0.1 * k) for k in range(10)]
    assert best_within(trials, 1.0, "maximize") == (pytest.approx(0.9), 9)


def test_the_mean_over_orders_is_that_over_all_permutations() -> None:
    trials = [Purchase(c, v) for c, v in ((1, 0.2), (2, 0.5), (1, None), (3, 0.9))]
    orders = [best_within(p, 5, "maximize") for p in permutations(trials)]
    (point,) = expected_best(trials, [5], "maximize", seed=1, orders=4000)
    assert all(orders)
    exact = sum(found[0] for found in orders if found) / len(orders)
    assert point.mean == pytest.approx(exact, abs=0.01)
    assert point.low <= point.mean <= point.high


def test_trials_with_a_place_stay_there_and_budgets_without_a_value_are_left_out() -> None:
    trials = [Purchase(1, 0.3, placed=True), *(Purchase(1, 0.1 * k) for k in range(4, 8))]
    curve = expected_best(trials, [0.5, 1, 5], "maximize", seed=1, orders=50)
    assert [(p.spent, p.mean) for p in curve] == [
        (1, pytest.approx(0.3)),
        (5, pytest.approx(0.7)),
    ]
