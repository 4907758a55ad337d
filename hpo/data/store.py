"""The canonical store of faces: one folder per dataset, arrays mapped from disk, one manifest.

``data/<name>/`` holds, per split, ``<split>.images.npy`` (uint8, ``(n, height, width)``),
``<split>.labels.npy`` (uint8, indices into ``EMOTIONS``), ``<split>.names.json`` and, where the
source has annotators' votes, ``<split>.votes.npy``. ``manifest.json`` counts and checksums them. A
dataset is written beside its place and renamed into it, so a reader never meets half of one.

Opening needs the standard library and numpy alone: every trial's process does it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hpo.data.folders import (
    FORMAT_VERSION,
    broken,
    check_dataset_name,
    read_manifest,
    replaced_folder,
    verify,
    write_manifest,
)
from hpo.data.splits import (
    SPLITS,
    VOTE_COLUMNS,
    RawSplit,
    Split,
    check_splits,
    count_labels,
    join_digests,
    multiset_digest,
    subset,
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
    """Open the dataset in ``folder``, its files checked against their checksums.

    A study binds the digest in the manifest, which says what was imported; that the files still
    hold it is found out here, by everyone who opens them.

    Raises:
        NotFoundError: there is no dataset in this folder.
        DataError: the folder holds something else, or a manifest that cannot be read.
        IntegrityError: a file is missing or was changed.
    """
    dataset = _described(folder)
    verify(folder)
    return dataset


def _described(folder: Path) -> FaceDataset:
    manifest = read_manifest(folder)
    if manifest.get("kind") != "faces":
        raise DataError(
            f"'{folder.name}' is a dataset of {manifest.get('kind', 'an unknown kind')}",
            expected="a dataset of faces",
            where=str(folder),
            hint="List the datasets with: `hpo data list`",
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
    height, width = check_splits(name, splits)
    ordered = {s: splits[s] for s in SPLITS if s in splits}
    digests = {s: multiset_digest(raw.images, raw.labels) for s, raw in ordered.items()}
    manifest: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "name": name,
        "kind": "faces",
        "classes": list(EMOTIONS),
        "height": height,
        "width": width,
        "digest": join_digests(digests),
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
    return _described(folder)
