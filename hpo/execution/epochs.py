"""What a trial's epochs set off: the storage, MLflow, the person who watches, and the pruner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hpo.execution.watch import Watcher
from hpo.spec.records import EpochReport, TrialJob
from hpo.training.state import StateUnusable, finished_epochs

if TYPE_CHECKING:
    from hpo.search.engine import Engine
    from hpo.tracking.mirror import Mirror


class Epochs:
    """Takes the reports of one running trial.

    Where it goes on from an earlier attempt, that one's epochs are its own too, but only once it is
    seen to go on: a state that does not fit (another batch size, say) starts over. Those of the
    rung below are in its curves, and count where they were trained.

    Args:
        engine: stores them.
        mirror, watcher: are told.
        label, number: of the trial.
        job: what is trained.
    """

    def __init__(
        self,
        engine: Engine,
        mirror: Mirror,
        watcher: Watcher,
        label: str,
        number: int,
        job: TrialJob,
    ) -> None:
        self._engine = engine
        self._mirror = mirror
        self._watcher = watcher
        self._label, self._number = label, number
        self._last = int(job.params.get("epochs", 0))
        self._inherited = job.rungs[-1] if job.rungs else 0
        self.earlier: Sequence[EpochReport] = _earlier_epochs(job)
        self._untold = list(self.earlier)

    def __call__(self, report: EpochReport) -> bool:
        """Take a report and tell whether the trial should stop: it is pruned, or no longer ours."""
        self.reached(report.epoch - 1)
        self._untold = []
        if not self._engine.record_epoch(self._number, report):
            return True
        self._mirror.log_epoch(self._label, self._number, report)
        self._watcher.epoch_finished(self._label, self._number, report)
        # A trial in its last epoch has nothing left to save.
        return report.epoch < self._last and self._engine.should_prune(self._number)

    def reached(self, epoch: int) -> None:
        """Take the earlier attempt's epochs if the trial, now at the end of ``epoch``, had them."""
        if not self._untold or epoch < self._untold[-1].epoch:
            return
        for report in self._untold:
            inherited = report.epoch <= self._inherited
            self._engine.record_epoch(self._number, report, inherited=inherited)
            self._mirror.log_epoch(self._label, self._number, report)
        self._untold = []


def _earlier_epochs(job: TrialJob) -> list[EpochReport]:
    if job.continue_from is None:
        return []
    try:
        return finished_epochs(job.continue_from)
    except StateUnusable:
        return []
