"""Waiting for a database that is away for a while: its server restarted, or its disk full.

Every operation of an engine may be repeated: a claim is found again by its worker's name, epochs
and results fall on themselves. So an operation that lost its connection is simply done again, and
a restarted PostgreSQL costs a study some seconds. So is one that found no room on the disk: what
fills it is often gone soon, such as the checkpoint of the trial that failed by it.
"""

from __future__ import annotations

import errno
import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

LONGEST_WAIT_SECONDS = 600.0
"""How long a worker waits for its database before it gives up; its trials are then run again."""
_AWAY = "The study's database is away"
_FULL = "The disk has no room for the study's database: free some"
_BACK = "The study's database is back."
_FIRST_DELAY_SECONDS = 0.2
_LONGEST_DELAY_SECONDS = 3.0


class LeaseLost(Exception):
    """The right to claim was taken away in the middle of a claim; it is to be claimed again."""


class Reconnecting:
    """Does operations, again if the connection was lost under them.

    Args:
        local: whether the database is a file: then only room on its disk comes by waiting.
        saw: is told of each try whether the database answered.
        tell: takes a line for people when a wait begins and when it is over.
        give_up: asked between tries; True ends the wait.
        clock: seconds that only grow.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        local: bool,
        saw: Callable[[bool], None] = lambda answered: None,
        tell: Callable[[str], None] = lambda text: None,
        give_up: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.tell = tell
        self.give_up = give_up
        self._local = local
        self._clock = clock
        self._sleep = sleep
        self._saw = saw

    def __call__(self, operation: Callable[[], Answer]) -> Answer:
        """Return what ``operation`` returns, after as many tries as it takes."""
        began = self._clock()
        delay = _FIRST_DELAY_SECONDS
        told = ""
        while True:
            try:
                answer = operation()
            except LeaseLost:
                continue
            except Exception as error:
                # Broad, because what a lost connection raises depends on the driver and on where
                # it was lost; whatever is no lost connection is raised as it came.
                waited = self._clock() - began
                full = full_disk(error)
                if not full and (self._local or not lost_connection(error)):
                    raise
                if waited > LONGEST_WAIT_SECONDS or self.give_up():
                    raise
                if not told and waited > 1.0:
                    told = _FULL if full else _AWAY
                    self.tell(f"{told}; trials go on, results wait for it.")
                self._saw(False)
                self._sleep(delay)
                delay = min(2 * delay, _LONGEST_DELAY_SECONDS)
                continue
            self._saw(True)
            if told:
                self.tell(_BACK)
            return answer


def lost_connection(error: BaseException) -> bool:
    """Tell whether an error says that the connection is gone or the server is not there."""
    from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, DBAPIError) and (
            seen.connection_invalidated or isinstance(seen, OperationalError | InterfaceError)
        ):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def full_disk(error: BaseException) -> bool:
    """Tell whether an error says that a file could not grow."""
    seen: BaseException | None = error
    while seen is not None:
        cause = getattr(seen, "orig", None) or seen
        if isinstance(cause, sqlite3.Error):
            if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
                return True
        elif isinstance(cause, OSError) and cause.errno == errno.ENOSPC:
            return True
        seen = seen.__cause__ or seen.__context__
    return False
