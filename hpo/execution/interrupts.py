"""Ctrl-C and SIGTERM: the first asks to finish the trial at hand, the second stops at once."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from hpo.spec.errors import HpoError


class Interrupted(HpoError):
    """The study was stopped by a signal; ``exit_code`` is 128 + the signal's number."""

    def __init__(self, signal_number: int, hint: str) -> None:
        super().__init__("The study was stopped", hint=hint)
        self.exit_code = 128 + signal_number


class Interrupts:
    """How often the person (or the scheduler) has asked to stop.

    Args:
        tell: is called with a line for people, once per signal.
    """

    def __init__(self, tell: Callable[[str], None] = lambda text: None) -> None:
        self._tell = tell
        self._count = 0
        self.signal_number = int(signal.SIGINT)

    @property
    def draining(self) -> bool:
        """Tell whether no further trial should start."""
        return self._count > 0

    @property
    def now(self) -> bool:
        """Tell whether the trial at hand should be given up."""
        return self._count > 1

    def handle(self, number: int, frame: FrameType | None = None) -> None:
        """Take a signal."""
        self._count += 1
        self.signal_number = number
        again = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
        if self._count == 1:
            self._tell(f"Stopping after this trial; {again} again stops at once.")
        elif self._count == 2:
            self._tell("Stopping at once; the trial at hand will be run again on --resume.")

    @contextlib.contextmanager
    def installed(self) -> Iterator[Interrupts]:
        """Handle both signals inside the block; elsewhere than in the main thread, do nothing."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {n: signal.signal(n, self.handle) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
