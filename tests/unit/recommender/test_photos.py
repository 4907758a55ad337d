"""What is a photo is read upright, and what is none is refused in one paragraph."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from hpo.data.decoding import opencv
from hpo.recommender import photos
from hpo.recommender.photos import decode_photo, read_photo
from hpo.spec.errors import DataError, EnvironmentProblem, NotFoundError


def encoded(suffix: str, image: np.ndarray) -> bytes:
    import cv2

    return bytes(cv2.imencode(suffix, image)[1])


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """Put an EXIF segment with one entry, Orientation (0x0112), behind the JPEG's start."""
    entry = struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    exif = b"Exif\0\0II*\0\x08\0\0\0" + entry
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def test_a_photo_lying_on_its_side_is_turned_upright(tmp_path: Path) -> None:
    path = tmp_path / "phone.jpg"
    path.write_bytes(with_orientation(encoded(".jpg", np.zeros((20, 60, 3), np.uint8)), 6))

    assert read_photo(path).shape == (60, 20, 3)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 9), np.uint8),
        np.zeros((8, 9, 4), np.uint8),
        np.zeros((8, 9, 3), np.uint16),
    ],
    ids=["grey", "transparent", "16-bit"],
)
def test_every_kind_of_png_becomes_colour_bytes(image: np.ndarray) -> None:
    photo = decode_photo(encoded(".png", image))

    assert photo.shape == (8, 9, 3)
    assert photo.dtype == np.uint8


def test_a_missing_photo_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "portrait.png").write_bytes(b"x")

    missing = tmp_path / "potrait.png"
    with pytest.raises(NotFoundError) as told:
        read_photo(missing)
    assert str(told.value) == f"{missing}: there is no such photo. Did you mean 'portrait.png'?"
    with pytest.raises(NotFoundError) as told:
        read_photo(tmp_path / "other.jpg")
    assert str(told.value).endswith(f"no such photo. Photos in {tmp_path}: portrait.png.")


def test_a_photo_in_a_missing_folder_says_so(tmp_path: Path) -> None:
    way = "give the path of a photo such as a JPEG, PNG, WebP, BMP or TIFF file."
    with pytest.raises(NotFoundError) as told:
        read_photo(tmp_path / "nowhere" / "me.png")
    assert str(told.value).endswith(f"There is no folder {tmp_path / 'nowhere'} either: {way}")
    with pytest.raises(NotFoundError) as told:
        read_photo(tmp_path / "me.png")
    assert str(told.value).endswith(f"no such photo. There is none in {tmp_path}: {way}")


def test_a_folder_is_no_photo(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a folder"):
        read_photo(tmp_path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"name,artist\n", "looks like text"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC"),
        (b"\x89PNG\r\n\x1a\n" + bytes(10), "damaged"),
        (b"\xff\xd8\xff", "damaged"),
        (bytes(100), "another kind"),
    ],
)
def test_what_is_no_photo_is_described(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "me.jpg"
    path.write_bytes(data)

    with pytest.raises(DataError, match=message) as caught:
        read_photo(path)
    assert str(path) in str(caught.value)


def test_too_many_bytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "MAX_BYTES", 1024)
    path = tmp_path / "me.jpg"
    path.write_bytes(bytes(2000))

    with pytest.raises(DataError, match="too large"):
        read_photo(path)


def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    # 3.6 gigabytes in 45 bytes.
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", zlib.crc32(b"IHDR" + header))

    with pytest.raises(DataError, match="60000×60000"):
        decode_photo(bomb)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".tiff", ".gif", ".avif"])
def test_too_many_pixels_are_refused_undecoded_in_every_format(
    suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cv2

    data = encoded(suffix, np.zeros((20, 21, 3), np.uint8))
    assert decode_photo(data).shape == (20, 21, 3)

    monkeypatch.setattr(photos, "MAX_PIXELS", 20 * 21 - 1)
    monkeypatch.delattr(cv2, "imdecode")
    with pytest.raises(DataError, match="21×20"):
        decode_photo(data)


def test_a_format_whose_size_is_not_known_beforehand_is_refused() -> None:
    with pytest.raises(DataError, match="another kind"):
        decode_photo(encoded(".jp2", np.zeros((64, 64, 3), np.uint8)))


def test_a_photo_that_may_not_be_looked_at_is_not_called_absent(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be read\. Expected .* got File name"):
        read_photo(tmp_path / ("x" * 300))


def test_missing_system_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # None in sys.modules is Python's own way to make an import fail.
    monkeypatch.setitem(sys.modules, "cv2", None)

    with pytest.raises(EnvironmentProblem, match=r"apt-get install -y libgl1 libglib2\.0-0"):
        opencv()
