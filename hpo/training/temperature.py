"""One number that makes probabilities as sure as they are right: temperature scaling. No Keras.

Guo, Pleiss, Sun and Weinberger (2017), "On calibration of modern neural networks", section 4.2:
``softmax(z / T)`` with the ``T`` that minimises the cross-entropy on validation faces. It leaves
the order of the classes as it is. As ``z`` is the logarithm of ``softmax(z)`` up to a constant,
probabilities suffice: ``softmax(log(p) / T)``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

LOWEST, HIGHEST = 0.05, 20.0
"""Between which a temperature is looked for."""

_GRID = 49
_REFINEMENTS = 40
SMALLEST = 1e-30
"""A probability below it is taken for it: float32 ends at 1e-38."""


def tempered(probabilities: npt.NDArray[Any], temperature: float) -> npt.NDArray[np.float64]:
    """Return ``softmax(log(p) / T)`` over the last axis."""
    return _softmax(_logarithms(probabilities) / temperature)


def _logarithms(probabilities: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return np.asarray(np.log(np.maximum(probabilities.astype(np.float64), SMALLEST)))


def _softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))


def fit_temperature(probabilities: npt.NDArray[Any], labels: npt.NDArray[Any]) -> float:
    """Return the temperature of least cross-entropy; 1.0 where none is better than that.

    Args:
        probabilities: ``(n, classes)``, or ``(views, n, classes)``: then every view is tempered
            and the mean of the views is judged.
        labels: ``(n,)``, the true classes.
    """
    stacked = _logarithms(probabilities if probabilities.ndim == 3 else probabilities[None])
    own = np.arange(len(labels)), labels

    def loss(log_temperature: float) -> float:
        mean = _softmax(stacked / math.exp(log_temperature)).mean(axis=0)
        return float(-np.log(np.maximum(mean[own], SMALLEST)).mean())

    # A grid first: for one view the loss is convex in 1/T, for a mean of views it need not be.
    grid = np.linspace(math.log(LOWEST), math.log(HIGHEST), _GRID)
    best = int(np.argmin([loss(point) for point in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, _GRID - 1)]
    golden = (math.sqrt(5) - 1) / 2
    inner, outer = high - golden * (high - low), low + golden * (high - low)
    inner_loss, outer_loss = loss(inner), loss(outer)
    for _ in range(_REFINEMENTS):
        if inner_loss <= outer_loss:
            high, outer, outer_loss = outer, inner, inner_loss
            inner = high - golden * (high - low)
            inner_loss = loss(inner)
        else:
            low, inner, inner_loss = inner, outer, outer_loss
            outer = low + golden * (high - low)
            outer_loss = loss(outer)
    found = (low + high) / 2
    return math.exp(found) if loss(found) < loss(0.0) else 1.0
