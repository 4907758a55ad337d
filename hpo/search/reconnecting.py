"""Waiting for a database server that is away: restarted, failed over, or cut off for a while.

Every operation of an engine may be repeated: a claim is found again by its worker's name, epochs
and results fall on themselves. So an operation that lost its connection is simply done again, and
a restarted PostgreSQL costs a study some seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

LONGEST_WAIT_SECONDS = 600.0
"""How long a worker waits for its database before it gives up; its trials are then run again."""
_FIRST_DELAY_SECONDS = 0.2
_LONGEST_DELAY_SECONDS = 3.0


class LeaseLost(Exception):
    """The right to claim was taken away in the middle of a claim; it is to be claimed again."""


class Reconnecting:
    """Does operations, again if the connection was lost under them.

    Args:
        local: whether the database is a file: then nothing comes back by waiting.
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
        told = False
        while True:
            try:
                answer = operation()
            except LeaseLost:
                continue
            except Exception as error:
                # Broad, because what a lost connection raises depends on the driver and on where
                # it was lost; whatever is no lost connection is raised as it came.
                waited = self._clock() - began
                if self._local or not lost_connection(error):
                    raise
                if waited > LONGEST_WAIT_SECONDS or self.give_up():
                    raise
                if not told and waited > 1.0:
                    self.tell("The study's database is away; trials go on, results wait for it.")
                    told = True
                self._saw(False)
                self._sleep(delay)
                delay = min(2 * delay, _LONGEST_DELAY_SECONDS)
                continue
            self._saw(True)
            if told:
                self.tell("The study's database is back.")
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
