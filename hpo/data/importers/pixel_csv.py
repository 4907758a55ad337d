"""Kaggle's pixel CSV: ``fer2013.csv`` and ``icml_face_data.csv``, also inside a zip.

One row is one face: ``emotion`` in Kaggle's own order, ``pixels`` as 2,304 numbers with spaces
between, and ``Usage``. ``icml_face_data.csv`` has the columns in another order and spaces in its
header. The file (300 MB) is streamed: the standard library's reader keeps line numbers for errors.
"""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO

import numpy as np
import numpy.typing as npt

from hpo.data.folders import missing_columns
from hpo.data.importers.archives import open_archive, open_member
from hpo.data.importers.labels import KAGGLE_ORDER, split_named
from hpo.data.importers.source import FACE_PIXELS, FaceCollector, Progress, SourceFaces
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, NotFoundError

KNOWN_FILES = ("fer2013.csv", "icml_face_data.csv")
_COLUMNS = ("emotion", "pixels", "usage")
_TO_CANONICAL = {str(i): EMOTIONS.index(emotion) for i, emotion in enumerate(KAGGLE_ORDER)}
_ROWS_PER_REPORT = 256
MAX_ROW_CHARACTERS = 64 * 1024
MAX_UNPACKED_BYTES = 1024**3
"""Of a CSV inside a zip; FER-2013 has 301 MB."""


def read(path: Path, progress: Progress) -> SourceFaces:
    """Read a pixel CSV, a folder that holds one, or a zip that holds one.

    Raises:
        DataError: wrong columns, a label or pixel out of range, pixels of the wrong length, an
            unknown ``Usage``, a row too long to be one; the line is named. A zip that is
            damaged, encrypted or too large.
        NotFoundError: a folder or zip without a CSV.
    """
    collector = FaceCollector(path)
    with _opened(path) as (stream, name, total_bytes), _as_text(stream) as text:
        rows = _rows(text, name)
        _, header = next(rows, (1, []))
        columns = _columns(header, name)
        for number, (line, row) in enumerate(rows):
            if row:
                split, image, label = _face(row, columns, f"{name}:{line}")
                collector.add(split, image, label, f"{Path(name).name}:{line}")
            if number % _ROWS_PER_REPORT == 0:
                progress(stream.tell(), total_bytes)
    progress(total_bytes, total_bytes)
    return SourceFaces(collector.splits(), {"format": "pixel-csv", "file": Path(name).name})


def _as_text(stream: IO[bytes]) -> TextIO:
    return io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")


def _rows(text: TextIO, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows with the number of their last line."""
    taken = 0

    def lines() -> Iterator[str]:
        nonlocal taken
        # A row may run over several lines, so the limit is on all that one row takes.
        while line := text.readline(MAX_ROW_CHARACTERS + 1):
            taken += len(line)
            if taken > MAX_ROW_CHARACTERS:
                raise DataError(
                    "this row is too long",
                    expected=f"at most {MAX_ROW_CHARACTERS:,} characters; a face takes 9,300",
                    where=f"{name}:{reader.line_num + 1}",
                    hint="Use fer2013.csv or icml_face_data.csv from Kaggle",
                )
            yield line

    reader = csv.reader(lines())
    try:
        for row in reader:
            taken = 0
            yield reader.line_num, row
    except csv.Error as error:
        raise DataError(
            f"this is no readable CSV: {error}", where=f"{name}:{reader.line_num}"
        ) from error


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], str, int]]:
    if path.is_dir():
        path = path / _choose([p.name for p in path.glob("*.csv")], path)
    if path.suffix.lower() == ".zip":
        with open_archive(path) as archive:
            members = [m for m in archive.namelist() if m.lower().endswith(".csv")]
            info = archive.getinfo(_choose(members, path))
            where = f"{path}/{info.filename}"
            if info.file_size > MAX_UNPACKED_BYTES:
                raise DataError(
                    "this CSV is too large to be read inside its zip",
                    expected=f"at most {MAX_UNPACKED_BYTES / 1e9:.1f} GB",
                    got=f"{info.file_size / 1e9:.1f} GB unpacked",
                    where=where,
                    hint="Unpack it yourself and give the CSV",
                )
            with open_member(archive, info, where) as stream:
                yield stream, where, info.file_size
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
    if label not in _TO_CANONICAL:
        listed = ", ".join(f"{i} {emotion}" for i, emotion in enumerate(KAGGLE_ORDER))
        raise DataError(
            "label out of range", expected=f"one of {listed}", got=repr(label[:40]), where=where
        )
    return split, _pixels(pixels, where), _TO_CANONICAL[label]


def _pixels(text: str, where: str) -> npt.NDArray[np.uint8]:
    expected = f"{FACE_PIXELS * FACE_PIXELS} whole numbers from 0 to 255 with spaces between"
    with warnings.catch_warnings():
        # Depending on its version numpy warns or raises where the text is not numbers.
        warnings.simplefilter("error")
        try:
            # numpy cuts a number down to the type without a word; in 64 bits it stops at the end.
            values = np.fromstring(text, dtype=np.int64, sep=" ")
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
