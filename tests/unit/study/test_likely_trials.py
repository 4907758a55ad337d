from __future__ import annotations

from typing import Any, cast

import pytest

from hpo.study.parts import PlannedArchitecture
from hpo.study.planned import Plan
from tests.unit.search.analytic import make_spec


def likely(
    done: int = 0,
    workers: int = 1,
    launcher: Any = "local",
    spent: tuple[float, float] = (0.0, 0.0),
    **budget: Any,
) -> int:
    """How many trials of 3 epochs and 600 seconds a study of this budget may come to."""
    spec = make_spec(1, budget=budget, workers=workers, launcher=launcher)
    part = PlannedArchitecture(
        "cnn", spec.architectures["cnn"], cast("Any", None), None, [], seconds_per_trial=600.0
    )
    filled = {"cnn": frozenset(range(done))}
    plan = Plan(spec, {"cnn": part}, cast("Any", None), [], "", filled, {"cnn": spent})
    return plan.likely_of("cnn")


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        ({"trials": 5}, 5),
        ({"trials": 5, "done": 2}, 3),
        ({"epochs": 14}, 4),
        ({"epochs": 14, "done": 3}, 1),
        ({"trials": 2, "epochs": 14}, 2),
        ({"hours": 1.0}, 6),
        ({"hours": 1.0, "workers": 2}, 12),
        ({"device_hours": 1.0, "workers": 2}, 6),
        ({"hours": 1.0, "launcher": {"name": "ray", "workers": 3}}, 18),
        ({"hours": 1.0, "spent": (1800.0, 3500.0), "workers": 2}, 6),
        ({"device_hours": 1.0, "spent": (1800.0, 3500.0), "workers": 2}, 1),
        ({"hours": 1.0, "spent": (3700.0, 3700.0)}, 0),
    ],
)
def test_the_limit_that_is_reached_first_tells_how_many_trials_to_expect(
    budget: dict[str, Any], expected: int
) -> None:
    assert likely(**budget) == expected
