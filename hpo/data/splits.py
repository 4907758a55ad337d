"""Faces in memory: a split, its digest, and a subset that keeps the classes' shares."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError

SPLITS: tuple[str, ...] = ("train", "validation", "test")
VOTE_COLUMNS: tuple[str, ...] = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
"""Columns of a votes array, in FER+'s order; a row of zeros is a face that FER+ left out."""

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class RawSplit:
    """The faces of one split on their way into a store.

    Args:
        images: uint8, ``(n, height, width)``, grey values 0-255.
        labels: uint8, ``(n,)``, indices into ``EMOTIONS``.
        names: the source's name of each face; names are not keys and may repeat.
        votes: ``(n, 10)``, annotators' votes as counts in ``VOTE_COLUMNS``'s order, or ``None``.
    """

    images: Bytes
    labels: Bytes
    names: list[str]
    votes: npt.NDArray[Any] | None = None


@dataclass(frozen=True)
class Split:
    """One split of a store, or a subset of it.

    Args:
        images: uint8, ``(n, height, width)``, grey values 0-255; memory-mapped when whole.
        labels: uint8, ``(n,)``, indices into ``classes`` of the dataset.
        names: the source's name of each face.
        votes: ``(n, 10)`` counts in ``VOTE_COLUMNS``'s order, or ``None``.
    """

    images: Bytes
    labels: Bytes
    names: list[str]
    votes: npt.NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.labels)


def subset(split: Split, limit: int | None, seed: int) -> Split:
    """Return the faces at ``subset_places``.

    Args:
        split: what to draw from.
        limit, seed: as there; without a limit the split itself is returned.

    Raises:
        DataError: ``limit`` is under 1.
    """
    if limit is None or limit >= len(split):
        return split
    index = subset_places(np.asarray(split.labels), limit, seed)
    return Split(
        images=np.asarray(split.images[index]),
        labels=np.asarray(split.labels)[index],
        names=[split.names[i] for i in index],
        votes=None if split.votes is None else split.votes[index],
    )


def subset_places(labels: Bytes, limit: int | None, seed: int) -> npt.NDArray[np.int64]:
    """Return the places of ``limit`` faces that keep the classes' shares, equal for equal seeds.

    Shares are rounded by largest remainder; a class that would round to nothing keeps one face as
    long as ``limit`` reaches for every class. Faces stay in the split's order.

    Args:
        labels: of the faces to draw from, ``(n,)``.
        limit: how many faces; ``None``, or as many as there are or more, gives all.
        seed: 31-bit seed of the draw.

    Raises:
        DataError: ``limit`` is under 1.
    """
    if limit is None or limit >= len(labels):
        return np.arange(len(labels))
    if limit < 1:
        raise DataError("a subset needs at least one face", expected="1 or more", got=str(limit))
    counts = np.bincount(labels, minlength=len(EMOTIONS))
    generator = np.random.default_rng(seed)
    chosen = [
        generator.permutation(np.flatnonzero(labels == label))[:quota]
        for label, quota in enumerate(_quotas(counts, limit))
    ]
    return np.sort(np.concatenate(chosen))


def _quotas(counts: npt.NDArray[np.int64], limit: int) -> list[int]:
    exact = counts * limit / counts.sum()
    quotas = np.floor(exact).astype(np.int64)
    # Stable sort: equal remainders go to the class that comes first.
    by_remainder = np.argsort(-(exact - quotas), kind="stable")
    quotas[by_remainder[: limit - int(quotas.sum())]] += 1
    if limit >= np.count_nonzero(counts):
        for starved in np.flatnonzero((quotas == 0) & (counts > 0)):
            quotas[int(np.argmax(quotas))] -= 1
            quotas[starved] = 1
    return [int(q) for q in quotas]


def count_labels(labels: Bytes) -> dict[str, int]:
    """Return how many labels each emotion has, every emotion named."""
    counts = np.bincount(np.asarray(labels), minlength=len(EMOTIONS))
    return {emotion: int(counts[i]) for i, emotion in enumerate(EMOTIONS)}


def multiset_digest(images: Bytes, labels: Bytes) -> str:
    """Return ``sha256:…`` of the multiset of (pixels, emotion): neither order nor names count.

    Each face is hashed with its shape and its emotion's name; the sorted hashes are hashed again.
    """
    shape = f"{images.shape[1]}x{images.shape[2]}"
    prefixes = [f"{shape} {emotion}\n".encode() for emotion in EMOTIONS]
    faces = sorted(
        hashlib.sha256(prefixes[int(label)] + image.tobytes()).digest()
        for image, label in zip(images, labels, strict=True)
    )
    return "sha256:" + hashlib.sha256(b"".join(faces)).hexdigest()


def join_digests(digests: Mapping[str, str]) -> str:
    """Return the digest of a dataset from those of its splits."""
    text = "\n".join(f"{split} {digests[split]}" for split in SPLITS if split in digests)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def check_splits(name: str, splits: Mapping[str, RawSplit]) -> tuple[int, int]:
    """Return height and width of splits that fit together.

    Raises:
        DataError: no training faces, unknown splits, images that are not grey bytes or differ in
            size, labels out of range, or not as many labels or names as images.
    """
    unknown = sorted(set(splits) - set(SPLITS))
    if unknown or "train" not in splits or len(splits["train"].labels) == 0:
        raise DataError(
            f"dataset '{name}' has no training faces"
            if not unknown
            else f"unknown split {unknown}",
            expected="the splits train, validation and test, train at least",
            got=", ".join(f"{s} ({len(raw.labels)} faces)" for s, raw in splits.items()) or "none",
        )
    shapes = set()
    for split_name, raw in splits.items():
        if raw.images.ndim != 3 or raw.images.dtype != np.uint8:
            raise DataError(
                f"the images of split '{split_name}' are not grey bytes",
                expected="uint8 (n, height, width)",
                got=f"{raw.images.dtype} {raw.images.shape}",
            )
        sizes = {len(raw.images), len(raw.labels), len(raw.names)}
        sizes |= set() if raw.votes is None else {len(raw.votes)}
        if len(sizes) > 1 or (len(raw.labels) and int(raw.labels.max()) >= len(EMOTIONS)):
            raise DataError(
                f"images, labels and names of split '{split_name}' do not fit together",
                expected=f"as many of each, labels 0 to {len(EMOTIONS) - 1}",
                got=f"{len(raw.images)} images, {len(raw.labels)} labels, {len(raw.names)} names",
            )
        if raw.labels.dtype != np.uint8:
            raise DataError("labels must be bytes", expected="uint8", got=str(raw.labels.dtype))
        shapes.add(raw.images.shape[1:])
    if len(shapes) > 1:
        raise DataError(
            f"the splits of dataset '{name}' differ in image size",
            expected="one height and width",
            got=", ".join(sorted(f"{h}x{w}" for h, w in shapes)),
        )
    height, width = shapes.pop()
    return int(height), int(width)
