"""Ctrl-C and SIGTERM: the first asks to finish what runs, the second stops at once."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from hpo.spec.errors import HpoError

_LAST_WORDS_SECONDS = 2.0


class Interrupted(HpoError):
    """The study was stopped by a signal; ``exit_code`` is 128 + the signal's number."""

    def __init__(self, signal_number: int, hint: str) -> None:
        super().__init__("The study was stopped", hint=hint)
        self.exit_code = 128 + signal_number


class Interrupts:
    """How often the person (or the scheduler) has asked to stop.

    Args:
        tell: is called with a line for people, once per signal, on a thread of its own: a handler
            runs between any two steps of the main thread, so also inside a write to standard
            error, and a second write in there is an error ("reentrant call").
    """

    def __init__(self, tell: Callable[[str], None] = lambda text: None) -> None:
        self._tell = tell
        # Its put may be called from a signal handler; a lock or a Queue may not.
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._count = 0
        self.signal_number = int(signal.SIGINT)
        self.trials_done = False
        """Whether no trial runs any more, so that none can be finished or given up."""

        self.waiting = False
        """Whether no trial runs here, and the study goes on as others run its last ones."""

        self.starting = False
        """Whether a worker is still being made ready, and has asked for no trial yet."""

    @property
    def draining(self) -> bool:
        """Tell whether no further trial should start."""
        return self._count > 0

    @property
    def now(self) -> bool:
        """Tell whether the trials at hand should be given up."""
        return self._count > 1

    def handle(self, number: int, frame: FrameType | None = None) -> None:
        """Take a signal."""
        self._count += 1
        self.signal_number = number
        again = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
        if self.trials_done:
            if self._count == 1:
                self._lines.put(
                    "All trials are done; the step at hand is finished, and no other begun."
                )
        elif self.waiting:
            if self._count == 1:
                self._lines.put("Stopping here; the trials of other workers go on.")
        elif self.starting:
            if self._count == 1:
                self._lines.put("Stopping before the first trial; none is at hand yet.")
        elif self._count == 1:
            self._lines.put(f"Finishing the trials at hand; {again} again stops at once.")
        elif self._count == 2:
            self._lines.put(
                "Stopping at once; the trials at hand will be run again when the study goes on."
            )

    @contextlib.contextmanager
    def installed(self) -> Iterator[Interrupts]:
        """Handle both signals inside the block; elsewhere than in the main thread, do nothing."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        teller = threading.Thread(target=self._speak, name="hpo-interrupts", daemon=True)
        teller.start()
        before = {n: signal.signal(n, self.handle) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self._lines.put(None)
            teller.join(_LAST_WORDS_SECONDS)

    def _speak(self) -> None:
        while (line := self._lines.get()) is not None:
            self._tell(line)
