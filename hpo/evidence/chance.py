"""How sure an importance is, and whether it is more than chance.

Two questions are asked of the same trials. *How sure*: the importance is computed again on random
halves of the trials, drawn without replacement because copies of a trial mislead a forest. The
spread between halves estimates the standard error on all trials (Shao and Wu, 1989, "A general
theory for jackknife variance estimation", delete-d with d = n/2). A forest of few trials is also
biased: it gives dead parameters too much and strong ones too little. How far the mean of the halves
lies from the value on all trials tells which way more trials would move it, and the interval is
carried on that way. *More than chance*: each parameter is set against shuffled copies of its own
values, which cannot matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from hpo.evidence.forests import Array
from hpo.evidence.intervals import Interval

HALVES = 24
"""Random halves of the trials behind an interval."""
FOREST_SHUFFLES = 20
"""Forests with a shuffled copy of every parameter."""
DIVERGENCE_SHUFFLES = 50
"""Shuffles for PED-ANOVA, whose values scatter more."""
CARRIED_ON = 2.0
"""How many times the step from the halves to all trials an interval is carried on.

If the bias falls as trials to the power -r, what is left of it at all trials is the step divided by
2^r - 1: 2.4 times for r = 1/2, once for r = 1. Chosen by simulation, see ``docs/evidence.md``."""
FINER_BANDWIDTH = 0.5
"""Bandwidth of PED-ANOVA's kernels on some thirty times as many trials, as a multiple of that on
these: it falls as trials to the power -1/5 (Scott's rule), and blurs several peaks into one."""
CHANCE_DEVIATIONS = 3.0
"""How many standard deviations above its shuffled copies' mean a parameter must lie."""
CHANCE_SHARE = 0.98
"""Share of its shuffled copies that a parameter must exceed."""


def half_interval(
    point: float,
    halves: Sequence[float],
    level: float,
    n: int,
    widening: float = 1.0,
    step: float = 0.0,
    margin: float = 0.0,
) -> Interval:
    """Return the interval of an importance from its values on random halves of the trials.

    Args:
        point: the value on all trials, in [0, 1].
        halves: those on halves; with fewer than two both ends are ``point``.
        level: nominal coverage.
        n: trials.
        widening: factor on both sides.
        step: from ``point`` to where more trials would move it by what halves do not show; the
            interval is carried on by it.
        margin: what both sides have beyond the rest.
    """
    if len(halves) < 2:
        return Interval(point, point, point, level, n)
    mean, deviation = float(np.mean(halves)), float(np.std(halves, ddof=1))
    reach = NormalDist().inv_cdf(0.5 + level / 2) * deviation
    carried = CARRIED_ON * (point - mean)
    low = point - widening * (reach - min(carried, 0.0)) + min(step, 0.0) - margin
    high = point + widening * (reach + max(carried, 0.0)) + max(step, 0.0) + margin
    return Interval(point, min(max(low, 0.0), point), max(min(high, 1.0), point), level, n)


def chance_level(shuffled: Array, *, among_all: bool = False) -> Array:
    """Return what each parameter must exceed to be told from chance.

    Args:
        shuffled: (shuffles, parameters), importances of shuffled copies; NaN where unknown.
        among_all: whether none of several that do nothing shall exceed it, and not each by itself:
            as many standard deviations above its own copies' mean as the farthest copy of any
            parameter is (the maximum statistic of Westfall and Young, 1993).
    """
    mean, deviation = shuffled.mean(axis=0), shuffled.std(axis=0, ddof=1)
    deviations = CHANCE_DEVIATIONS
    if among_all and (known := deviation > 0).any():
        farthest = ((shuffled - mean)[:, known] / deviation[known]).max()
        deviations = max(deviations, float(farthest))
    above = mean + deviations * deviation
    exceeded = math.ceil(CHANCE_SHARE * len(shuffled)) - 1
    return np.maximum(above, np.sort(shuffled, axis=0)[exceeded])


def rank_correlation(values: Array, halves: Array) -> float | None:
    """Return the mean of Spearman's correlation between the order on all trials and on each half.

    Halves that give all parameters the same, such as those whose trials all reached the same value,
    have no order and are left out; None where there is no other, or no order on all trials.

    Args:
        values: (parameters,).
        halves: (halves, parameters).
    """
    ordered = [half for half in halves if np.ptp(half) > 0]
    if not ordered or np.ptp(values) == 0:
        return None
    order = _ranks(values)
    found = [np.corrcoef(order, _ranks(half))[0, 1] for half in ordered]
    return float(np.mean(found))


def _ranks(values: Array) -> Array:
    from scipy.stats import rankdata

    return rankdata(values)
