"""Write behind: one thread writes to MLflow while training goes on.

``submit`` returns in microseconds and never raises. While nobody answers, the writes wait in their
order, for ``PATIENCE_SECONDS`` without a single success; then all that wait are given up, and once
in ``PROBE_SECONDS`` a new one is tried. A write that fails while MLflow answers others is tried
``ATTEMPTS`` times. What is given up becomes a line in ``problems``: a tracking server that went
away costs a study its mirror for a while, never a trial, and Optuna's storage can be replayed.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from hpo.tracking.failures import Failure

Action = Callable[[], None]

PATIENCE_SECONDS = 600.0
PROBE_SECONDS = 60.0
ATTEMPTS = 8
FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 5.0
# After this many writes in a row were given up, later ones get one attempt each: whatever is wrong
# then would otherwise hold up the end of the study for seconds per write.
BROKEN_AFTER = 3
# An outage is told to people when it lasted so long: a database that is locked for a moment is
# no news.
NEWS_AFTER_SECONDS = 5.0
KEPT_PROBLEMS = 20
NAMED_WRITES = 5


@dataclass(frozen=True)
class _Write:
    label: str
    action: Action
    give_up: Action | None = None
    # Marks a place in the queue and reaches no MLflow: its success says nothing.
    marker: bool = False


class WriteBehind:
    """A queue of writes and the one thread that does them, in order.

    Args:
        name: of the thread.
        judge: says what an error means.
        patience_seconds: how long writes wait for a store that does not answer.
        notify: hears, on the writer's thread, that the store went away or came back.
        shown: makes an error's text fit to be shown.
        clock: seconds, for outages.
        wait: waits for so many seconds between attempts; by default until ``close`` ends it.
    """

    def __init__(
        self,
        name: str,
        judge: Callable[[Exception], Failure] = lambda error: Failure.PASSING,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        notify: Callable[[str], object] = lambda text: None,
        shown: Callable[[str], str] = str,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._writes: deque[_Write] = deque()
        self._judge = judge
        self._patience = patience_seconds
        self._notify = notify
        self._shown = shown
        self._clock = clock
        self._stopped = threading.Event()
        self._wait = wait or self._stopped.wait
        self._problems: list[str] = []
        self._given_up = 0
        self._broken = 0
        self._away_since: float | None = None
        self._told_away = False
        self._off = False
        self._next_probe = 0.0
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def problems(self) -> list[str]:
        """What could not be written, one line each; the last says how many more there were."""
        with self._changed:
            lines = list(self._problems)
            more = self._given_up - len(lines)
        return [*lines, f"and {more} more"] if more > 0 else lines

    @property
    def waiting(self) -> int:
        """Number of writes not yet done, the one in hand included."""
        return len(self._writes)

    def submit(self, label: str, action: Action, give_up: Action | None = None) -> None:
        """Queue a write; after ``close`` it is noted as a problem instead.

        Args:
            label: what it writes, for ``problems``.
            action: does it; called on the writer's thread, again if it fails.
            give_up: called once if it is not tried again; must not raise.
        """
        if self._queue(_Write(label, action, give_up)):
            return
        self.note(label, "came after the mirror was closed")
        if give_up is not None:
            give_up()

    def note(self, label: str, reason: object) -> None:
        """Record a problem."""
        self._keep(f"{label}: {reason}")

    def _keep(self, problem: str) -> None:
        text = self._shown(problem)
        with self._changed:
            self._given_up += 1
            if len(self._problems) < KEPT_PROBLEMS:
                self._problems.append(text)

    def flush(self, timeout_seconds: float = 60.0) -> bool:
        """Wait until all that was submitted is done; return whether it is and MLflow answers."""
        done = threading.Event()
        if not self._queue(_Write("flush", done.set, marker=True)):
            return False
        return done.wait(timeout_seconds) and not self._off

    def close(
        self, timeout_seconds: float = 60.0, hurry: Callable[[], bool] = lambda: False
    ) -> list[str]:
        """Finish what is queued, end the thread and return ``problems``.

        Args:
            timeout_seconds: leave what is not written by then; it is named as a problem.
            hurry: asked meanwhile; True leaves it at once.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        began = time.monotonic()
        until = began + timeout_seconds
        hurried = False
        while self._thread.is_alive() and (left := until - time.monotonic()) > 0:
            if hurried := hurry():
                break
            self._thread.join(min(left, 0.1))
        # The write in hand may go on for one request's time; nothing follows it.
        self._stopped.set()
        with self._changed:
            left_over = [write for write in self._writes if not write.marker]
            self._writes.clear()
        if left_over:
            names = ", ".join(write.label for write in left_over[:NAMED_WRITES])
            more = f" and {len(left_over) - NAMED_WRITES} more" * (len(left_over) > NAMED_WRITES)
            if hurried:
                one = len(left_over) == 1
                count = "1 entry" if one else f"{len(left_over)} entries"
                self._keep(
                    f"MLflow was not waited for and lacks {count} for now ({names}{more}); going "
                    f"on with the study or `hpo doctor --fix` writes {'it' if one else 'them'}."
                )
            else:
                waited = time.monotonic() - began
                self.note(
                    "MLflow", f"not written after waiting {waited:.2g} seconds: {names}{more}"
                )
        for write in left_over:
            if write.give_up is not None:
                write.give_up()
        return self.problems

    def _queue(self, write: _Write) -> bool:
        with self._changed:
            if self._closed:
                return False
            self._writes.append(write)
            self._changed.notify_all()
            return True

    # On the writer's thread.

    def _run(self) -> None:
        while (write := self._next()) is not None:
            done = self._write(write)
            with self._changed:
                # It stays in the queue until it is done, so that ``close`` can name it.
                mine = bool(self._writes) and self._writes[0] is write
                if mine:
                    self._writes.popleft()
            if not done and mine and write.give_up is not None:
                write.give_up()

    def _next(self) -> _Write | None:
        with self._changed:
            while not self._writes and not self._closed:
                self._changed.wait()
            return self._writes[0] if self._writes and not self._stopped.is_set() else None

    def _write(self, write: _Write) -> bool:
        if write.marker:
            write.action()
            return True
        if self._off and self._clock() < self._next_probe:
            self.note(write.label, "MLflow does not answer")
            return False
        attempts, delay = 0, FIRST_DELAY_SECONDS
        while not self._stopped.is_set():
            try:
                write.action()
            except Exception as error:
                # Anything: the thread must live to write the rest, and a failure is kept as a note.
                failure = self._judge(error)
                attempts += failure is not Failure.AWAY
                text = (str(error).strip() or type(error).__name__).splitlines()[0]
                if not self._again(failure, attempts, text):
                    if not self._stopped.is_set():
                        self.note(write.label, text)
                    return False
                self._wait(delay)
                delay = min(2 * delay, LONGEST_DELAY_SECONDS)
            else:
                self._answered()
                return True
        return False

    def _again(self, failure: Failure, attempts: int, text: str) -> bool:
        if failure is not Failure.AWAY:
            if failure is Failure.PASSING and attempts < self._attempts:
                return True
            self._broken += 1
            return False
        now = self._clock()
        if self._away_since is None:
            self._away_since = now
        away = now - self._away_since
        if away >= self._patience:
            self._off = True
            self._next_probe = now + PROBE_SECONDS
            return False
        if away >= NEWS_AFTER_SECONDS and not self._told_away:
            self._told_away = True
            self._notify(self._shown(f"MLflow does not answer; training goes on ({text})"))
        return True

    @property
    def _attempts(self) -> int:
        return 1 if self._broken >= BROKEN_AFTER else ATTEMPTS

    def _answered(self) -> None:
        self._broken = 0
        self._away_since = None
        self._off = False
        if self._told_away:
            self._told_away = False
            self._notify("MLflow answers again; what waited is being written")
