"""The Pareto front against its definition."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.spec.objectives import Direction
from hpo.spec.pareto import non_dominated

VALUES = st.one_of(st.none(), st.integers(0, 5).map(float), st.just(math.nan))


@given(
    st.lists(st.tuples(VALUES, VALUES, VALUES), max_size=14),
    st.tuples(*[st.sampled_from(["maximize", "minimize"])] * 3),
)
def test_the_front_is_what_no_other_point_dominates(
    points: list[tuple[float | None, ...]], directions: tuple[Direction, ...]
) -> None:
    def better(point: tuple[float | None, ...]) -> list[float] | None:
        if any(v is None or math.isnan(v) for v in point):
            return None
        return [
            v if d == "maximize" else -v  # type: ignore[operator,misc]
            for v, d in zip(point, directions, strict=True)
        ]

    known = [better(point) for point in points]

    def dominated(one: list[float]) -> bool:
        return any(
            other is not None
            and other != one
            and all(o >= p for o, p in zip(other, one, strict=True))
            for other in known
        )

    expected = [one is not None and not dominated(one) for one in known]
    assert non_dominated(points, directions) == expected


def test_of_equal_points_all_are_on_the_front() -> None:
    assert non_dominated([(1, 2), (1, 2), (0, 2)], ("maximize", "minimize")) == [True, True, False]


def test_a_point_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="1 values for 2 directions"):
        non_dominated([(1.0,)], ("maximize", "minimize"))
