"""PED-ANOVA: how far the best trials' values of a parameter lie from those of all trials.

Watanabe, Bansal and Hutter (2023), "PED-ANOVA: efficiently quantifying hyperparameter importance in
arbitrary subspaces", algorithm 1, with the regimes of conditional parameters and the settings of
Optuna 5.0's evaluator, whose numbers it gives; here values are placed on their grids once for all
resamples, which makes a resample a hundred times faster.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hpo.evidence.optuna_study import Observation, place_among

Array = Any
"""A NumPy array."""

BEST_SHARE = 0.1
"""Share of the trials that are the best ones, Optuna's default."""
_STEPS = 50
"""Places of a grid over a number's range."""
_FEWEST = 2
"""Trials under which a regime (a conditional parameter active, say) tells nothing."""


class Grids:
    """Trials on the grids of their parameters.

    Args:
        chosen: the trials.
        domains: Optuna's distribution of each parameter.
        names: the parameters.
        maximize: whether the best trials have the highest values.
    """

    def __init__(
        self,
        chosen: Sequence[Observation],
        domains: Mapping[str, Any],
        names: Sequence[str],
        *,
        maximize: bool,
    ) -> None:
        self.names = list(names)
        self._maximize = maximize
        self._losses = np.array([-o.value if maximize else o.value for o in chosen])
        placed = [_placed(chosen, name, domains[name]) for name in names]
        self._places = np.array([places for places, _, _ in placed])  # -1 where it was inactive
        self._sizes = [size for _, size, _ in placed]
        self._unordered = [unordered for _, _, unordered in placed]

    def divergences(
        self,
        rows: Array,
        shuffle: Any = None,
        *,
        values: Array | None = None,
        bandwidth: float = 1.0,
    ) -> Array:
        """Return each parameter's divergence among trials ``rows``, not normalised.

        Args:
            rows: indices of trials.
            shuffle: a NumPy generator that moves each parameter's values, apart from the others',
                between these trials: what is left is chance. None moves nothing.
            values: (rows,) of the objective, in place of those that the trials reached.
            bandwidth: of the kernels over a number's range, as a multiple of Scott's rule.
        """
        losses = self._losses[rows]
        if values is not None:
            losses = -values if self._maximize else values
        last = max(1, math.ceil(BEST_SHARE * len(losses))) - 1
        best = losses <= np.partition(losses, last)[last]
        found = []
        for index, size in enumerate(self._sizes):
            places = self._places[index, rows]
            if shuffle is not None:
                places = shuffle.permutation(places)
            active = places >= 0
            both = active & best
            if not both.any() or active.sum() < _FEWEST:
                found.append(0.0)
                continue
            counts = (np.bincount(p, minlength=size) for p in (places[both], places[active]))
            top, local = (
                (_categorical(c) if self._unordered[index] else _numerical(c, bandwidth)) + 1e-12
                for c in counts
            )
            regime = (both.sum() / best.sum()) ** 2 / active.mean()
            found.append(regime * float(local @ (top / local - 1) ** 2))
        return np.array(found)


def _placed(chosen: Sequence[Observation], name: str, domain: Any) -> tuple[Array, int, bool]:
    """Return each trial's place on the parameter's grid, the grid's size, and whether unordered."""
    choices = getattr(domain, "choices", None)
    if choices is not None:
        taken = [place_among(choices, o.params[name]) if name in o.params else -1 for o in chosen]
        return np.array(taken), len(choices), True
    low, high = float(domain.low), float(domain.high)
    if domain.log:
        low, high = math.log10(low), math.log10(high)
    size = _STEPS
    if type(domain).__name__ == "IntDistribution" and not domain.log:
        size = min(int(domain.high - domain.low) + 1, _STEPS)
    step = (high - low) / (size - 1)
    values = [
        (math.log10(o.params[name]) if domain.log else o.params[name])
        if name in o.params
        else math.nan
        for o in chosen
    ]
    places = np.ceil((np.array(values) - low) / step - 0.5)
    return np.where(np.isnan(places), -1, np.clip(places, 0, size - 1)).astype(int), size, False


def _categorical(counts: Array) -> Array:
    """Return the density over choices: each seen value's kernel, and a uniform prior as one."""
    observed = np.flatnonzero(counts)
    kernels = len(observed) + 1
    smooth = np.full((kernels, len(counts)), 1.0 / kernels)
    smooth[np.arange(len(observed)), observed] += 1
    smooth /= smooth.sum(axis=1, keepdims=True)
    weights = np.append(counts[observed], 1.0)
    return weights / weights.sum() @ smooth


def _numerical(counts: Array, bandwidth: float) -> Array:
    """Return the density on a grid: normal kernels, cut at its ends; by Scott's rule at 1."""
    from scipy.special import ndtr

    observed = np.flatnonzero(counts)
    weights = counts[observed]
    total, running = weights.sum(), np.cumsum(weights)
    mean = observed @ weights / total
    deviation = math.sqrt((observed - mean) ** 2 @ weights / max(1, total - 1))
    first = observed[np.searchsorted(running, total // 4, side="left")]
    place = np.searchsorted(running, total * 3 // 4, side="right")
    third = observed[min(len(observed) - 1, place)]
    width = max(1.059 * min((third - first) / 1.34, deviation) * total**-0.2, 0.5 / 1.64)
    width *= bandwidth
    size = len(counts)
    middles = np.append(observed, (size - 1) / 2)
    widths = np.append(np.full(len(observed), width), float(size))
    edges = ndtr((np.arange(size + 1)[:, None] - 0.5 - middles) / widths)
    kernels = np.diff(edges, axis=0) / (edges[-1] - edges[0])
    shares = np.append(weights, 1.0)
    return kernels @ (shares / shares.sum())
