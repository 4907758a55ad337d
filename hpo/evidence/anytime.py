"""What a search had found when it had spent so much: best so far, and its mean over orders."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hpo.evidence.intervals import percentile_interval

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Purchase:
    """One trial as something that was paid for.

    Args:
        cost: what it took, in any unit, at least 0.
        value: what it brought; None if nothing, as of a failed, pruned or lost trial.
        placed: it was to come at its place, so no other order puts it elsewhere.
    """

    cost: float
    value: float | None
    placed: bool = False


@dataclass(frozen=True)
class ExpectedBest:
    """The best so far at one budget, over random orders of the trials.

    Args:
        spent: the budget.
        mean: mean of the best so far.
        low, high: the interval that holds the middle nine tenths of the orders.
    """

    spent: float
    mean: float
    low: float
    high: float


def best_so_far(
    purchases: Sequence[Purchase], direction: Direction
) -> list[tuple[float, float, int]]:
    """Return ``(spent, best value, its place)`` wherever the best improved.

    A value is there when its trial has ended, so ``spent`` holds that trial and all before it, also
    those that brought nothing.
    """
    steps: list[tuple[float, float, int]] = []
    spent = 0.0
    for place, purchase in enumerate(purchases):
        spent += purchase.cost
        value = purchase.value
        if value is not None and (not steps or _better(value, steps[-1][1], direction)):
            steps.append((spent, value, place))
    return steps


def best_within(
    purchases: Sequence[Purchase], budget: float, direction: Direction
) -> tuple[float, int] | None:
    """Return the best value that ``budget`` bought and its place; None if it bought none."""
    step = _at(best_so_far(purchases, direction), budget)
    return (step[1], step[2]) if step is not None else None


def _at(
    steps: Sequence[tuple[float, float, int]], budget: float
) -> tuple[float, float, int] | None:
    """Return the last step within a budget."""
    # What was spent is a sum of floats, and the budget may be such a sum in another order.
    place = bisect_right(steps, budget + 1e-9 * max(1.0, budget), key=lambda step: step[0])
    return steps[place - 1] if place else None


def expected_best(
    purchases: Sequence[Purchase],
    budgets: Sequence[float],
    direction: Direction,
    *,
    seed: int,
    orders: int = 300,
) -> list[ExpectedBest]:
    """Return the best so far at each budget over random orders of the trials.

    For trials whose order is chance, such as random search's, one curve is one draw of many: the
    mean over orders is what another run of the same search would show (Dodge, Gururangan, Card,
    Schwartz and Smith, 2019, "Show your work", section 3; orders without replacement, as Tang et
    al., 2020, "Showing your work doesn't always work", section 3, ask for). It says nothing about
    samplers that learn from earlier trials. Towards the whole budget all orders agree, because they
    share their trials: the narrowing there is no certainty.

    Budgets at which some order has no value yet are left out.

    Args:
        purchases: the trials in their order; those ``placed`` stay where they are.
        budgets: in the unit of the costs.
        direction: of the values.
        seed: seeds the orders.
        orders: how many are drawn.
    """
    generator = random.Random(seed)
    loose = [k for k, purchase in enumerate(purchases) if not purchase.placed]
    found: list[list[float]] = [[] for _ in budgets]
    for _ in range(orders):
        drawn = list(purchases)
        for place, source in zip(loose, generator.sample(loose, len(loose)), strict=True):
            drawn[place] = purchases[source]
        steps = best_so_far(drawn, direction)
        for k, budget in enumerate(budgets):
            best = _at(steps, budget)
            if best is not None:
                found[k].append(best[1])
    curve = []
    for budget, values in zip(budgets, found, strict=True):
        if len(values) == orders:
            mean = sum(values) / orders
            interval = percentile_interval(mean, values, 0.9, orders)
            curve.append(ExpectedBest(budget, mean, interval.low, interval.high))
    return curve


def _better(value: float, than: float, direction: Direction) -> bool:
    return value > than if direction == "maximize" else value < than
