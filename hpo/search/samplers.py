"""Samplers of the catalogue: each a function ``(options, seed, space) -> optuna sampler``.

An engine makes a sampler afresh for each ask and seeds it from the study's seed and the slot of the
budget that is being filled; so what a sampler proposes depends on that slot and the finished trials
alone, and a resumed study goes on exactly as an uninterrupted one.

Two samplers are one fixed sequence over the whole study instead (``fixed_sequence``): they get one
seed for all asks and read their place in the sequence with ``place``.
"""

from __future__ import annotations

import math
import random as _random
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hpo.search.options import (
    CmaesOptions,
    GridOptions,
    NoOptions,
    Nsga3Options,
    NsgaOptions,
    QmcOptions,
    TpeOptions,
    read_options,
)
from hpo.spec.space import SearchSpace

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

PLACE = "place"
"""User attribute of the trial being asked for: its place among those that the sampler fills."""


class SpaceExhausted(Exception):
    """Raised by a sampler's ``before_trial`` when there is nothing left to propose."""


SamplerFactory = Callable[[Mapping[str, Any], int, SearchSpace], Any]


def fixed_sequence(factory: SamplerFactory) -> SamplerFactory:
    """Mark a sampler as one sequence over the whole study: one seed, and no resampling."""
    factory.fixed_sequence = True  # type: ignore[attr-defined]
    return factory


def is_fixed_sequence(factory: Any) -> bool:
    """Tell whether ``factory`` was marked by ``fixed_sequence``."""
    return bool(getattr(factory, "fixed_sequence", False))


def place(trial: FrozenTrial) -> int:
    """Return which point of a fixed sequence ``trial`` takes, from 0."""
    return max(0, int(trial.user_attrs.get(PLACE, trial.number)))


@contextmanager
def quiet_experiments() -> Iterator[None]:
    """Silence Optuna's notices that an option is experimental; ours are chosen and recorded."""
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield


def tpe(options: Mapping[str, Any], seed: int, space: SearchSpace) -> BaseSampler:
    """Tree-structured Parzen estimator; by default multivariate, grouped by condition."""
    from optuna.samplers import TPESampler

    chosen = read_options(TpeOptions, options, "sampler")
    with quiet_experiments():
        return TPESampler(**chosen.model_dump(), seed=seed)


def random(options: Mapping[str, Any], seed: int, space: SearchSpace) -> BaseSampler:
    """Independent uniform draws (on the parameter's scale)."""
    from optuna.samplers import RandomSampler

    read_options(NoOptions, options, "sampler")
    return RandomSampler(seed=seed)


def cmaes(options: Mapping[str, Any], seed: int, space: SearchSpace) -> BaseSampler:
    """CMA-ES over the floats and ints that every trial has; all else is drawn at random."""
    from optuna.samplers import CmaEsSampler, RandomSampler

    chosen = read_options(CmaesOptions, options, "sampler")
    with quiet_experiments():
        return CmaEsSampler(
            **chosen.model_dump(),
            seed=seed,
            independent_sampler=RandomSampler(seed=seed),
            warn_independent_sampling=False,  # said once, before the study, by compatibility
        )


def nsgaii(options: Mapping[str, Any], seed: int, space: SearchSpace) -> BaseSampler:
    """NSGA-II: generations from the fronts of the last one; the first is drawn at random."""
    from optuna.samplers import NSGAIISampler

    chosen = read_options(NsgaOptions, options, "sampler")
    return NSGAIISampler(**chosen.model_dump(), seed=seed)


def nsgaiii(options: Mapping[str, Any], seed: int, space: SearchSpace) -> BaseSampler:
    """NSGA-III: as NSGA-II, kept apart by reference points; for three objectives and more."""
    from optuna.samplers import NSGAIIISampler

    chosen = read_options(Nsga3Options, options, "sampler")
    with quiet_experiments():
        return NSGAIIISampler(**chosen.model_dump(), seed=seed)


@fixed_sequence
def qmc(options: Mapping[str, Any], seed: int, space: SearchSpace) -> BaseSampler:
    """Sobol or Halton points over the whole space, one coordinate per parameter.

    Optuna's own QMC sampler takes the space from the first trial, so a conditional parameter that
    the first trial lacks is drawn at random, and it counts its points in the study, so that a
    killed trial costs a point. Here point ``place`` belongs to its trial whatever happened before,
    and coordinates of inactive parameters are passed over.
    """
    chosen = read_options(QmcOptions, options, "sampler")
    return _sequence(QmcPoints(space.order(), seed, chosen.qmc_type, chosen.scramble).value)


@fixed_sequence
def grid(options: Mapping[str, Any], seed: int, space: SearchSpace) -> BaseSampler:
    """Every configuration once, conditions honoured; then the search is over."""
    chosen = read_options(GridOptions, options, "sampler")
    configurations = space.grid()
    if chosen.shuffle:
        _random.Random(seed).shuffle(configurations)

    def value(index: int, name: str, distribution: BaseDistribution) -> Any:
        # Only an enqueued trial that leaves this parameter open can lack it in its row.
        return configurations[index].get(name, from_unit(distribution, 0.0))

    return _sequence(value, size=len(configurations))


class QmcPoints:
    """Points of a low-discrepancy sequence in [0, 1)^d, read by index.

    Args:
        names: one coordinate each, in this order.
        seed: of the scrambling.
        kind: ``sobol`` or ``halton``.
        scramble: whether to scramble (Owen 1998).
    """

    def __init__(self, names: Sequence[str], seed: int, kind: str, scramble: bool) -> None:
        self._names = list(names)
        self._seed = seed
        self._kind = kind
        self._scramble = scramble
        self._point = lru_cache(maxsize=2)(self._read)

    def _read(self, index: int) -> dict[str, float]:
        from scipy.stats import qmc as scipy_qmc

        if not self._names:
            return {}
        sequence = scipy_qmc.Sobol if self._kind == "sobol" else scipy_qmc.Halton
        points = sequence(len(self._names), scramble=self._scramble, rng=self._seed)
        if index:
            points.fast_forward(index)
        return dict(zip(self._names, points.random(1)[0].tolist(), strict=True))

    def value(self, index: int, name: str, distribution: BaseDistribution) -> Any:
        """Return point ``index``'s coordinate ``name`` as a value of ``distribution``."""
        return from_unit(distribution, self._point(index).get(name, 0.5))


def from_unit(distribution: BaseDistribution, unit: float) -> Any:
    """Return the value at quantile ``unit`` in [0, 1) of a uniform (or log-uniform) range."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[_index(unit, len(distribution.choices))]
    low, high = distribution.low, distribution.high
    if isinstance(distribution, FloatDistribution) and distribution.step is None:
        if distribution.log:
            value = math.exp(math.log(low) + unit * (math.log(high) - math.log(low)))
        else:
            value = low + unit * (high - low)
        return min(max(value, low), high)
    if distribution.log:
        # Half a unit on each side gives the ends the same share as the rest.
        start, end = math.log(low - 0.5), math.log(high + 0.5)
        return min(max(round(math.exp(start + unit * (end - start))), low), high)
    count = math.floor((high - low) / distribution.step + 1e-8) + 1
    return low + _index(unit, count) * distribution.step


def _index(unit: float, count: int) -> int:
    return min(int(unit * count), count - 1)


def _sequence(
    value: Callable[[int, str, BaseDistribution], Any], size: int | None = None
) -> BaseSampler:
    """Return an Optuna sampler that reads ``value(place, name, distribution)``."""
    from optuna.samplers import BaseSampler

    class SequenceSampler(BaseSampler):  # type: ignore[misc]
        """Reads a fixed sequence; stops after ``size`` points."""

        def before_trial(self, study: Any, trial: Any) -> None:
            if size is not None and place(trial) >= size:
                raise SpaceExhausted

        def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
            return {}

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
            return {}

        def sample_independent(
            self, study: Any, trial: Any, param_name: str, param_distribution: Any
        ) -> Any:
            return value(place(trial), param_name, param_distribution)

    return SequenceSampler()
