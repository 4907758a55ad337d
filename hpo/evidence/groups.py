"""Whether groups of trials, such as architectures, differ by more than their trials do."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Literal

from hpo.evidence.intervals import Interval, percentile_interval

Direction = Literal["maximize", "minimize"]

FEWEST = 4
"""Values in each group under which no share of variance is given."""
SHUFFLES = 5000


def shuffled_share(
    first: Sequence[float | None],
    second: Sequence[float | None],
    direction: Direction,
    *,
    seed: int,
    shuffles: int = SHUFFLES,
) -> float:
    """Return how often shuffling two groups sets what they find as far apart as it is.

    What a group finds is the expected best of half of its trials, drawn without replacement: less
    at the mercy of one lucky trial than its best, and blind to how bad the bad ones are. A
    permutation test of "trials of both come from one distribution" (Fisher, 1935; Phipson and
    Smyth, 2010, "Permutation p-values should never be zero", for the one added to both counts):
    under it a share of 0.05 or less comes in at most 5 % of all cases, whatever the distribution.
    All ways to divide the trials are tried where they are few. It takes trials as independent
    draws, which those of a sampler that learns are not quite.

    Args:
        first: value of each trial of one group; None if it has none, which is as bad as the worst
            value of both groups.
        second: those of the other.
        direction: of the values.
        seed: seeds the shuffles.
        shuffles: how many, where the ways to divide are more than that.

    Raises:
        ValueError: a group has no value.
    """
    import numpy as np

    known = [[v for v in group if v is not None] for group in (first, second)]
    if not all(known):
        raise ValueError("a group without any value cannot be compared")
    sign = 1.0 if direction == "maximize" else -1.0
    worst = min(sign * v for group in known for v in group)
    pooled = np.array([worst if v is None else sign * v for v in (*first, *second)])
    size = len(first)
    places = np.arange(len(pooled))
    measured = _apart(pooled[None, :], size)[0]
    # Sums in another order differ in their last digits.
    bar = measured - 1e-12 * max(1.0, abs(measured))
    ways = math.comb(len(pooled), size)
    if ways <= shuffles:
        rest = np.ones((ways, len(pooled)), bool)
        chosen = np.array(list(itertools.combinations(places, size)))
        rest[np.arange(ways)[:, None], chosen] = False
        # Those chosen first, then the rest.
        divided = np.argsort(rest, axis=1, kind="stable")
        return float((_apart(pooled[divided], size) >= bar).mean())
    generator = np.random.default_rng(seed)
    shuffled = generator.permuted(np.tile(pooled, (shuffles, 1)), axis=1)
    return float(((_apart(shuffled, size) >= bar).sum() + 1) / (shuffles + 1))


def _apart(divided: Any, size: int) -> Any:
    """Return how far apart the first ``size`` of each line and the rest are in what they find."""
    return abs(_found(divided[:, :size]) - _found(divided[:, size:]))


def _found(values: Any) -> Any:
    """Return for each line the expected best of half of its values, rounded up."""
    import numpy as np

    count = values.shape[1]
    drawn = (count + 1) // 2
    weights = [math.comb(k, drawn - 1) / math.comb(count, drawn) for k in range(count)]
    return np.sort(values, axis=1) @ np.array(weights)


def between_share(
    groups: Sequence[Sequence[float]], *, seed: int, level: float = 0.9, resamples: int = 2000
) -> Interval | None:
    """Return the share of the variance of values that lies between groups, with its interval.

    Variance components of a one-way layout (Searle, Casella and McCulloch, 1992, "Variance
    components", section 3.6): between groups beyond what their trials' scatter alone would give,
    over that plus the variance within groups. 0 where nothing is beyond. Percentile bootstrap
    within groups; resampling adds scatter of its own between groups, which is taken off.

    None with fewer than two groups, fewer than ``FEWEST`` values in one, or no variance at all.

    Args:
        groups: the values of each group.
        seed: seeds the bootstrap.
        level: nominal coverage.
        resamples: how many.
    """
    import numpy as np

    if len(groups) < 2 or min(len(g) for g in groups) < FEWEST:
        return None
    generator = np.random.default_rng(seed)
    arrays = [np.asarray(group, float) for group in groups]
    sizes = np.array([len(a) for a in arrays], float)
    point = _components(np.array([a.mean() for a in arrays]), _within(arrays), sizes, 0.0)
    if point is None:
        return None
    # A resampled mean scatters by the variance of its group without Bessel's correction.
    added = float(sum(a.var() for a in arrays) / len(arrays))
    drawn = [a[generator.integers(0, len(a), (resamples, len(a)))] for a in arrays]
    means = np.stack([d.mean(axis=1) for d in drawn], axis=1)
    # A resample's variance falls short by Bessel's factor once more.
    squares = sum(d.var(axis=1) * d.shape[1] ** 2 / (d.shape[1] - 1) for d in drawn)
    within = squares / (sizes.sum() - len(arrays))
    found = (
        _components(mean, float(inside), sizes, added)
        for mean, inside in zip(means, within, strict=True)
    )
    samples = [share for share in found if share is not None]
    return percentile_interval(point, samples, level, int(sizes.sum()))


def _within(arrays: Sequence[Any]) -> float:
    """Return the mean square within groups."""
    freedom = sum(len(a) for a in arrays) - len(arrays)
    return float(sum(a.var() * len(a) for a in arrays) / freedom)


def _components(means: Any, within: float, sizes: Any, added: float) -> float | None:
    """Return the share of variance between groups; None if there is none at all.

    Args:
        means: of the groups.
        within: mean square within them.
        sizes: of the groups.
        added: what the mean square between them holds beyond that of the groups as measured.
    """
    total, groups = sizes.sum(), len(sizes)
    centre = (means * sizes).sum() / total
    between = (sizes * (means - centre) ** 2).sum() / (groups - 1) - added
    typical_size = (total - (sizes**2).sum() / total) / (groups - 1)
    component = max(0.0, float((between - within) / typical_size))
    return component / (component + within) if component + within > 0 else None
