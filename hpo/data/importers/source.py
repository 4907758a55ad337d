"""What every importer of faces gives: splits of 48×48 grey faces, and what it could not read.

An importer is a function ``read(path, progress) -> SourceFaces`` in the catalogue's kind
``face_importer``. It reads and never writes; it decides nothing about shares of unreadable images
or missing splits, which are the same question for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hpo.data.decoding import decode, opencv
from hpo.data.folders import listed
from hpo.data.image_headers import declared_size
from hpo.data.store import SPLITS, RawSplit
from hpo.spec.errors import DataError

FACE_PIXELS = 48
"""Height and width of a FER-2013 face."""
MAX_PIXELS = 2048 * 2048
"""Of an image that is decoded to see whether it is a face; half a megabyte can hold 800."""

Progress = Callable[[int, int], None]
"""Told now and then: how much is done, and how much there is (faces or bytes)."""


def silent(done: int, total: int) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True)
class SourceFaces:
    """All faces of a source.

    Args:
        splits: the splits that the source holds, labels already in canonical order.
        source: what to say about it in the manifest; plain data.
        unreadable: names of the images that could not be decoded and were left out.
        notes: sentences that a person should see after the import.
    """

    splits: Mapping[str, RawSplit]
    source: Mapping[str, Any]
    unreadable: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Images met, the unreadable ones included."""
        return sum(len(raw.labels) for raw in self.splits.values()) + len(self.unreadable)


class FaceImporter(Protocol):
    """The door of an importer."""

    def __call__(self, path: Path, progress: Progress) -> SourceFaces:
        """Read the source at ``path``.

        Raises:
            DataError: the source is not what this importer reads, or a part of it is wrong.
        """


class FaceCollector:
    """Collects faces one by one, in the source's order, and hands them over as splits.

    Args:
        where: the source, named in errors.
    """

    def __init__(self, where: Path) -> None:
        self.where = where
        self.unreadable: list[str] = []
        self._odd_sizes: list[str] = []
        self._images: dict[str, list[npt.NDArray[np.uint8]]] = {s: [] for s in SPLITS}
        self._labels: dict[str, list[int]] = {s: [] for s in SPLITS}
        self._names: dict[str, list[str]] = {s: [] for s in SPLITS}
        self._votes: dict[str, list[Any]] = {s: [] for s in SPLITS}

    def add(
        self,
        split: str,
        image: npt.NDArray[np.uint8] | None,
        label: int,
        name: str,
        votes: Any = None,
    ) -> None:
        """Take one face; an ``image`` of ``None`` is counted as unreadable.

        Args:
            split: ``train``, ``validation`` or ``test``.
            image: uint8 ``(height, width)``, or ``None``.
            label: index into ``EMOTIONS``.
            name: the source's name of the face.
            votes: ten counts, or ``None``.
        """
        if image is None:
            self.unreadable.append(name)
        elif image.shape != (FACE_PIXELS, FACE_PIXELS):
            self._odd_sizes.append(f"{name} ({image.shape[0]}x{image.shape[1]})")
        else:
            self._images[split].append(image)
            self._labels[split].append(label)
            self._names[split].append(name)
            self._votes[split].append(votes)

    def add_encoded(
        self, split: str, data: bytes | None, label: int, name: str, votes: Any = None
    ) -> None:
        """Take one face as an image file; the other arguments are those of ``add``.

        An image that declares more than ``MAX_PIXELS`` is of another size without being decoded.

        Args:
            data: the file, or ``None`` if there is none.
        """
        size = declared_size(data) if data else None
        if size is not None and size[0] * size[1] > MAX_PIXELS:
            self._odd_sizes.append(f"{name} ({size[1]}x{size[0]})")
        else:
            self.add(split, decode_grey(data), label, name, votes)

    def splits(self, *, with_votes: bool = False) -> dict[str, RawSplit]:
        """Return what was collected.

        Raises:
            DataError: an image has another size: faces are never resized silently.
        """
        if self._odd_sizes:
            raise DataError(
                f"{len(self._odd_sizes)} images have another size: {listed(self._odd_sizes)}",
                expected=f"faces of {FACE_PIXELS}x{FACE_PIXELS} pixels",
                where=str(self.where),
                hint="Crop and resize them yourself first; hpo resizes no face silently",
            )
        return {
            split: RawSplit(
                images=np.stack(images),
                labels=np.array(self._labels[split], dtype=np.uint8),
                names=self._names[split],
                votes=_vote_array(self._votes[split]) if with_votes else None,
            )
            for split, images in self._images.items()
            if images
        }


def _vote_array(rows: list[Any]) -> npt.NDArray[Any]:
    counts = np.array([[0] * 10 if row is None else row for row in rows], dtype=np.uint16)
    return counts.astype(np.uint8) if counts.max(initial=0) < 256 else counts


def decode_grey(data: bytes | None) -> npt.NDArray[np.uint8] | None:
    """Decode an image file to uint8 ``(height, width)``; ``None`` if it is none, or too large."""
    if not data:
        return None
    image = decode(data, opencv().IMREAD_GRAYSCALE, MAX_PIXELS)
    return None if image is None else np.asarray(image, dtype=np.uint8)
