"""Pairs of faces that may be one photograph: as they lie, shifted, enlarged, or mirrored.

The middle of one face is sought in the other by hashes, at every place where ``same_photograph``
would look for it, and at a few places a little larger. Whole images are compared too, with a wider
limit: that finds some that are turned a little.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hpo.data.audit.hashing import (
    MAX_DISTANCE,
    Hashes,
    Window,
    close_pairs,
    perceptual_hashes,
)
from hpo.data.audit.likeness import SHIFT_SHARE

Indices = npt.NDArray[np.int64]
Pairs = tuple[Indices, Indices]

MAX_DISTANCE_OF_PARTS = 8
"""Bits in which the middle of a face and a part of another may differ. Of 800 validation faces of
FER-2013 against all training faces, each pair at its best shift, of those 4 bits apart nine in ten
show one photograph, 6 bits apart half, 8 bits apart one in twenty; where the part is larger two in
five of those 8 bits apart. The pixels turn the others down."""
_MOST_SHIFTS = 7
"""Each way and in the middle: at 48 pixels every one. Larger images are shifted in steps."""
_LARGER_SHARE = 24
"""Of the part: how much longer the larger one is. At 48 pixels 2: 44 beside 42, 5 % more."""
_LARGER_SHIFTS = 3


def candidate_pairs(
    faces: npt.NDArray[np.uint8], progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[Pairs, Pairs]:
    """Return the pairs ``i < j`` that are worth comparing, and those with ``j`` mirrored.

    Under a minute for 32,000 faces of 48 x 48 pixels, on one core.

    Args:
        faces: uint8, ``(n, height, width)``, sides of ``MIN_SIDE`` and more.
        progress: told of how many of all places one face was sought in the others.
    """
    whole, mirrored_whole = next(perceptual_hashes(faces))
    plain = [_codes(whole, whole, MAX_DISTANCE)]
    mirrored = [_codes(whole, mirrored_whole, MAX_DISTANCE)]
    height, width = faces.shape[1:]
    dy, dx = height // SHIFT_SHARE, width // SHIFT_SHARE
    part = Window(dy, dx, height - 2 * dy, width - 2 * dx)
    middle, mirrored_middle = next(perceptual_hashes(faces, [part]))
    shifted = _places(height, width, part.height, part.width, _MOST_SHIFTS)
    rows, columns = (k + round(k / _LARGER_SHARE) for k in (part.height, part.width))
    larger = _places(height, width, rows, columns, _LARGER_SHIFTS)
    total = len(shifted) + 2 * len(larger)
    for done, (found, turned) in enumerate(perceptual_hashes(faces, shifted), start=1):
        plain.append(_codes(middle, found, MAX_DISTANCE_OF_PARTS))
        mirrored.append(_codes(middle, turned, MAX_DISTANCE_OF_PARTS))
        progress(done, total)
    for done, (found, turned) in enumerate(perceptual_hashes(faces, larger), start=1):
        # Either face may be the larger one: a shift has its opposite among the shifts, this not.
        plain.append(_codes(middle, found, MAX_DISTANCE_OF_PARTS))
        plain.append(_codes(found, middle, MAX_DISTANCE_OF_PARTS))
        mirrored.append(_codes(middle, turned, MAX_DISTANCE_OF_PARTS))
        mirrored.append(_codes(found, mirrored_middle, MAX_DISTANCE_OF_PARTS))
        progress(len(shifted) + 2 * done, total)
    return _pairs(plain, len(faces)), _pairs(mirrored, len(faces))


def _places(height: int, width: int, rows: int, columns: int, most: int) -> list[Window]:
    """Return where a part of ``rows`` by ``columns`` can lie, in at most ``most`` places a side."""
    return [
        Window(top, left, rows, columns)
        for top in _spaced(height - rows, most)
        for left in _spaced(width - columns, most)
    ]


def _spaced(room: int, most: int) -> list[int]:
    return sorted({round(k) for k in np.linspace(0, room, min(room + 1, most))})


def _codes(left: Hashes, right: Hashes, limit: int) -> Indices:
    """Return each close pair as one number, ``i * n + j``."""
    i, j = close_pairs(left, right, limit)
    return i * len(left) + j


def _pairs(codes: list[Indices], n: int) -> Pairs:
    distinct = np.unique(np.concatenate(codes))
    return distinct // max(n, 1), distinct % max(n, 1)
