"""Two classifiers on the same images: who is right where, and how sure the difference is.

Errors of two models tend to fall on the same images, which intervals of independent samples do not
know (``intervals.difference``). Here only the images count on which one is right and the other is
wrong. Nothing of this knows seeds: it compares two trained models, not two ways of training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from hpo.evidence.intervals import Interval, wilson


@dataclass(frozen=True)
class Paired:
    """On how many images which of two classifiers is right.

    Args:
        both: both are.
        first: only the first is.
        second: only the second is.
        neither: none is.
    """

    both: int
    first: int
    second: int
    neither: int

    @property
    def n(self) -> int:
        """Return the number of images."""
        return self.both + self.first + self.second + self.neither


def pair(labels: Sequence[int], first: Sequence[int], second: Sequence[int]) -> Paired:
    """Count on which images which of two classifiers is right.

    Args:
        labels: the class of each image.
        first: what the first classifier says of each.
        second: what the second one says of each.

    Raises:
        ValueError: the three are not of one length.
    """
    if not len(labels) == len(first) == len(second):
        raise ValueError(f"{len(labels)} labels, {len(first)} and {len(second)} predictions")
    counts = [0, 0, 0, 0]
    for label, one, two in zip(labels, first, second, strict=True):
        counts[2 * (one != label) + (two != label)] += 1
    return Paired(*counts)


def paired_difference(counts: Paired, level: float = 0.95) -> Interval:
    """Return the interval of the first classifier's accuracy minus the second's.

    Newcombe (1998), "Improved confidence intervals for the difference between binomial proportions
    based on paired data", Statistics in Medicine 17(22), 2635-2650, method 10: the two Wilson
    intervals combined, with the correlation phi of the two, whose numerator is brought closer to 0
    by half an image where it is positive. Unlike Wald's interval it has a width where the two
    differ on no image.

    Args:
        counts: of at least one image.
        level: nominal coverage, in (0, 1).

    Raises:
        ValueError: there are no images, or the level is out of its range.
    """
    n = counts.n
    one = wilson((counts.both + counts.first) / max(n, 1), n, level)
    two = wilson((counts.both + counts.second) / max(n, 1), n, level)
    margins = (
        (counts.both + counts.first)
        * (counts.second + counts.neither)
        * (counts.both + counts.second)
        * (counts.first + counts.neither)
    )
    cross: float = counts.both * counts.neither - counts.first * counts.second
    if cross > 0:
        cross = max(cross - n / 2, 0.0)
    phi = cross / math.sqrt(margins) if margins else 0.0
    point = (counts.first - counts.second) / n
    down = _combined(one.point - one.low, two.high - two.point, phi)
    up = _combined(one.high - one.point, two.point - two.low, phi)
    return Interval(point, max(point - down, -1.0), min(point + up, 1.0), level, n)


def _combined(one: float, two: float, phi: float) -> float:
    # Rounding may leave a hair below 0 where both are the same and phi is 1.
    return math.sqrt(max(one * one - 2 * phi * one * two + two * two, 0.0))


def mcnemar(counts: Paired) -> float:
    """Return the exact two-sided p-value of two classifiers that are equally often right.

    McNemar (1947), "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12, 153-157, with the binomial distribution in place of its normal
    limit: of the images on which one alone is right, each is the first's with probability 1/2.
    1 where there are none.
    """
    differ = counts.first + counts.second
    fewer = min(counts.first, counts.second)
    tail = term = 1  # of whole numbers, which Python divides without overflow
    for k in range(fewer):
        term = term * (differ - k) // (k + 1)
        tail += term
    return min(1.0, float(Fraction(2 * tail, 2**differ)))
