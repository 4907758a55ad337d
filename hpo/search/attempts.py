"""The trials of one Optuna study in the storage: inserted, written to while they run, and ended.

A *slot* is one place of the budget, an *attempt* one trial that fills it. Every write says whether
it took hold: an attempt that has ended meanwhile (another worker was given its slot) is left as it
is. A result is stored before its trial is ended, and an attempt marked lost before it is failed,
so that a process killed between the two leaves a running trial that ``recover`` can judge.

A running attempt is on lease: its worker gives signs of life (Optuna's heartbeats, in the
database's own time, so that no two machines' clocks are compared), and without one for the length
of the lease anybody may take the slot away.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from hpo.search import trials as stored
from hpo.search.worker_identity import holder
from hpo.spec.records import EpochReport, TrialResult

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from hpo.search.evolution import Present
    from hpo.search.goals import Goals


class Attempts:
    """The attempts at one architecture's slots.

    Args:
        database: what ``open_storage`` returned.
        study_id: Optuna's.
        goals: objectives and constraints; the first objective is among an epoch's metrics.
        present: the study's space, in which earlier trials are shown; None shows them as they are.
    """

    def __init__(
        self,
        database: Any,
        study_id: int,
        *,
        goals: Goals,
        present: Present | None = None,
    ) -> None:
        from hpo.search.remembered import RememberedTrials

        self._database = database
        self._present = present
        self._storage = RememberedTrials(database, present.names if present else ())
        self._study_id = study_id
        self._goals = goals

    # Reading

    def all(self) -> list[FrozenTrial]:
        """Return every attempt, lost ones too, in the order of their numbers.

        Of those that have ended only what ``stored.asked_again`` keeps.
        """
        trials: list[FrozenTrial] = self._storage.get_all_trials(self._study_id, deepcopy=False)
        if self._present is None or self._present.version == 1:
            return trials
        return [self._present.shown(trial) for trial in trials]

    def has_evolved(self) -> int | None:
        """Return the version that the space has come to if it is not the present one any more."""
        attributes = self._database.get_study_user_attrs(self._study_id)
        version = int(attributes.get(stored.SPACE_VERSION, 1))
        return version if self._present and version != self._present.version else None

    def by_slot(self) -> dict[int, FrozenTrial]:
        """Return Optuna's trials by the slot that each fills, lost attempts left out."""
        return stored.slots(self.all())

    def get(self, number: int) -> FrozenTrial:
        """Return an attempt as it is stored, a lost one too.

        Raises:
            KeyError: there is none of this number.
        """
        return self._database.get_trial(self._id(number))

    def late_run_id(self, number: int) -> str:
        """Return the MLflow run that was known only after the attempt's end; "" if none."""
        key = f"{stored.LATE_RUN_ID}{number}"
        return str(self._storage.get_study_user_attrs(self._study_id).get(key, ""))

    # Writing

    def insert(self, template: FrozenTrial) -> int:
        """Insert a trial that holds everything, in one transaction; return its number."""
        if self._present is not None and self._present.version > 1:
            template.set_user_attr(stored.SPACE_VERSION, self._present.version)
        trial_id = self._storage.create_new_trial(self._study_id, template)
        number: int = self._storage.get_trial_number_from_id(trial_id)
        return number

    def beat(self, number: int) -> None:
        """Give a sign of life for a running attempt."""
        self._storage.record_heartbeat(self._id(number))

    def record_epoch(self, number: int, report: EpochReport, *, inherited: bool = False) -> bool:
        """Store an epoch and, for the pruner, its objective."""
        trial_id = self._id(number)
        key, value = stored.epoch_attribute(report, inherited=inherited)
        objective = report.metrics.get(self._goals.metrics[0])

        def write() -> None:
            self._storage.set_trial_user_attr(trial_id, key, value)
            if objective is not None:
                self._storage.set_trial_intermediate_value(trial_id, report.epoch, objective)

        return _if_running(write)

    def set_run_id(self, number: int, run_id: str) -> None:
        """Store which MLflow run mirrors the attempt; with the study, where the trial has ended."""
        trial_id = self._id(number)
        if not _if_running(
            lambda: self._storage.set_trial_user_attr(trial_id, stored.RUN_ID, run_id)
        ):
            key = f"{stored.LATE_RUN_ID}{number}"
            self._storage.set_study_user_attr(self._study_id, key, run_id)

    def keep(self, trial: FrozenTrial, noted: dict[str, Any]) -> bool:
        """Store what a pruner noted with ``trial`` in its system attributes."""

        # Hyperband notes the rungs that a trial has reached; others compare with them.
        def write() -> None:
            for key, value in noted.items():
                if trial.system_attrs.get(key) != value:
                    self._storage.set_trial_system_attr(trial._trial_id, key, value)

        return _if_running(write)

    # Ending

    def finish(self, number: int, result: TrialResult) -> bool:
        """Store the result, then end the trial; True also if it was ended with this very result."""
        trial_id = self._id(number)
        unknown = self._goals.missing(result) if result.state == "complete" else []
        if unknown:
            reason = f"error: {', '.join(unknown)} was not measured"
            result = dataclasses.replace(result, state="failed", reason=reason)

        def write() -> None:
            self._storage.set_trial_user_attr(trial_id, stored.ENDED, time.time())
            if result.params:
                params = stored.plain(result.params)
                self._storage.set_trial_user_attr(trial_id, stored.PARAMS, params)
            self._store_result(trial_id, result)
            self._end(trial_id, result)

        if _if_running(write):
            return True
        # The database may have ended it and gone away before it could say so.
        trial = self._database.get_trial(trial_id)
        same = trial.user_attrs.get(stored.RESULT) == stored.result_attribute(result)
        return same and not stored.is_lost(trial)

    def lose(
        self,
        number: int,
        reason: str,
        change: Mapping[str, Any] | None = None,
        result: TrialResult | None = None,
    ) -> bool:
        """Mark the attempt lost and fail it: its slot is to be asked for again.

        Args:
            number: of the attempt.
            reason: why, as in ``TrialResult``.
            change: parameters that the next attempt sets otherwise.
            result: what is known of how it went.
        """
        told = result or TrialResult(state="failed", reason=reason)
        return self._lose(self._id(number), reason, told, change or {}, time.time())

    def recover(self, me: str, *, silent_for: float, spare: Collection[int] = ()) -> list[int]:
        """End what dead workers left running; return the numbers of the trials that were ended.

        An attempt whose result was stored is ended with it, any other is lost.

        Args:
            me: this worker's ``identity``.
            silent_for: seconds without a sign of life after which a trial is taken, too.
            spare: numbers of trials that this worker runs itself.
        """
        ended = []
        dead = self.dead(me, silent_for=silent_for, spare=spare)
        silent = self._seconds_of_silence([trial._trial_id for trial, _ in dead])
        for trial, reason in dead:
            result = trial.user_attrs.get(stored.RESULT)
            if result is not None and stored.LOST not in trial.user_attrs:
                told = stored.read_result(result)
                if _if_running(lambda i=trial._trial_id, r=told: self._end(i, r)):  # type: ignore[misc]
                    ended.append(trial.number)
            elif self._lose_worker(trial, reason, silent.get(trial._trial_id)):
                ended.append(trial.number)
        return ended

    def dead(
        self, me: str, *, silent_for: float, spare: Collection[int] = (), start_leases: bool = True
    ) -> list[tuple[FrozenTrial, str]]:
        """Return the running attempts whose workers are dead, each with why that is known.

        Args:
            me: this worker's ``identity``.
            silent_for: seconds without a sign of life after which a worker is dead, too.
            spare: numbers of trials that this worker runs itself.
            start_leases: give those that never gave a sign of life their first one.
        """
        from optuna.trial import TrialState

        running = self._storage.get_all_trials(
            self._study_id, deepcopy=False, states=(TrialState.RUNNING,)
        )
        others = [trial for trial in running if trial.number not in spare]
        stale = self._stale(others, silent_for, start_leases)
        found = []
        for trial in others:
            if holder(trial.user_attrs.get(stored.WORKER, ""), me) == "gone":
                found.append((trial, "its process was gone"))
            elif trial._trial_id in stale:
                found.append((trial, "it gave no sign of life"))
        return found

    def _stale(self, running: list[FrozenTrial], silent_for: float, start_leases: bool) -> set[int]:
        """Return the ids of trials without a sign of life for so many seconds.

        A trial that never gave one (its worker died right after the claim) may get its first one
        here: from now on its lease runs, in the database's time.
        """
        ids = [trial._trial_id for trial in running]
        beaten = self._seconds_of_silence(ids)
        for trial_id in ids:
            if start_leases and trial_id not in beaten:
                self._storage.record_heartbeat(trial_id)
        stale = {trial_id for trial_id, seconds in beaten.items() if seconds > silent_for}
        # To a server that has just come back nobody could speak for as long.
        return stale if stale and self._seconds_up() > silent_for else set()

    def _seconds_up(self) -> float:
        """Return how long the database has been there to be spoken to; a file always has."""
        import sqlalchemy

        if self._database.engine.dialect.name != "postgresql":
            return math.inf
        age = sqlalchemy.text("SELECT EXTRACT(EPOCH FROM now() - pg_postmaster_start_time())")
        with self._database.scoped_session() as session:
            return float(session.execute(age).scalar())

    def _seconds_of_silence(self, ids: list[int]) -> dict[int, float]:
        """Return how long ago each trial gave its last sign of life, by id, if it ever gave one."""
        import sqlalchemy
        from optuna.storages._rdb.models import TrialHeartbeatModel as Beats

        if not ids:
            return {}
        with self._database.scoped_session() as session:
            # PostgreSQL tells the zone of its clock and not that of what is stored by it.
            now = session.execute(sqlalchemy.func.now()).scalar().replace(tzinfo=None)
            found = session.query(Beats.trial_id, Beats.heartbeat).filter(Beats.trial_id.in_(ids))
            return {trial_id: (now - beat).total_seconds() for trial_id, beat in found}

    def _lose_worker(self, trial: FrozenTrial, reason: str, silent_seconds: float | None) -> bool:
        """Lose an attempt whose worker is dead; it ended with its last sign of life."""
        began = stored.started(trial) or time.time()
        if silent_seconds is None:
            epochs = stored.read_epochs(trial.user_attrs)
            last = began + sum(report.seconds for report in epochs)
        else:
            last = time.time() - silent_seconds
        told = TrialResult(state="failed", reason=f"worker_lost: {reason}")
        ended = min(max(began, last), time.time())
        return self._lose(trial._trial_id, told.reason, told, {}, ended)

    def _end(self, trial_id: int, result: TrialResult) -> None:
        from optuna.trial import TrialState

        value = result.value if result.value is not None and not math.isnan(result.value) else None
        goals, values = self._goals, self._goals.values(result)
        if result.state == "complete" and values is not None:
            for key, excess in goals.constraints(result).items():
                self._storage.set_trial_system_attr(trial_id, key, excess)
            self._storage.set_trial_state_values(trial_id, TrialState.COMPLETE, values)
        elif result.state == "pruned":
            if value is None:
                reported = self._database.get_trial(trial_id).intermediate_values.values()
                value = stored.best_of(reported, maximize=goals.maximize[0])
            values = None if value is None else [value]
            self._storage.set_trial_state_values(trial_id, TrialState.PRUNED, values)
        else:
            self._storage.set_trial_state_values(trial_id, TrialState.FAIL)

    def _lose(
        self,
        trial_id: int,
        reason: str,
        result: TrialResult,
        change: Mapping[str, Any],
        ended: float,
    ) -> bool:
        from optuna.trial import TrialState

        def write() -> None:
            self._storage.set_trial_user_attr(trial_id, stored.ENDED, ended)
            if change:
                self._storage.set_trial_user_attr(trial_id, stored.RETRY_WITH, dict(change))
            self._storage.set_trial_user_attr(trial_id, stored.LOST, reason)
            self._store_result(trial_id, result)
            self._storage.set_trial_state_values(trial_id, TrialState.FAIL)

        return _if_running(write)

    def _store_result(self, trial_id: int, result: TrialResult) -> None:
        attribute = stored.result_attribute(result)
        self._storage.set_trial_user_attr(trial_id, stored.RESULT, attribute)

    def _id(self, number: int) -> int:
        trial_id: int = self._storage.get_trial_id_from_study_id_trial_number(
            self._study_id, number
        )
        return trial_id


def _if_running(write: Callable[[], None]) -> bool:
    """Run ``write``; False if the trial has ended meanwhile."""
    from optuna.exceptions import UpdateFinishedTrialError

    try:
        write()
    except UpdateFinishedTrialError:
        return False
    return True
