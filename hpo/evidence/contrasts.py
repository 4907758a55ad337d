"""Differences between several models that were judged on validation faces, with intervals.

Models judged on the same faces tend to fail on the same ones. Where it is known which faces each
got right, a difference is measured face by face (paired), and its interval is narrower for it;
where it is not, the models are taken as independent samples.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

from hpo.evidence.intervals import Interval, difference, percentile_interval, wilson
from hpo.evidence.paired import Paired, paired_difference

RESAMPLES = 2000


@dataclass(frozen=True)
class Judged:
    """How one model did on validation faces.

    Args:
        accuracy: share of the faces that it got right, in [0, 1].
        n: number of faces.
        correct: for each face whether it did; () if that is not known.
    """

    accuracy: float
    n: int
    correct: Sequence[bool] = field(default=(), repr=False)


Weights = Mapping[str, float]
"""Name of a model → its weight in a sum of accuracies; a difference has the weights 1 and -1."""


def paired(models: Mapping[str, Judged], *weights: Weights) -> bool:
    """Return whether all models that have a weight are known face by face, on as many faces."""
    used = [models[name] for each in weights for name in each]
    return len({model.n for model in used}) == 1 and all(
        len(model.correct) == model.n for model in used
    )


def contrast(models: Mapping[str, Judged], weights: Weights, level: float = 0.95) -> Interval:
    """Return a weighted sum of accuracies, such as a difference, with its interval.

    Of a plain difference, one model less another, it is Newcombe's interval
    (``paired.paired_difference``, or ``intervals.difference`` where ``paired`` says no), as
    wherever else two models are compared. Of other sums, where paired, it is the mean over faces
    of the weighted sum, with the normal interval of a mean; else the variances of independent
    proportions add up. It speaks of the sampling of faces alone, as ``wilson`` does.

    Args:
        models: the models by name.
        weights: the weight of each that takes part.
        level: nominal coverage, in (0, 1).
    """
    used = {name: weight for name, weight in weights.items() if weight}
    point = sum(weight * models[name].accuracy for name, weight in used.items())
    n = min((models[name].n for name in used), default=0)
    if not used:
        return Interval(0.0, 0.0, 0.0, level, n)
    if sorted(used.values()) == [-1.0, 1.0]:
        first, second = sorted(used, key=lambda name: -used[name])
        return _difference(models[first], models[second], level)
    if paired(models, used):
        import numpy as np

        faces = sum(w * np.asarray(models[name].correct, float) for name, w in used.items())
        variance = float(np.var(faces)) / n
    else:
        variance = sum(
            w * w * models[name].accuracy * (1 - models[name].accuracy) / models[name].n
            for name, w in used.items()
        )
    half = NormalDist().inv_cdf(0.5 + level / 2) * math.sqrt(variance)
    return Interval(point, point - half, point + half, level, n)


def _difference(first: Judged, second: Judged, level: float) -> Interval:
    if not paired({"first": first, "second": second}, {"first": 1.0, "second": -1.0}):
        one, two = (wilson(model.accuracy, model.n, level) for model in (first, second))
        return difference(one, two)
    kinds = Counter(zip(first.correct, second.correct, strict=True))
    counts = Paired(
        *(kinds[kind] for kind in ((True, True), (True, False), (False, True), (False, False)))
    )
    return paired_difference(counts, level)


def share(
    models: Mapping[str, Judged],
    part: Weights,
    whole: Weights,
    *,
    seed: int,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Interval | None:
    """Return the ratio of two weighted sums, such as a part of a distance, with its interval.

    Percentile bootstrap over faces; over independent binomial counts where the models are not known
    face by face. None where the interval of the whole reaches 0: a share of it means nothing there.

    Raises:
        KeyError: a weight names no model.
    """
    distance = contrast(models, whole, level)
    if distance.low <= 0:
        return None
    names = list(dict.fromkeys([*part, *whole]))
    drawn = _resampled(models, names, paired(models, part, whole), seed, resamples)
    top = sum(weight * drawn[:, names.index(name)] for name, weight in part.items())
    bottom = sum(weight * drawn[:, names.index(name)] for name, weight in whole.items())
    samples = [float(t / b) for t, b in zip(top, bottom, strict=True) if b > 0]
    point = contrast(models, part, level).point / distance.point
    return percentile_interval(point, samples, level, distance.n)


def _resampled(
    models: Mapping[str, Judged], names: Sequence[str], on_same_faces: bool, seed: int, count: int
) -> Any:
    """Return resampled accuracies, ``(count, names)``."""
    import numpy as np

    generator = np.random.default_rng(seed)
    if not on_same_faces:
        columns = [
            generator.binomial(models[name].n, models[name].accuracy, count) / models[name].n
            for name in names
        ]
        return np.stack(columns, axis=1)
    n = models[names[0]].n
    # Faces that all models share their answers on are alike: counting the kinds is enough.
    answers = np.asarray([models[name].correct for name in names], dtype=np.int64)
    kinds, sizes = np.unique(answers, axis=1, return_counts=True)
    counts = generator.multinomial(n, sizes / n, size=count)
    return counts @ kinds.T / n
