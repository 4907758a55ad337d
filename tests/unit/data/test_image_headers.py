"""The size that an image declares is known before it is decoded, in every format that is read."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
from zlib import crc32

import cv2
import numpy as np
import pytest

from hpo.data.decoding import decode
from hpo.data.image_headers import declared_size
from hpo.data.importers.source import MAX_PIXELS, FaceCollector, decode_grey
from hpo.spec.errors import DataError

SUFFIXES = (".png", ".jpg", ".bmp", ".webp", ".gif", ".tiff", ".avif")


def encoded(suffix: str, shape: tuple[int, ...] = (31, 57, 3)) -> bytes:
    picture = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    return bytes(cv2.imencode(suffix, picture)[1])


def tiff(order: str, *tags: tuple[int, int, int], big: bool = False) -> bytes:
    """One directory of single values: (tag, type, value); TIFF 6.0 section 2, or BigTIFF."""
    start, count = ("II" if order == "<" else "MM").encode(), len(tags)
    sizes = {3: "H2x", 4: "I", 16: "Q"}
    if big:
        head = start + struct.pack(order + "HHHQQ", 43, 8, 0, 16, count)
        sizes = {3: "H6x", 4: "I4x", 16: "Q"}
    else:
        head = start + struct.pack(order + "HIH", 42, 8, count)
    one = "Q" if big else "I"
    return head + b"".join(
        struct.pack(order + "HH" + one + sizes[kind], tag, kind, 1, value)
        for tag, kind, value in tags
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_declared_size_is_the_size(suffix: str) -> None:
    assert declared_size(encoded(suffix)) == (57, 31)


def test_webps_lossy_and_with_transparency_declare_their_size() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (31, 57, 4), dtype=np.uint8)
    lossy = [cv2.IMWRITE_WEBP_QUALITY, 50]
    kinds = set()
    for image in (picture, picture[:, :, :3]):
        data = bytes(cv2.imencode(".webp", image, lossy)[1])
        kinds.add(data[12:16])
        assert declared_size(data) == (57, 31)
    assert kinds == {b"VP8X", b"VP8 "}


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_and_big_tiffs_declare_their_size(order: str) -> None:
    assert declared_size(tiff(order, (256, 3, 57), (257, 4, 31))) == (57, 31)
    assert declared_size(tiff(order, (256, 16, 57), (257, 3, 31), big=True)) == (57, 31)


def test_a_tiff_is_as_large_as_its_tiles_and_the_larger_of_two_tags() -> None:
    small = (256, 3, 16), (257, 3, 16)
    assert declared_size(tiff("<", *small, (322, 4, 9000), (323, 4, 8000))) == (9000, 8000)
    assert declared_size(tiff("<", (256, 4, 70_000), *small)) == (70_000, 16)


def test_old_bitmaps_and_those_upside_down_declare_their_size() -> None:
    assert declared_size(b"BM" + bytes(12) + struct.pack("<IHH", 12, 57, 31)) == (57, 31)
    assert declared_size(b"BM" + bytes(12) + struct.pack("<Iii", 40, 57, -31)) == (57, 31)


def test_what_lies_between_a_jpegs_segments_is_skipped_as_decoders_do() -> None:
    jpeg = encoded(".jpg")
    odd = jpeg[:2] + b"\xff\xe5\0\2" + b"between" + b"\xff\xff\xff" + jpeg[3:]
    assert declared_size(odd) == (57, 31)
    assert declared_size(b"\xff\xd8" + b"\xff\xe0\0\0" * 3) is None


def test_a_png_whose_chunk_says_it_has_gigabytes_is_damaged() -> None:
    png = encoded(".png")
    at = png.index(b"IDAT") - 4
    assert declared_size(png[:at] + struct.pack(">I", 2**32 - 1) + png[at + 4 :]) is None
    assert declared_size(png[:-20]) is None
    assert declared_size(png + b"behind the end") == (57, 31)


@pytest.mark.parametrize("data", [b"", b"P5 57 31 255\n" + bytes(57 * 31), b"name,artist\n"])
def test_what_declares_no_size_is_not_decoded(data: bytes) -> None:
    assert declared_size(data) is None
    assert decode(data, cv2.IMREAD_COLOR) is None


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_headers_are_no_error(suffix: str) -> None:
    whole, dice = encoded(suffix), random.Random(3)
    for end in range(40):
        declared_size(whole[:end])
    for _ in range(500):
        data = bytearray(whole)
        for _ in range(4):
            data[dice.randrange(min(len(data), 60))] = dice.randrange(256)
        size = declared_size(bytes(data))
        image = decode(bytes(data), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION, 10**6)
        # Nothing decodes to more than what was declared.
        assert image is None or (size is not None and image.size <= size[0] * size[1])


def test_a_face_that_declares_millions_of_pixels_is_of_another_size_undecoded(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = struct.pack(">4sIIBBBBB", b"IHDR", 30_000, 20_000, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", crc32(header))
    assert decode_grey(bomb) is None
    collector = FaceCollector(tmp_path_factory.getbasetemp())
    collector.add_encoded("train", bomb, 0, "bomb.png")
    with pytest.raises(DataError, match=r"1 images have another size: bomb\.png \(20000x30000\)"):
        collector.splits()
    monkeypatch.setattr("hpo.data.importers.source.MAX_PIXELS", 47 * 48)
    assert decode_grey(encoded(".png", (48, 48))) is None
    assert MAX_PIXELS > 48 * 48


def test_opencv_itself_refuses_more_pixels_than_a_photo_may_have() -> None:
    # In a process of its own: OpenCV reads its limit once, when it is loaded.
    program = """
import os, struct
os.environ.pop("OPENCV_IO_MAX_IMAGE_PIXELS", None)
from hpo.data.drawn import drawn_photo
drawn_photo()
import cv2, numpy as np
gif = b"GIF89a" + struct.pack("<HHBBB", 20_000, 20_000, 0, 0, 0) + bytes(100)
bmp = b"BM" + bytes(8) + struct.pack("<IIiiHHI24x", 54, 40, 20_000, 20_000, 1, 24, 0)
cv2.imdecode(np.frombuffer(bmp, np.uint8), 1)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "CV_IO_MAX_IMAGE_PIXELS" in done.stderr, done.stderr
