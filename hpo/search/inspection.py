"""A study's trials looked at from outside, by nobody who works on it: what can be wrong there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hpo.search import trials as stored
from hpo.search.attempts import Attempts
from hpo.search.creation import optuna_name
from hpo.search.goals import Goals
from hpo.search.locks import alone, claiming
from hpo.search.storage import explained, open_storage
from hpo.search.worker_identity import holder, identity
from hpo.spec.study import StudySpec

_MIRROR_LAG_SECONDS = 60


@dataclass(frozen=True)
class Deserted:
    """A running trial that nobody looks after.

    Args:
        architecture: its label.
        number: of the trial.
        why: half a sentence.
    """

    architecture: str
    number: int
    why: str


class Inspection:
    """The trials of a study, architecture by architecture.

    Args:
        storage: what ``open_storage`` returned.
        spec: the study file that it was last run with.
    """

    def __init__(self, storage: Any, spec: StudySpec) -> None:
        self._storage = storage
        self._name = spec.name
        self._lease = spec.limits.lease_seconds
        self._me = identity()
        self._attempts: dict[str, Attempts] = {}
        for label in spec.architectures:
            try:
                study_id = storage.get_study_id_from_name(optuna_name(spec.name, label))
            except KeyError:  # it was never begun
                continue
            self._attempts[label] = Attempts(
                storage,
                study_id,
                goals=Goals.of(spec),
            )

    def deserted(self) -> list[Deserted]:
        """Return the running trials whose workers are gone or give no sign of life."""
        return [
            Deserted(label, trial.number, reason)
            for label, attempts in self._attempts.items()
            for trial, reason in attempts.dead(self._me, silent_for=self._lease, start_leases=False)
        ]

    def release(self) -> list[tuple[str, int]]:
        """End what is deserted, with its result if that was stored; return label and number."""
        return [
            (label, number)
            for label, attempts in self._attempts.items()
            for number in attempts.recover(self._me, silent_for=self._lease)
        ]

    def doubled(self) -> list[tuple[str, int, list[int]]]:
        """Return slots that several trials fill: label, slot and the trials' numbers."""
        found = []
        for label, attempts in self._attempts.items():
            fillers: dict[tuple[int, int], list[int]] = {}
            for trial in attempts.all():
                if stored.SLOT in trial.user_attrs and not stored.is_lost(trial):
                    fillers.setdefault(stored.place(trial), []).append(trial.number)
            found += [(label, slot, n) for (slot, _), n in fillers.items() if len(n) > 1]
        return found

    def at_work(self) -> bool:
        """Tell whether workers may be running trials of the study now."""
        dead = {(d.architecture, d.number) for d in self.deserted()}
        return any(
            not trial.state.is_finished()
            and (label, trial.number) not in dead
            and holder(trial.user_attrs.get(stored.WORKER, ""), self._me) != "gone"
            for label, attempts in self._attempts.items()
            for trial in attempts.all()
        )

    def with_others(self, since: float | None = None) -> set[tuple[str, int]]:
        """Return the trials that other workers mirror, label and number.

        Those are the ones that run, and for a minute those that have ended, since a mirror may lag
        behind; but none of a process of this machine that is gone.

        Args:
            since: when the minute ends, in POSIX seconds; now by default. What takes long to look
                at asks again at its end, from when it began.
        """
        since = time.time() if since is None else since
        return {
            (label, trial.number)
            for label, attempts in self._attempts.items()
            for trial in attempts.all()
            if self._is_with_another(trial, since)
        }

    def _is_with_another(self, trial: Any, since: float) -> bool:
        state = holder(trial.user_attrs.get(stored.WORKER, ""), self._me)
        if state in ("self", "gone"):
            return False
        ended = stored.ended(trial)
        return ended is None or since - ended < _MIRROR_LAG_SECONDS

    def knows(self, label: str, number: int) -> bool:
        """Tell whether there is such a trial now, whatever its state."""
        try:
            study_id = self._storage.get_study_id_from_name(optuna_name(self._name, label))
            self._storage.get_trial_id_from_study_id_trial_number(study_id, number)
        except KeyError:
            return False
        return True

    def unless_known(self, label: str, number: int, remove: Callable[[], object]) -> bool:
        """Remove what no trial has left, unless there is such a trial; tell whether it was done.

        A number that is free may be given to a trial at any time, by whoever works on the study.
        So nothing is claimed between the question and the removal.
        """
        with claiming(self._storage, optuna_name(self._name, label)):
            if self.knows(label, number):
                return False
            remove()
            return True

    @contextmanager
    def alone(self, purpose: str) -> Iterator[None]:
        """Do something that only one process at a time may do to this study."""
        with alone(self._storage, f"{purpose}:{self._name}"):
            yield

    def set_run_id(self, label: str, number: int, run_id: str) -> None:
        """Store which MLflow run mirrors a trial."""
        self._attempts[label].set_run_id(number, run_id)


@contextmanager
def inspecting(storage_url: str, spec: StudySpec) -> Iterator[Inspection]:
    """Open a study for inspection.

    Args:
        storage_url: of the storage.
        spec: the study file that it was last run with.

    Raises:
        EnvironmentProblem: see ``open_storage``.
    """
    with explained(storage_url):
        storage = open_storage(storage_url, create=False)
        try:
            yield Inspection(storage, spec)
        finally:
            storage.remove_session()
            storage.engine.dispose()


@contextmanager
def alone_in(storage_url: str, purpose: str) -> Iterator[None]:
    """Let one process at a time do what concerns all studies of a storage.

    Args:
        storage_url: of the storage, which is there.
        purpose: names the lock.

    Raises:
        EnvironmentProblem: see ``open_storage``.
    """
    storage = open_storage(storage_url, create=False)
    try:
        with alone(storage, purpose):
            yield
    finally:
        storage.remove_session()
        storage.engine.dispose()
