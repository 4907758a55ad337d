"""Which runs in MLflow mirror a worker's trials, stored as soon as MLflow has named them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hpo.execution.lanes import Lane

if TYPE_CHECKING:
    from hpo.tracking.mirror import Mirror

_LOOK_AGAIN_SECONDS = 0.5


class RunIds:
    """Asks a mirror for the runs of trials that have none yet.

    Args:
        mirror: shows the study to people.
    """

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._look_at = 0.0

    def store(
        self, lanes: Iterable[Lane], *, now: bool = False, patience_seconds: float = 0.0
    ) -> None:
        """Store which runs mirror the trials of these lanes, as far as MLflow has named them.

        Args:
            lanes: those whose ``nameless`` trials are looked at.
            now: whether to look though it was done a moment ago.
            patience_seconds: how long to wait, over all trials.
        """
        if not now and time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_AGAIN_SECONDS
        until = time.monotonic() + patience_seconds
        for lane in lanes:
            for number in sorted(lane.nameless):
                patience = max(0.0, until - time.monotonic())
                run_id = self._mirror.run_id(lane.label, number, timeout_seconds=patience)
                if run_id:
                    lane.nameless.discard(number)
                    lane.engine.set_run_id(number, run_id)
