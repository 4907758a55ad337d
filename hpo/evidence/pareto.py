"""Which points of several objectives are not dominated: the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

Direction = Literal["maximize", "minimize"]


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
    better: dict[int, tuple[float, ...]] = {}
    for place, point in enumerate(points):
        if len(point) != len(directions):
            raise ValueError(f"{len(point)} values for {len(directions)} directions")
        known = [v for v in point if v is not None and math.isfinite(v)]
        if len(known) == len(directions):
            better[place] = tuple(
                v if direction == "maximize" else -v
                for v, direction in zip(known, directions, strict=True)
            )
    front: list[tuple[float, ...]] = []
    on_front = [False] * len(points)
    # In descending order no point dominates an earlier one, so the front so far is all to ask.
    for place in sorted(better, key=lambda k: better[k], reverse=True):
        point = better[place]
        if not any(
            other != point and all(o >= p for o, p in zip(other, point, strict=True))
            for other in front
        ):
            on_front[place] = True
            front.append(point)
    return on_front
