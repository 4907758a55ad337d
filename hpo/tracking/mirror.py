"""The mirror: tells MLflow what a study does, behind training and never in its way.

``MlflowMirror``'s calls return in microseconds; one thread writes (``behind``), each run once
(``runs``). ``NullMirror`` tells nobody.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from hpo.spec.addresses import without_password
from hpo.spec.errors import EnvironmentProblem
from hpo.spec.records import EpochReport, RankAgreement, TrialJob, TrialRecord
from hpo.tracking.behind import WriteBehind
from hpo.tracking.cards import StudyCard
from hpo.tracking.failures import Failure, judge
from hpo.tracking.runs import RunKey, StudyRuns
from hpo.tracking.store import open_client
from hpo.tracking.told import Told, ToldTrials

_OPENING = "opening the MLflow store"
_LOOK_SECONDS = 0.2
_TELL_SECONDS = 30.0


class Mirror(Protocol):
    """What a worker tells of a study as it goes. No call raises for MLflow's sake."""

    def start_architecture(
        self, label: str, space: Mapping[str, Any] | None = None, budget: int | None = None
    ) -> None:
        """Open (or reopen) the parent run of an architecture."""

    def start_trial(self, record: TrialRecord, job: TrialJob | None = None) -> None:
        """Open the run of a trial that was claimed."""

    def log_epoch(self, architecture: str, number: int, report: EpochReport) -> None:
        """Add one epoch to the trial's curves."""

    def finish_trial(self, record: TrialRecord, job: TrialJob | None = None) -> None:
        """End a trial's run with its state, metrics, files and reasons."""

    def replay(self, record: TrialRecord) -> None:
        """Bring MLflow up to a stored record; adds only what is missing."""

    def run_id(self, architecture: str, number: int, timeout_seconds: float = 0.0) -> str:
        """Return the trial's run id in MLflow; "" if it is not known yet, or there is none.

        Args:
            architecture: its label.
            number: of the trial.
            timeout_seconds: wait so long for it.
        """

    def log_ranks(self, label: str, ranks: Sequence[RankAgreement]) -> None:
        """Note in an architecture's run how well each of its rungs foretells the next."""

    def finish_architecture(self, label: str, state: str = "complete") -> None:
        """End the parent run of an architecture: ``complete``, ``failed`` or ``interrupted``."""

    def close(
        self, timeout_seconds: float = 60.0, hurry: Callable[[], bool] = lambda: False
    ) -> list[str]:
        """Finish writing and return what could not be written, one line each.

        Args:
            timeout_seconds: leave what is not written by then.
            hurry: asked meanwhile; True leaves it at once.
        """


class NullMirror(Mirror):
    """A mirror that tells nobody, for when tracking is off."""

    def start_architecture(
        self, label: str, space: Mapping[str, Any] | None = None, budget: int | None = None
    ) -> None:
        """Do nothing."""

    def start_trial(self, record: TrialRecord, job: TrialJob | None = None) -> None:
        """Do nothing."""

    def log_epoch(self, architecture: str, number: int, report: EpochReport) -> None:
        """Do nothing."""

    def finish_trial(self, record: TrialRecord, job: TrialJob | None = None) -> None:
        """Do nothing."""

    def replay(self, record: TrialRecord) -> None:
        """Do nothing."""

    def log_ranks(self, label: str, ranks: Sequence[RankAgreement]) -> None:
        """Do nothing."""

    def finish_architecture(self, label: str, state: str = "complete") -> None:
        """Do nothing."""

    def run_id(self, architecture: str, number: int, timeout_seconds: float = 0.0) -> str:
        """Return "": there is no run."""
        return ""

    def close(
        self, timeout_seconds: float = 60.0, hurry: Callable[[], bool] = lambda: False
    ) -> list[str]:
        """Return no problems."""
        return []


class MlflowMirror:
    """A mirror that writes behind.

    Args:
        tracking_uri: of the store, as in ``store.open_client``. It is opened on the writer's
            thread, so that mlflow loads (2 s, and 3 s more for a new database) while the first
            trial does. A server that is away then is waited for as at any other time.
        card: the study.
        artifact_root: folder for artifacts where no server keeps them.
        notify: hears that MLflow went away or came back (on the writer's thread), and that it
            takes its time to open.
    """

    def __init__(
        self,
        tracking_uri: str,
        card: StudyCard,
        artifact_root: Path | None = None,
        notify: Callable[[str], object] = lambda text: None,
    ) -> None:
        self._tracking_uri = tracking_uri
        self._artifact_root = artifact_root
        self._card = card
        self._notify = notify
        self._runs: StudyRuns | None = None
        self._tried = threading.Event()
        self._error: Exception | None = None
        self._off = False
        self._told = ToldTrials()
        self._behind = WriteBehind("hpo-mlflow", judge, notify=notify, shown=without_password)
        self._behind.submit(_OPENING, self._open, self._cannot_open)

    @property
    def problems(self) -> list[str]:
        """What could not be written so far."""
        return self._behind.problems

    @property
    def waiting(self) -> int:
        """Number of writes that are not done yet."""
        return self._behind.waiting

    def wait_ready(
        self, timeout_seconds: float = 900.0, give_up: Callable[[], bool] = lambda: False
    ) -> None:
        """Wait until the store is open; for callers that rather stop than run untracked.

        A new database takes seconds, and minutes on a machine that has much else to do; a line
        says so twice a minute. Nothing is tried again after it raised.

        Args:
            timeout_seconds: wait so long.
            give_up: asked meanwhile; True returns at once, whatever came of it.

        Raises:
            EnvironmentProblem: the store cannot be opened, or not in this time.
        """
        began = told = time.monotonic()
        while not self._tried.wait(_LOOK_SECONDS) and not give_up():
            now = time.monotonic()
            if now - began >= timeout_seconds:
                raise EnvironmentProblem(
                    "the MLflow store did not open",
                    expected=f"that it does within {timeout_seconds:g} seconds",
                    where=without_password(self._tracking_uri),
                    hint="Is the machine, or the database, busy with much else? No trial has "
                    "begun: type the same command again",
                )
            if now - told >= _TELL_SECONDS:
                told = now
                self._notify(f"still opening the MLflow store, after {now - began:.0f} s")
        if self._runs is None and self._error is not None:
            self._turn_off()
            raise self._error

    def start_architecture(
        self, label: str, space: Mapping[str, Any] | None = None, budget: int | None = None
    ) -> None:
        """Open (or reopen) the parent run of an architecture."""
        self._submit(f"architecture {label}", lambda runs: runs.architecture(label, space, budget))

    def start_trial(self, record: TrialRecord, job: TrialJob | None = None) -> None:
        """Open the run of a trial that was claimed."""
        key = RunKey(record.architecture, record.number)
        self._told.start(key, record, job)
        self._submit(f"start of {_name(key)}", lambda runs: self._ensure(runs, key), key)

    def log_epoch(self, architecture: str, number: int, report: EpochReport) -> None:
        """Add one epoch to the trial's curves; epochs that queue up go out in one write."""
        key = RunKey(architecture, number)
        queue = self._told.epoch(key, report)
        if queue is None:
            self._behind.note(f"epoch of {_name(key)}", "the trial was not started")
        if queue:
            self._submit(
                f"epochs of {_name(key)}",
                lambda runs: self._flush(runs, key),
                key,
                lambda: self._told.dropped(key),
            )

    def finish_trial(self, record: TrialRecord, job: TrialJob | None = None) -> None:
        """End a trial's run; whatever of it was not written before is written now."""
        key = RunKey(record.architecture, record.number)
        told = self._told.end(key, record, job)
        self._submit(
            f"end of {_name(key)}",
            lambda runs: self._finish(runs, key, told),
            key,
            lambda: self._told.forget(key, told),
        )

    def replay(self, record: TrialRecord) -> None:
        """Bring MLflow up to a stored record; adds only what is missing."""
        self.finish_trial(record)

    def run_id(self, architecture: str, number: int, timeout_seconds: float = 0.0) -> str:
        """Return the trial's run id; "" if it is not known yet (see ``problems``)."""
        return self._told.run_id(RunKey(architecture, number), timeout_seconds)

    def log_ranks(self, label: str, ranks: Sequence[RankAgreement]) -> None:
        """Note in an architecture's run how well each of its rungs foretells the next."""
        at_ms = int(time.time() * 1000)
        self._submit(f"ranks of {label}", lambda runs: runs.log_ranks(label, ranks, at_ms))

    def finish_architecture(self, label: str, state: str = "complete") -> None:
        """End the parent run of an architecture: ``complete``, ``failed`` or ``interrupted``."""
        self._submit(f"end of {label}", lambda runs: runs.finish_architecture(label, state))

    def flush(self, timeout_seconds: float = 60.0) -> bool:
        """Wait until all that was told is written; return whether MLflow took it."""
        return self._behind.flush(timeout_seconds) and not self._off

    def close(
        self, timeout_seconds: float = 60.0, hurry: Callable[[], bool] = lambda: False
    ) -> list[str]:
        """Finish writing and return what could not be written, one line each."""
        problems = self._behind.close(timeout_seconds, hurry)
        if self._error is not None and self._runs is None:
            # Why nothing could be written, before what it was.
            line = without_password(f"tracking is off: {self._error}")
            problems = [line, *(p for p in problems if not p.startswith(_OPENING))]
        self._turn_off()
        return problems

    # On the writer's thread.

    def _open(self) -> None:
        if self._off or self._runs is not None:
            return
        try:
            client = open_client(self._tracking_uri, self._artifact_root)
            self._runs = StudyRuns(client, self._card, self._artifact_root)
        except Exception as error:
            # Whatever it is, training goes on, and ``wait_ready`` raises it for those who want to
            # know.
            self._error = error
            raise
        finally:
            self._tried.set()

    def _cannot_open(self) -> None:
        # A store that is only away may be back for a later write, which opens it then.
        if self._error is not None and judge(self._error) is not Failure.AWAY:
            self._turn_off()

    def _turn_off(self) -> None:
        self._off = True
        self._told.close()

    def _submit(
        self,
        label: str,
        write: Callable[[StudyRuns], object],
        key: RunKey | None = None,
        over: Callable[[], None] = lambda: None,
    ) -> None:
        def action() -> None:
            self._open()
            if self._runs is None:  # Said once, by the write that opens.
                over()
                return
            try:
                write(self._runs)
            except Exception as error:
                # Another worker made this run as well and deleted ours: find the one that stayed.
                if judge(error) is not Failure.LASTING or not self._runs.forget(key):
                    raise
                write(self._runs)

        def give_up() -> None:
            if key is not None:
                self._told.answer(key, "")
            over()

        self._behind.submit(label, action, give_up)

    def _ensure(self, runs: StudyRuns, key: RunKey) -> None:
        told = self._told.get(key)
        if told is not None:
            self._told.answer(key, runs.trial(told.record, told.job))

    def _flush(self, runs: StudyRuns, key: RunKey) -> None:
        while pending := self._told.take(key):
            self._ensure(runs, key)
            runs.epochs(key, [report for report, _ in pending], [at for _, at in pending])
            self._told.wrote(key, len(pending))

    def _finish(self, runs: StudyRuns, key: RunKey, told: Told) -> None:
        self._told.answer(key, runs.finish(told.record, told.job))
        self._told.forget(key, told)


def _name(key: RunKey) -> str:
    return f"{key.architecture} #{key.number}"
