"""A worker: takes trials from engines and runs several at once, each in a child process.

One thread does it all: it claims, looks at its children in turn, stores what they report, asks
whether to prune, and tells. So nothing here needs a lock, and what is told comes in order.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from hpo.execution.children import ChildServer
from hpo.execution.devices import Share
from hpo.execution.endings import Endings, stored
from hpo.execution.epochs import Epochs
from hpo.execution.heart import Heart
from hpo.execution.interrupts import Interrupts
from hpo.execution.lanes import Lane
from hpo.execution.patterns import Patterns
from hpo.execution.retrying import without_onednn
from hpo.execution.run_ids import RunIds
from hpo.execution.running_job import INTERRUPTED, TRAIN, RunningJob
from hpo.execution.watch import Watcher, told_origin
from hpo.search.worker_identity import shown
from hpo.spec.errors import EnvironmentProblem
from hpo.spec.records import TrialJob, TrialRecord, TrialResult
from hpo.spec.sections import LimitsSpec

if TYPE_CHECKING:
    from hpo.search.engine import Proposal
    from hpo.tracking.mirror import Mirror

_LOOK_SECONDS = 0.2
_ASK_AGAIN_SECONDS = 2.0
"""How often a worker without work looks whether another one's trial has come free."""
_LAST_RUN_ID_SECONDS = 5.0
"""How long the end waits for MLflow to name a run; it was asked when the trial began."""


@dataclass
class _Trial:
    lane: Lane
    proposal: Proposal
    place: int
    running: RunningJob
    epochs: Epochs


@dataclass
class Worker:
    """Runs the trials of a study, architecture after architecture.

    Args:
        lanes: the architectures, opened one by one as places come free.
        mirror: shows the study to people.
        server: forks the children.
        watcher: is told what happens.
        interrupts: when to stop.
        keep: is told each finished trial's record, to keep or delete its checkpoint.
        shares: what each of the trials at once may use; as many as there are trials at once.
        limits: of one trial.
        target: what runs in a child.
        unfilled: returns how many places of the study's budget have no trial that has ended.
    """

    lanes: Iterator[Lane]
    mirror: Mirror
    server: ChildServer
    watcher: Watcher
    interrupts: Interrupts
    keep: Callable[[TrialRecord], None]
    shares: Sequence[Share] = (Share(None, None),)
    limits: LimitsSpec = field(default_factory=LimitsSpec)
    target: str = TRAIN
    unfilled: Callable[[], int] = lambda: 1

    def __post_init__(self) -> None:
        self._open: list[Lane] = []
        self._exhausted = False
        self._trials: dict[int, _Trial] = {}
        self._ask_at = 0.0
        self._run_ids = RunIds(self.mirror)
        self._endings = Endings(self.mirror, self.watcher, self.keep)
        self._held: dict[tuple[str, int], Lane] = {}
        self._patterns = Patterns()

    def work(self) -> None:
        """Run trials until the budget is used, here and by other workers, or someone says stop.

        Raises:
            TrainingError: several trials in a row failed by the same error, as all others would.
            EnvironmentProblem: nothing can train on this machine: Keras cannot be loaded, or no
                process can be started.
        """
        with Heart(self._beat, self.limits.lease_seconds / 4):
            try:
                while self._going():
                    self._look()
            finally:
                for trial in self._trials.values():
                    trial.running.kill()
        if self._patterns.hopeless is not None:
            raise self._patterns.hopeless

    @property
    def unfinished(self) -> list[str]:
        """Return the architectures that were begun and not done, by label."""
        return [lane.label for lane in self._open]

    @property
    def used_up(self) -> bool:
        """Tell whether all architectures were begun and are done: none left, here or elsewhere."""
        return self._exhausted and not self._open

    def _going(self) -> bool:
        """Claim what there are places for; tell whether anything is left to wait for."""
        if self._ending():
            return bool(self._trials)
        self._claim()
        return bool(self._trials or self._open or not self._exhausted)

    def _ending(self) -> bool:
        """Tell whether no trial is to be begun any more."""
        return self.interrupts.draining or self._patterns.hopeless is not None

    # Claiming

    def _claim(self) -> None:
        while len(self._trials) < len(self.shares) and not self._ending():
            if time.monotonic() < self._ask_at:
                return
            claimed = self._next_claim()
            if claimed is None:
                # Until a trial of ours ends, only another worker's can bring a place.
                self._ask_at = time.monotonic() + _ASK_AGAIN_SECONDS
                self._tell_waiting()
                return
            self.interrupts.waiting = False
            self._start(*claimed)

    def _tell_waiting(self) -> None:
        """Say, once, for whom is waited where nothing runs here."""
        others = [owner for lane in self._open for owner in lane.engine.elsewhere]
        waits = bool(others) and not self._trials
        if waits and not self.interrupts.waiting:
            self.watcher.waits(waiting_for(others))
        self.interrupts.waiting = waits

    def _next_claim(self) -> tuple[Lane, Proposal] | None:
        for lane in list(self._open):
            proposal = self._ask(lane)
            if proposal is not None:
                return lane, proposal
        while (lane := next(self.lanes, None)) is not None:  # type: ignore[assignment]
            lane.engine.steadily.tell = self.watcher.note
            lane.engine.steadily.give_up = lambda: self.interrupts.now
            self._open.append(lane)
            # In this order: whoever asks to stop is told of trials at hand only if one may begin.
            self.interrupts.starting = False
            if self.interrupts.draining:
                return None
            proposal = self._ask(lane)
            if proposal is not None:
                return lane, proposal
        self._exhausted = True
        return None

    def _ask(self, lane: Lane) -> Proposal | None:
        """Ask a lane for a trial, and close it if it has none left, here or elsewhere."""
        proposal = lane.engine.ask()
        if proposal is not None:
            # From here on, because what follows may wait: for a database that is away again, or a
            # server that still loads Keras.
            self._held[lane.label, proposal.number] = lane
        self._endings.tell_of_the_gone(lane)
        for note in lane.engine.take_notes():
            self.watcher.note(note)
        for number in lane.engine.take_settled():
            lane.settle(number)
        running = any(trial.lane is lane for trial in self._trials.values())
        if proposal is None and not running and not lane.engine.busy:
            self._run_ids.store(self._open, now=True, patience_seconds=_LAST_RUN_ID_SECONDS)
            self._open.remove(lane)
            lane.done()
        return proposal

    def _start(self, lane: Lane, proposal: Proposal) -> None:
        taken = {trial.place for trial in self._trials.values()}
        place = next(i for i in range(len(self.shares)) if i not in taken)
        number = proposal.number
        job = lane.make_job(proposal, self.shares[place])
        if without_onednn(proposal.lost):
            job = dataclasses.replace(job, onednn=False)
        lane.nameless.add(number)
        self.mirror.start_trial(lane.engine.record(number), job)
        self.watcher.trial_started(
            lane.label,
            number,
            dict(proposal.params),
            int(job.params.get("epochs", 0)),
            told_origin(proposal.origin, proposal.slot, proposal.continues),
        )
        epochs = Epochs(lane.engine, self.mirror, self.watcher, lane.label, number, job)
        try:
            running = RunningJob(self.server, job, epochs, self.limits, self.target, epochs.earlier)
        except (OSError, EOFError) as error:
            self._not_started(lane, proposal, job, error)
            return
        self._patterns.started()
        self._trials[place] = _Trial(lane, proposal, place, running, epochs)

    def _not_started(
        self, lane: Lane, proposal: Proposal, job: TrialJob, error: OSError | EOFError
    ) -> None:
        self._patterns.not_started(error)
        reason = f"crashed: cannot start a process: {error or type(error).__name__}"
        if self._patterns.hopeless is not None:
            reason = INTERRUPTED
        self._end(lane, proposal, job, TrialResult(state="failed", reason=reason))

    # Looking

    def _look(self) -> None:
        connections = [trial.running.connection for trial in self._trials.values()]
        if connections:
            wait(connections, _LOOK_SECONDS)
        else:
            time.sleep(_LOOK_SECONDS)
        for trial in list(self._trials.values()):
            result = self._result_of(trial)
            if result is not None:
                del self._trials[trial.place]
                if result.state == "complete":
                    trial.epochs.reached(result.epochs_run)
                self._end(trial.lane, trial.proposal, trial.running.job, result)
        self._run_ids.store(self._open)

    def _result_of(self, trial: _Trial) -> TrialResult | None:
        try:
            return trial.running.look(self.interrupts)
        except EnvironmentProblem as problem:
            # No fault of the trial: its place is asked for again once the machine is mended.
            self._patterns.hopeless = problem
            return TrialResult(state="failed", reason=INTERRUPTED)

    def _end(self, lane: Lane, proposal: Proposal, job: TrialJob, result: TrialResult) -> None:
        """Tell everyone how a trial ended, the storage first."""
        self._ask_at = 0.0
        self._run_ids.store(self._open, now=True)
        ending = stored(lane.engine, proposal, job, result, self.limits.crash_retries)
        self._held.pop((lane.label, proposal.number), None)
        self._endings.tell(lane, ending)
        if ending.final:
            self._patterns.ended(lane.label, result, lambda: self.unfilled() - len(self._trials))

    # Alongside

    def _beat(self) -> None:
        for (_, number), lane in list(self._held.items()):
            lane.engine.beat([number])


def waiting_for(owners: Sequence[str]) -> str:
    """Return a sentence about trials that others run.

    Args:
        owners: a worker's ``identity`` for each, or "".
    """
    workers = list(dict.fromkeys(map(shown, owners)))
    named = "; ".join(filter(None, workers))
    where = f" ({named})" if named else ""
    if len(owners) == 1:
        return f"1 trial is run by another worker{where}; waiting for it."
    by = "another worker" if len(workers) == 1 else "other workers"
    return f"{len(owners)} trials are run by {by}{where}; waiting for them."
