"""How well one rung's order of configurations foretells the next one's."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from hpo.spec.records import RankAgreement

LEAST_PAIRS = 5
"""With fewer pairs a rank correlation says little: of four that have nothing to do with each other
it is above 0.5 in a fifth of all cases."""


def is_low(known: RankAgreement, least: float) -> bool:
    """Tell whether a rank correlation is known to be under ``least``."""
    enough = known.pairs >= LEAST_PAIRS and known.corrected is not None
    return enough and known.corrected is not None and known.corrected < least


def sentence(known: RankAgreement, least: float | None = None) -> str:
    """Return a rank correlation in words, without a full stop.

    Args:
        known: of a rung and the next.
        least: under which nothing is stopped at the rung; None says nothing of that.
    """
    value = "not known" if known.corrected is None else f"{known.corrected:.2f}"
    told = (
        f"the rank correlation between {known.lower} and {known.upper} epochs is {value} "
        f"(Spearman, corrected for selection, n = {known.pairs})"
    )
    if known.corrected is not None and known.pairs < LEAST_PAIRS:
        told += ", of too few pairs to go by"
    if least is not None and is_low(known, least):
        told += (
            f", under {least:g}, so that nothing was stopped after {epochs(known.lower)} any more"
        )
    return told


def epochs(count: int) -> str:
    """Return a number of epochs in words."""
    return f"{count} epoch{'' if count == 1 else 's'}"


def agreement(
    lower: int, upper: int, first: Sequence[float], pairs: Sequence[tuple[int, float]]
) -> RankAgreement:
    """Return the agreement of two rungs.

    Args:
        lower, upper: the rungs, in epochs.
        first: values of all configurations at the lower rung.
        pairs: for those that went on, the index in ``first`` and the value at the upper rung.
    """
    selected, reached = [first[i] for i, _ in pairs], [value for _, value in pairs]
    measured = spearman(selected, reached)
    corrected = None
    if measured is not None:
        scores = _normal_scores(first)
        among = [scores[i] for i, _ in pairs]
        found = _pearson(among, _normal_scores(reached))
        ratio = _deviation(scores) / _deviation(among)
        corrected = 6 / math.pi * math.asin(unrestricted(found, ratio) / 2)
    return RankAgreement(lower, upper, len(pairs), measured, corrected)


def ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value, from 1 for the smallest; equal ones share their mean."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for index in order[start : end + 1]:
            found[index] = (start + end) / 2 + 1
        start = end + 1
    return found


def spearman(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Return Spearman's rank correlation; None with fewer than two, or where one does not vary."""
    if len(one) < 2 or len(set(one)) < 2 or len(set(other)) < 2:
        return None
    return _pearson(ranks(one), ranks(other))


def unrestricted(correlation: float, ratio: float) -> float:
    """Return a correlation corrected for selection by one of the two variables.

    Thorndike's case 2 (Thorndike 1949, Personnel Selection; Sackett & Yang 2000, J. Appl. Psychol.
    85:112): r·u / √(1 − r² + r²·u²), exact for linear and homoscedastic variables.

    Args:
        correlation: r, among the selected, from -1 to 1.
        ratio: u, the deviation of the selecting variable among all over that among the selected;
            under 1 counts as 1.
    """
    u = max(1.0, ratio)
    return correlation * u / math.sqrt(1.0 - correlation**2 + (correlation * u) ** 2)


def _normal_scores(values: Sequence[float]) -> list[float]:
    """Return the quantile of the normal distribution at which each value's rank lies.

    Ranks themselves are evenly spread and bounded, and the correction makes too much of them.
    Pearson's correlation r of normal scores and Spearman's ρ belong together as ρ = 6/π·asin(r/2)
    under a normal distribution (Pearson 1907).
    """
    quantile = statistics.NormalDist().inv_cdf
    return [quantile((rank - 0.5) / len(values)) for rank in ranks(values)]


def _pearson(one: Sequence[float], other: Sequence[float]) -> float:
    a, b = sum(one) / len(one), sum(other) / len(other)
    both = sum((x - a) * (y - b) for x, y in zip(one, other, strict=True)) / len(one)
    return max(-1.0, min(1.0, both / (_deviation(one) * _deviation(other))))


def _deviation(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values) / len(values))
