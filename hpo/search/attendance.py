"""How long a worker has had its database's answers without a break.

While nobody could reach the database, nobody could give signs of life, and whoever is back first
would take all others for dead. What is stored cannot tell such an outage from dead workers; only
whoever was there all the time knows that the others could have spoken.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable


def seconds_since_boot() -> float:
    """Return seconds that only grow, a suspended machine's too: all its workers slept with it."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Attendance:
    """Takes note of answers, and of those that did not come; may be called from any thread.

    Args:
        longest_pause: seconds between two answers in which an outage may go unnoticed without
            harm, since others give signs of life again before their leases run out.
        clock: seconds that only grow.
    """

    def __init__(
        self, longest_pause: float, clock: Callable[[], float] = seconds_since_boot
    ) -> None:
        self._longest_pause = longest_pause
        self._clock = clock
        self._lock = threading.Lock()
        self._first = 0.0
        self._last: float | None = None

    def saw(self, *, answered: bool) -> None:
        """Take note of whether the database answered."""
        with self._lock:
            now = self._clock()
            if not answered:
                self._last = None
                return
            if self._last is None or now - self._last > self._longest_pause:
                self._first = now
            self._last = now

    def seconds(self) -> float:
        """Return for how long it has answered without a break; 0 if it did not when last asked."""
        with self._lock:
            now = self._clock()
            if self._last is None or now - self._last > self._longest_pause:
                return 0.0
            return now - self._first
