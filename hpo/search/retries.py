"""The next attempt at a slot whose earlier ones were lost: the same configuration, or nearly.

Its configuration and seed are the last attempt's, with what that one asked to be changed (half the
batch after running out of memory); nothing is drawn again. So a retry answers the same question.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hpo.search import trials as stored
from hpo.spec.records import TrialResult

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

MOST_ATTEMPTS = 20
"""After so many lost attempts that led nowhere a slot is given up: its trial may be what kills the
workers."""

_OF_THE_ATTEMPT = {
    stored.RESULT,
    stored.RUN_ID,
    stored.LOST,
    stored.WORKER,
    stored.RETRY_WITH,
    stored.ATTEMPT,
    stored.RETRY_OF,
    stored.STARTED,
    stored.ENDED,
    stored.EPOCHS_COUNTED,
}
"""Attributes that belong to one attempt, and its epochs; the others are the slot's."""

_INTERRUPTED = "interrupted"
_RUNG = "completed_rung_"
"""How successive halving's notes with a trial begin."""


def lost_at(attempts: Iterable[FrozenTrial], slot: int, rung: int = 0) -> list[FrozenTrial]:
    """Return the lost attempts at a slot and rung, in their order."""
    return [
        t
        for t in attempts
        if t.user_attrs.get(stored.SLOT) == slot
        and t.user_attrs.get(stored.RUNG, 0) == rung
        and stored.is_lost(t)
    ]


def is_hopeless(lost: Iterable[FrozenTrial]) -> bool:
    """Tell whether a slot's lost attempts are too many to try again.

    Those that a person or a scheduler ended say nothing of the trial, and one that came further
    than all before it gets on: a trial of days on machines that are lent by the hour.
    """
    fruitless, furthest = 0, 0
    for trial in lost:
        epochs = stored.count_epochs(trial.user_attrs)
        interrupted = str(trial.user_attrs[stored.LOST]).startswith(_INTERRUPTED)
        fruitless += not interrupted and epochs <= furthest
        furthest = max(furthest, epochs)
    return fruitless >= MOST_ATTEMPTS


def template(lost: list[FrozenTrial], worker: str) -> FrozenTrial:
    """Return the next attempt, running, to be inserted.

    A searched value that was changed stays among Optuna's parameters if its range holds the new
    one; else it counts as set beside the space, as an enqueued value does.

    Args:
        lost: the earlier attempts; at least one.
        worker: who runs it.
    """
    from optuna.trial import TrialState, create_trial

    last = lost[-1]
    change = last.user_attrs.get(stored.RETRY_WITH, {})
    params, distributions, overrides = {}, {}, dict(last.user_attrs.get(stored.OVERRIDES, {}))
    for name, value in last.params.items():
        distribution = last.distributions[name]
        if name not in change:
            params[name], distributions[name] = value, distribution
        elif _holds(distribution, change[name]):
            params[name], distributions[name] = change[name], distribution
    overrides.update({k: v for k, v in change.items() if k not in params})
    # What a retry changes is not what the space made of it.
    moved = {k: v for k, v in last.user_attrs.get(stored.MOVED, {}).items() if k not in change}
    return create_trial(
        state=TrialState.RUNNING,
        params=params,
        distributions=distributions,
        user_attrs={
            **_slots_own(last),
            **({stored.MOVED: moved} if stored.MOVED in last.user_attrs else {}),
            stored.PARAMS: {**last.user_attrs.get(stored.PARAMS, {}), **change},
            stored.OVERRIDES: overrides,
            stored.WORKER: worker,
            stored.STARTED: time.time(),
            stored.ATTEMPT: len(lost),
            stored.RETRY_OF: last.number,
        },
        # What a pruner noted belongs to the epochs of the lost attempt.
        system_attrs={k: v for k, v in last.system_attrs.items() if not k.startswith(_RUNG)},
    )


def given_up(lost: list[FrozenTrial]) -> FrozenTrial:
    """Return a failed trial that closes a slot after too many lost attempts."""
    from optuna.trial import TrialState, create_trial

    last = lost[-1]
    now = time.time()
    reason = f"worker_lost: {len(lost)} attempts at this place of the budget were lost"
    result = TrialResult(state="failed", reason=reason)
    return create_trial(
        state=TrialState.FAIL,
        params=last.params,
        distributions=last.distributions,
        user_attrs={
            **_slots_own(last),
            stored.RESULT: stored.result_attribute(result),
            stored.STARTED: now,
            stored.ENDED: now,
            stored.ATTEMPT: len(lost),
            stored.RETRY_OF: last.number,
        },
    )


def _holds(distribution: Any, value: Any) -> bool:
    try:
        return bool(distribution._contains(distribution.to_internal_repr(value)))
    except ValueError:
        return False


def _slots_own(trial: FrozenTrial) -> dict[str, object]:
    return {
        key: value
        for key, value in trial.user_attrs.items()
        if key not in _OF_THE_ATTEMPT and not stored.is_epoch(key)
    }
