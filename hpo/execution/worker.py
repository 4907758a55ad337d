"""A worker: takes trials from an engine until the budget is used, one child process each.

The trainer never waits for the study: it sends an epoch's report and goes on. The worker stores
the report, asks the engine whether to prune, and tells the child to stop if so. What a child sends
after that decision is passed over, so the decisions do not hang on how fast anything was.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hpo.execution.children import Child, ChildDied, ChildServer
from hpo.execution.interrupts import Interrupts
from hpo.execution.watch import Watcher
from hpo.spec.errors import HpoError
from hpo.spec.records import EpochReport, TrialJob, TrialRecord, TrialResult

if TYPE_CHECKING:
    from hpo.search.engine import Engine, Proposal
    from hpo.tracking.mirror import Mirror

_LOOK_SECONDS = 0.2
_RUN_ID_SECONDS = 5.0
"""How long a finished trial waits for MLflow to name its run; it was asked when the trial began."""
INTERRUPTED = "interrupted"


@dataclasses.dataclass(frozen=True)
class Worker:
    """Runs the trials of one architecture.

    Args:
        label: the architecture's label in the study.
        engine: proposes configurations and keeps the truth.
        mirror: shows it to people.
        server: forks the children.
        watcher: is told what happens.
        interrupts: when to stop.
        make_job: turns a proposal into a job.
        keep: is told each finished trial's record, to keep or delete its checkpoint.
    """

    label: str
    engine: Engine
    mirror: Mirror
    server: ChildServer
    watcher: Watcher
    interrupts: Interrupts
    make_job: Callable[[Proposal], TrialJob]
    keep: Callable[[TrialRecord], None]

    def work(self) -> None:
        """Run trials until the budget is used or someone asks to stop."""
        while not self.interrupts.draining:
            proposal = self.engine.ask()
            if proposal is None:
                return
            self.run(proposal)

    def run(self, proposal: Proposal) -> TrialResult:
        """Run one trial from claim to tell."""
        started = time.monotonic()
        number = proposal.number
        job = self.make_job(proposal)
        self.mirror.start_trial(self.engine.record(number), job)
        self.watcher.trial_started(
            self.label,
            number,
            dict(proposal.params),
            int(job.params.get("epochs", 0)),
            proposal.origin,
        )
        result = self._train(number, job)
        self.engine.set_run_id(
            number, self.mirror.run_id(self.label, number, timeout_seconds=_RUN_ID_SECONDS)
        )
        if result.reason == INTERRUPTED:
            self.engine.release(number, INTERRUPTED)
            self.watcher.note(f"{self.label} #{number} was given up; --resume runs it again.")
        else:
            self.engine.finish(number, result)
        record = self.engine.record(number)
        self.keep(record)
        # The storage leaves the table of layers out, MLflow shows it.
        self.mirror.finish_trial(dataclasses.replace(record, result=result))
        if result.reason != INTERRUPTED:
            self.watcher.trial_finished(self.label, number, result, time.monotonic() - started)
        return result

    def _train(self, number: int, job: TrialJob) -> TrialResult:
        epochs = int(job.params.get("epochs", 0))

        def on_epoch(report: EpochReport) -> bool:
            self.engine.record_epoch(number, report)
            self.mirror.log_epoch(self.label, number, report)
            self.watcher.epoch_finished(self.label, number, report)
            # A trial in its last epoch has nothing left to save.
            return report.epoch < epochs and self.engine.should_prune(number)

        return follow(self.server, job, self.interrupts, on_epoch)


def follow(
    server: ChildServer,
    job: TrialJob,
    interrupts: Interrupts,
    on_epoch: Callable[[EpochReport], bool],
) -> TrialResult:
    """Train ``job`` in a child and return how it ended; the child's failure is a result too.

    Args:
        server: forks the child.
        job: what to train.
        interrupts: when to give up.
        on_epoch: takes each epoch's report and tells whether to prune.
    """
    try:
        child = server.start(
            "hpo.execution.trial:train", log=Path(job.output) / "log.txt", job=job.to_json()
        )
    except (OSError, EOFError) as error:
        return TrialResult(state="failed", reason=f"error: cannot start a process: {error}")
    try:
        return _follow(child, job, interrupts, on_epoch)
    except BaseException:
        child.kill()
        raise


def _follow(
    child: Child,
    job: TrialJob,
    interrupts: Interrupts,
    on_epoch: Callable[[EpochReport], bool],
) -> TrialResult:
    seen: list[EpochReport] = []
    pruned = False
    while True:
        message = child.receive(timeout_seconds=_LOOK_SECONDS)
        if interrupts.now:
            child.kill()
            return TrialResult(state="failed", reason=INTERRUPTED, epochs_run=len(seen))
        if message is None:
            continue
        if message.kind == "error":
            if interrupts.draining and isinstance(message.data, ChildDied):
                # Whoever stops the study may stop its processes too: that is no fault of the trial.
                return TrialResult(state="failed", reason=INTERRUPTED, epochs_run=len(seen))
            return _failed(message.data, seen)
        if message.kind == "result":
            result = TrialResult.from_json(message.data)
            if pruned and result.state != "failed":
                return _pruned(result, seen, job)
            return result
        if pruned:
            continue
        seen.append(EpochReport.from_json(message.data))
        if on_epoch(seen[-1]):
            pruned = True
            child.stop()


def _pruned(result: TrialResult, seen: list[EpochReport], job: TrialJob) -> TrialResult:
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


def _failed(error: BaseException, seen: list[EpochReport]) -> TrialResult:
    if isinstance(error, HpoError):
        reason = str(error)
    else:
        reason = f"error: {type(error).__name__}: {error}"
    return TrialResult(
        state="failed",
        reason=reason,
        epochs_run=len(seen),
        final_metrics=dict(seen[-1].metrics) if seen else {},
    )
