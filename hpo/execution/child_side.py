"""The child's side of an isolated call: its output, its answer, and its end."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hpo.execution.blame import own_line
from hpo.execution.orphans import end_with_parent
from hpo.spec.errors import EnvironmentProblem, HpoError, TrainingError

PRELOAD = "hpo.execution.preloaded"
"""What the server imports before its first fork."""

CANNOT_BEGIN = "cannot begin"
"""The failure of every call alike: the server could not load Keras."""


def answer(target: str, arguments: dict[str, Any], connection: Connection, log: str | None) -> None:
    """Run a call in this process, send what comes of it to the parent, and end the process.

    Args:
        target: ``"package.module:function"``.
        arguments: of the function, plain data.
        connection: to the parent.
        log: file for standard output and error; None discards them.
    """
    code = 0
    preloaded = sys.modules.get(PRELOAD)
    if preloaded is not None and preloaded.problem is not None:
        connection.send(("error", (preloaded.problem, CANNOT_BEGIN)))
        os._exit(1)
    try:
        _redirect(log)
        end_with_parent()
        module_name, _, name = target.partition(":")
        function = getattr(importlib.import_module(module_name), name)
        result = function(
            report=lambda data: connection.send(("report", data)),
            should_stop=_Stop(connection),
            **arguments,
        )
        connection.send(("result", result))
    except BaseException as error:
        code = 1
        with contextlib.suppress(OSError):
            connection.send(("error", (_portable(error), _failure_of(error))))
        with contextlib.suppress(OSError):  # The log's disk may be what is full.
            traceback.print_exc()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    # Keras's backends take seconds to tear down what the system frees at once.
    os._exit(code)


class _Stop:
    """Tells, at the price of a poll (microseconds), whether the parent asked to stop."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stopped = False

    def __call__(self) -> bool:
        try:
            while not self._stopped and self._connection.poll():
                self._stopped = self._connection.recv() == "stop"
        except (EOFError, OSError):
            # The parent is gone: nobody waits for a result, and a restarted study would train
            # the same trial beside this one.
            os._exit(3)
        return self._stopped


def _redirect(log: str | None) -> None:
    """Send standard output and error to ``log``, or to nowhere without one.

    Raises:
        EnvironmentProblem: the log cannot be made; what follows goes to nowhere.
    """
    if log is None:
        _send_output_to(os.devnull)
        return
    try:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        _send_output_to(log)
    except OSError as error:
        # What the server inherited is the terminal, where the live table is.
        _send_output_to(os.devnull)
        raise EnvironmentProblem(
            "the trial's log cannot be made",
            where=log,
            expected="a folder that can be written, on a disk with room",
            got=error.strerror or str(error),
            hint="Make room or choose another workspace",
        ) from error


def _send_output_to(path: str) -> None:
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)


def _portable(error: BaseException) -> HpoError:
    """Return an error that can be sent to the parent, whatever library raised it."""
    if isinstance(error, HpoError):
        return error
    text = str(error).strip().splitlines()
    first = text[0][:500] if text else ""
    where = own_line(error)
    told = f"{type(error).__name__}: {first}".rstrip(": ")
    return TrainingError(f"{told} ({where})" if where else told)


def _failure_of(error: BaseException) -> str:
    """Return what a trial that ended by this error is to be called: one of ``FAILURES``."""
    seen: BaseException | None = error
    while seen is not None:
        kind = type(seen).__name__
        if isinstance(seen, MemoryError) or "ResourceExhausted" in kind or "OutOfMemory" in kind:
            return "out_of_memory"
        if isinstance(seen, OSError) and seen.errno in (errno.ENOSPC, errno.EDQUOT):
            return "disk_full"
        seen = seen.__cause__ or seen.__context__
    return "error"
