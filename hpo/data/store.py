"""The canonical store of faces: one folder per dataset, arrays mapped from disk, one manifest.

``data/<name>/`` holds, per split, ``<split>.images.npy`` (uint8, ``(n, height, width)``),
``<split>.labels.npy`` (uint8, indices into ``EMOTIONS``), ``<split>.names.json`` and, where the
source has annotators' votes, ``<split>.votes.npy``. ``manifest.json`` counts and checksums them. A
dataset is written beside its place and renamed into it, so a reader never meets half of one.

Opening needs the standard library and numpy alone: every trial's process does it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.data.folders import (
    FORMAT_VERSION,
    broken,
    check_dataset_name,
    read_manifest,
    replaced_folder,
    verify,
    write_manifest,
)
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError

__all__ = [
    "SPLITS",
    "VOTE_COLUMNS",
    "FaceDataset",
    "RawSplit",
    "Split",
    "count_labels",
    "multiset_digest",
    "open_faces",
    "subset",
    "verify",
    "write_faces",
]

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


@dataclass(frozen=True)
class FaceDataset:
    """An opened dataset of faces.

    Args:
        name: its name in the workspace.
        folder: where it lies.
        manifest: the parsed ``manifest.json``.
    """

    name: str
    folder: Path
    manifest: Mapping[str, Any] = field(repr=False)

    @property
    def classes(self) -> tuple[str, ...]:
        """The emotions, in label order."""
        return tuple(self.manifest["classes"])

    @property
    def digest(self) -> str:
        """``sha256:…`` over the multisets of (pixels, emotion) of the splits; names are out."""
        return str(self.manifest["digest"])

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that are there, in the order train, validation, test."""
        return tuple(s for s in SPLITS if s in self.manifest["splits"])

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width in pixels, the same for every face."""
        return int(self.manifest["height"]), int(self.manifest["width"])

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of faces per split and emotion, in canonical order."""
        return {s: dict(self.manifest["splits"][s]["counts"]) for s in self.splits}

    def split(self, name: str) -> Split:
        """Open one split; images are memory-mapped, read only.

        Raises:
            DataError: the dataset has no such split, or its files are gone or truncated.
        """
        if name not in self.manifest["splits"]:
            present = ", ".join(self.splits)
            raise DataError(
                f"dataset '{self.name}' has no split '{name}'",
                expected=f"one of {present}",
                where=str(self.folder),
                hint=f"Use one of {present}, or import a source that holds '{name}'",
            )
        try:
            images = np.load(self.folder / f"{name}.images.npy", mmap_mode="r", allow_pickle=False)
            labels = np.load(self.folder / f"{name}.labels.npy", allow_pickle=False)
            names = json.loads((self.folder / f"{name}.names.json").read_text(encoding="utf-8"))
            votes_file = self.folder / f"{name}.votes.npy"
            votes = np.load(votes_file, allow_pickle=False) if votes_file.is_file() else None
        except (OSError, ValueError, EOFError) as error:
            raise broken(self.folder, f"cannot read its split '{name}': {error}") from error
        return Split(images, labels, names, votes)


def open_faces(folder: Path) -> FaceDataset:
    """Open the dataset in ``folder``.

    Raises:
        NotFoundError: there is no dataset in this folder.
        DataError: the folder holds something else, or a manifest that cannot be read.
    """
    manifest = read_manifest(folder)
    if manifest.get("kind") != "faces":
        raise DataError(
            f"'{folder.name}' is a dataset of {manifest.get('kind', 'an unknown kind')}",
            expected="a dataset of faces",
            where=str(folder),
            hint="List the datasets with: hpo data list",
        )
    return FaceDataset(str(manifest["name"]), folder, manifest)


def write_faces(
    folder: Path,
    name: str,
    splits: Mapping[str, RawSplit],
    source: Mapping[str, Any],
    *,
    skipped: Mapping[str, Any] | None = None,
) -> FaceDataset:
    """Write a dataset to ``folder``; whatever lay there is replaced once the new one is complete.

    Args:
        folder: the dataset's own folder, such as ``data/fer2013``.
        name: the dataset's name.
        splits: ``train`` at least; all of one height and width.
        source: where the faces came from; plain data, kept in the manifest.
        skipped: unreadable images that were left out: ``count`` and the first ``names``.

    Raises:
        DataError: splits that do not fit together, no training faces, labels out of range.
        EnvironmentProblem: the folder cannot be written, or the disk is full.
    """
    check_dataset_name(name)
    height, width = _check_splits(name, splits)
    ordered = {s: splits[s] for s in SPLITS if s in splits}
    digests = {s: multiset_digest(raw.images, raw.labels) for s, raw in ordered.items()}
    manifest: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "name": name,
        "kind": "faces",
        "classes": list(EMOTIONS),
        "height": height,
        "width": width,
        "digest": _join_digests(digests),
        "splits": {
            s: {"count": len(raw.labels), "counts": count_labels(raw.labels), "digest": digests[s]}
            for s, raw in ordered.items()
        },
        "source": dict(source),
        "skipped": dict(skipped) if skipped else {"count": 0, "names": []},
    }
    with replaced_folder(folder) as new:
        for split_name, raw in ordered.items():
            np.save(new / f"{split_name}.images.npy", np.ascontiguousarray(raw.images))
            np.save(new / f"{split_name}.labels.npy", np.ascontiguousarray(raw.labels))
            names_text = json.dumps(list(raw.names), ensure_ascii=False)
            (new / f"{split_name}.names.json").write_text(names_text, encoding="utf-8")
            if raw.votes is not None:
                np.save(new / f"{split_name}.votes.npy", np.ascontiguousarray(raw.votes))
        write_manifest(new, manifest)
    return open_faces(folder)


def subset(split: Split, limit: int | None, seed: int) -> Split:
    """Return ``limit`` faces with the classes' shares kept, the same ones for the same seed.

    Shares are rounded by largest remainder; a class that would round to nothing keeps one face as
    long as ``limit`` reaches for every class. Faces stay in the split's order.

    Args:
        split: what to draw from.
        limit: how many faces; ``None``, or as many as there are or more, gives the split itself.
        seed: 31-bit seed of the draw.

    Raises:
        DataError: ``limit`` is under 1.
    """
    if limit is None or limit >= len(split):
        return split
    if limit < 1:
        raise DataError("a subset needs at least one face", expected="1 or more", got=str(limit))
    labels = np.asarray(split.labels)
    counts = np.bincount(labels, minlength=len(EMOTIONS))
    generator = np.random.default_rng(seed)
    chosen = [
        generator.permutation(np.flatnonzero(labels == label))[:quota]
        for label, quota in enumerate(_quotas(counts, limit))
    ]
    index = np.sort(np.concatenate(chosen))
    return Split(
        images=np.asarray(split.images[index]),
        labels=labels[index],
        names=[split.names[i] for i in index],
        votes=None if split.votes is None else split.votes[index],
    )


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


def _join_digests(digests: Mapping[str, str]) -> str:
    text = "\n".join(f"{split} {digests[split]}" for split in SPLITS if split in digests)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _check_splits(name: str, splits: Mapping[str, RawSplit]) -> tuple[int, int]:
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
