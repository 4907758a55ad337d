"""One job in a child process: what it reports, and what ends it.

The trainer never waits for the study: it sends an epoch's report and goes on. What a child sends
after the decision to prune is passed over, so the decisions do not hang on how fast anything was.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path

from hpo.execution.child_side import CANNOT_BEGIN
from hpo.execution.children import Child, ChildDied, ChildServer
from hpo.execution.interrupts import Interrupts
from hpo.spec.errors import HpoError
from hpo.spec.records import EpochReport, TrialJob, TrialResult
from hpo.spec.sections import LimitsSpec
from hpo.training.backend_choice import WITHOUT_ONEDNN

TRAIN = "hpo.execution.trial:train"
INTERRUPTED = "interrupted"
WITHOUT = (
    "ran without oneDNN (TF_ENABLE_ONEDNN_OPTS=0), since the process of an earlier attempt crashed"
)
"""Note on the result of such a job."""
_LOOK_SECONDS = 0.2
_MEMORY_LOOK_SECONDS = 0.5
_GIB = 2**30
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
"""4096 on x86, often 16384 or 65536 on ARM and POWER."""


class RunningJob:
    """A job that trains in a child.

    Args:
        server: forks the child.
        job: what to train.
        on_epoch: takes each epoch's report and tells whether to prune.
        limits: of time and memory.
        earlier: epochs of an earlier attempt that this one goes on from.
        target: what runs in the child; tests put an analytic objective in training's place.
    """

    def __init__(
        self,
        server: ChildServer,
        job: TrialJob,
        on_epoch: Callable[[EpochReport], bool],
        limits: LimitsSpec | None = None,
        target: str = TRAIN,
        earlier: Sequence[EpochReport] = (),
    ) -> None:
        self.job = job
        self._on_epoch = on_epoch
        self._limits = limits or LimitsSpec()
        self._earlier = list(earlier)
        self._seen: list[EpochReport] = []
        self._pruned = False
        # A server that still loads Keras keeps its first child waiting; that is none of its time.
        self._child = _start(server, job, target)
        self._began = time.monotonic()
        self._memory_look = self._began

    @property
    def connection(self) -> Connection:
        """Return what is ready for reading when the child has said something."""
        return self._child.connection

    @property
    def seconds(self) -> float:
        """Return for how long it has run."""
        return time.monotonic() - self._began

    def look(self, interrupts: Interrupts) -> TrialResult | None:
        """Take what the child has said, without waiting; return its result once there is one.

        Args:
            interrupts: a person's or scheduler's wish to stop at once is one more way to end.

        Raises:
            EnvironmentProblem: it could not begin, as no other could: Keras cannot be loaded.
        """
        if interrupts.now:
            return self.give_up(INTERRUPTED)
        while (message := self._child.receive(timeout_seconds=0)) is not None:
            if message.kind == "error":
                if message.failure == CANNOT_BEGIN:
                    raise message.data
                if interrupts.draining and isinstance(message.data, ChildDied):
                    # Whoever stops the study may stop its processes too: no fault of the trial.
                    return self._failed(INTERRUPTED)
                died = not self.job.onednn and isinstance(message.data, ChildDied)
                again = "without oneDNN too, " if died else ""
                return self._failed(f"{message.failure}: {again}{_told(message.data)}")
            if message.kind == "result":
                return self._result(TrialResult.from_json(message.data))
            if self._pruned:
                continue
            report = EpochReport.from_json(message.data)
            # A trial whose earlier state was of no use began at its first epoch again.
            before = self._seen or self._earlier
            self._seen = [e for e in before if e.epoch < report.epoch] + [report]
            if self._on_epoch(self._seen[-1]):
                self._pruned = True
                self._child.stop()
        return self._over_limit()

    def give_up(self, reason: str) -> TrialResult:
        """End the child at once and return the failure."""
        self._child.kill()
        return self._failed(reason)

    def kill(self) -> None:
        """End the child at once."""
        self._child.kill()

    def _over_limit(self) -> TrialResult | None:
        minutes, gib = self._limits.trial_minutes, self._limits.memory_gib
        if minutes is not None and self.seconds > 60 * minutes:
            limit = f"{minutes:g} minute{'' if minutes == 1 else 's'}"
            return self.give_up(f"time_limit: it took longer than {limit}")
        now = time.monotonic()
        if gib is not None and now - self._memory_look >= _MEMORY_LOOK_SECONDS:
            self._memory_look = now
            used = resident_bytes(self._child.pid)
            if used > gib * _GIB:
                return self.give_up(
                    f"out_of_memory: it took {used / _GIB:.2g} GiB of {gib:g} allowed"
                )
        return None

    def _failed(self, reason: str) -> TrialResult:
        if self._pruned and reason != INTERRUPTED:
            # What befalls it between the decision and its next look for "stop" hangs on timing.
            ended = TrialResult(state="pruned", seconds={"total": self.seconds})
            return _as_pruned(ended, self._seen, self.job)
        return TrialResult(
            state="failed",
            reason=reason,
            epochs_run=len(self._seen),
            final_metrics=dict(self._seen[-1].metrics) if self._seen else {},
            seconds={"total": self.seconds},
            notes=[] if self.job.onednn else [WITHOUT],
        )

    def _result(self, result: TrialResult) -> TrialResult:
        if not self.job.onednn:
            result = dataclasses.replace(result, notes=[WITHOUT, *result.notes])
        if self._pruned:
            return _as_pruned(result, self._seen, self.job)
        return result


def follow(
    server: ChildServer,
    job: TrialJob,
    interrupts: Interrupts,
    on_epoch: Callable[[EpochReport], bool],
    limits: LimitsSpec | None = None,
) -> TrialResult:
    """Train ``job`` in a child, wait, and return how it ended; its failure is a result too."""
    try:
        running = RunningJob(server, job, on_epoch, limits)
    except OSError as error:
        return TrialResult(state="failed", reason=f"crashed: cannot start a process: {error}")
    try:
        while (result := running.look(interrupts)) is None:
            wait([running.connection], _LOOK_SECONDS)
    except BaseException:
        running.kill()
        raise
    return result


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process; 0 if it is gone or the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return 0


def _start(server: ChildServer, job: TrialJob, target: str) -> Child:
    log = Path(job.output) / "log.txt"
    variables = None if job.onednn else WITHOUT_ONEDNN
    try:
        return server.start(target, log=log, variables=variables, job=job.to_json())
    except (OSError, EOFError):
        # The fork server may have been killed, for memory say; the next start makes a new one.
        return server.start(target, log=log, variables=variables, job=job.to_json())


def _told(error: BaseException) -> str:
    return str(error) if isinstance(error, HpoError) else f"{type(error).__name__}: {error}"


def _as_pruned(result: TrialResult, seen: list[EpochReport], job: TrialJob) -> TrialResult:
    """Return the result as of the decision to prune; the child may have gone further since."""
    sign = 1 if job.direction == "maximize" else -1
    best = max(seen, key=lambda report: sign * report.metrics[job.objective])
    return dataclasses.replace(
        result,
        state="pruned",
        reason="",
        value=best.metrics[job.objective],
        best_epoch=best.epoch,
        metrics=dict(best.metrics),
        epochs_run=len(seen),
        final_metrics=dict(seen[-1].metrics),
    )
