"""Which faces of a dataset are copies across its splits, found once and remembered.

The answer lies in the dataset's folder (or, where that cannot be written, in this machine's cache)
under a name that holds what it depends on, so neither other images nor another version of the
search meet an old one; a new import replaces the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hpo.data.audit.duplicates import group_duplicates
from hpo.data.importers.source import Progress, silent
from hpo.data.splits import RawSplit, Split
from hpo.data.store import FaceDataset
from hpo.spec.workspace import machine_cache

Indices = npt.NDArray[np.int64]

VERSION = 3
"""Of the search: to be raised with any change of what it finds."""

_CHECKSUM_BYTES = 32
_SECONDS_PER_FACE = 0.0013
"""On one core, for faces of 48 x 48 pixels: 43 s for the 32,298 of FER-2013 outside its test
split. The pairs to look at grow faster than the faces, the work on each face does not."""


def photographs(
    dataset: FaceDataset, *, remember: bool = True, progress: Progress = silent
) -> dict[str, Indices]:
    """Return for each split a number per face, equal where two show one photograph.

    Of the test split nothing but its pixels is looked at. Exact, near and mirrored duplicates
    count, as ``group_duplicates`` finds them. A minute for 32,000 faces, and no time from then on.

    Args:
        dataset: an opened dataset.
        remember: whether to write the answer, if that can be done.
        progress: told how much of the search is done; not where the answer is known.

    Returns:
        int64, ``(n,)``, by split.

    Raises:
        DataError: a split cannot be read.
    """
    sizes = [int(dataset.manifest["splits"][name]["count"]) for name in dataset.splits]
    places = list(_places(dataset))
    found = next((known for path in places if (known := _read(path, sum(sizes))) is not None), None)
    if found is None:
        images = [dataset.split(name).images for name in dataset.splits]
        found = group_duplicates(np.concatenate(images), progress).photograph
        if remember:
            any(_write(path, found) for path in places)
    return dict(zip(dataset.splits, np.split(found, np.cumsum(sizes)[:-1]), strict=True))


def photographs_of(
    splits: Mapping[str, RawSplit], data: Path | None = None, progress: Progress = silent
) -> Indices:
    """Return what ``photographs`` does, of faces that are not stored; all splits in one array.

    What a dataset of the same images knows is taken; else it is searched for, and not kept.

    Args:
        splits: train, validation, test, in this order.
        data: the folder of a workspace's datasets; without it nothing is looked up.
        progress: told how much of the search is done.
    """
    images = np.concatenate([raw.images for raw in splits.values()])
    if data is None:
        return group_duplicates(images, progress).photograph
    name = _name(_checksum(raw.images) for raw in splits.values())
    for path in (*data.glob(f"*/{name}"), _cached(name)):
        if (known := _read(path, len(images))) is not None:
            return known
    return group_duplicates(images, progress).photograph


def is_searched(dataset: FaceDataset) -> bool:
    """Tell whether ``photographs`` knows its answer and takes no time."""
    sizes = [int(dataset.manifest["splits"][name]["count"]) for name in dataset.splits]
    return any(_read(path, sum(sizes)) is not None for path in _places(dataset))


def search_seconds(dataset: FaceDataset) -> float:
    """Return about how long ``photographs`` will search; 0 where it knows its answer."""
    if dataset.digest and is_searched(dataset):
        return 0.0
    return _SECONDS_PER_FACE * sum(map(sum, (c.values() for c in dataset.counts().values())))


def leaked_faces(
    dataset: FaceDataset, *, remember: bool = True, progress: Progress = silent
) -> Indices:
    """Return the places of the training faces of which validation or test has a copy, ascending.

    Args:
        dataset: an opened dataset with a split ``train``.
        remember, progress: as for ``photographs``.

    Raises:
        DataError: a split cannot be read.
    """
    found = photographs(dataset, remember=remember, progress=progress)
    train = found.pop("train")
    held_out = np.concatenate([*found.values(), np.empty(0, np.int64)])
    return np.flatnonzero(np.isin(train, held_out)).astype(np.int64)


def seen_in_training(
    dataset: FaceDataset, split: str = "validation", *, remember: bool = True
) -> Indices:
    """Return the places of a split's faces of which training has a copy, ascending.

    A score on them is partly memory: it should also be told without them.

    Args:
        dataset: an opened dataset with a split ``train``.
        split: a held-out one.
        remember: as for ``photographs``.

    Raises:
        DataError: a split cannot be read.
    """
    found = photographs(dataset, remember=remember)
    return np.flatnonzero(np.isin(found[split], found["train"])).astype(np.int64)


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


def _places(dataset: FaceDataset) -> Iterator[Path]:
    """Yield where the answer may lie; the order of the images is part of the name."""
    files = dataset.manifest["files"]
    name = _name(files[f"{split}.images.npy"]["sha256"] for split in dataset.splits)
    yield dataset.folder / name
    yield _cached(name)


def _name(checksums: Iterable[str]) -> str:
    key = hashlib.sha256("\n".join([f"{VERSION}", *checksums]).encode()).hexdigest()[:16]
    return f"duplicates-{key}.npy"


def _cached(name: str) -> Path:
    return machine_cache() / "duplicates" / name


def _checksum(images: npt.NDArray[np.uint8]) -> str:
    """Return the checksum of the file that a dataset of these images has."""
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(images))
    return hashlib.sha256(file.getbuffer()).hexdigest()


def _read(path: Path, faces: int) -> Indices | None:
    """Return a remembered answer; None where there is none, or one that was damaged."""
    with contextlib.suppress(OSError, ValueError, EOFError):
        data = path.read_bytes()
        told, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
        if hashlib.sha256(told).digest() != checksum:
            return None
        found = np.asarray(np.load(io.BytesIO(told), allow_pickle=False), dtype=np.int64)
        return found if found.shape == (faces,) else None
    return None


def _write(path: Path, found: Indices) -> bool:
    # Several processes may be at it; where neither folder can be written it is looked for again.
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        told = io.BytesIO()
        np.save(told, found.astype(np.int32))
        # NumPy reads the file all the same: it stops at the end of the array.
        new.write_bytes(told.getvalue() + hashlib.sha256(told.getvalue()).digest())
        new.replace(path)
    except OSError:
        return False
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
    return True
