"""Whether an architecture may claim another trial: its budget against what is stored.

Everything is counted from Optuna's trials, so the count holds over all workers and restarts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hpo.search import trials as stored
from hpo.spec.sections import BudgetSpec

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

_SECONDS_PER_HOUR = 3600.0


def time_is_up(budget: BudgetSpec, trials: Iterable[FrozenTrial], now: float) -> bool:
    """Tell whether the hours or the device-hours are used up.

    Lost attempts count too: they cost what they cost, until their worker's last sign of life.

    Args:
        budget: of the architecture.
        trials: all attempts.
        now: in POSIX seconds.
    """
    if budget.hours is None and budget.device_hours is None:
        return False
    spans = list(_spans(trials, now))
    if budget.hours is not None and busy_seconds(spans) >= budget.hours * _SECONDS_PER_HOUR:
        return True
    spent = sum(end - start for start, end in spans)
    return budget.device_hours is not None and spent >= budget.device_hours * _SECONDS_PER_HOUR


def busy_seconds(spans: Iterable[tuple[float, float]]) -> float:
    """Return in how many seconds at least one of ``spans`` was open."""
    total = 0.0
    reached: float | None = None
    for start, end in sorted(spans):
        begin = start if reached is None else max(start, reached)
        if end > begin:
            total += end - begin
        reached = end if reached is None else max(reached, end)
    return total


def epochs_left(budget: BudgetSpec, known: Iterable[FrozenTrial]) -> int | None:
    """Return how many epochs are neither spent nor promised; None without such a limit.

    A running trial is promised all of its epochs, without those of the rung that it continues. Lost
    attempts do not count: their slots are run again, and a study that was interrupted has as many
    epochs as one that was not.

    Args:
        budget: of the architecture.
        known: trials, lost attempts left out.
    """
    if budget.epochs is None:
        return None
    return budget.epochs - sum(_epochs(trial) for trial in known)


def planned_epochs(params: Mapping[str, Any]) -> int:
    """Return how many epochs a configuration may train; the default where it does not say."""
    from hpo.training.parameters import TrainingParameters

    return int(params.get("epochs", TrainingParameters.model_fields["epochs"].default))


def promised_epochs(attributes: Mapping[str, Any]) -> int:
    """Return how many epochs a trial with these user attributes may train beyond what is done.

    One that cannot go on from the rung below trains more, which counts when it has.
    """
    done = attributes.get(stored.RUNGS) or [0]
    return planned_epochs(attributes.get(stored.PARAMS, {})) - int(done[-1])


def _epochs(trial: FrozenTrial) -> int:
    if trial.state.is_finished():
        return stored.count_epochs(trial.user_attrs)
    return promised_epochs(trial.user_attrs)


def _spans(trials: Iterable[FrozenTrial], now: float) -> Iterator[tuple[float, float]]:
    for trial in trials:
        start, end = stored.started(trial), stored.ended(trial)
        if start is not None:
            # The clocks of several machines may differ by a little.
            yield start, max(start, now if end is None else end)
