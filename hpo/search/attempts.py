"""The trials of one Optuna study in the storage: inserted, written to while they run, and ended.

A *slot* is one place of the budget, an *attempt* one trial that fills it. Every write says whether
it took hold: an attempt that has ended meanwhile (another worker was given its slot) is left as it
is. A result is stored before its trial is ended, and an attempt marked lost before it is failed,
so that a process killed between the two leaves a running trial that ``recover`` can judge.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hpo.search import trials as stored
from hpo.search.studies import slots
from hpo.search.worker_identity import holds
from hpo.spec.records import EpochReport, TrialResult

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


class Attempts:
    """The attempts at one architecture's slots.

    Args:
        database: what ``open_storage`` returned.
        study_id: Optuna's.
        metric: the objective's name among an epoch's metrics.
        maximize: the objective's direction.
    """

    def __init__(self, database: Any, study_id: int, *, metric: str, maximize: bool) -> None:
        from optuna.storages import get_storage

        self._storage = get_storage(database)  # Optuna's cache: finished trials are read once
        self._study_id = study_id
        self._metric = metric
        self._maximize = maximize

    # Reading

    def by_slot(self) -> dict[int, FrozenTrial]:
        """Return Optuna's trials by the slot that each fills, lost attempts left out."""
        return slots(self._storage.get_all_trials(self._study_id, deepcopy=False))

    def get(self, number: int) -> FrozenTrial:
        """Return an attempt, a lost one too.

        Raises:
            KeyError: there is none of this number.
        """
        return self._storage.get_trial(self._id(number))

    # Writing

    def insert(self, template: FrozenTrial) -> int:
        """Insert a trial that holds everything, in one transaction; return its number."""
        trial_id = self._storage.create_new_trial(self._study_id, template)
        number: int = self._storage.get_trial_number_from_id(trial_id)
        return number

    def record_epoch(self, number: int, report: EpochReport) -> bool:
        """Store an epoch and, for the pruner, its objective."""
        trial_id = self._id(number)
        key, value = stored.epoch_attribute(report)
        objective = report.metrics.get(self._metric)

        def write() -> None:
            self._storage.set_trial_user_attr(trial_id, key, value)
            if objective is not None:
                self._storage.set_trial_intermediate_value(trial_id, report.epoch, objective)

        return _if_running(write)

    def set_run_id(self, number: int, run_id: str) -> bool:
        """Store which MLflow run mirrors the attempt."""
        trial_id = self._id(number)
        return _if_running(
            lambda: self._storage.set_trial_user_attr(trial_id, stored.RUN_ID, run_id)
        )

    def keep(self, trial: FrozenTrial, noted: dict[str, Any]) -> None:
        """Store what a pruner noted with ``trial`` in its system attributes."""
        # Hyperband notes the rungs that a trial has reached; others compare with them.
        for key, value in noted.items():
            if trial.system_attrs.get(key) != value:
                self._storage.set_trial_system_attr(trial._trial_id, key, value)

    # Ending

    def finish(self, number: int, result: TrialResult) -> bool:
        """Store the result, then end the trial."""
        trial_id = self._id(number)

        def write() -> None:
            if result.params:
                params = stored.plain(result.params)
                self._storage.set_trial_user_attr(trial_id, stored.PARAMS, params)
            self._store_result(trial_id, result)
            self._end(trial_id, result)

        return _if_running(write)

    def release(self, number: int, reason: str) -> bool:
        """Mark the attempt lost and fail it: its slot is to be asked for again."""
        return self._lose(self._id(number), reason)

    def recover(self, me: str) -> list[int]:
        """End what dead workers left running; return the numbers of attempts that were lost.

        An attempt whose result was stored is ended with it.

        Args:
            me: this worker's ``identity``.
        """
        from optuna.trial import TrialState

        released = []
        running = self._storage.get_all_trials(
            self._study_id, deepcopy=False, states=(TrialState.RUNNING,)
        )
        for trial in running:
            if holds(trial.user_attrs.get(stored.WORKER, ""), me):
                continue
            result = trial.user_attrs.get(stored.RESULT)
            if result is not None and stored.LOST not in trial.user_attrs:
                told = stored.read_result(result)
                _if_running(lambda i=trial._trial_id, r=told: self._end(i, r))  # type: ignore[misc]
            elif self._lose(trial._trial_id, "killed: the worker was gone when the study resumed"):
                released.append(trial.number)
        return released

    def _end(self, trial_id: int, result: TrialResult) -> None:
        from optuna.trial import TrialState

        value = result.value if result.value is not None and not math.isnan(result.value) else None
        if result.state == "complete" and value is not None:
            self._storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [value])
        elif result.state == "pruned":
            if value is None:
                reported = self._storage.get_trial(trial_id).intermediate_values.values()
                value = stored.best_of(reported, maximize=self._maximize)
            values = None if value is None else [value]
            self._storage.set_trial_state_values(trial_id, TrialState.PRUNED, values)
        else:
            self._storage.set_trial_state_values(trial_id, TrialState.FAIL)

    def _lose(self, trial_id: int, reason: str) -> bool:
        from optuna.trial import TrialState

        def write() -> None:
            self._storage.set_trial_user_attr(trial_id, stored.LOST, reason)
            self._store_result(trial_id, TrialResult(state="failed", reason=reason))
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
