"""The three evaluators on trials, on halves of them, and on trials whose values were shuffled.

Conditional parameters are the difficulty: ``fanova`` and ``mdi`` need every parameter in every
trial, so one that was inactive in some is assessed in a forest of its own, among the trials that
had it, beside the parameters that all had; ``pedanova`` compares what is there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hpo.evidence.divergence import Grids
from hpo.evidence.forests import Array, Boxes, Encoding, encode, foretell, grow, impurity
from hpo.evidence.optuna_study import Observation

Evaluator = Literal["fanova", "pedanova", "mdi"]

FEWEST_ACTIVE = 10
"""Trials under which a parameter is not assessed: a forest on fewer ranks noise."""

FULL_FOREST = 64
"""Trees behind an importance, Optuna's default."""
SMALL_FOREST = 6
"""Trees on each half and each shuffle, to bound the time. They add the smaller forest's noise to
the spread between halves, so intervals err on the wide side."""

OTHERS_FOREST = 16
"""Trees of a forest that foretells trials without one of the parameters: of 16, one trial in 1,500
is in the sample of every tree."""

MEANING: dict[str, str] = {
    "fanova": "share of the variance over the space that the parameter explains alone",
    "mdi": "share of the decrease in impurity over the splits of a random forest",
    "pedanova": "share of what separates the best tenth of the trials from the rest",
}


@dataclass(frozen=True)
class _Group:
    """Parameters that are assessed in one forest.

    Args:
        targets: places of the parameters that it is asked about.
        encoding: what its columns mean; ``targets`` and parameters that all trials had.
        x: (its trials, columns).
        y: (its trials,).
        at: for each trial of the problem its row in ``x``; -1 where it has none.
    """

    targets: list[int]
    encoding: Encoding
    x: Array
    y: Array
    at: Array

    def places(self) -> list[int]:
        """Return where the targets stand in the encoding."""
        return list(range(len(self.encoding.names) - len(self.targets), len(self.encoding.names)))


@dataclass(frozen=True)
class Grown:
    """What forests say.

    Args:
        fanova, mdi: importance by parameter, NaN where unknown.
        together: interactions of pairs, under ``fanova``.
        foretold: share of the variance among trials not seen that the best of the forests
            foretells.
    """

    fanova: Array
    mdi: Array
    together: dict[tuple[str, str], float]
    foretold: float


class Problem:
    """Trials and what is asked of them.

    Args:
        chosen: the trials.
        domains: Optuna's distribution of each parameter.
        names: the parameters to be assessed.
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
        self.rows = np.arange(len(chosen))
        always = [n for n in names if all(n in o.params for o in chosen)]
        self.always = always
        self._groups = [self._group(chosen, domains, [], always)] if always else []
        self._groups += [
            self._group(chosen, domains, always, [name]) for name in names if name not in always
        ]
        self._grids = Grids(chosen, domains, self.names, maximize=maximize)

    def _group(
        self,
        chosen: Sequence[Observation],
        domains: Mapping[str, Any],
        beside: Sequence[str],
        targets: Sequence[str],
    ) -> _Group:
        active = [all(name in o.params for name in targets) for o in chosen]
        at = np.where(active, np.cumsum(active) - 1, -1)
        own = [o for o, has in zip(chosen, active, strict=True) if has]
        x, y, encoding = encode(own, domains, [*beside, *targets])
        return _Group([self.names.index(n) for n in targets], encoding, x, y, at)

    def forests(
        self,
        rows: Array,
        trees: int,
        generator: Any,
        *,
        fewest: int,
        pairs: Iterable[tuple[str, str]] = (),
        foremost: int = 0,
    ) -> Grown:
        """Grow the forests and ask them.

        Args:
            rows: the trials, by their place.
            trees: of each forest.
            generator: NumPy's.
            fewest: trials under which a parameter is not assessed.
            pairs: of parameters that all trials had.
            foremost: look at all pairs of so many of these instead. Splits see interactions, so
                ``mdi`` says which are foremost.
        """
        fanova, mdi = np.full((2, len(self.names)), np.nan)
        together: dict[tuple[str, str], float] = {}
        foretold = 0.0
        for group in self._groups:
            own = group.at[rows]
            own = own[own >= 0]
            if len(own) < fewest:
                continue
            y = group.y[own]
            if np.ptp(y) == 0:
                fanova[group.targets] = mdi[group.targets] = 0.0
                continue
            grown, well = grow(group.x[own], y, trees, generator)
            boxes = Boxes(grown, group.encoding)
            fanova[group.targets] = boxes.shares()[group.places()]
            mdi[group.targets] = impurity(grown, group.encoding)[group.places()]
            foretold = max(foretold, well)
            if set(group.encoding.names) == set(self.always):
                where = group.encoding.names.index
                if foremost:
                    first = sorted(self.always, key=lambda n: -mdi[self.names.index(n)])[:foremost]
                    pairs = itertools.combinations(sorted(first), 2)
                together = {(a, b): boxes.pair(where(a), where(b)) for a, b in pairs}
        return Grown(fanova, mdi, together, foretold)

    def divergence(self, rows: Array, *, bandwidth: float = 1.0) -> Array:
        """Return ``pedanova`` by parameter: shares that add up to 1."""
        found = self._grids.divergences(rows, bandwidth=bandwidth)
        return found / found.sum() if found.sum() > 0 else found

    def beside_shuffled(self, generator: Any) -> tuple[Array, Array]:
        """Grow forests on all trials with a shuffled copy of every parameter beside it.

        Returns:
            (2, 2, parameters): by ``fanova`` and ``mdi`` the parameters' importance there, and that
            of their copies, which can have an effect by chance alone. NaN where unknown.
        """
        found = np.full((2, 2, len(self.names)), np.nan)
        for group in self._groups:
            count, width = len(group.encoding.names), group.x.shape[1]
            if len(group.y) < FEWEST_ACTIVE or np.ptp(group.y) == 0:
                continue
            copies = [
                group.x[generator.permutation(len(group.y)), part]
                for part in group.encoding.columns
            ]
            encoding = Encoding(
                group.encoding.names * 2,
                group.encoding.columns
                + tuple(slice(c.start + width, c.stop + width) for c in group.encoding.columns),
                group.encoding.choices * 2,
                np.tile(group.encoding.low, 2),
                np.tile(group.encoding.high, 2),
            )
            grown, _ = grow(np.hstack([group.x, *copies]), group.y, SMALL_FOREST, generator)
            for place, shares in enumerate(
                (Boxes(grown, encoding).shares(), impurity(grown, encoding))
            ):
                found[place][:, group.targets] = shares.reshape(2, count)[:, group.places()]
        return found[:, 0], found[:, 1]

    def divergences_of_others(self, generator: Any) -> Array:
        """Return the divergence that each parameter has by what the others do to the objective.

        The best trials are those of which a forest without the parameter says so, out of bag: a
        dead parameter that is not spread evenly over a living one, as may happen in a Sobol sample,
        is set apart by them as by the true ones. Not normalised; the others are those that all
        trials had, and without any it is 0.
        """
        found = np.zeros(len(self.names))
        if not self.always:
            return found
        group = self._groups[0]
        for place, name in enumerate(self.names):
            parts = zip(group.encoding.names, group.encoding.columns, strict=True)
            others = [group.x[:, columns] for other, columns in parts if other != name]
            if others:
                told = foretell(np.hstack(others), group.y, OTHERS_FOREST, generator)
                found[place] = self._grids.divergences(self.rows, values=told)[place]
        return found

    def divergences(self, shuffle: Any = None) -> Array:
        """Return the divergences of all trials, not normalised; after a shuffle if one is given."""
        return self._grids.divergences(self.rows, shuffle)
