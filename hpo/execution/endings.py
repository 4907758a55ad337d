"""How a trial ends: in the storage first, then for MLflow, its checkpoint and whoever watches."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo.execution.lanes import Lane
from hpo.execution.retrying import another_attempt, without_onednn
from hpo.execution.running_job import INTERRUPTED
from hpo.execution.watch import Watcher
from hpo.spec.records import TrialJob, TrialRecord, TrialResult

if TYPE_CHECKING:
    from hpo.search.engine import Engine, Proposal
    from hpo.tracking.mirror import Mirror


@dataclass(frozen=True)
class Ending:
    """A trial's end as the storage took it.

    Args:
        proposal: what was tried.
        result: how it ended.
        held: whether the trial was still this worker's.
        lost: whether its place is asked for again.
        change: what the next attempt has otherwise; None where the result brings no next one.
    """

    proposal: Proposal
    result: TrialResult
    held: bool
    lost: bool
    change: dict[str, object] | None = None

    @property
    def final(self) -> bool:
        """Tell whether the place is used up by this worker's trial."""
        return self.held and not self.lost


def stored(
    engine: Engine, proposal: Proposal, job: TrialJob, result: TrialResult, crash_retries: int
) -> Ending:
    """End a trial in the storage.

    Args:
        engine: of its architecture.
        proposal: what was tried.
        job: that it was made.
        result: how it ended.
        crash_retries: how often a crash is tried again.
    """
    number = proposal.number
    again = another_attempt(result, job.params, proposal.lost, crash_retries)
    if result.reason == INTERRUPTED:
        held, lost = engine.release(number, INTERRUPTED), True
    elif again is not None:
        held, lost = engine.release(number, result.reason, again, result), True
    else:
        held, lost = engine.finish(number, result), False
    return Ending(proposal, result, held, lost, again)


@dataclass(frozen=True)
class Endings:
    """Tells of ends that the storage knows.

    Args:
        mirror: shows the study to people.
        watcher: is told what happens.
        keep: is told each finished trial's record, to keep or delete its checkpoint.
    """

    mirror: Mirror
    watcher: Watcher
    keep: Callable[[TrialRecord], None]

    def tell(self, lane: Lane, ending: Ending) -> None:
        """Tell of a trial that was run here."""
        number, result = ending.proposal.number, ending.result
        record = lane.engine.record(number)
        if not ending.held:
            self.mirror.replay(record)
            self.keep(record)
            self.watcher.trial_released(
                lane.label, number, "its result came too late: its place was given to another"
            )
            return
        # The storage leaves the table of layers out, MLflow shows it.
        self.mirror.finish_trial(dataclasses.replace(record, result=result))
        self.keep(record)
        if ending.lost:
            self.watcher.trial_released(lane.label, number, _next_step(ending))
        else:
            self.watcher.trials_done(lane.label, lane.engine.done())
            # As every list tells it: from the claim to the end.
            self.watcher.trial_finished(lane.label, number, result, record.seconds)

    def tell_of_the_gone(self, lane: Lane) -> None:
        """Tell of trials whose workers were gone before they could."""
        for number in lane.engine.take_ended():
            record = lane.engine.record(number)
            self.mirror.replay(record)
            result = record.result or TrialResult(state="failed")
            self.keep(record)
            if record.lost:
                self.watcher.note(
                    f"{record.title} was lost ({result.reason.rstrip('.')}); it is run again."
                )
            else:
                self.watcher.trials_done(lane.label, lane.engine.done())
                self.watcher.trial_finished(lane.label, number, result, record.seconds)


def _next_step(ending: Ending) -> str:
    reason = ending.result.reason
    if reason == INTERRUPTED:
        return "it was given up; it is run again when the study goes on"
    changed = ", ".join(
        f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}"
        for k, v in (ending.change or {}).items()
    )
    beside = " without oneDNN" if without_onednn((*ending.proposal.lost, reason)) else ""
    beside += f" with {changed}" if changed else ""
    return f"{reason.rstrip('.')}; it is run again{beside}"
