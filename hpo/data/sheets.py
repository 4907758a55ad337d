"""Sheets of faces: a white canvas, words on it, and a PNG written in one piece."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hpo.data.decoding import opencv
from hpo.spec.errors import EnvironmentProblem, InputError

Canvas = npt.NDArray[np.uint8]

ZOOM = 2
GAP_PIXELS = 4
_INK = (40, 40, 40)
_FULL = (errno.ENOSPC, errno.EDQUOT)


def blank(height: int, width: int) -> Canvas:
    """Return a white canvas, uint8, ``(height, width, 3)``."""
    return np.full((height, width, 3), 255, dtype=np.uint8)


def place(canvas: Canvas, face: npt.NDArray[np.uint8], top: int, left: int) -> None:
    """Draw a grey face, ``ZOOM`` times as large as it is, with its corner at ``(top, left)``."""
    large = face.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    canvas[top : top + large.shape[0], left : left + large.shape[1]] = large[:, :, np.newaxis]


def write_words(canvas: Canvas, text: str, left: int, bottom: int, size: float) -> None:
    """Write one line of ASCII, ``size`` times OpenCV's own height of 22 pixels."""
    cv2 = opencv()

    cv2.putText(canvas, text, (left, bottom), cv2.FONT_HERSHEY_SIMPLEX, size, _INK, 1, cv2.LINE_AA)


def save_sheet(canvas: Canvas, path: Path, hint: str) -> Path:
    """Write a canvas as PNG; what was there is replaced once the new one is complete.

    Args:
        canvas: uint8, ``(height, width, 3)``.
        path: where to write; its folder is made.
        hint: what to do where that is not possible.

    Raises:
        InputError: the file cannot be written.
        EnvironmentProblem: the disk is full.
    """
    encoded, png = opencv().imencode(".png", canvas)
    assert encoded
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(png.tobytes())
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        kind = EnvironmentProblem if error.errno in _FULL else InputError
        raise kind(
            "cannot write the contact sheet",
            got=error.strerror or str(error),
            where=str(path),
            hint=hint,
        ) from error
    return path
