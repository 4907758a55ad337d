"""Pruners of the catalogue: each a function ``(options, epochs) -> optuna pruner``.

``epochs`` is the number that every trial of the architecture trains for, or None where it is
searched. Steps are epochs, from 1. One Optuna study per architecture keeps fast starters of one
architecture from stopping slow ones of another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hpo.search.options import (
    HyperbandOptions,
    MedianOptions,
    NoOptions,
    ThresholdOptions,
    read_options,
)

if TYPE_CHECKING:
    from optuna.pruners import BasePruner


def median(options: Mapping[str, Any], epochs: int | None = None) -> BasePruner:
    """Below the median of completed trials at the same epoch, and no new best for ``patience``.

    Optuna's ``PatientPruner`` spares a trial unless its values fall, so a trial that stands still
    at the majority rate, which is how a hopeless learning rate looks, is never stopped. Here
    standing still counts as no improvement.
    """
    from optuna.pruners import MedianPruner

    chosen = read_options(MedianOptions, options, "pruner")
    compare = MedianPruner(
        n_startup_trials=chosen.startup_trials,
        # Optuna's steps count from 0; at this one the warm-up epochs are over.
        n_warmup_steps=chosen.warmup_epochs + 1,
        interval_steps=chosen.interval,
        n_min_trials=1,
    )
    return _patient(compare, chosen.patience)


def hyperband(options: Mapping[str, Any], epochs: int | None = None) -> BasePruner:
    """Successive halving over several brackets; the horizon is ``max_epochs`` or ``epochs``."""
    from optuna.pruners import HyperbandPruner

    chosen = read_options(HyperbandOptions, options, "pruner")
    return HyperbandPruner(
        min_resource=chosen.min_epochs,
        max_resource=chosen.max_epochs or epochs or "auto",
        reduction_factor=chosen.reduction_factor,
        bootstrap_count=0,
    )


def threshold(options: Mapping[str, Any], epochs: int | None = None) -> BasePruner:
    """Outside ``lower`` to ``upper``, or NaN; compares with no other trial."""
    from optuna.pruners import ThresholdPruner

    chosen = read_options(ThresholdOptions, options, "pruner")
    return ThresholdPruner(
        lower=chosen.lower,
        upper=chosen.upper,
        n_warmup_steps=chosen.warmup_epochs + 1,
        interval_steps=chosen.interval,
    )


def none(options: Mapping[str, Any], epochs: int | None = None) -> BasePruner:
    """Stop nothing."""
    from optuna.pruners import NopPruner

    read_options(NoOptions, options, "pruner")
    return NopPruner()


def improved_lately(values: list[float], patience: int, *, maximize: bool) -> bool:
    """Tell whether one of the last ``patience`` values beats all before it; NaN beats nothing.

    Args:
        values: one per epoch, in order.
        patience: how many epochs without a new best are borne; with 0 nothing is.
        maximize: which way is better.
    """
    if patience == 0:
        return False
    if len(values) <= patience:
        return True
    sign = 1.0 if maximize else -1.0
    ranked = [-math.inf if math.isnan(v) else sign * v for v in values]
    return max(ranked[-patience:]) > max(ranked[:-patience])


def _patient(compare: BasePruner, patience: int) -> BasePruner:
    from optuna.pruners import BasePruner
    from optuna.study import StudyDirection

    class PatientMedianPruner(BasePruner):  # type: ignore[misc]
        """Lets ``compare`` decide only over trials that have stopped improving."""

        def prune(self, study: Any, trial: Any) -> bool:
            values = [v for _, v in sorted(trial.intermediate_values.items())]
            maximize = study.direction == StudyDirection.MAXIMIZE
            if improved_lately(values, patience, maximize=maximize):
                return False
            return bool(compare.prune(study, trial))

    return PatientMedianPruner()
