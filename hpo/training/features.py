"""Features of a frozen base on disk: computed once, shared by all trials and workers of a machine.

A set is an array under the digest of its key, which holds all that the features depend on: the
base's weights and layers, the faces, and how they were changed. So a stale set is never found. A
document beside it, written last, holds the array's checksum: a damaged set is computed anew. What
was used longest ago goes first where the budget is full.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.spec.file_lock import locked
from hpo.training import backend

Features = npt.NDArray[np.floating[Any]]

FOLDER_VARIABLE = "HPO_FEATURES"
GIB_VARIABLE = "HPO_FEATURES_GIB"
_MOST_GIB = 10.0
_HALF_MAXIMUM = 6e4
"""Below float16's largest number, 65504."""


class FeatureStore:
    """The sets of features in a folder.

    Args:
        folder: where they are; by default ``HPO_FEATURES`` or this machine's cache.
        most_bytes: of all sets together; by default ``HPO_FEATURES_GIB``, or 10 GiB.
    """

    def __init__(self, folder: Path | None = None, most_bytes: int | None = None) -> None:
        named = os.environ.get(FOLDER_VARIABLE)
        self.folder = folder or (Path(named) if named else backend.machine_cache() / "features")
        gib = float(os.environ.get(GIB_VARIABLE) or _MOST_GIB)
        self.most_bytes = int(gib * 2**30) if most_bytes is None else most_bytes

    def get(
        self,
        key: Mapping[str, Any],
        shape: tuple[int, ...],
        compute: Callable[[], Iterator[Features]],
    ) -> Features:
        """Return the features of ``key``, from the disk or computed and stored now.

        Whoever asks for the same set meanwhile waits. Where it cannot be stored (it is larger than
        the budget, the disk is full or not to be written to) it is kept in memory alone.

        Args:
            key: all that the features depend on, as JSON.
            shape: of the whole array.
            compute: yields it in batches, in order.

        Returns:
            float16, or float32 where a value does not fit into it; read-only where it is on disk.
        """
        name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
        if 2 * int(np.prod(shape)) > self.most_bytes:
            return _gathered(shape, compute)
        array: Features | None = None
        try:
            with locked(self.folder / f"{name}.lock"):
                found = self._read(name)
                if found is None:
                    array = _gathered(shape, compute)
                    self._write(name, key, array)
                    found = self._read(name)
        except OSError:
            found = None
        if found is not None:
            return found
        return _gathered(shape, compute) if array is None else array

    def _read(self, name: str) -> Features | None:
        """Return a set that is whole; None if there is none."""
        file, document = self.folder / f"{name}.npy", self.folder / f"{name}.json"
        try:
            told = json.loads(document.read_text(encoding="utf-8"))
            if told["sha256"] != _sha256(file):
                return None
            found: Features = np.load(file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        with contextlib.suppress(OSError):
            os.utime(document)
        return found

    def _write(self, name: str, key: Mapping[str, Any], array: Features) -> None:
        self._make_room(array.nbytes, spare=name)
        part = self.folder / f"{name}.{os.getpid()}.part"
        try:
            with part.open("wb") as file:
                np.save(file, array, allow_pickle=False)
            digest = _sha256(part)
            (self.folder / f"{name}.json").unlink(missing_ok=True)
            part.replace(self.folder / f"{name}.npy")
            document = {"sha256": digest, "bytes": array.nbytes, "key": dict(key)}
            part.write_text(json.dumps(document, indent=1, sort_keys=True), encoding="utf-8")
            part.replace(self.folder / f"{name}.json")
        finally:
            part.unlink(missing_ok=True)

    def _make_room(self, wanted_bytes: int, spare: str) -> None:
        sets = sorted(
            (document.stat().st_mtime, document)
            for document in self.folder.glob("*.json")
            if document.stem != spare
        )
        sizes = {d: d.with_suffix(".npy").stat().st_size for _, d in sets if _has_array(d)}
        total = sum(sizes.values())
        for _, document in sets:
            if total + wanted_bytes <= self.most_bytes:
                return
            total -= sizes.get(document, 0)
            # Whoever has it open keeps it until then: the system frees it after the last one.
            for suffix in (".json", ".npy", ".lock"):
                document.with_suffix(suffix).unlink(missing_ok=True)


def _has_array(document: Path) -> bool:
    return document.with_suffix(".npy").is_file()


def _gathered(shape: tuple[int, ...], compute: Callable[[], Iterator[Features]]) -> Features:
    array: Features = np.empty(shape, np.float16)
    done = 0
    for batch in compute():
        if array.dtype == np.float16 and not np.abs(batch).max(initial=0.0) < _HALF_MAXIMUM:
            array = array.astype(np.float32)
        array[done : done + len(batch)] = batch
        done += len(batch)
    return array


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
