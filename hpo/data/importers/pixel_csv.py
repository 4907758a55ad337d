"""Kaggle's pixel CSV: ``fer2013.csv`` and ``icml_face_data.csv``, also inside a zip.

One row is one face: ``emotion`` in Kaggle's own order, ``pixels`` as 2,304 numbers with spaces
between, and ``Usage``. ``icml_face_data.csv`` has the columns in another order and spaces in its
header. The file (300 MB) is streamed: the standard library's reader keeps line numbers for errors.
"""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from hpo.data.folders import missing_columns
from hpo.data.importers.labels import KAGGLE_ORDER, split_named
from hpo.data.importers.source import FACE_PIXELS, FaceCollector, Progress, SourceFaces
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, NotFoundError

KNOWN_FILES = ("fer2013.csv", "icml_face_data.csv")
_COLUMNS = ("emotion", "pixels", "usage")
_TO_CANONICAL = tuple(EMOTIONS.index(emotion) for emotion in KAGGLE_ORDER)
_ROWS_PER_REPORT = 256


def read(path: Path, progress: Progress) -> SourceFaces:
    """Read a pixel CSV, a folder that holds one, or a zip that holds one.

    Raises:
        DataError: wrong columns, a label or pixel out of range, pixels of the wrong length, an
            unknown ``Usage``; the line is named.
        NotFoundError: a folder or zip without a CSV.
    """
    with _opened(path) as (stream, name, total_bytes):
        collector = FaceCollector(path)
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
        rows = csv.reader(text)
        try:
            columns = _columns(next(rows, []), name)
            for number, row in enumerate(rows):
                if row:
                    where = f"{name}:{rows.line_num}"
                    split, image, label = _face(row, columns, where)
                    collector.add(split, image, label, f"{Path(name).name}:{rows.line_num}")
                if number % _ROWS_PER_REPORT == 0:
                    progress(stream.tell(), total_bytes)
        except (csv.Error, zipfile.BadZipFile) as error:
            raise DataError(f"this is no readable CSV: {error}", where=name) from error
        progress(total_bytes, total_bytes)
        return SourceFaces(collector.splits(), {"format": "pixel-csv", "file": Path(name).name})


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], str, int]]:
    if path.is_dir():
        path = path / _choose([p.name for p in path.glob("*.csv")], path)
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.namelist() if m.lower().endswith(".csv")]
            info = archive.getinfo(_choose(members, path))
            with archive.open(info) as stream:
                yield stream, f"{path}/{info.filename}", info.file_size
    else:
        with path.open("rb") as stream:
            yield stream, str(path), path.stat().st_size


def _choose(names: list[str], where: Path) -> str:
    for known in KNOWN_FILES:
        for name in names:
            if Path(name).name == known:
                return name
    if len(names) == 1:
        return names[0]
    raise NotFoundError(
        "there is no FER-2013 CSV here",
        expected=" or ".join(KNOWN_FILES),
        got=", ".join(sorted(names)[:5]) or "no CSV",
        where=str(where),
        hint="Give the CSV file itself",
    )


def _columns(header: list[str], name: str) -> tuple[int, int, int]:
    found = [column.strip().lower() for column in header]
    missing = [column for column in _COLUMNS if column not in found]
    if missing:
        shown = [column.strip()[:30] for column in header[:8]]
        raise DataError(
            missing_columns(missing),
            expected="the columns emotion, pixels and Usage, in any order",
            got=", ".join(shown) or "an empty file",
            where=f"{name}:1",
            hint="Use fer2013.csv or icml_face_data.csv from Kaggle: train.csv and test.csv of "
            "the contest do not tell the splits apart",
        )
    emotion, pixels, usage = (found.index(column) for column in _COLUMNS)
    return emotion, pixels, usage


def _face(
    row: list[str], columns: tuple[int, int, int], where: str
) -> tuple[str, npt.NDArray[np.uint8], int]:
    if len(row) <= max(columns):
        raise DataError(
            "this row is too short",
            expected=f"{max(columns) + 1} columns",
            got=f"{len(row)}",
            where=where,
        )
    label, pixels, usage = (row[column].strip() for column in columns)
    split = split_named(usage)
    if split is None:
        raise DataError(
            "unknown Usage",
            expected="Training, PublicTest or PrivateTest",
            got=repr(usage[:40]),
            where=where,
        )
    if not label.isdecimal() or int(label) >= len(_TO_CANONICAL):
        listed = ", ".join(f"{i} {emotion}" for i, emotion in enumerate(KAGGLE_ORDER))
        raise DataError(
            "label out of range", expected=f"one of {listed}", got=repr(label[:40]), where=where
        )
    return split, _pixels(pixels, where), _TO_CANONICAL[int(label)]


def _pixels(text: str, where: str) -> npt.NDArray[np.uint8]:
    expected = f"{FACE_PIXELS * FACE_PIXELS} whole numbers from 0 to 255 with spaces between"
    with warnings.catch_warnings():
        # Depending on its version numpy warns or raises where the text is not numbers.
        warnings.simplefilter("error")
        try:
            values = np.fromstring(text, dtype=np.int32, sep=" ")
        except (ValueError, DeprecationWarning) as error:
            raise DataError(
                "the pixels are not numbers", expected=expected, got=repr(text[:30]), where=where
            ) from error
    if values.size != FACE_PIXELS * FACE_PIXELS:
        raise DataError(
            "pixels of the wrong length",
            expected=expected,
            got=f"{values.size} numbers",
            where=where,
        )
    if values.min() < 0 or values.max() > 255:
        raise DataError(
            "a pixel is out of range",
            expected=expected,
            got=f"values from {values.min()} to {values.max()}",
            where=where,
        )
    return values.astype(np.uint8).reshape(FACE_PIXELS, FACE_PIXELS)
