"""Isolated calls: a function runs in a process of its own, forked from a server that knows Keras.

Every trial trains in such a child, because memory grows over trials in one process whatever is
cleared, and because a crash, an out-of-memory kill or a hang then ends one trial and nothing else.

The child sends ``("report", data)`` while it works and ``("result", data)`` or ``("error", (error,
failure))`` at the end; the parent may send ``"stop"``. A child whose parent is gone ends with it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal

from hpo.execution.child_side import PRELOAD, answer
from hpo.execution.conditions import blocked, environment, own_imports, without_main
from hpo.spec.errors import TrainingError

_GREETING = re.compile(r"[EIWF]\d{4} |WARNING: All log")
"""What the backend's C++ says of itself at every start; never the reason of anything."""


class ChildDied(TrainingError):
    """A child ended without saying how its call went."""


@dataclass(frozen=True)
class Message:
    """What came from a child.

    Args:
        kind: ``report`` (more to come), ``result`` or ``error`` (the last).
        data: the report, the result, or the exception.
        failure: of an error, what to call it: one of ``spec.records.FAILURES``, or
            ``child_side.CANNOT_BEGIN``.
    """

    kind: Literal["report", "result", "error"]
    data: Any
    failure: str = ""


class Child:
    """A running call."""

    def __init__(self, process: Any, connection: Connection, log: Path | None) -> None:
        self._process = process
        self._connection = connection
        self._log = log
        self._done = False
        self._kills_before = _kernel_kills()

    @property
    def pid(self) -> int:
        """Return the process id."""
        return int(self._process.pid)

    @property
    def connection(self) -> Connection:
        """Return what is ready for reading when there is a message, for ``wait``."""
        return self._connection

    def receive(self, timeout_seconds: float | None = None) -> Message | None:
        """Return the next message, or None if none came in time.

        A child that died without a word gives an ``error`` that says how it died.
        """
        if self._done:
            return None
        if not wait([self._connection], timeout_seconds):
            return None
        message = self._next()
        if message.kind != "report":
            self._done = True
            self._over()
        return message

    def _next(self) -> Message:
        try:
            kind, data = self._connection.recv()
        except (EOFError, OSError):
            return self._death()
        except Exception as error:
            # Broad: half a message, or one that cannot be read here, may raise anything.
            self._process.kill()
            problem = TrainingError("the trial's process sent what cannot be read", got=str(error))
            return Message("error", problem, "crashed")
        return Message(kind, *data) if kind == "error" else Message(kind, data)

    def stop(self) -> None:
        """Ask the call to stop at its next look; its result still comes."""
        with contextlib.suppress(OSError):
            self._connection.send("stop")

    def kill(self) -> None:
        """End the process at once."""
        if not self._done:
            self._done = True
            self._over(patience_seconds=0)

    def _over(self, patience_seconds: float = 10) -> None:
        self._process.join(timeout=patience_seconds)
        with contextlib.suppress(OSError, AttributeError):
            self._process.kill()
        self._process.join(timeout=10)
        self._connection.close()
        # It holds descriptors, and Python's collector is in no hurry.
        with contextlib.suppress(ValueError):  # killed and not yet gone
            self._process.close()

    def _death(self) -> Message:
        self._process.join(timeout=10)
        code = self._process.exitcode
        failure = "crashed"
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            reason = {
                "SIGKILL": "was killed (SIGKILL; often the machine ran out of memory)",
                "SIGSEGV": "crashed: segfault (SIGSEGV)",
            }.get(name, f"was killed ({name})")
            if name == "SIGKILL" and _kernel_kills() > self._kills_before:
                failure, reason = "out_of_memory", "was killed by the kernel for want of memory"
        else:
            reason = f"ended without a result (exit code {code})"
        hint = f"Its last words are in {self._log}" if self._log else None
        died = ChildDied(f"the trial's process {reason}", got=self._last_line(), hint=hint)
        return Message("error", died, failure)

    def _last_line(self) -> str | None:
        if self._log is None or not self._log.is_file():
            return None
        lines = [
            line
            for line in self._log.read_text(errors="replace").strip().splitlines()
            if not _GREETING.match(line)
        ]
        return lines[-1][:300] if lines else None


def _kernel_kills() -> int:
    """Return how many processes the kernel has killed for want of memory, as far as it tells."""
    for source in ("/sys/fs/cgroup/memory.events", "/proc/vmstat"):
        with contextlib.suppress(OSError, ValueError):
            for line in Path(source).read_text().splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count)
    return 0


class ChildServer:
    """Forks children from a process that has loaded Keras and touched no device.

    Args:
        preload: modules that the server imports before its first fork.
    """

    def __init__(self, preload: tuple[str, ...] = (PRELOAD,)) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._fresh = multiprocessing.get_context("spawn")
        self._context.set_forkserver_preload(list(preload))

    def warm(self) -> None:
        """Start the server and return at once; it loads Keras meanwhile."""
        # A terminal sends Ctrl-C, and a scheduler SIGTERM, to the whole group. The server must not
        # die of it while it loads Keras, nor a trial: whether one stops is the parent's decision.
        # A blocked signal stays blocked in what is started now; here it is only late.
        with own_imports():
            # First: it unblocks these signals when it is up.
            resource_tracker.ensure_running()
            with without_main(), blocked(signal.SIGINT, signal.SIGTERM):
                forkserver.ensure_running()

    def start(
        self,
        target: str,
        *,
        log: Path | None = None,
        variables: Mapping[str, str] | None = None,
        **arguments: Any,
    ) -> Child:
        """Run ``target`` in a child.

        Args:
            target: ``"package.module:function"``. It is called as
                ``function(report=..., should_stop=..., **arguments)``.
            log: file for the child's standard output and error; None discards them.
            variables: of the child's environment, which libraries read as they are loaded. It is
                then no fork of the server but a fresh interpreter, ready after 7 to 18 s.
            arguments: plain data.
        """
        self.warm()
        context = self._fresh if variables else self._context
        mine, theirs = context.Pipe(duplex=True)
        process = context.Process(
            target=answer, args=(target, arguments, theirs, str(log) if log else None), daemon=True
        )
        try:
            with without_main(), _beginning(variables or {}):
                process.start()
        finally:
            theirs.close()
        return Child(process, mine, log)

    def call(
        self,
        target: str,
        *,
        log: Path | None = None,
        on_report: Callable[[Any], object] | None = None,
        **arguments: Any,
    ) -> Any:
        """Run ``target`` in a child, wait, and return its result or raise its error.

        Args:
            target, log, arguments: as for ``start``.
            on_report: is told what the call reports, as it comes.
        """
        child = self.start(target, log=log, **arguments)
        try:
            while True:
                message = child.receive()
                if message is None:
                    continue
                if message.kind != "report":
                    break
                if on_report is not None:
                    on_report(message.data)
        except BaseException:
            child.kill()
            raise
        if message.kind == "error":
            raise message.data
        return message.data


@contextlib.contextmanager
def _beginning(variables: Mapping[str, str]) -> Iterator[None]:
    """Let a fresh interpreter be started: with variables, our imports, and deaf to Ctrl-C."""
    if not variables:  # A fork of the server has all of this from the server.
        yield
        return
    with own_imports(), environment(**variables), blocked(signal.SIGINT, signal.SIGTERM):
        yield
