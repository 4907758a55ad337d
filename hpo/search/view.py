"""What samplers and pruners see: the study as if nothing had ever been interrupted.

Optuna numbers trials in the order in which they were created, attempts that were killed included,
and some algorithms lean on that number (CMA-ES seeds itself with it, Hyperband draws the bracket
from it). A ``SlotView`` shows each slot of the budget once, under the slot as its number, and
leaves lost attempts out. So the same finished trials give the same decisions, whatever happened
between.

It also makes a claim one transaction: values are drawn here, in memory, and a trial enters the real
storage with all its values or not at all.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from copy import copy
from copy import deepcopy as copy_deeply
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

_STUDY_ID = 0


def shown(trial: FrozenTrial, slot: int, *, state: TrialState | None = None) -> FrozenTrial:
    """Return ``trial`` numbered by ``slot``, without the user attributes that no sampler reads."""
    return FrozenTrial(
        number=slot,
        trial_id=slot,
        state=state or trial.state,
        value=None,
        values=trial.values,
        datetime_start=trial.datetime_start,
        datetime_complete=trial.datetime_complete,
        params=trial.params,
        distributions=trial.distributions,
        user_attrs={},
        system_attrs=trial.system_attrs,
        intermediate_values=trial.intermediate_values,
    )


def asking(slot: int, fixed: Mapping[str, Any], attributes: Mapping[str, Any]) -> FrozenTrial:
    """Return the trial that waits to be given values at ``slot``; ``fixed`` ones are given."""
    return FrozenTrial(
        number=slot,
        trial_id=slot,
        state=TrialState.WAITING,
        value=None,
        datetime_start=None,
        datetime_complete=None,
        params={},
        distributions={},
        user_attrs=dict(attributes),
        system_attrs={"fixed_params": dict(fixed)},
        intermediate_values={},
    )


def _gap(slot: int) -> FrozenTrial:
    # A slot that nobody holds now: samplers and pruners pass over failed trials.
    gap = asking(slot, {}, {})
    gap.state = TrialState.FAIL
    return gap


class SlotView(BaseStorage):  # type: ignore[misc]
    """A storage of one study in memory, whose trials are numbered by slot.

    Args:
        name: the study's name; Hyperband draws brackets from it.
        maximize: the study's direction, or one for each of its objectives.
        trials: trials with ``number`` set to their slot, each slot at most once.
    """

    def __init__(
        self, name: str, maximize: bool | Sequence[bool], trials: Iterable[FrozenTrial]
    ) -> None:
        by_slot = {trial.number: trial for trial in trials}
        self._name = name
        each = [maximize] if isinstance(maximize, bool) else maximize
        self._directions = [
            StudyDirection.MAXIMIZE if one else StudyDirection.MINIMIZE for one in each
        ]
        self._trials = [by_slot.get(s) or _gap(s) for s in range(max(by_slot, default=-1) + 1)]
        self._user_attrs: dict[str, Any] = {}
        self._system_attrs: dict[str, Any] = {}

    def study(self, sampler: Any, pruner: Any) -> optuna.Study:
        """Return the study that samplers and pruners are handed."""
        return optuna.Study(self._name, self, sampler=sampler, pruner=pruner)

    # Reading

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return the trial at slot ``trial_id``."""
        try:
            return self._trials[trial_id]
        except IndexError:
            raise KeyError(f"no trial at slot {trial_id}") from None

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials in the order of their slots."""
        chosen = [t for t in self._trials if states is None or t.state in states]
        return copy_deeply(chosen) if deepcopy else chosen

    def get_study_id_from_name(self, study_name: str) -> int:
        """Return the one study's id."""
        return _STUDY_ID

    def get_study_name_from_id(self, study_id: int) -> str:
        """Return the study's name."""
        return self._name

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        """Return the direction of each objective."""
        return list(self._directions)

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """Return what was set on this view."""
        return self._user_attrs

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """Return what was set on this view."""
        return self._system_attrs

    def get_all_studies(self) -> list[Any]:
        """Return nothing: a view is not for listing."""
        return []

    # Writing: always on a copy, so that trials handed out before do not change.

    def _replace(self, trial_id: int, **changes: Any) -> None:
        trial = copy(self.get_trial(trial_id))
        for key, value in changes.items():
            setattr(trial, key, value)
        self._trials[trial_id] = trial

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        """Record a drawn value."""
        trial = self.get_trial(trial_id)
        value = distribution.to_external_repr(param_value_internal)
        self._replace(
            trial_id,
            params={**trial.params, param_name: value},
            distributions={**trial.distributions, param_name: distribution},
        )

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Move a trial to ``state``; True if a waiting one was taken."""
        if state == TrialState.RUNNING and self.get_trial(trial_id).state != TrialState.WAITING:
            return False
        self._replace(trial_id, state=state)
        if values is not None:
            self._replace(trial_id, values=list(values))
        return True

    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        """Record a value at an epoch."""
        values = {**self.get_trial(trial_id).intermediate_values, step: intermediate_value}
        self._replace(trial_id, intermediate_values=values)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Record an attribute."""
        self._replace(trial_id, user_attrs={**self.get_trial(trial_id).user_attrs, key: value})

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Record what a sampler or pruner keeps with a trial."""
        self._replace(trial_id, system_attrs={**self.get_trial(trial_id).system_attrs, key: value})

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        """Record an attribute of the study, for as long as the view lives."""
        self._user_attrs[key] = value

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        """Record an attribute of the study, for as long as the view lives."""
        self._system_attrs[key] = value

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Append a trial; its slot is the next one."""
        slot = len(self._trials)
        trial = shown(template_trial, slot) if template_trial else asking(slot, {}, {})
        if template_trial is None:
            trial.state = TrialState.RUNNING
        self._trials.append(trial)
        return slot

    def create_new_study(
        self, directions: Sequence[StudyDirection], study_name: str | None = None
    ) -> int:
        """Refuse: a view shows one study.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("a view of one study holds no other")

    def delete_study(self, study_id: int) -> None:
        """Refuse: a view shows one study.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("a view cannot delete the study that it shows")
