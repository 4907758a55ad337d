"""The embedded dataset `drawn-faces`: three splits of drawn faces, each from seeds of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hpo.data.drawn.face import draw_face
from hpo.data.folders import read_manifest
from hpo.data.store import RawSplit, write_faces
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, NotFoundError, did_you_mean

DATASET_NAME = "drawn-faces"
GENERATOR_VERSION = 1
"""Raised whenever the generator draws another picture for a seed."""

SPLIT_SIZES: dict[str, int] = {"train": 2800, "validation": 700, "test": 700}
"""Faces per split; every emotion has a seventh of them."""

_FIRST_SEEDS = {"train": 1_000_000, "validation": 2_000_000, "test": 3_000_000}


def split_seeds(split: str) -> range:
    """The seeds of a split's faces, in order; no two splits share one.

    Raises `NotFoundError` for a split that is none of train, validation and test.
    """
    if split not in SPLIT_SIZES:
        raise NotFoundError(
            f"the drawn faces have no split {split!r}", hint=did_you_mean(split, SPLIT_SIZES)
        )
    first = _FIRST_SEEDS[split]
    return range(first, first + SPLIT_SIZES[split])


def draw_split(split: str, limit: int | None = None) -> RawSplit:
    """Draw a split, or its first `limit` faces: images uint8 (n, 48, 48), labels uint8 (n,).

    The emotions take turns, so any stretch of a split is balanced; names are such as
    `drawn-train-000123`. Raises `NotFoundError` for an unknown split.
    """
    seeds = split_seeds(split)[:limit]
    labels = np.arange(len(seeds), dtype=np.uint8) % np.uint8(len(EMOTIONS))
    images = np.empty((len(seeds), 48, 48), dtype=np.uint8)
    for row, seed in enumerate(seeds):
        images[row] = draw_face(seed, EMOTIONS[labels[row]])
    names = [f"drawn-{split}-{row:06d}" for row in range(len(seeds))]
    return RawSplit(images=images, labels=labels, names=names)


def write_dataset(folder: Path) -> None:
    """Draw all splits into the canonical store at `folder`; some seconds on one core.

    Where faces of another version of the generator lay, a note in the manifest says that they were
    replaced, and what their digest was.

    Raises what `hpo.data.store.write_faces` raises for a folder that can't be written; then
    nothing is left behind.
    """
    write_faces(
        folder,
        DATASET_NAME,
        {split: draw_split(split) for split in SPLIT_SIZES},
        {
            "kind": "drawn",
            "generator": "hpo.data.drawn",
            "generator_version": GENERATOR_VERSION,
            "licence": "MIT",
            "note": "Drawings made by this package, not photographs of people.",
            "seeds": {split: [_FIRST_SEEDS[split], size] for split, size in SPLIT_SIZES.items()},
            "notes": _replaced(folder),
        },
    )


def _replaced(folder: Path) -> list[str]:
    try:
        earlier = read_manifest(folder)
    except (DataError, NotFoundError):
        return []
    notes = list(earlier["source"].get("notes", []))
    version = earlier["source"].get("generator_version", "unknown")
    if version != GENERATOR_VERSION:
        notes.append(
            f"drawn by version {GENERATOR_VERSION} of the generator in place of version "
            f"{version}: a study of those faces ({earlier['digest']}) is not resumed with these"
        )
    return notes
