"""Perceptual hashes of faces, of parts of them and of their mirrors, and which lie close.

A hash finds candidates and decides nothing: ``likeness`` compares the pixels of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int64]

MIN_SIDE = 16
"""Pixels; smaller images have too few coefficients for a hash."""
MAX_DISTANCE = 10
"""Bits in which two whole images may differ. On FER-2013, of the pairs 8 bits apart over half show
one photograph, 10 bits apart every fifth, 12 bits apart one in thirty."""
_FEWEST_BANDS = 5
"""13 bits and fewer in each: a table of the values of a band stays small."""
_SIDE = 8
_CHUNK = 2048


@dataclass(frozen=True)
class Window:
    """A part of an image, in pixels.

    Args:
        top: rows above it.
        left: columns to its left.
        height: its rows.
        width: its columns.
    """

    top: int
    left: int
    height: int
    width: int


def perceptual_hashes(
    images: npt.NDArray[np.uint8], windows: Sequence[Window] | None = None
) -> Iterator[tuple[Hashes, Hashes]]:
    """Yield for each window the 64-bit hash of it in each image, and that of its mirror.

    A bit says whether one of the 8 x 8 lowest DCT coefficients, without the first row and column,
    is above their median (Zauner 2010, "Implementation and benchmarking of perceptual image hash
    functions", section 3.2.1). Brightness and contrast do not count, nor does the window's size.
    Zauner shrinks to 32 x 32 first; the coefficients are taken from all pixels here, where
    shrinking changes little. Mirroring negates the coefficients of odd horizontal frequency, so
    that no image is mirrored.

    Args:
        images: uint8, ``(n, height, width)``, sides of ``MIN_SIDE`` and more.
        windows: in what order they are wanted; the whole image if None. Those of the same rows
            should follow each other, as the work on rows is then done once.
    """
    height, width = images.shape[1:]
    signs = (-1.0) ** np.arange(1, _SIDE + 1)
    rows, low = (np.empty((len(images), _SIDE, k)) for k in (width, _SIDE))
    done = None
    for window in windows or (Window(0, 0, height, width),):
        down = _cosines(window.height, window.top, height)
        across = _cosines(window.width, window.left, width)
        for start in range(0, len(images), _CHUNK):
            part = slice(start, start + _CHUNK)
            if done != (window.top, window.height):
                np.matmul(down, images[part].astype(np.float64), out=rows[part])
            np.matmul(rows[part], across.T, out=low[part])
        done = (window.top, window.height)
        yield _bits(low), _bits(low * signs)


def close_pairs(left: Hashes, right: Hashes, limit: int = MAX_DISTANCE) -> tuple[Indices, Indices]:
    """Return the pairs ``i < j`` with ``left[i]`` and ``right[j]`` within ``limit`` bits.

    All of them, in ascending order. Only hashes that nearly agree in one band of bits are compared:
    of ``b`` bands, hashes within ``2 * b - 1`` bits differ by at most one bit in some band, as
    ``2 * b`` differing bits are needed to have two in each (Norouzi, Punjani and Fleet 2012, "Fast
    search in Hamming space with multi-index hashing"). For the faces of FER-2013 and 8
    bits that is one in 60 of all pairs, for 10 bits one in 16.

    Args:
        left: uint64, ``(n,)``.
        right: uint64, ``(n,)``.
        limit: bits, from 0 to 31.
    """
    n = len(left)
    found: list[Indices] = []
    for shift, bits in _bands(max(limit // 2 + 1, _FEWEST_BANDS)):
        mask = np.uint64((1 << bits) - 1)
        ours = ((left >> np.uint64(shift)) & mask).astype(np.int64)
        theirs = ((right >> np.uint64(shift)) & mask).astype(np.int64)
        order = np.argsort(theirs, kind="stable")
        ranked = right[order]
        counts = np.bincount(theirs, minlength=1 << bits)
        starts = np.cumsum(counts) - counts
        changes = np.array([0, *(1 << bit for bit in range(bits))])
        keys = (ours[:, None] ^ changes).ravel()
        owner = np.repeat(np.arange(n), len(changes))
        for k, places in _joined(starts[keys], counts[keys]):
            i = owner[k]
            near = np.bitwise_count(left[i] ^ ranked[places]) <= limit
            i, j = i[near], order[places[near]]
            found.append((i * n + j)[i < j])
    codes = np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)
    return codes // max(n, 1), codes % max(n, 1)


def _bands(count: int) -> Iterator[tuple[int, int]]:
    """Yield the first bit of each band and its number of bits, 64 in all."""
    edges = [64 * k // count for k in range(count + 1)]
    yield from ((start, end - start) for start, end in pairwise(edges))


def _cosines(side: int, start: int, whole: int) -> npt.NDArray[np.float64]:
    """Return rows 1 to 8 of the DCT-II of ``side`` points, without their norms, ``(8, whole)``.

    The points begin at ``start`` of ``whole``, and the others count for nothing.
    """
    places = 2 * np.arange(side) + 1
    found = np.zeros((_SIDE, whole))
    angles = np.pi * np.outer(np.arange(1, _SIDE + 1), places) / (2 * side)
    found[:, start : start + side] = np.cos(angles)
    return found


def _bits(low: npt.NDArray[np.float64]) -> Hashes:
    flat = low.reshape(len(low), _SIDE * _SIDE)
    above = flat > np.median(flat, axis=1, keepdims=True)
    return np.packbits(above, axis=1).view(np.uint64)[:, 0]


def _joined(first: Indices, counts: Indices) -> Iterator[tuple[Indices, Indices]]:
    """Yield each place with the ``counts`` that follow its ``first``, in parts that fit memory."""
    for start in range(0, len(first), _CHUNK):
        many = counts[start : start + _CHUNK]
        ends = np.cumsum(many)
        i = np.repeat(np.arange(start, start + len(many)), many)
        yield i, np.arange(ends[-1]) + np.repeat(first[start : start + _CHUNK] - ends + many, many)
