"""Configurations compared over seeds and images: a hierarchical bootstrap, paired by image.

A configuration is judged by several runs, each with a seed of its own, on the same images. Two
things were drawn by chance: the seeds, separately for each configuration, and the images, which all
of them share. Both are drawn again (Davison and Hinkley 1997, "Bootstrap methods and their
application", section 3.8, hierarchical data). An image that is drawn is drawn for every run, so
what makes an image hard for all cancels out of a difference. As seeds and images are crossed, what
comes of a seed and an image together is drawn three times (Owen 2007, "The pigeonhole bootstrap",
Annals of Applied Statistics 1(2)). An analysis of variance tells how much that is (Cornfield and
Tukey 1956, "Average values of mean squares in factorials", Annals of Mathematical Statistics
27(4)), and deviations from the point are scaled to the variance in which it counts once.

With few seeds a bootstrap is too narrow, for two reasons that are mended here: deviations of ``S``
seeds from their own mean are drawn, so they are multiplied by sqrt(S / (S - 1)) (Davison and
Hinkley, section 3.8); and their spread is itself uncertain, so the ends are moved away from the
point by the ratio of Student's to the normal quantile (after Hesterberg 2015, "What teachers should
know about the bootstrap", The American Statistician 69(4), who expands percentiles for the same two
reasons). The degrees of freedom are those of a sum of variances (Satterthwaite 1946, "An
approximate distribution of estimates of variance components", Biometrics Bulletin 2(6)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.evidence.intervals import Interval

Scores = npt.NDArray[Any]
"""``(seeds, images)``, the score of each run on each image: more is better, such as 1 for right."""

RESAMPLES = 2000
_CELLS = 4_000_000
"""Drawn images at a time: 32 MB."""


@dataclass(frozen=True)
class Comparison:
    """Configurations, resampled together.

    Args:
        points: the mean score of each over its runs and images.
        level: nominal coverage of the intervals, between 0 and 1.
        best_share: of each, in which share of the resamples its mean is the highest; ties shared.
        samples: ``(resamples, configurations)``, their means in each resample.
        seed_variances: of each, the variance of its mean that comes of its seeds.
        joint_variances: of each, the part of that which comes of seed and image together, and which
            is in the variance of the images too.
        image_variances: ``(configurations, configurations)``, the variance of the difference of two
            means that comes of the images; on the diagonal, of the mean itself.
        seeds: how many runs each has.
        images: how many images there are.
    """

    points: tuple[float, ...]
    level: float
    best_share: tuple[float, ...]
    samples: npt.NDArray[np.float64]
    seed_variances: tuple[float, ...]
    joint_variances: tuple[float, ...]
    image_variances: npt.NDArray[np.float64]
    seeds: tuple[int, ...]
    images: int

    @property
    def leader(self) -> int:
        """Return the place of the highest mean; of equals the first."""
        return int(np.argmax(self.points))

    def mean(self, one: int, level: float | None = None) -> Interval:
        """Return the mean score of a configuration with its interval; ``n`` counts images."""
        return self._interval(self.samples[:, one], self.points[one], [one], (one, one), level)

    def difference(self, one: int, other: int, level: float | None = None) -> Interval:
        """Return by how much the mean of ``one`` is above that of ``other``; see ``mean``."""
        point = self.points[one] - self.points[other]
        samples = self.samples[:, one] - self.samples[:, other]
        return self._interval(samples, point, [one, other], (one, other), level)

    def _interval(
        self,
        samples: npt.NDArray[np.float64],
        point: float,
        seeded: Sequence[int],
        images: tuple[int, int],
        level: float | None,
    ) -> Interval:
        level = self.level if level is None else level
        low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2])
        parts = [(self.seed_variances[c], self.seeds[c] - 1) for c in seeded]
        parts.append((float(self.image_variances[images]), max(self.images - 1, 1)))
        wider = _student_over_normal(_degrees_of_freedom(parts), level)
        wider *= self._once(float(samples.var()), seeded, parts[-1][0])
        return Interval(
            point,
            float(point - wider * max(point - low, 0.0)),
            float(point + wider * max(high - point, 0.0)),
            level,
            self.images,
        )

    def _once(self, drawn: float, seeded: Sequence[int], images: float) -> float:
        """Return what deviations are scaled by, so that seed and image together count once.

        Args:
            drawn: the variance of the samples.
            seeded: places of the configurations whose seeds were drawn.
            images: the variance that comes of the images.
        """
        seeds = sum(self.seed_variances[c] for c in seeded)
        joint = sum(self.joint_variances[c] for c in seeded)
        # Each of the two holds what they share, so the sum without it is below neither.
        known = max(seeds + images - joint, seeds, images)
        return min(1.0, math.sqrt(known / drawn)) if drawn > 0 else 1.0


def compare(
    candidates: Sequence[Scores], *, seed: int, level: float = 0.95, resamples: int = RESAMPLES
) -> Comparison:
    """Resample seeds and images of several configurations; see the module.

    Args:
        candidates: the scores of each, over the same images in the same order; two runs at least.
            With a single image (a score of the whole set) only the seeds are drawn again.
        seed: the same seed gives the same intervals.
        level: nominal coverage, in (0, 1).
        resamples: how often.

    Raises:
        ValueError: there is no configuration, one with fewer than two runs, or other images.
    """
    arrays = [np.asarray(scores, dtype=np.float64) for scores in candidates]
    if not arrays or any(a.ndim != 2 or len(a) < 2 for a in arrays):
        raise ValueError("each configuration needs scores of two runs at least, (seeds, images)")
    images = arrays[0].shape[1]
    if images < 1 or any(a.shape[1] != images for a in arrays):
        raise ValueError(f"other images: {[a.shape[1] for a in arrays]}")
    generator = np.random.default_rng(seed)
    runs = np.concatenate(arrays)
    per_run = _means_over_images(runs, generator, resamples)
    samples = np.empty((resamples, len(arrays)))
    start = 0
    for place, scores in enumerate(arrays):
        count = len(scores)
        own = per_run[:, start : start + count]
        start += count
        drawn = own[np.arange(resamples)[:, None], generator.integers(0, count, (resamples, count))]
        centre = own.mean(axis=1)
        samples[:, place] = centre + (drawn.mean(axis=1) - centre) * np.sqrt(count / (count - 1))
    means = np.stack([scores.mean(axis=0) for scores in arrays])
    return Comparison(
        points=tuple(float(scores.mean()) for scores in arrays),
        level=level,
        best_share=_best_share(samples),
        samples=samples,
        seed_variances=tuple(
            float(scores.mean(axis=1).var(ddof=1) / len(scores)) for scores in arrays
        ),
        joint_variances=tuple(_joint_variance(scores) for scores in arrays),
        image_variances=_image_variances(means),
        seeds=tuple(len(scores) for scores in arrays),
        images=images,
    )


def gap(
    first: Scores, second: Scores, *, seed: int, level: float = 0.95, resamples: int = RESAMPLES
) -> Interval:
    """Return by how much the same runs score higher on ``first``'s images than on ``second``'s.

    Such as validation and test. Images are drawn again in each set, seeds for both at once. Of a
    single run the interval speaks of the images alone.

    Args:
        first: ``(seeds, images)``.
        second: ``(seeds, other images)``, of the same runs in the same order.
        seed: the same seed gives the same interval.
        level: nominal coverage, in (0, 1).
        resamples: how often.

    Raises:
        ValueError: the runs are not as many.
    """
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.ndim != 2 or two.ndim != 2 or len(one) != len(two) or not len(one):
        raise ValueError(f"not the same runs: {one.shape} and {two.shape}")
    generator = np.random.default_rng(seed)
    count = len(one)
    apart = _means_over_images(one, generator, resamples)
    apart = apart - _means_over_images(two, generator, resamples)
    drawn = apart[np.arange(resamples)[:, None], generator.integers(0, count, (resamples, count))]
    centre = apart.mean(axis=1)
    wider = np.sqrt(count / (count - 1)) if count > 1 else 1.0
    samples = centre + (drawn.mean(axis=1) - centre) * wider
    point = float(one.mean() - two.mean())
    parts = [
        (float(set_.mean(axis=0).var(ddof=1) / set_.shape[1]), set_.shape[1] - 1)
        for set_ in (one, two)
        if set_.shape[1] > 1
    ]
    if count > 1:
        seeds = (one.mean(axis=1) - two.mean(axis=1)).var(ddof=1) / count
        parts.append((float(seeds), count - 1))
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2])
    stretch = _student_over_normal(_degrees_of_freedom(parts), level)
    return Interval(
        point,
        float(point - stretch * max(point - low, 0.0)),
        float(point + stretch * max(high - point, 0.0)),
        level,
        two.shape[1],
    )


def _means_over_images(
    runs: npt.NDArray[np.float64], generator: np.random.Generator, resamples: int
) -> npt.NDArray[np.float64]:
    """Return the mean of each run over each draw of the images, ``(resamples, runs)``."""
    images = runs.shape[1]
    if images == 1:
        return np.repeat(runs.T, resamples, axis=0)
    chunk = max(1, _CELLS // images)
    found = []
    for start in range(0, resamples, chunk):
        count = min(chunk, resamples - start)
        drawn = generator.integers(0, images, (count, images))
        drawn += images * np.arange(count)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=count * images).reshape(count, images)
        found.append(weights.astype(np.float64) @ runs.T / images)
    return np.concatenate(found)


def _best_share(samples: npt.NDArray[np.float64]) -> tuple[float, ...]:
    highest = samples == samples.max(axis=1, keepdims=True)
    shares = (highest / highest.sum(axis=1, keepdims=True)).mean(axis=0)
    return tuple(float(share) for share in shares)


def _image_variances(means: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the variances of ``Comparison.image_variances`` from means ``(c, images)``."""
    count, images = means.shape
    if images == 1:
        return np.zeros((count, count))
    covariance = np.atleast_2d(np.cov(means)) / images
    own = np.diag(covariance)
    found = np.maximum(own[:, None] + own[None, :] - 2 * covariance, 0.0)
    np.fill_diagonal(found, own)
    return np.asarray(found)


def _joint_variance(scores: npt.NDArray[np.float64]) -> float:
    """Return the part of a mean's variance that comes of seed and image together."""
    seeds, images = scores.shape
    if images == 1:
        return 0.0
    rest = scores - scores.mean(axis=0) - scores.mean(axis=1, keepdims=True) + scores.mean()
    mean_square = float((rest**2).sum()) / ((seeds - 1) * (images - 1))
    return float(mean_square / (seeds * images))


def _degrees_of_freedom(parts: Sequence[tuple[float, int]]) -> float:
    """Return Satterthwaite's, of a sum of variances that have so many each."""
    total = sum(variance for variance, _ in parts)
    doubt = sum(variance**2 / freedom for variance, freedom in parts)
    # Where nothing varied there is no interval to widen.
    return total**2 / doubt if doubt > 0 else float("inf")


def _student_over_normal(freedom: float, level: float) -> float:
    from scipy.special import stdtrit

    normal = NormalDist().inv_cdf(0.5 + level / 2)
    if freedom == float("inf"):
        return 1.0
    return float(stdtrit(freedom, 0.5 + level / 2)) / normal
