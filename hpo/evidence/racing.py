"""Which configurations race on, and who has won: rules over the runs that have ended.

Every configuration is run with one seed after another. From three seeds on, those that are worse
than the leader beyond doubt run no further: a look at the race after each seed but the last. A
look at ``K`` configurations makes up to K - 1 comparisons, and there are several looks, so each
comparison is made at the level 1 - (1 - level) / (looks x (K - 1)) (Bonferroni): the best is
stopped in at most 1 - level of all races. In the spirit of F-Race (Birattari, Stuetzle, Paquete and
Varrentrapp 2002), with a paired hierarchical bootstrap in place of Friedman's test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.evidence.hierarchical import RESAMPLES, Comparison, compare
from hpo.evidence.intervals import Interval, student

Run = npt.NDArray[Any] | None
"""The scores of a run that ended, ``(images,)``; None if it failed."""

FIRST_LOOK = 3
"""Seeds before the first look: the spread of two says next to nothing."""
LEVEL = 0.95
CROWNING_SEEDS = 3
"""Complete runs that each compared configuration needs before one is called the winner.

Two runs have one degree of freedom: they do not tell how far seeds lie apart, and where by chance
they fall together the interval is too narrow. Two equal configurations with seeds of wide luck
(three points) had one crowned in 6 to 8 % of simulated studies with two seeds, and in 5.2 % with
three (``docs/selection.md``), where 5 % is the most that is promised.
"""


@dataclass(frozen=True)
class Race:
    """How a race stands.

    Args:
        allowed: by configuration, how many seeds it may be run with by now.
        stopped: by configuration that was stopped, after how many seeds.
        against: by configuration that was stopped, who led then.
        over: whether all that was allowed has ended, and nothing more will be.
    """

    allowed: dict[str, int]
    stopped: dict[str, int]
    against: dict[str, str]
    over: bool


def race(
    runs: Mapping[str, Sequence[Run]],
    seeds: int,
    *,
    seed: int,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> Race:
    """Return how a race stands: a function of the runs that have ended and of nothing else.

    Args:
        runs: by configuration, in any order, its runs from the first seed on, as far as they have
            ended without a gap.
        seeds: with how many each is run that is not stopped.
        seed: of the bootstrap.
        level: the confidence that the best is not stopped.
        resamples: of the bootstrap.
    """
    # What is drawn for a configuration follows from its place: whoever lists them in another order
    # must not come to another race.
    active = sorted(runs)
    stopped: dict[str, int] = {}
    against: dict[str, str] = {}
    looks = range(FIRST_LOOK, seeds)
    each = 1 - (1 - level) / max(1, len(looks) * (len(active) - 1))
    for look in looks:
        if any(len(runs[name]) < look for name in active):
            return Race(_allowed(active, stopped, look), stopped, against, over=False)
        judged = {name: scores_of(runs[name][:look]) for name in active}
        judged = {name: scores for name, scores in judged.items() if len(scores) > 1}
        if len(judged) < 2:
            continue
        names = list(judged)
        compared = compare(list(judged.values()), seed=seed, level=each, resamples=resamples)
        leader = compared.leader
        for place, name in enumerate(names):
            if place != leader and compared.difference(leader, place).low > 0:
                active.remove(name)
                stopped[name], against[name] = look, names[leader]
    over = all(len(runs[name]) >= seeds for name in active)
    return Race(_allowed(active, stopped, seeds), stopped, against, over)


def _allowed(active: Sequence[str], stopped: Mapping[str, int], seeds: int) -> dict[str, int]:
    return {**dict.fromkeys(active, seeds), **stopped}


def scores_of(runs: Sequence[Run]) -> npt.NDArray[np.float64]:
    """Return the scores of the runs that did not fail, ``(seeds, images)``; ``(0, 0)`` if none."""
    known = [np.asarray(run, dtype=np.float64) for run in runs if run is not None]
    return np.stack(known) if known else np.zeros((0, 0))


@dataclass(frozen=True)
class Verdict:
    """Who has won, and how surely.

    Args:
        names: the configurations that can be judged: those with two runs and more.
        winner: the one with the highest mean of those that were not stopped.
        runner_up: the next highest mean; None if there is no other.
        crowned: whether the winner's interval against each of the others excludes 0, and each has
            ``CROWNING_SEEDS`` runs.
        compared: the means, differences and shares; places are those of ``names``.
    """

    names: tuple[str, ...]
    winner: str
    runner_up: str | None
    crowned: bool
    compared: Comparison

    def place(self, name: str) -> int:
        """Return the place of a configuration in ``compared``."""
        return self.names.index(name)

    def ahead_of(self, other: str) -> Interval:
        """Return by how much the winner's mean is above another's."""
        return self.compared.difference(self.place(self.winner), self.place(other))


def decide(
    runs: Mapping[str, Sequence[Run]],
    stopped: Mapping[str, int],
    *,
    seed: int,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> Verdict | None:
    """Return the winner of a race by all runs that have ended; None if no two runs of any did.

    Several rivals need no correction of the level: the winner must be ahead of each. Where all are
    equal, nobody is crowned in at least ``level`` of all races: with two there are two ways to be
    wrong, each at (1 - level) / 2, and with more it is rarer, as all must be beaten at once. Where
    any has fewer than ``CROWNING_SEEDS`` runs, the best mean wins without a crown.

    Args:
        runs, seed, resamples: as for ``race``; of equal means the first that is given wins.
        stopped: who was stopped.
        level: of the intervals.
    """
    judged = {name: scores_of(runs[name]) for name in sorted(runs)}
    judged = {name: scores for name, scores in judged.items() if len(scores) > 1}
    if not judged:
        return None
    names = tuple(judged)
    compared = compare(list(judged.values()), seed=seed, level=level, resamples=resamples)
    given = list(runs)
    order = sorted(range(len(names)), key=lambda c: (-compared.points[c], given.index(names[c])))
    left = [c for c in order if names[c] not in stopped] or order
    winner = left[0]
    others = [c for c in order if c != winner]
    crowned = (
        bool(others)
        and min(compared.seeds) >= CROWNING_SEEDS
        and all(compared.difference(winner, c).low > 0 for c in others)
    )
    runner_up = names[others[0]] if others else None
    return Verdict(names, names[winner], runner_up, crowned, compared)


def optimism(search_value: float, values: Sequence[float], level: float = LEVEL) -> Interval:
    """Return by how much the value that the search saw is above the mean of its re-runs.

    A search shows the best of many values, so that value is too good on average (the winner's
    curse): it was best partly by the luck of its seed. The re-runs have other seeds, and Student's
    interval tells how well they know their mean. What the configuration owes to these images is in
    both numbers, and only other images show it.

    Args:
        search_value: the objective as the search saw it.
        values: that of the re-runs, two at least.
        level: nominal coverage.

    Raises:
        ValueError: fewer than two values.
    """
    mean = student(values, level)
    return Interval(
        search_value - mean.point, search_value - mean.high, search_value - mean.low, level, mean.n
    )
