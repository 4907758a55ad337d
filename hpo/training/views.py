"""Views of a face that a model answers together: itself, its mirror, and shifts. No Keras.

Averaging the probabilities over mirrored and displaced views is Krizhevsky, Sutskever and Hinton
(2012), "ImageNet classification with deep convolutional neural networks", section 4.1: five crops
and their mirrors. Faces of 48 pixels are not cropped but shifted, and what lies beyond the border
repeats the border's pixels, as in training; every view is a choice of rows and columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

TestViews = Literal["none", "mirror", "mirror_shifts"]

SHIFT_SHARE = 1 / 24
"""Of the side: 2 pixels of 48."""

Indices = npt.NDArray[np.int64]


def choices(which: str, height: int, width: int) -> list[tuple[Indices, Indices]]:
    """Return the rows and the columns of each view, the face itself first.

    Args:
        which: ``none`` is 1 view, ``mirror`` 2, ``mirror_shifts`` 10: the face and its shifts by
            ``SHIFT_SHARE`` towards the four corners, and their mirrors.
        height: of a face, in pixels.
        width: of a face, in pixels.

    Raises:
        ValueError: ``which`` is none of them.
    """
    if which not in ("none", "mirror", "mirror_shifts"):
        raise ValueError(f"no views '{which}'")
    steps = [(0, 0)]
    if which == "mirror_shifts":
        down, right = (max(1, round(side * SHIFT_SHARE)) for side in (height, width))
        steps += [(y, x) for y in (-down, down) for x in (-right, right)]
    found = [(_shifted(height, y), _shifted(width, x)) for y, x in steps]
    if which != "none":
        found += [(rows, columns[::-1]) for rows, columns in found]
    return found


def views(faces: npt.NDArray[Any], which: str) -> list[npt.NDArray[Any]]:
    """Return the views of faces ``(n, height, width)`` or ``(n, height, width, channels)``.

    Each has the shape and dtype of ``faces``; the first is ``faces`` itself.
    """
    _, height, width = faces.shape[:3]
    first, *others = choices(which, height, width)
    del first
    return [faces, *(faces[:, rows][:, :, columns] for rows, columns in others)]


def mean_probabilities(answers: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
    """Return the mean of probabilities ``(n, classes)`` of several views, or of several models."""
    return np.asarray(np.mean(np.stack(answers), axis=0, dtype=np.float64), np.float32)


def _shifted(side: int, by: int) -> Indices:
    return np.clip(np.arange(side, dtype=np.int64) + by, 0, side - 1)
