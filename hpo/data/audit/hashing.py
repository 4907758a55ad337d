"""Perceptual hashes of faces and of their mirrors, and the pairs of them that lie close.

A hash finds candidates and decides nothing: ``likeness`` compares the pixels of each.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int64]

MIN_SIDE = 16
"""Pixels; smaller images have too few coefficients for a hash."""
MAX_DISTANCE = 10
"""Bits in which two candidates may differ. On FER-2013, of the pairs 8 bits apart over half show
one photograph, 10 bits apart every fifth, 12 bits apart one in thirty."""
_SIDE = 8
_CHUNK = 2048
_BANDS = (11, 11, 11, 11, 10, 10)
"""Bits of each band, 64 in all. Eleven differing bits are needed to have two in each of five bands
and one in the sixth, so hashes within ``2 * 6 - 1 = 11`` differ by at most one bit in some band
(Norouzi, Punjani and Fleet 2012, "Fast search in Hamming space with multi-index hashing")."""


def perceptual_hashes(images: npt.NDArray[np.uint8]) -> tuple[Hashes, Hashes]:
    """Return the 64-bit hash of each image, and that of its mirror.

    A bit says whether one of the 8 x 8 lowest DCT coefficients, without the first row and column,
    is above their median (Zauner 2010, "Implementation and benchmarking of perceptual image hash
    functions", section 3.2.1). Brightness and contrast do not count. Zauner shrinks to 32 x 32
    first; the coefficients are taken from the whole image here, where shrinking changes little.
    Mirroring negates the coefficients of odd horizontal frequency, so that no image is mirrored.

    Args:
        images: uint8, ``(n, height, width)``, sides of ``MIN_SIDE`` and more.
    """
    height, width = images.shape[1:]
    down, across = _cosines(height), _cosines(width)
    signs = (-1.0) ** np.arange(1, _SIDE + 1)
    hashes, mirrored = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
    for start in range(0, len(images), _CHUNK):
        low = down @ images[start : start + _CHUNK].astype(np.float64) @ across.T
        hashes.append(_bits(low))
        mirrored.append(_bits(low * signs))
    return np.concatenate(hashes), np.concatenate(mirrored)


def close_pairs(left: Hashes, right: Hashes) -> tuple[Indices, Indices]:
    """Return the pairs ``i < j`` with ``left[i]`` and ``right[j]`` within ``MAX_DISTANCE`` bits.

    All of them, in ascending order: only hashes that nearly agree in one band are compared, which
    for 32,000 faces is a tenth of all pairs.

    Args:
        left: uint64, ``(n,)``.
        right: uint64, ``(n,)``.
    """
    n = len(left)
    found: list[Indices] = []
    shift = 0
    for bits in _BANDS:
        mask = np.uint64((1 << bits) - 1)
        ours = (left >> np.uint64(shift)) & mask
        theirs = (right >> np.uint64(shift)) & mask
        shift += bits
        order = np.argsort(theirs, kind="stable")
        ranked = theirs[order]
        for change in (0, *(1 << bit for bit in range(bits))):
            for i, j in _joined(ours ^ np.uint64(change), ranked, order):
                ahead = i < j
                i, j = i[ahead], j[ahead]
                near = np.bitwise_count(left[i] ^ right[j]) <= MAX_DISTANCE
                found.append(i[near] * n + j[near])
    codes = np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)
    return codes // max(n, 1), codes % max(n, 1)


def _cosines(side: int) -> npt.NDArray[np.float64]:
    """Return rows 1 to 8 of the DCT-II of ``side`` points, ``(8, side)``, without their norms."""
    places = 2 * np.arange(side) + 1
    return np.cos(np.pi * np.outer(np.arange(1, _SIDE + 1), places) / (2 * side))


def _bits(low: npt.NDArray[np.float64]) -> Hashes:
    flat = low.reshape(len(low), _SIDE * _SIDE)
    above = flat > np.median(flat, axis=1, keepdims=True)
    return np.packbits(above, axis=1).view(np.uint64)[:, 0]


def _joined(keys: Hashes, ranked: Hashes, order: Indices) -> Iterator[tuple[Indices, Indices]]:
    """Yield the places of equal keys, a chunk of ``keys`` at a time to bound the memory."""
    for start in range(0, len(keys), _CHUNK):
        wanted = keys[start : start + _CHUNK]
        first = np.searchsorted(ranked, wanted, "left")
        counts = np.searchsorted(ranked, wanted, "right") - first
        ends = np.cumsum(counts)
        if not ends[-1]:
            continue
        i = np.repeat(np.arange(start, start + len(wanted)), counts)
        within = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
        yield i, order[np.repeat(first, counts) + within]
