"""Zips: read in place, and one paragraph for whatever is wrong with one."""

from __future__ import annotations

import io
import random
import struct
import tracemalloc
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from hpo.data.importers import image_folders, pixel_csv
from hpo.data.importers.source import silent
from hpo.data.importing import detect, import_faces
from hpo.spec.errors import DataError, HpoError
from hpo.spec.workspace import Workspace

PNG = cv2.imencode(".png", np.full((48, 48), 7, dtype=np.uint8))[1].tobytes()
CSV = f"emotion,pixels,Usage\n0,{' '.join(['7'] * 2304)},Training\n".encode()
METHODS = {
    "stored": zipfile.ZIP_STORED,
    "deflate": zipfile.ZIP_DEFLATED,
    "bzip2": zipfile.ZIP_BZIP2,
    "lzma": zipfile.ZIP_LZMA,
}


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("name", ["../train/happy/1.png", "/train/happy/1.png"])
def test_a_zip_that_points_outside_itself_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="points outside itself"):
        image_folders.read(zipped(tmp_path / "a.zip", {name: PNG}), silent)


def test_a_zip_bomb_is_refused_before_anything_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = zipped(tmp_path / "a.zip", {f"train/happy/{i}.png": bytes(1000) for i in range(4)})
    monkeypatch.setattr(image_folders, "MAX_UNCOMPRESSED_BYTES", 3999)
    with pytest.raises(DataError, match="too large"):
        image_folders.read(bomb, silent)
    monkeypatch.setattr(image_folders, "MAX_UNCOMPRESSED_BYTES", 4000)
    monkeypatch.setattr(image_folders, "MAX_MEMBERS", 3)
    with pytest.raises(DataError, match=r"at most 3 members.*got 4 members"):
        image_folders.read(bomb, silent)


def test_a_damaged_zip_and_a_damaged_member_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK no zip")
    with pytest.raises(DataError, match="no readable zip"):
        image_folders.read(tmp_path / "a.zip", silent)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("train/happy/1.png", PNG)
        archive.writestr("train/happy/2.png", PNG)
    data = bytearray(buffer.getvalue())
    data[data.index(PNG) + 40] ^= 255  # The first member now fails its CRC.
    (tmp_path / "b.zip").write_bytes(data)
    faces = image_folders.read(tmp_path / "b.zip", silent)
    assert faces.unreadable == ["train/happy/1.png"]
    assert len(faces.splits["train"].labels) == 1


def zip_bytes(name: str, data: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytearray:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(name, data)
    return bytearray(buffer.getvalue())


def with_fields(data: bytearray, *, flags: int | None = None, method: int | None = None) -> bytes:
    """Write flags and method into the local header and the central directory (APPNOTE 4.3)."""
    central = data.index(b"PK\x01\x02")
    for header, at in ((0, 6), (central, 8)):
        if flags is not None:
            struct.pack_into("<H", data, header + at, flags)
        if method is not None:
            struct.pack_into("<H", data, header + at + 2, method)
    return bytes(data)


@pytest.mark.parametrize(("name", "content"), [("a.csv", CSV), ("train/sad/1.png", PNG)])
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"flags": 1}, "this zip is encrypted"),
        ({"method": 9}, r"in a way that Python cannot read.*got method 9\. Unpack it"),
    ],
)
def test_a_zip_that_python_cannot_read_says_so(
    tmp_path: Path, name: str, content: bytes, fields: dict[str, int], message: str
) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(with_fields(zip_bytes(name, content), **fields))
    read = pixel_csv.read if name == "a.csv" else image_folders.read
    with pytest.raises(DataError, match=message):
        read(path, silent)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
def test_a_csv_damaged_inside_its_zip_is_told(tmp_path: Path, method: int) -> None:
    data = zip_bytes("fer2013.csv", CSV * 40, method)
    middle = data.index(b"PK\x01\x02") // 2
    data[middle : middle + 8] = b"\xff" * 8
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DataError) as caught:
        pixel_csv.read(tmp_path / "a.zip", silent)
    assert "a.zip/fer2013.csv" in str(caught.value)


def test_a_csv_that_unpacks_to_gigabytes_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = zipped(tmp_path / "a.zip", {"fer2013.csv": b"emotion,pixels,Usage\n" + b"1 " * 10**6})
    monkeypatch.setattr(pixel_csv, "MAX_UNPACKED_BYTES", 10**6)
    with pytest.raises(DataError, match=r"a\.zip/fer2013\.csv: this CSV is too large.*Unpack it"):
        pixel_csv.read(bomb, silent)
    monkeypatch.undo()
    tracemalloc.start()
    with pytest.raises(DataError, match="this row is too long"):
        pixel_csv.read(bomb, silent)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 10**6


def test_what_is_no_zip_is_told_by_both_importers(tmp_path: Path, workspace: Workspace) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK no zip")
    for read in (pixel_csv.read, image_folders.read):
        with pytest.raises(DataError, match=r"a\.zip: this is no readable zip"):
            read(tmp_path / "a.zip", silent)
    with pytest.raises(DataError, match="no readable zip"):
        import_faces(workspace, tmp_path / "a.zip")


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
@pytest.mark.parametrize(("name", "content"), [("a.csv", CSV), ("train/sad/1.png", PNG)])
def test_no_damage_to_a_zip_ends_in_an_error_of_the_libraries(
    tmp_path: Path, name: str, content: bytes, method: int
) -> None:
    whole, path = zip_bytes(name, content, method), tmp_path / "a.zip"
    dice = random.Random(7)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(dice.choice((1, 1, 4))):
            data[dice.randrange(len(data))] = dice.randrange(256)
        path.write_bytes(data[: len(data) if dice.random() < 0.9 else dice.randrange(len(data))])
        detect(path)
        for read in (pixel_csv.read, image_folders.read):
            told = ""
            try:
                read(path, silent)
            except HpoError as error:
                told = str(error)
            assert len(told) < 1000
