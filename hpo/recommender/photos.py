"""Photos: bytes or a path in, a colour array out, and one clear refusal for what is no photo.

Sizes are checked before decoding: a photo may come from a stranger through the served model, and
a 100-kilobyte PNG can decode to gigabytes.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpo.data.decoding import MAX_PIXELS, decode, opencv
from hpo.data.image_headers import declared_size
from hpo.spec.errors import DataError, NotFoundError, did_you_mean

Photo = NDArray[np.uint8]
"""A photo: uint8 of shape (height, width, 3), blue-green-red, upright."""

MAX_BYTES = 64 * 1024 * 1024
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
_STARTS = (b"\xff\xd8", b"\x89PNG", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""What JPEG, PNG, GIF, BMP, WebP and TIFF files begin with."""
KINDS = "a photo such as a JPEG, PNG, WebP, BMP or TIFF file"


def read_photo(path: str | os.PathLike[str]) -> Photo:
    """Read the photo at ``path``, turned upright as its EXIF orientation says.

    Raises:
        NotFoundError: there is no such file.
        DataError: it is a folder, empty, too large, no image, or may not be read.
        EnvironmentProblem: OpenCV cannot be loaded.
    """
    path = Path(path).expanduser()
    try:
        facts = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(
            "there is no such photo", where=str(path), hint=_neighbours(path)
        ) from error
    except OSError as error:
        raise _not_read(path, error) from error
    if not stat.S_ISREG(facts.st_mode):
        what = "a folder" if stat.S_ISDIR(facts.st_mode) else "no regular file"
        hint = f"Name the photos in it, as in {path.name}/*.jpg" if what == "a folder" else None
        raise DataError("this is no photo", where=str(path), expected=KINDS, got=what, hint=hint)
    _check_bytes(facts.st_size, str(path))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _not_read(path, error) from error
    return decode_photo(data, str(path))


def decode_photo(data: bytes, where: str = "photo") -> Photo:
    """Decode an encoded photo, turned upright as its EXIF orientation says.

    Args:
        data: the bytes of an image file.
        where: what to name in the error.

    Raises:
        DataError: it is empty, too large (bytes or pixels), or no image.
    """
    check_photo(data, where)
    # IMREAD_COLOR drops transparency, makes 16-bit images 8-bit, and applies EXIF orientation.
    photo = decode(data, opencv().IMREAD_COLOR, MAX_PIXELS)
    if photo is None:
        raise _unreadable(data, where)
    return np.ascontiguousarray(photo)


def check_photo(data: bytes, where: str = "photo") -> None:
    """Refuse what is no photo as far as its header tells, in microseconds and without memory.

    Raises:
        DataError: it is empty, too large (bytes or pixels), or in no format that is decoded.
    """
    _check_bytes(len(data), where)
    size = declared_size(data)
    if size is None:
        raise _unreadable(data, where)
    if size[0] * size[1] > MAX_PIXELS:
        raise DataError(
            "this photo has too many pixels",
            where=where,
            expected=f"at most {MAX_PIXELS // 10**6} megapixels",
            got=f"{size[0]}×{size[1]}",
            hint="Save a smaller copy; faces need no more than a few megapixels",
        )


def _not_read(path: Path, error: OSError) -> DataError:
    return DataError(
        "this photo cannot be read",
        where=str(path),
        expected="a file that you may read",
        got=error.strerror or str(error),
    )


def _unreadable(data: bytes, where: str) -> DataError:
    return DataError(
        "this is no photo that can be read",
        where=where,
        expected=KINDS,
        got=_describe(data),
        hint="Open it in an image viewer and save it as PNG or JPEG",
    )


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


def _describe(data: bytes) -> str:
    if data.startswith(_STARTS):
        return f"a damaged or cut-off image of {len(data)} bytes"
    if data[4:8] == b"ftyp":
        return "a HEIC, AVIF or video file"
    if b"\0" not in data[:512]:
        return "what looks like text"
    return f"{len(data)} bytes of another kind"


def _neighbours(path: Path) -> str:
    """Return what to type in place of a photo that is not there."""
    folder, give = path.parent, f"give the path of {KINDS}"
    if not folder.is_dir():
        return f"There is no folder {folder} either: {give}"
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:  # A folder that may be entered and not listed.
        return f"{give[0].upper()}{give[1:]}"
    photos = [name for name in names if name.lower().endswith(_SUFFIXES)]
    here = "this folder" if folder == Path() else str(folder)
    if not photos:
        return f"There is none in {here}: {give}"
    return did_you_mean(path.name, photos).replace("Known:", f"Photos in {here}:", 1)
