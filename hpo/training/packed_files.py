"""A packed model's folder: what ``model.json`` says, and the arrays beside it. No Keras.

``weights-1.npz``, ``weights-2.npz``, ... hold the arrays; ``model.json`` names them with their
sizes and checksums and has a checksum of its own. Nothing is pickled: a folder can be damaged, but
it cannot run code.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.spec.errors import DataError, EnvironmentProblem, IntegrityError, NotFoundError

FORMAT = 1
"""Counted up when what a folder holds, or what reading does with it, changes."""

DOCUMENT = "model.json"

MOST_BYTES = 15 * 2**20
"""Of one part."""

_PART = re.compile(r"weights-[1-9][0-9]*\.npz")
_OVERHEAD = 1024
"""What an array takes in an archive beside its numbers, generously: headers and directory."""

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class PackedModel:
    """What a packed model says of itself.

    Args:
        architecture: a name that ``hpo.architectures.architecture.load`` knows.
        params: every parameter of the trial, by name.
        input_shape: ``(height, width, channels)`` of one face.
        classes: what the outputs stand for, in order.
        facts: plain data of the writer's choice, such as figures and the faces' digest.
        weights: shapes of the model's arrays in Keras's order.
        parts: name, size in bytes and sha256 of each file of weights.
    """

    architecture: str
    params: dict[str, Any]
    input_shape: tuple[int, int, int]
    classes: tuple[str, ...]
    facts: dict[str, Any]
    weights: tuple[tuple[int, ...], ...]
    parts: tuple[dict[str, Any], ...]

    @property
    def size(self) -> int:
        """Return the bytes of all parts."""
        return sum(int(part["bytes"]) for part in self.parts)


def write_folder(
    folder: str | os.PathLike[str],
    arrays: Sequence[Array],
    said: Mapping[str, Any],
    most_bytes: int = MOST_BYTES,
) -> PackedModel:
    """Write arrays and document to ``folder``, in place of a packed model that is there.

    Args:
        folder: made if absent; files of other names in it are left alone.
        arrays: the model's, in Keras's order, in the dtype in which they are to be kept.
        said: ``architecture``, ``params``, ``input_shape``, ``classes`` and ``facts`` of
            ``PackedModel``, plain data.
        most_bytes: of a part.

    Raises:
        DataError: an array alone is larger than ``most_bytes``, or ``said`` is no plain data.
        EnvironmentProblem: the folder cannot be written.
    """
    target = Path(folder)
    plain = _plain(said)
    groups = _grouped(arrays, most_bytes)
    written: list[tuple[Path, Path]] = []
    try:
        target.mkdir(parents=True, exist_ok=True)
        for number, group in enumerate(groups, start=1):
            part = target / f".{os.getpid()}.part-{number}.npz"
            written.append((part, target / f"weights-{number}.npz"))
            np.savez_compressed(part, allow_pickle=False, **{_key(k): arrays[k] for k in group})
        body = {
            "format": FORMAT,
            **plain,
            "weights": [list(array.shape) for array in arrays],
            "parts": [
                {"name": at.name, "bytes": part.stat().st_size, "sha256": _digest_of(part)}
                for part, at in written
            ],
        }
        _put_in_place(target, written, {**body, "sha256": _digest(body)})
    except OSError as error:
        raise EnvironmentProblem(
            "cannot write the packed model",
            expected="a folder that may be written, with room on its disk",
            got=error.strerror or str(error),
            where=str(target),
        ) from error
    finally:
        for part, _ in written:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
    return _described(body)


def describe_packed(folder: str | os.PathLike[str]) -> PackedModel:
    """Return what the packed model in ``folder`` says of itself, without reading its weights.

    Raises:
        NotFoundError: there is none.
        IntegrityError: its document is damaged, or of another format.
    """
    path = Path(folder) / DOCUMENT
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFoundError(
            "there is no packed model", where=str(folder), expected=f"a folder with {DOCUMENT}"
        ) from error
    except (OSError, ValueError) as error:
        raise _damaged(path, "a JSON document", str(error)) from error
    if not isinstance(document, dict) or "sha256" not in document:
        raise _damaged(path, "a JSON object with its sha256", type(document).__name__)
    if document.get("format") != FORMAT:
        raise IntegrityError(
            "this packed model cannot be read by this version of hpo",
            where=str(path),
            expected=f"format {FORMAT}",
            got=f"format {document.get('format')}",
            hint="Install the version of hpo that it came with",
        )
    body = {key: value for key, value in document.items() if key != "sha256"}
    digest, recorded = _digest(body), str(document["sha256"])
    if digest != recorded:
        raise _damaged(path, f"sha256 {recorded[:16]}…", f"{digest[:16]}…")
    return _described(body)


def read_arrays(folder: str | os.PathLike[str], described: PackedModel) -> list[Array]:
    """Return the arrays of a packed model in Keras's order, as float32, checked. No Keras.

    Args:
        folder: where it lies.
        described: from ``describe_packed``.

    Raises:
        IntegrityError: a part is missing, or not the one that was written.
    """
    found: dict[str, Array] = {}
    for part in described.parts:
        path = Path(folder) / part["name"]
        if not _PART.fullmatch(part["name"]):
            raise _damaged(path, "a part named weights-<number>.npz", part["name"])
        try:
            digest = _digest_of(path)
            if digest != part["sha256"]:
                raise _damaged(path, f"sha256 {part['sha256'][:16]}…", f"{digest[:16]}…")
            with np.load(path, allow_pickle=False) as file:
                found.update({key: file[key] for key in file.files})
        except FileNotFoundError as error:
            raise _damaged(path, f"a file of {part['bytes']} bytes", "nothing") from error
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise _damaged(path, "an archive of arrays", str(error)) from error
    keys = [_key(k) for k in range(len(described.weights))]
    if sorted(found) != sorted(keys):
        raise _damaged(Path(folder), f"{len(keys)} arrays", f"{len(found)} of other names")
    for key, shape in zip(keys, described.weights, strict=True):
        if found[key].shape != shape or found[key].dtype.kind != "f":
            got = f"{found[key].dtype} {found[key].shape}"
            raise _damaged(Path(folder), f"array {key} of shape {shape}, floating", got)
    return [found[key].astype(np.float32) for key in keys]


def _grouped(arrays: Sequence[Array], most_bytes: int) -> list[list[int]]:
    """Return the numbers of the arrays of each part, in order, each part within ``most_bytes``."""
    groups: list[list[int]] = []
    room = 0
    for number, array in enumerate(arrays):
        # Deflating what cannot be deflated adds 5 bytes to every 16 KiB.
        needed = array.nbytes + array.nbytes // 2048 + _OVERHEAD
        if needed > most_bytes - _OVERHEAD:
            raise DataError(
                f"weight {number} of the model is larger than a part may be",
                expected=f"at most {most_bytes} bytes",
                got=f"{needed} bytes for shape {array.shape}",
                hint="Allow larger parts, or pack a model without such a layer",
            )
        if not groups or needed > room:
            groups.append([])
            room = most_bytes - _OVERHEAD
        groups[-1].append(number)
        room -= needed
    return groups


def _put_in_place(
    target: Path, written: Sequence[tuple[Path, Path]], document: Mapping[str, Any]
) -> None:
    """Rename parts and document into place; without its document a folder is no packed model."""
    staged = target / f".{os.getpid()}.part.json"
    try:
        staged.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        (target / DOCUMENT).unlink(missing_ok=True)
        for part, at in written:
            part.replace(at)
        kept = {at for _, at in written}
        for other in target.glob("weights-*.npz"):
            if other not in kept and _PART.fullmatch(other.name):
                other.unlink()
        staged.replace(target / DOCUMENT)
    finally:
        staged.unlink(missing_ok=True)


def _described(body: Mapping[str, Any]) -> PackedModel:
    height, width, channels = body["input_shape"]
    return PackedModel(
        architecture=body["architecture"],
        params=body["params"],
        input_shape=(height, width, channels),
        classes=tuple(body["classes"]),
        facts=body["facts"],
        weights=tuple(tuple(shape) for shape in body["weights"]),
        parts=tuple(body["parts"]),
    )


def _key(number: int) -> str:
    return f"{number:04d}"


def _plain(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``body`` as JSON gives it back: tuples as lists, keys as text."""
    try:
        plain: dict[str, Any] = json.loads(json.dumps(body, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise DataError(
            "parameters and facts of a packed model must be plain data",
            expected="texts, finite numbers, booleans, lists and objects",
            got=str(error),
        ) from error
    return plain


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _digest_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _damaged(path: Path, expected: str, got: str) -> IntegrityError:
    return IntegrityError(
        "this packed model is damaged",
        where=str(path),
        expected=expected,
        got=got,
        hint="Copy the folder again from where it came",
    )
