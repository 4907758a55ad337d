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
from hpo.execution.epochs import Epochs
from hpo.execution.heart import Heart
from hpo.execution.interrupts import Interrupts
from hpo.execution.patterns import Patterns
from hpo.execution.retrying import another_attempt, without_onednn
from hpo.execution.running_job import INTERRUPTED, TRAIN, RunningJob
from hpo.execution.watch import Watcher, told_origin
from hpo.search.worker_identity import shown
from hpo.spec.errors import EnvironmentProblem
from hpo.spec.records import TrialJob, TrialRecord, TrialResult
from hpo.spec.sections import LimitsSpec

if TYPE_CHECKING:
    from hpo.search.engine import Engine, Proposal
    from hpo.tracking.mirror import Mirror

_LOOK_SECONDS = 0.2
_ASK_AGAIN_SECONDS = 2.0
"""How often a worker without work looks whether another one's trial has come free."""
_RUN_IDS_SECONDS = 0.5
_LAST_RUN_ID_SECONDS = 5.0
"""How long the end waits for MLflow to name a run; it was asked when the trial began."""


@dataclass
class Lane:
    """One architecture's trials.

    Args:
        label: the architecture's label in the study.
        engine: proposes configurations and keeps the truth.
        make_job: turns a proposal into a job, given what the trial may use.
        done: is called when the architecture's budget is used and nothing of it runs any more.
        settle: is told the number of a trial from whose state nobody will go on.
    """

    label: str
    engine: Engine
    make_job: Callable[[Proposal, Share], TrialJob]
    done: Callable[[], None] = lambda: None
    settle: Callable[[int], None] = lambda number: None
    nameless: set[int] = field(default_factory=set)
    """Trials whose run in MLflow is not known yet."""


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
        self._names_at = 0.0
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
        self._mirror_ended(lane)
        for note in lane.engine.take_notes():
            self.watcher.note(note)
        for number in lane.engine.take_settled():
            lane.settle(number)
        running = any(trial.lane is lane for trial in self._trials.values())
        if proposal is None and not running and not lane.engine.busy:
            self._name_runs(now=True, patience_seconds=_LAST_RUN_ID_SECONDS)
            self._open.remove(lane)
            lane.done()
        return proposal

    def _mirror_ended(self, lane: Lane) -> None:
        """Tell MLflow of trials whose workers were gone before they could."""
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
        self._name_runs()

    def _result_of(self, trial: _Trial) -> TrialResult | None:
        try:
            return trial.running.look(self.interrupts)
        except EnvironmentProblem as problem:
            # No fault of the trial: its place is asked for again once the machine is mended.
            self._patterns.hopeless = problem
            return TrialResult(state="failed", reason=INTERRUPTED)

    def _end(self, lane: Lane, proposal: Proposal, job: TrialJob, result: TrialResult) -> None:
        """Tell everyone how a trial ended, the storage first."""
        number, engine = proposal.number, lane.engine
        self._ask_at = 0.0
        self._name_runs(now=True)
        again = another_attempt(result, job.params, proposal.lost, self.limits.crash_retries)
        if result.reason == INTERRUPTED:
            held, lost = engine.release(number, INTERRUPTED), True
        elif again is not None:
            held, lost = engine.release(number, result.reason, again, result), True
        else:
            held, lost = engine.finish(number, result), False
        self._held.pop((lane.label, number), None)
        record = engine.record(number)
        if not held:
            self.mirror.replay(record)
            self.keep(record)
            self.watcher.trial_released(
                lane.label, number, "its result came too late: its place was given to another"
            )
            return
        # The storage leaves the table of layers out, MLflow shows it.
        self.mirror.finish_trial(dataclasses.replace(record, result=result))
        self.keep(record)
        if lost:
            self.watcher.trial_released(
                lane.label, number, _next_step(result.reason, again, proposal)
            )
        else:
            self.watcher.trials_done(lane.label, engine.done())
            # As every list tells it: from the claim to the end.
            self.watcher.trial_finished(lane.label, number, result, record.seconds)
            self._patterns.ended(lane.label, result, lambda: self.unfilled() - len(self._trials))

    # Alongside

    def _beat(self) -> None:
        for (_, number), lane in list(self._held.items()):
            lane.engine.beat([number])

    def _name_runs(self, *, now: bool = False, patience_seconds: float = 0.0) -> None:
        """Store which runs mirror our trials, as soon as MLflow has named them."""
        if not now and time.monotonic() < self._names_at:
            return
        self._names_at = time.monotonic() + _RUN_IDS_SECONDS
        until = time.monotonic() + patience_seconds
        for lane in self._open:
            for number in sorted(lane.nameless):
                patience = max(0.0, until - time.monotonic())
                run_id = self.mirror.run_id(lane.label, number, timeout_seconds=patience)
                if run_id:
                    lane.nameless.discard(number)
                    lane.engine.set_run_id(number, run_id)


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


def _next_step(reason: str, change: dict[str, object] | None, proposal: Proposal) -> str:
    if reason == INTERRUPTED:
        return "it was given up; it is run again when the study goes on"
    changed = ", ".join(
        f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in (change or {}).items()
    )
    beside = " without oneDNN" if without_onednn((*proposal.lost, reason)) else ""
    beside += f" with {changed}" if changed else ""
    return f"{reason.rstrip('.')}; it is run again{beside}"
