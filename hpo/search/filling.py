"""Space-filling trials beyond the budget: an even sample of the space, for importance alone.

What an adaptive sampler chose speaks of the region that it liked. These trials are points of a
scrambled Sobol sequence over the whole space, whatever the study's sampler and engine. They have
slots of their own, above any budget's, so a budget may grow between two sittings; no sampler,
pruner or oracle sees them, so the search is the same with and without; and none is pruned, because
a value cut short is another quantity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from hpo.search import trials as stored
from hpo.search.configurations import Enqueued
from hpo.search.samplers import qmc
from hpo.spec.records import SPACE_FILLING
from hpo.spec.sections import FIRST_FILLING_SLOT
from hpo.spec.seeds import derive_seed
from hpo.spec.space import SearchSpace
from hpo.spec.study import StudySpec

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

ANYTHING = Enqueued({}, origin=SPACE_FILLING)
"""What such a trial is given before it is drawn: nothing."""


def is_filling(trial: FrozenTrial) -> bool:
    """Tell whether a trial, or a lost attempt, is a space-filling one."""
    return bool(trial.user_attrs.get(stored.SLOT, 0) >= FIRST_FILLING_SLOT)


def searched(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """Return the trials of the search."""
    return [trial for trial in trials if not is_filling(trial)]


def sampler(spec: StudySpec, label: str, space: SearchSpace) -> Any:
    """Return the sequence of one architecture, the same for all of its trials."""
    return qmc({}, derive_seed(spec.seed, label, SPACE_FILLING), space)


def free_slot(spec: StudySpec, begun: Mapping[tuple[int, int], FrozenTrial]) -> int | None:
    """Return the lowest slot that is not begun; None if there is none.

    Args:
        spec: the study file.
        begun: trials by slot and rung, lost attempts left out.
    """
    taken = {slot for slot, _ in begun}
    wanted = range(FIRST_FILLING_SLOT, FIRST_FILLING_SLOT + spec.budget.importance_trials)
    return next((slot for slot in wanted if slot not in taken), None)
