"""The Pareto front: the trials that no other one is better than in every objective."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hpo.spec.objectives import direction_of
from hpo.spec.records import TrialRecord


def losses(values: Mapping[str, float]) -> tuple[float, ...]:
    """Return objectives in their order with their signs set so that less is better."""
    return tuple(-v if direction_of(m) == "maximize" else v for m, v in values.items())


def dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Tell whether ``one`` is at least as good in every objective, and better in one."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def pareto_front(records: Iterable[TrialRecord]) -> set[tuple[str, int]]:
    """Return architecture and number of the trials on the front of a study, over all architectures.

    Of trials that keep the constraints; empty in a study of one objective. A repeat has the value
    of the trial that it repeats, and stands in its shadow.
    """
    found = [
        (losses(r.values), (r.architecture, r.number))
        for r in records
        if r.values and r.state == "complete" and r.feasible and r.repeats is None
    ]
    return {key for one, key in found if not any(dominates(other, one) for other, _ in found)}
