"""An architecture of the user's own that is never built: the analytic objective takes its place."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class Parameters(BaseModel):
    """What ``tests.faults.objective`` reads, beside training's own."""

    layers: int = 1
    pause: float = 0.01


def build(params: Any, input_shape: tuple[int, int, int], classes: int) -> Any:
    raise AssertionError("the objective is analytic")
