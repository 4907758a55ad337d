"""Features of a frozen base on disk: computed once, shared by all trials and workers of a machine.

A set is an array under the digest of its key, which holds all that the features depend on: the
base's weights and layers, the faces, and how they were changed. So a stale set is never found. A
document beside it, written last, holds the array's checksum and its own: a damaged set is computed
anew. What was used longest ago goes first where the budget is full. What is being written counts
too, and what a killed process has left half-written is removed.

The weights of the bases lie beside them in the same way (``kept_base``).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from hpo.spec.errors import InputError
from hpo.spec.file_lock import locked
from hpo.spec.workspace import machine_cache

Features = npt.NDArray[np.floating[Any]]

FOLDER_VARIABLE = "HPO_FEATURES"
GIB_VARIABLE = "HPO_FEATURES_GIB"
_MOST_GIB = 10.0
_KEPT = (".npy", ".h5")
_NAME = re.compile("[0-9a-f]{32}")
_HALF_MAXIMUM = 6e4
"""Below float16's largest number, 65504."""


class FeatureStore:
    """The sets of features in a folder.

    Args:
        folder: where they are; by default ``HPO_FEATURES`` or this machine's cache.
        most_bytes: of all sets together; by default ``HPO_FEATURES_GIB``, or 10 GiB.

    Raises:
        InputError: ``HPO_FEATURES_GIB`` is no number of GiB.
    """

    def __init__(self, folder: Path | None = None, most_bytes: int | None = None) -> None:
        named = os.environ.get(FOLDER_VARIABLE)
        self.folder = folder or (Path(named) if named else machine_cache() / "features")
        self.most_bytes = room_bytes() if most_bytes is None else most_bytes

    def get(
        self,
        key: Mapping[str, Any],
        shape: tuple[int, ...],
        compute: Callable[[], Iterator[Features]],
        *,
        half: bool = True,
    ) -> Features:
        """Return the features of ``key``, from the disk or computed and stored now.

        Whoever asks for the same set meanwhile waits. Where it cannot be stored (it is larger than
        the budget, the disk is full or not to be written to) it is kept in memory alone.

        Args:
            key: all that the features depend on, as JSON.
            shape: of the whole array.
            compute: yields it in batches, in order.
            half: whether float16 is exact enough.

        Returns:
            float16, or float32 where a value does not fit into it or ``half`` is False; read-only
            where it is on disk.
        """
        name = _name(key)
        dtype = np.dtype(np.float16 if half else np.float32)
        if dtype.itemsize * int(np.prod(shape)) > self.most_bytes:
            return _gathered(shape, compute, dtype)
        array: Features | None = None
        try:
            with locked(self.folder / f"{name}.lock"):
                found = self._read(name)
                if found is None:
                    array = _gathered(shape, compute, dtype)
                    self._write(name, key, array)
                    found = self._read(name)
        except OSError:
            found = None
        if found is not None:
            return found
        return _gathered(shape, compute, dtype) if array is None else array

    def find_file(self, key: Mapping[str, Any]) -> tuple[BinaryIO, dict[str, Any]] | None:
        """Return what ``keep_file`` kept under ``key``, opened and whole; None if there is none.

        An open file stays readable when it is removed to make room.
        """
        return self._find(_name(key), ".h5")

    def keep_file(
        self,
        key: Mapping[str, Any],
        size_bytes: int,
        write: Callable[[Path], None],
        facts: Mapping[str, Any],
    ) -> None:
        """Keep a file beside the features, within the same budget, if it can be.

        Args:
            key: all that it depends on, as JSON.
            size_bytes: how large it will be, about.
            write: makes it at a path.
            facts: what else ``find_file`` is to return, as JSON.
        """
        name = _name(key)
        if 2 * size_bytes > self.most_bytes:
            return
        with contextlib.suppress(OSError), locked(self.folder / f"{name}.lock"):
            found = self._find(name, ".h5")
            if found is None:
                self._put(name, ".h5", key, size_bytes, write, facts)
            else:
                found[0].close()

    def _read(self, name: str) -> Features | None:
        """Return a set that is whole; None if there is none."""
        found = self._find(name, ".npy")
        if found is None:
            return None
        found[0].close()
        try:
            features: Features = np.load(
                self.folder / f"{name}.npy", mmap_mode="r", allow_pickle=False
            )
        except (OSError, ValueError):
            return None
        return features

    def _find(self, name: str, suffix: str) -> tuple[BinaryIO, dict[str, Any]] | None:
        document = self.folder / f"{name}.json"
        try:
            told = json.loads(document.read_text(encoding="utf-8"))
            file = (self.folder / f"{name}{suffix}").open("rb")
        except (OSError, ValueError):
            return None
        try:
            if told.pop("document") != _digest_of(told):
                raise ValueError("another document")
            if told["sha256"] != hashlib.file_digest(file, "sha256").hexdigest():
                raise ValueError("another checksum")
            facts = dict(told.get("facts", {}))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            file.close()
            return None
        with contextlib.suppress(OSError):
            os.utime(document)
        return file, facts

    def _write(self, name: str, key: Mapping[str, Any], array: Features) -> None:
        def write(part: Path) -> None:
            with part.open("wb") as file:
                np.save(file, array, allow_pickle=False)

        self._put(name, ".npy", key, array.nbytes, write, {})

    def _put(
        self,
        name: str,
        suffix: str,
        key: Mapping[str, Any],
        size_bytes: int,
        write: Callable[[Path], None],
        facts: Mapping[str, Any],
    ) -> None:
        self._make_room(size_bytes, spare=name)
        part = self.folder / f"{name}.{os.getpid()}.part"
        try:
            write(part)
            digest = _sha256(part)
            (self.folder / f"{name}.json").unlink(missing_ok=True)
            part.replace(self.folder / f"{name}{suffix}")
            document: dict[str, Any] = {"sha256": digest, "bytes": size_bytes, "key": dict(key)}
            if facts:
                document["facts"] = dict(facts)
            # As it is read back, where tuples have become lists.
            document["document"] = _digest_of(json.loads(json.dumps(document)))
            part.write_text(json.dumps(document, indent=1, sort_keys=True), encoding="utf-8")
            part.replace(self.folder / f"{name}.json")
        finally:
            part.unlink(missing_ok=True)

    def _make_room(self, wanted_bytes: int, spare: str) -> None:
        """Remove what is left half-written, then what was used longest ago.

        Args:
            wanted_bytes: to be written next.
            spare: the name that it gets; whoever calls holds its lock.

        Raises:
            OSError: what others write at this moment leaves no room.
        """
        total = self._being_written(spare)
        if total + wanted_bytes > self.most_bytes:
            raise OSError(f"no room for {wanted_bytes} bytes beside what others write")
        sets = sorted(
            (document.stat().st_mtime, document)
            for document in self.folder.glob("*.json")
            if document.stem != spare
        )
        sizes = {
            document: file.stat().st_size
            for _, document in sets
            for file in map(document.with_suffix, _KEPT)
            if file.is_file()
        }
        total += sum(sizes.values())
        for _, document in sets:
            if total + wanted_bytes <= self.most_bytes:
                return
            total -= sizes.get(document, 0)
            # Whoever has it open keeps it until then: the system frees it after the last one.
            for suffix in (".json", *_KEPT, ".lock"):
                document.with_suffix(suffix).unlink(missing_ok=True)

    def _being_written(self, own: str) -> int:
        """Return the bytes that others write at this moment; remove what none of them writes.

        A writer holds its set's lock, which the system frees when it dies, on whatever machine.
        """
        size = 0
        for file in list(self.folder.iterdir()):
            name = file.name.partition(".")[0]
            if not _unfinished(file) or not _NAME.fullmatch(name):
                continue
            lock = locked(self.folder / f"{name}.lock", waiting=False)
            try:
                with contextlib.nullcontext() if name == own else lock:
                    if _unfinished(file):  # It may have been finished until the lock was free.
                        file.unlink(missing_ok=True)
            except OSError:
                with contextlib.suppress(FileNotFoundError):
                    size += file.stat().st_size
        return size


def _unfinished(file: Path) -> bool:
    """Tell whether a file is half of a set: a part, or an array without its document."""
    if file.suffix in _KEPT:
        return not file.with_suffix(".json").exists()
    return file.suffix == ".part"


def room_bytes() -> int:
    """Return how much room this machine gives all sets together.

    Raises:
        InputError: ``HPO_FEATURES_GIB`` is no number of GiB.
    """
    said = os.environ.get(GIB_VARIABLE) or str(_MOST_GIB)
    gib = math.nan
    with contextlib.suppress(ValueError):
        gib = float(said)
    if not 0 <= gib < math.inf:
        raise InputError(
            f"{GIB_VARIABLE}, the room for features of frozen bases, is no size",
            expected="a number of GiB from 0, such as 2.5",
            got=f"'{said}'",
            hint=f"Leave it unset for {_MOST_GIB:g} GiB",
        )
    return int(gib * 2**30)


def _name(key: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]


def _gathered(
    shape: tuple[int, ...], compute: Callable[[], Iterator[Features]], dtype: np.dtype[Any]
) -> Features:
    array: Features = np.empty(shape, dtype)
    done = 0
    for batch in compute():
        if array.dtype == np.float16 and not np.abs(batch).max(initial=0.0) < _HALF_MAXIMUM:
            array = array.astype(np.float32)
        array[done : done + len(batch)] = batch
        done += len(batch)
    return array


def _digest_of(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
