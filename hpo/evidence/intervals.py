"""How sure a number is: intervals for proportions, their differences, and seeded resampling.

Every interval is two-sided and says its level and the number of observations behind it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any, Literal


@dataclass(frozen=True)
class Interval:
    """A point with its interval.

    Args:
        point: the estimate.
        low: lower end.
        high: upper end.
        level: nominal coverage, between 0 and 1.
        n: observations behind it.
    """

    point: float
    low: float
    high: float
    level: float
    n: int

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain data."""
        return asdict(self)


def wilson(proportion: float, n: int, level: float = 0.95) -> Interval:
    """Return Wilson's score interval of a proportion.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22,
    equation for the roots; recommended over the textbook interval by Brown, Cai and DasGupta
    (2001), "Interval estimation for a binomial proportion", Statistical Science 16(2), section 5.

    It speaks of the sampling of the ``n`` observations alone: not of seeds, nor of the optimism of
    a value that was selected on the same observations.

    Args:
        proportion: share of successes, in [0, 1].
        n: number of observations, at least 1.
        level: nominal coverage, in (0, 1).

    Raises:
        ValueError: an argument is out of its range.
    """
    if n < 1 or not 0.0 <= proportion <= 1.0 or not 0.0 < level < 1.0:
        raise ValueError(f"no interval for proportion {proportion}, n {n}, level {level}")
    z = NormalDist().inv_cdf(0.5 + level / 2)
    shrink = 1 + z * z / n
    centre = (proportion + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(proportion * (1 - proportion) / n + z * z / (4 * n * n))
    # Rounding may leave the ends a hair outside the point at proportions of 0 and 1.
    low = min(max(centre - half, 0.0), proportion)
    high = max(min(centre + half, 1.0), proportion)
    return Interval(proportion, low, high, level, n)


def difference(first: Interval, second: Interval) -> Interval:
    """Return the interval of ``first - second`` for two independent proportions.

    Newcombe (1998), "Interval estimation for the difference between independent proportions",
    Statistics in Medicine 17, method 10: the two Wilson intervals combined. For two models scored
    on the same images it is usually too wide, since their errors tend to fall on the same faces.

    Raises:
        ValueError: the two intervals have different levels.
    """
    if first.level != second.level:
        raise ValueError(f"levels differ: {first.level} and {second.level}")
    point = first.point - second.point
    low = point - math.hypot(first.point - first.low, second.high - second.point)
    high = point + math.hypot(first.high - first.point, second.point - second.low)
    return Interval(point, low, high, first.level, min(first.n, second.n))


def against_rate(interval: Interval, rate: float) -> Literal["above", "contains", "below"]:
    """Say where an interval lies against a fixed rate, such as that of the majority class.

    A classifier whose interval contains (or lies below) the majority rate has not been shown to
    do better than answering the most frequent class every time.
    """
    if interval.low > rate:
        return "above"
    return "below" if interval.high < rate else "contains"


def majority_rate(class_counts: Sequence[int]) -> float | None:
    """Return the share of the most frequent class; None where there are no observations."""
    total = sum(class_counts)
    return max(class_counts) / total if total > 0 else None


def percentile_interval(point: float, samples: Sequence[float], level: float, n: int) -> Interval:
    """Return the percentile interval of resampled values around ``point``.

    Efron and Tibshirani (1993), "An introduction to the bootstrap", chapter 13. Linear
    interpolation between order statistics; with no samples both ends are ``point``.
    """
    if not samples:
        return Interval(point, point, point, level, n)
    ordered = sorted(samples)

    def quantile(share: float) -> float:
        place = share * (len(ordered) - 1)
        below = math.floor(place)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (place - below) * (ordered[above] - ordered[below])

    return Interval(point, quantile((1 - level) / 2), quantile((1 + level) / 2), level, n)


def student(values: Sequence[float], level: float = 0.95) -> Interval:
    """Return the mean of values with Student's interval; ``n`` counts them.

    Student (1908), "The probable error of a mean", Biometrika 6(1).

    Raises:
        ValueError: fewer than two values.
    """
    from statistics import fmean, stdev

    from scipy.special import stdtrit

    n = len(values)
    if n < 2:
        raise ValueError("no interval of fewer than two values")
    mean = fmean(values)
    half = float(stdtrit(n - 1, 0.5 + level / 2)) * stdev(values) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, level, n)


def bootstrap(
    values: Sequence[float],
    statistic: Callable[[Sequence[float]], float],
    *,
    seed: int,
    resamples: int = 2000,
    level: float = 0.95,
) -> Interval:
    """Return the percentile bootstrap interval of ``statistic`` over ``values``.

    Args:
        values: independent observations, at least one.
        statistic: a function of a sample of the same length.
        seed: the same seed gives the same interval.
        resamples: how often to resample with replacement.
        level: nominal coverage.

    Raises:
        ValueError: there are no values.
    """
    import random

    if not values:
        raise ValueError("no interval without values")
    generator = random.Random(seed)
    n = len(values)
    samples = [statistic(generator.choices(values, k=n)) for _ in range(resamples)]
    return percentile_interval(statistic(values), samples, level, n)
