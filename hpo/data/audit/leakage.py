"""Training faces that are copies of held-out ones, found once per dataset and remembered beside it.

The answer lies in the dataset's folder under a name that holds what it depends on, so neither other
images nor another version of the search meet an old one; a new import replaces the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hpo.data.audit.duplicates import group_duplicates
from hpo.data.splits import Split
from hpo.data.store import FaceDataset

Indices = npt.NDArray[np.int64]

_VERSION = 1
"""Of the search: to be raised with any change of what it finds."""


def leaked_faces(dataset: FaceDataset, *, remember: bool = True) -> Indices:
    """Return the places of the training faces whose duplicate group has a held-out face.

    Held out are validation and test; of the latter nothing but its pixels is looked at. Exact, near
    and mirrored duplicates count, as ``group_duplicates`` finds them. Five seconds for 32,000
    faces, and none the next time.

    Args:
        dataset: an opened dataset with a split ``train``.
        remember: whether to write the answer into the dataset's folder, if that can be done.

    Returns:
        int64, ascending.

    Raises:
        DataError: a split cannot be read.
    """
    path = dataset.folder / f"leaked-{_key(dataset)}.npy"
    with contextlib.suppress(OSError, ValueError, EOFError):
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.int64)
    splits = {name: dataset.split(name) for name in dataset.splits}
    train = len(splits.pop("train"))
    held_out = [split.images for split in splits.values()]
    images = np.concatenate([dataset.split("train").images, *held_out])
    photograph = group_duplicates(images).photograph
    leaked = np.flatnonzero(np.isin(photograph[:train], photograph[train:])).astype(np.int64)
    if remember:
        _write(path, leaked)
    return leaked


def seen_in_training(dataset: FaceDataset, split: str = "validation") -> Indices:
    """Return the places of a split's faces whose duplicate group has a training face.

    A score on them is partly memory: it should also be told without them.

    Args:
        dataset: an opened dataset with a split ``train``.
        split: a held-out one.

    Returns:
        int64, ascending.

    Raises:
        DataError: a split cannot be read.
    """
    train, held_out = dataset.split("train"), dataset.split(split)
    photograph = group_duplicates(np.concatenate([train.images, held_out.images])).photograph
    seen = np.isin(photograph[len(train) :], photograph[: len(train)])
    return np.flatnonzero(seen).astype(np.int64)


def without(split: Split, left_out: Indices) -> Split:
    """Return the split without the faces at some places; the others keep their order.

    Args:
        split: what to take from.
        left_out: places in it.
    """
    if not len(left_out):
        return split
    kept = np.setdiff1d(np.arange(len(split)), left_out)
    return Split(
        images=np.asarray(split.images[kept]),
        labels=np.asarray(split.labels)[kept],
        names=[split.names[i] for i in kept],
        votes=None if split.votes is None else split.votes[kept],
    )


def _key(dataset: FaceDataset) -> str:
    """Return what the answer depends on, as 16 hex digits: the order of the images counts."""
    files = dataset.manifest["files"]
    parts = [f"{_VERSION}", *(files[f"{name}.images.npy"]["sha256"] for name in dataset.splits)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _write(path: Path, leaked: Indices) -> None:
    # Several processes may be at it; a folder that only reads costs the seconds again.
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    with contextlib.suppress(OSError):
        try:
            with new.open("wb") as stream:
                np.save(stream, leaked)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
