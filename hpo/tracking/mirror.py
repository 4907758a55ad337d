"""The mirror: tells MLflow what a study does, behind training and never in its way.

``MlflowMirror``'s calls return in microseconds; one thread writes (``behind``), each run once
(``runs``). ``NullMirror`` tells nobody.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import Any, Protocol

from hpo.spec.records import EpochReport, TrialJob, TrialRecord
from hpo.tracking.behind import WriteBehind
from hpo.tracking.cards import StudyCard
from hpo.tracking.runs import RunKey, StudyRuns
from hpo.tracking.store import may_pass, open_client


class Mirror(Protocol):
    """What a worker tells of a study as it goes. No call raises for MLflow's sake."""

    def start_architecture(
        self, label: str, space: Mapping[str, Any] | None = None, budget: int | None = None
    ) -> None:
        """Open (or reopen) the parent run of an architecture."""

    def start_trial(
        self, record: TrialRecord, job: TrialJob | None = None, attempt: int = 0
    ) -> None:
        """Open the run of a trial that was claimed."""

    def log_epoch(
        self, architecture: str, number: int, report: EpochReport, attempt: int = 0
    ) -> None:
        """Add one epoch to the trial's curves."""

    def finish_trial(
        self, record: TrialRecord, job: TrialJob | None = None, attempt: int = 0
    ) -> None:
        """End a trial's run with its state, metrics, files and reasons."""

    def replay(self, record: TrialRecord) -> None:
        """Bring MLflow up to a stored record; adds only what is missing."""

    def run_id(
        self, architecture: str, number: int, attempt: int = 0, timeout_seconds: float = 30.0
    ) -> str:
        """Return the trial's run id in MLflow, waiting for it; "" if there is none."""

    def finish_architecture(self, label: str, state: str = "complete") -> None:
        """End the parent run of an architecture: ``complete``, ``failed`` or ``interrupted``."""

    def close(self, timeout_seconds: float = 60.0) -> list[str]:
        """Finish writing and return what could not be written, one line each."""


class NullMirror(Mirror):
    """A mirror that tells nobody, for when tracking is off: the protocol's own empty bodies."""

    def run_id(
        self, architecture: str, number: int, attempt: int = 0, timeout_seconds: float = 30.0
    ) -> str:
        """Return "": there is no run."""
        return ""

    def close(self, timeout_seconds: float = 60.0) -> list[str]:
        """Return no problems."""
        return []


class MlflowMirror:
    """A mirror that writes behind.

    Args:
        tracking_uri: of the store, as in ``store.open_client``. It is opened on the writer's
            thread, so that mlflow loads (2 s, and 3 s more for a new database) while the first
            trial does.
        card: the study.
        artifact_root: folder for artifacts where no server keeps them.
    """

    def __init__(
        self, tracking_uri: str, card: StudyCard, artifact_root: Path | None = None
    ) -> None:
        self._tracking_uri = tracking_uri
        self._artifact_root = artifact_root
        self._card = card
        self._runs: StudyRuns | None = None
        self._ready: Future[None] = Future()
        self._ids: dict[RunKey, Future[str]] = {}
        self._records: dict[RunKey, tuple[TrialRecord, TrialJob | None]] = {}
        self._pending: dict[RunKey, list[tuple[EpochReport, int]]] = {}
        self._lock = threading.Lock()
        self._behind = WriteBehind("hpo-mlflow", passing=may_pass)
        self._behind.submit("opening the MLflow store", self._open)

    @property
    def problems(self) -> list[str]:
        """What could not be written so far."""
        return self._behind.problems

    @property
    def waiting(self) -> int:
        """Number of writes that are not done yet."""
        return self._behind.waiting

    def wait_ready(self, timeout_seconds: float = 120.0) -> None:
        """Wait until the store is open; for callers that rather stop than run untracked.

        Raises:
            EnvironmentProblem: the store cannot be opened.
            TimeoutError: it took longer.
        """
        self._ready.result(timeout_seconds)

    def start_architecture(
        self, label: str, space: Mapping[str, Any] | None = None, budget: int | None = None
    ) -> None:
        """Open (or reopen) the parent run of an architecture."""
        self._submit(f"architecture {label}", lambda runs: runs.architecture(label, space, budget))

    def start_trial(
        self, record: TrialRecord, job: TrialJob | None = None, attempt: int = 0
    ) -> None:
        """Open the run of a trial that was claimed."""
        key = RunKey(record.architecture, record.number, attempt)
        with self._lock:
            self._records[key] = (record, job)
            self._pending.setdefault(key, [])
        self._identify(key)
        self._submit(f"start of {_name(key)}", lambda runs: self._ensure(runs, key), key)

    def log_epoch(
        self, architecture: str, number: int, report: EpochReport, attempt: int = 0
    ) -> None:
        """Add one epoch to the trial's curves; epochs that queue up go out in one write."""
        key = RunKey(architecture, number, attempt)
        with self._lock:
            known = key in self._records
            self._pending.setdefault(key, []).append((report, time.time_ns() // 1_000_000))
        if not known:
            self._behind.note(f"epoch of {_name(key)}", "the trial was not started")
            return
        self._submit(f"epoch of {_name(key)}", lambda runs: self._flush(runs, key))

    def finish_trial(
        self, record: TrialRecord, job: TrialJob | None = None, attempt: int = 0
    ) -> None:
        """End a trial's run; whatever of it was not written before is written now."""
        key = RunKey(record.architecture, record.number, attempt)
        with self._lock:
            started_job = self._records.get(key, (None, None))[1]
            self._records[key] = (record, job or started_job)
        self._identify(key)
        self._submit(f"end of {_name(key)}", lambda runs: self._finish(runs, key), key)

    def replay(self, record: TrialRecord) -> None:
        """Bring MLflow up to a stored record; adds only what is missing."""
        self.finish_trial(record)

    def run_id(
        self, architecture: str, number: int, attempt: int = 0, timeout_seconds: float = 30.0
    ) -> str:
        """Return the trial's run id, waiting for it; "" if it cannot be had (see ``problems``)."""
        future = self._identify(RunKey(architecture, number, attempt))
        try:
            return future.result(timeout_seconds)
        except FutureTimeout:
            return ""

    def finish_architecture(self, label: str, state: str = "complete") -> None:
        """End the parent run of an architecture: ``complete``, ``failed`` or ``interrupted``."""
        self._submit(f"end of {label}", lambda runs: runs.finish_architecture(label, state))

    def flush(self, timeout_seconds: float = 60.0) -> bool:
        """Wait until all that was told is written; return whether it is."""
        return self._behind.flush(timeout_seconds)

    def close(self, timeout_seconds: float = 60.0) -> list[str]:
        """Finish writing and return what could not be written, one line each."""
        problems = self._behind.close(timeout_seconds)
        with self._lock:
            unanswered = [key for key, future in self._ids.items() if not future.done()]
        for key in unanswered:
            self._answer(key, "")
        return problems

    # On the writer's thread.

    def _open(self) -> None:
        try:
            client = open_client(self._tracking_uri, self._artifact_root)
            self._runs = StudyRuns(client, self._card, self._artifact_root)
        except Exception as error:
            # Whatever it is, training goes on untracked, and ``wait_ready`` raises it for those who
            # want to know. Not tried again: opening has had its own attempts, a person must act.
            self._ready.set_exception(error)
            self._behind.note("tracking is off", error)
        else:
            self._ready.set_result(None)

    def _submit(
        self, label: str, write: Callable[[StudyRuns], object], key: RunKey | None = None
    ) -> None:
        def action() -> None:
            if self._runs is not None:
                write(self._runs)
            else:
                give_up()

        def give_up() -> None:
            if key is not None:
                self._answer(key, "")

        self._behind.submit(label, action, give_up)

    def _identify(self, key: RunKey) -> Future[str]:
        with self._lock:
            return self._ids.setdefault(key, Future())

    def _answer(self, key: RunKey, run_id: str) -> None:
        with self._lock:
            future = self._ids.setdefault(key, Future())
            if future.done():
                if future.result() or not run_id:
                    return
                # Given up before, written after all: later callers learn it.
                future = self._ids[key] = Future()
        future.set_result(run_id)

    def _ensure(self, runs: StudyRuns, key: RunKey) -> None:
        with self._lock:
            told = self._records.get(key)
        if told is not None:
            self._answer(key, runs.trial(*told, key.attempt))

    def _flush(self, runs: StudyRuns, key: RunKey) -> None:
        with self._lock:
            pending = list(self._pending.get(key, ()))
        if not pending:
            return
        self._ensure(runs, key)
        runs.epochs(key, [report for report, _ in pending], [at for _, at in pending])
        with self._lock:
            del self._pending[key][: len(pending)]

    def _finish(self, runs: StudyRuns, key: RunKey) -> None:
        with self._lock:
            told = self._records.get(key)
        if told is None:  # The same end was told twice, and is written.
            return
        self._flush(runs, key)
        self._answer(key, runs.finish(*told, key.attempt))
        with self._lock:
            # Predictions and summaries of hundreds of trials would add up.
            if self._records.get(key) is told and told[0].state not in ("running", "waiting"):
                del self._records[key]
                self._pending.pop(key, None)


def _name(key: RunKey) -> str:
    return f"{key.architecture} #{key.number}"
