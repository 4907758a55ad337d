"""The analytic objective, which also leaves a record of where and when it ran, and on which GPU."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults import objective

TARGET = "tests.faults.recorded:train"


@dataclass(frozen=True)
class Span:
    """One attempt at a trial.

    Args:
        number: of the trial.
        node: the process id of the node that it ran on.
        gpu: what it saw in ``CUDA_VISIBLE_DEVICES``; None if that was not set.
        threads: that its job allowed.
        began: seconds since the epoch.
        ended: of its last sign of life.
    """

    number: int
    node: str
    gpu: str | None
    threads: int | None
    began: float
    ended: float

    def age(self) -> float:
        """Return the seconds since it began."""
        return time.time() - self.began


def train(
    report: Callable[[Any], None], should_stop: Callable[[], bool], job: dict[str, Any]
) -> dict[str, Any]:
    """Run the analytic objective; note the time after every epoch."""
    # <workspace>/mlruns/checkpoints/<study>/<label>/<number>; tidied up when a trial ends.
    folder = Path(job["output"]).parents[4] / "spans"
    folder.mkdir(exist_ok=True)
    number, began = int(Path(job["output"]).name), time.time()

    def note() -> None:
        span = Span(
            number,
            os.environ.get("RAY_RAYLET_PID", ""),
            os.environ.get("CUDA_VISIBLE_DEVICES"),
            job["threads"],
            began,
            time.time(),
        )
        # Whole or not there: tests read while trials run, and kill what writes.
        part = folder / f"{number}.part"
        part.write_text(json.dumps(span.__dict__))
        part.replace(folder / f"{number}.json")

    def noted(data: Any) -> None:
        report(data)
        note()

    note()
    result = objective.train(noted, should_stop, job)
    note()
    return result


def spans(home: Path) -> list[Span]:
    """Return what was recorded in a workspace, in the order of the trials' numbers."""
    found = [Span(**json.loads(f.read_text())) for f in (home / "spans").glob("*.json")]
    return sorted(found, key=lambda span: span.number)
