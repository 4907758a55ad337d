"""Write behind: one thread writes to MLflow while training goes on.

``submit`` returns in microseconds and never raises. A write that fails for a passing reason is
tried again, longer apart each time; one that fails for good becomes a line in ``problems``, and
the next write goes on. A tracking server that went away costs a study its mirror, never a trial.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

Action = Callable[[], None]

ATTEMPTS = 5
FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 5.0
# After this many writes in a row were given up, later ones get one attempt each: a server that is
# down would otherwise hold up the end of the study for seconds per write.
BROKEN_AFTER = 3
KEPT_PROBLEMS = 20


class WriteBehind:
    """A queue of writes and the one thread that does them, in order.

    Args:
        name: of the thread.
        passing: says whether an error may pass if the write is tried again.
        wait: sleeps for so many seconds between attempts; returns early when told to hurry.
    """

    def __init__(
        self,
        name: str,
        passing: Callable[[Exception], bool] = lambda error: True,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._queue: queue.SimpleQueue[tuple[str, Action, Action | None] | None] = (
            queue.SimpleQueue()
        )
        self._passing = passing
        self._wait = wait
        self._problems: list[str] = []
        self._given_up = 0
        self._broken = 0
        self._waiting = 0
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def problems(self) -> list[str]:
        """What could not be written, one line each; the last says how many more there were."""
        with self._lock:
            lines = list(self._problems)
            more = self._given_up - len(lines)
        return [*lines, f"and {more} more"] if more > 0 else lines

    @property
    def waiting(self) -> int:
        """Number of writes not yet done, the one in hand included."""
        return self._waiting

    def submit(self, label: str, action: Action, give_up: Action | None = None) -> None:
        """Queue a write; after ``close`` it is noted as a problem instead.

        Args:
            label: what it writes, for ``problems``.
            action: does it; called on the writer's thread, again if it fails.
            give_up: called once if it is not tried again; must not raise.
        """
        with self._lock:
            if not self._closed:
                self._waiting += 1
                self._queue.put((label, action, give_up))
                return
        self.note(label, "came after the mirror was closed")
        if give_up is not None:
            give_up()

    def note(self, label: str, reason: object) -> None:
        """Record a problem."""
        with self._lock:
            self._given_up += 1
            if len(self._problems) < KEPT_PROBLEMS:
                self._problems.append(f"{label}: {reason}")

    def flush(self, timeout_seconds: float = 60.0) -> bool:
        """Wait until all that was submitted is done; return whether it is."""
        done = threading.Event()
        self.submit("flush", done.set)
        return done.wait(timeout_seconds)

    def close(self, timeout_seconds: float = 60.0) -> list[str]:
        """Finish what is queued, end the thread and return ``problems``.

        Args:
            timeout_seconds: leave what is not written by then; it is counted as a problem.
        """
        with self._lock:
            first = not self._closed
            self._closed = True
        if first:
            self._queue.put(None)
        self._thread.join(timeout_seconds)
        if self._thread.is_alive() and first:
            self.note(
                "MLflow", f"{self._waiting} writes were left after {timeout_seconds:g} seconds"
            )
        return self.problems

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            label, action, give_up = item
            try:
                if not self._attempt(label, action) and give_up is not None:
                    give_up()
            finally:
                with self._lock:
                    self._waiting -= 1

    def _attempt(self, label: str, action: Action) -> bool:
        attempts = 1 if self._broken >= BROKEN_AFTER else ATTEMPTS
        delay = FIRST_DELAY_SECONDS
        for attempt in range(1, attempts + 1):
            try:
                action()
            except Exception as error:
                # Anything: the thread must live to write the rest, and a failure is kept as a note.
                if attempt == attempts or not self._passing(error):
                    self._broken += 1
                    text = str(error).strip() or type(error).__name__
                    self.note(label, text.splitlines()[0])
                    return False
                self._wait(delay)
                delay = min(2 * delay, LONGEST_DELAY_SECONDS)
            else:
                self._broken = 0
                return True
        return False
