"""What the mirror was told of trials and has not written yet, and the run ids that it learned.

Workers tell and ask, one thread writes; each call holds a lock for microseconds.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from hpo.spec.records import EpochReport, TrialJob, TrialRecord
from hpo.tracking.clock import EpochClock
from hpo.tracking.runs import RunKey


@dataclass
class Told:
    """One trial as it was told last."""

    record: TrialRecord
    job: TrialJob | None
    clock: EpochClock
    pending: list[tuple[EpochReport, int]] = field(default_factory=list)
    # Whether a write that will take the pending epochs is queued.
    queued: bool = False


class ToldTrials:
    """The trials of one study; what is written is forgotten, but for a short run id each."""

    def __init__(self) -> None:
        self._trials: dict[RunKey, Told] = {}
        self._run_ids: dict[RunKey, str] = {}
        self._changed = threading.Condition()
        self._closed = False

    def start(self, key: RunKey, record: TrialRecord, job: TrialJob | None) -> None:
        """Keep a trial that was claimed."""
        with self._changed:
            self._trials[key] = Told(record, job, EpochClock(record))

    def end(self, key: RunKey, record: TrialRecord, job: TrialJob | None) -> Told:
        """Keep a trial's record, which replaces pending epochs: it holds them all."""
        with self._changed:
            before = self._trials.get(key)
            job = job or (before.job if before else None)
            told = self._trials[key] = Told(record, job, EpochClock(record))
            return told

    def epoch(self, key: RunKey, report: EpochReport) -> bool | None:
        """Keep an epoch and return whether to queue a write; None if the trial is unknown."""
        with self._changed:
            told = self._trials.get(key)
            if told is None:
                return None
            told.pending.append((report, told.clock.tick(report)))
            queue, told.queued = not told.queued, True
            return queue

    def get(self, key: RunKey) -> Told | None:
        """Return what is kept of a trial."""
        with self._changed:
            return self._trials.get(key)

    def take(self, key: RunKey) -> list[tuple[EpochReport, int]]:
        """Return the pending epochs; with none left, the next one queues a write again."""
        with self._changed:
            told = self._trials.get(key)
            if told is None:
                return []
            told.queued = bool(told.pending)
            return list(told.pending)

    def wrote(self, key: RunKey, count: int) -> None:
        """Drop the first pending epochs."""
        with self._changed:
            if key in self._trials:
                del self._trials[key].pending[:count]

    def dropped(self, key: RunKey) -> None:
        """Leave pending epochs to the next one's write, or to the trial's end."""
        with self._changed:
            if key in self._trials:
                self._trials[key].queued = False

    def forget(self, key: RunKey, told: Told) -> None:
        """Drop a trial whose end is written or given up, unless it was told again since."""
        with self._changed:
            # More epochs may follow where a running trial was replayed.
            if self._trials.get(key) is told and told.record.state not in ("running", "waiting"):
                del self._trials[key]

    def answer(self, key: RunKey, run_id: str) -> None:
        """Keep a run id; "" says that it was given up, and ends the waiting for it."""
        with self._changed:
            # What was given up before may be written after all, not the other way round.
            self._run_ids[key] = run_id or self._run_ids.get(key, "")
            self._changed.notify_all()

    def run_id(self, key: RunKey, timeout_seconds: float) -> str:
        """Return a run id, waiting for it; "" if it is not known."""
        with self._changed:
            if timeout_seconds > 0:
                self._changed.wait_for(
                    lambda: key in self._run_ids or self._closed, timeout_seconds
                )
            return self._run_ids.get(key, "")

    def close(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
