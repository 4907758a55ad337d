"""What a failed write says of MLflow: no use, perhaps next time, or nobody is there."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from enum import Enum

from hpo.spec.errors import HpoError


class Failure(Enum):
    """How to go on after a write that failed.

    ``LASTING`` fails in the same way again. ``PASSING`` may not: nothing is known, so a few
    attempts are due. ``AWAY`` says nothing of the write: nobody answered, or the database is
    locked, and the next write would fare no better.
    """

    LASTING = "lasting"
    PASSING = "passing"
    AWAY = "away"


_LONGEST = 300
"""Characters of what a library says; some repeat all that they were given."""

# 500 is not among them: a server that answers so may do it for this write alone.
_AWAY_STATUS = {408, 429, 502, 503, 504}
_AWAY_CODES = {"TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED"}
_PASSING_CODES = {"INTERNAL_ERROR"}


def judge(error: BaseException) -> Failure:
    """Return what an error of MLflow's client, or of ``store.open_client``, says.

    MLflow turns what happened on the wire into one error with one code, so what counts is the
    chain of causes behind it.
    """
    if any(_is_away(cause) for cause in _causes(error)):
        return Failure.AWAY
    code = getattr(error, "error_code", None)
    if code is not None and code not in _PASSING_CODES:
        return Failure.LASTING
    return Failure.LASTING if isinstance(error, ValueError | TypeError) else Failure.PASSING


def in_a_sentence(error: BaseException) -> str:
    """Return what an error says to a person, in a sentence with its stop.

    A database's error goes on with its statement and all values, over many lines, and begins with
    the driver's class. MLflow hands both on.
    """
    if isinstance(error, HpoError):
        return str(error)
    lines = str(error).strip().splitlines() or [type(error).__name__]
    driver = re.match(r"\((?:\w+\.)+\w+\) ?", lines[0])
    text = lines[0][driver.end() if driver else 0 :].partition(" [SQL: ")[0]
    text = text.strip().rstrip(".")[:_LONGEST] or type(error).__name__
    return f"the database refused it ({text})." if driver else f"{text}."


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop()
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None)]


def _is_away(cause: BaseException) -> bool:
    if isinstance(cause, ConnectionError | TimeoutError | socket.gaierror):
        return True
    # By name, so that neither SQLAlchemy nor a driver nor requests need be imported to ask.
    room, kind = type(cause).__module__.partition(".")[0], type(cause).__name__
    if room in {"sqlalchemy", "sqlite3", "psycopg", "psycopg2"}:
        return kind in {"OperationalError", "TimeoutError"}
    if room in {"requests", "urllib3"}:
        if kind in {"ConnectionError", "ConnectTimeout", "ReadTimeout", "ChunkedEncodingError"}:
            return True
        status = getattr(getattr(cause, "response", None), "status_code", None)
        told = re.search(r"too many (\d+) error responses", str(cause))
        return (status or (int(told[1]) if told else 0)) in _AWAY_STATUS
    return getattr(cause, "error_code", None) in _AWAY_CODES
