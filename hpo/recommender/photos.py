"""Photos: bytes or a path in, a colour array out, and one clear refusal for what is no photo.

Sizes are checked before decoding: a photo may come from a stranger through the served model, and
a 100-kilobyte PNG can decode to gigabytes.
"""

from __future__ import annotations

import contextlib
import os
import stat
import struct
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.decoding import quietly
from hpo.spec.errors import DataError, EnvironmentProblem, NotFoundError, did_you_mean

Photo = NDArray[np.uint8]
"""A photo: uint8 of shape (height, width, 3), blue-green-red, upright."""

MAX_BYTES = 64 * 1024 * 1024
MAX_PIXELS = 120_000_000
KINDS = "a photo such as a JPEG, PNG, WebP, BMP or TIFF file"


def opencv() -> ModuleType:
    """Return ``cv2``, or say which system libraries it misses.

    Raises:
        EnvironmentProblem: OpenCV's shared libraries cannot be loaded, as on slim images.
    """
    try:
        import cv2
    except ImportError as error:
        raise EnvironmentProblem(
            "OpenCV cannot be loaded",
            got=str(error),
            hint="On Debian or Ubuntu type: apt-get install -y libgl1 libglib2.0-0",
        ) from error
    module: ModuleType = cv2
    return module


def read_photo(path: str | os.PathLike[str]) -> Photo:
    """Read the photo at ``path``, turned upright as its EXIF orientation says.

    Raises:
        NotFoundError: there is no such file.
        DataError: it is a folder, empty, too large, or no image.
        EnvironmentProblem: it may not be read, or OpenCV cannot be loaded.
    """
    path = Path(path).expanduser()
    try:
        facts = path.stat()
    except OSError as error:
        raise NotFoundError(
            "there is no such photo",
            where=str(path),
            expected=KINDS,
            hint=_neighbours(path),
        ) from error
    if not stat.S_ISREG(facts.st_mode):
        what = "a folder" if stat.S_ISDIR(facts.st_mode) else "no regular file"
        hint = f"Name the photos in it, as in {path.name}/*.jpg" if what == "a folder" else None
        raise DataError("this is no photo", where=str(path), expected=KINDS, got=what, hint=hint)
    _check_bytes(facts.st_size, str(path))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EnvironmentProblem(
            "cannot read this photo", where=str(path), got=error.strerror or str(error)
        ) from error
    return decode_photo(data, str(path))


def decode_photo(data: bytes, where: str = "photo") -> Photo:
    """Decode an encoded photo, turned upright as its EXIF orientation says.

    Args:
        data: the bytes of an image file.
        where: what to name in the error.

    Raises:
        DataError: it is empty, too large (bytes or pixels), or no image.
    """
    _check_bytes(len(data), where)
    _check_pixels(declared_size(data), where)
    cv2 = opencv()
    photo: Any = None
    # IMREAD_COLOR drops transparency, makes 16-bit images 8-bit, and applies EXIF orientation.
    with quietly(), contextlib.suppress(cv2.error):
        photo = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if photo is None:
        raise DataError(
            "this is no photo that can be read",
            where=where,
            expected=KINDS,
            got=_describe(data),
            hint="Open it in an image viewer and save it as PNG or JPEG",
        )
    _check_pixels((photo.shape[1], photo.shape[0]), where)
    return np.ascontiguousarray(photo)


def declared_size(data: bytes) -> tuple[int, int] | None:
    """Return the width and height in pixels that a PNG or JPEG header declares, else ``None``.

    Sources: PNG specification (ISO/IEC 15948) section 11.2.2, IHDR; JPEG (ITU-T T.81) section
    B.2.2, frame header.
    """
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if data[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _check_bytes(size_bytes: int, where: str) -> None:
    if size_bytes == 0:
        raise DataError("this photo is empty", where=where, expected=KINDS, got="0 bytes")
    if size_bytes > MAX_BYTES:
        raise DataError(
            "this photo is too large",
            where=where,
            expected=f"at most {MAX_BYTES // 2**20} MiB",
            got=f"{size_bytes / 2**20:.0f} MiB",
            hint="Save a smaller copy; faces need no more than a few megapixels",
        )


def _check_pixels(size: tuple[int, int] | None, where: str) -> None:
    if size is not None and size[0] * size[1] > MAX_PIXELS:
        raise DataError(
            "this photo has too many pixels",
            where=where,
            expected=f"at most {MAX_PIXELS // 10**6} megapixels",
            got=f"{size[0]}×{size[1]}",
            hint="Save a smaller copy; faces need no more than a few megapixels",
        )


def _describe(data: bytes) -> str:
    if data[:2] == b"\xff\xd8" or data[:4] == b"\x89PNG":
        return f"a damaged or cut-off image of {len(data)} bytes"
    if data[4:8] == b"ftyp":
        return "a HEIC, AVIF or video file"
    if b"\0" not in data[:512]:
        return "what looks like text"
    return f"{len(data)} bytes of another kind"


def _neighbours(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"The folder {folder} does not exist either"
    photos = [
        entry.name
        for entry in folder.iterdir()
        if entry.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
    ]
    if not photos:
        return f"There is no photo in {folder}"
    return did_you_mean(path.name, photos)
