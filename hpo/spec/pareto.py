"""The Pareto front: the trials that no other one is better than in every objective."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from hpo.spec.objectives import Direction, direction_of
from hpo.spec.records import TrialRecord


def losses(values: Mapping[str, float]) -> tuple[float, ...]:
    """Return objectives in their order with their signs set so that less is better."""
    return tuple(-v if direction_of(m) == "maximize" else v for m, v in values.items())


def dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Tell whether ``one`` is at least as good in every objective, and better in one."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def non_dominated(
    points: Sequence[Sequence[float | None]], directions: Sequence[Direction]
) -> list[bool]:
    """Return for each point whether no other point dominates it.

    One point dominates another if it is at least as good in every objective and better in one
    (Pareto dominance; Deb, Pratap, Agarwal and Meyarivan, 2002, "A fast and elitist multiobjective
    genetic algorithm: NSGA-II", section III). Of equal points all are on the front or none. A point
    with a value that is missing, NaN or infinite dominates nothing and is not on the front.

    Args:
        points: one value per objective each; None or NaN where there is none.
        directions: ``"maximize"`` or ``"minimize"`` for each objective.

    Raises:
        ValueError: a point has another number of values than there are directions.
    """
    costs: dict[int, tuple[float, ...]] = {}
    for place, point in enumerate(points):
        if len(point) != len(directions):
            raise ValueError(f"{len(point)} values for {len(directions)} directions")
        known = [v for v in point if v is not None and math.isfinite(v)]
        if len(known) == len(directions):
            costs[place] = tuple(
                -v if direction == "maximize" else v
                for v, direction in zip(known, directions, strict=True)
            )
    front: list[tuple[float, ...]] = []
    on_front = [False] * len(points)
    # In ascending order no point dominates an earlier one, so the front so far is all to ask.
    for place in sorted(costs, key=lambda k: costs[k]):
        point = costs[place]
        if not any(dominates(other, point) for other in front):
            on_front[place] = True
            front.append(point)
    return on_front


def pareto_front(records: Iterable[TrialRecord]) -> set[tuple[str, int]]:
    """Return architecture and number of the trials on the front of a study, over all architectures.

    Of trials that keep the constraints; empty in a study of one objective. A repeat has the value
    of the trial that it repeats, and stands in its shadow.
    """
    found = [
        r
        for r in records
        if r.values and r.state == "complete" and r.feasible and r.repeats is None
    ]
    if not found:
        return set()
    points = [losses(r.values) for r in found]
    front = non_dominated(points, ["minimize"] * len(points[0]))
    return {
        (r.architecture, r.number) for r, on_front in zip(found, front, strict=True) if on_front
    }
