"""Optuna's cache of a study's trials, which keeps of a finished one only what is asked again.

A study of days ends thousands of trials, and each is stored with its epochs, its result (a
prediction per validation face) and its whole configuration: some 30 kB in memory. Samplers,
pruners, budgets and retries read a small part of it; ``Attempts.get`` reads the storage itself.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from copy import copy
from typing import TYPE_CHECKING, Any

# Optuna has no public class for it; ``get_storage`` wraps every database in this one.
from optuna.storages._cached_storage import _CachedStorage

from hpo.search import trials as stored

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial


class RememberedTrials(_CachedStorage):  # type: ignore[misc]
    """Reads each finished trial once, and keeps it without what no sampler or budget reads.

    Args:
        database: an ``RDBStorage``.
        names: parameters whose values are kept of trials that did not search them, too.
    """

    def __init__(self, database: Any, names: Collection[str] = ()) -> None:
        super().__init__(database)
        self._names = names
        self._shared: dict[tuple[str, BaseDistribution], BaseDistribution] = {}

    def _add_trials_to_cache(self, study_id: int, trials: Iterable[FrozenTrial]) -> None:
        kept = [self._shortened(t) if t.state.is_finished() else t for t in trials]
        super()._add_trials_to_cache(study_id, kept)

    def _shortened(self, trial: FrozenTrial) -> FrozenTrial:
        short = copy(trial)
        short.params = {sys.intern(name): value for name, value in trial.params.items()}
        short.distributions = {
            sys.intern(name): self._shared.setdefault((name, distribution), distribution)
            for name, distribution in trial.distributions.items()
        }
        short.user_attrs = stored.asked_again(trial, self._names)
        return short
