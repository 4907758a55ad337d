"""A CSV of songs, read and checked row by row; every error names its line."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpo.data.folders import listed, missing_columns
from hpo.spec.errors import DataError, NotFoundError, close_to

MOODS: tuple[str, ...] = ("Happy", "Sad", "Calm", "Energetic")
"""The moods that the emotions are answered with."""
COLUMNS: tuple[str, ...] = ("name", "artist", "album", "popularity", "mood", "id")
"""The columns of a stored catalogue; ``popularity`` is 0-100."""
MAX_BYTES = 256 * 1024**2
"""A million songs take about half of it."""
REQUIRED_COLUMNS: tuple[str, ...] = COLUMNS[:-1]

Song = dict[str, Any]
"""One row: ``popularity`` is a number, the other columns are text."""


def read_songs(path: Path) -> list[Song]:
    """Read and check a songs CSV.

    Raises:
        NotFoundError: there is no such file.
        DataError: it is a folder, may not be read or is too large, else as for ``parse_songs``.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise DataError(
                "this file is too large",
                expected=f"a CSV of songs, at most {MAX_BYTES // 2**20} MiB",
                where=str(path),
                hint="Keep the most popular songs of each mood",
            )
        text = data.decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(
            "there is no such file", expected="a CSV of songs", where=str(path)
        ) from error
    except IsADirectoryError as error:
        files = sorted(file.name for file in path.glob("*.csv"))
        raise DataError(
            "this is a folder",
            expected="a CSV of songs",
            where=str(path),
            hint=f"Name the file in it: {path / files[0]}" if files else "There is no CSV in it",
        ) from error
    except OSError as error:
        raise DataError(
            "this cannot be read", got=error.strerror or str(error), where=str(path)
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            "this is no text in UTF-8", where=str(path), hint="Save it as CSV in UTF-8"
        ) from error
    return parse_songs(text, str(path))


def parse_songs(text: str, where: str) -> list[Song]:
    """Read and check the text of a songs CSV; ``where`` is named in errors.

    Raises:
        DataError: a column or mood is missing, a popularity is no number from 0 to 100, a song
            has no name, artist or mood, or a row is too short.
    """
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        columns = _columns(next(reader, []), where)
        songs = [_song(row, columns, f"{where}:{reader.line_num}") for row in reader if any(row)]
    except csv.Error as error:
        raise DataError(f"this is no readable CSV: {error}", where=where) from error
    present = {song["mood"] for song in songs}
    missing = [mood for mood in MOODS if mood not in present]
    if missing:
        raise DataError(
            f"no song has the mood {' or '.join(missing)}",
            expected=f"at least one song of each mood: {', '.join(MOODS)}",
            got=f"the moods {listed(sorted(present))}" if present else "no songs",
            where=where,
            hint="Add songs of that mood, or mend the spelling in the column mood",
        )
    return songs


def _columns(header: list[str], where: str) -> dict[str, int]:
    found = {column.strip().lower(): index for index, column in reversed([*enumerate(header)])}
    missing = [column for column in REQUIRED_COLUMNS if column not in found]
    if missing:
        close = close_to(missing[0], set(found) - set(COLUMNS))
        raise DataError(
            missing_columns(missing),
            expected=f"the columns {', '.join(REQUIRED_COLUMNS)} (and id, if there is one)",
            got=listed([column.strip()[:30] for column in header], 20) or "an empty file",
            where=f"{where}:1",
            hint=_hint_at(header, missing[0], close),
        )
    return {column: found[column] for column in COLUMNS if column in found}


def _hint_at(header: list[str], missing: str, close: list[str]) -> str | None:
    separator = next((s for s in ";\t|" if len(header) == 1 and s in header[0]), None)
    if separator is not None:
        name = {";": "semicolons", "\t": "tabs", "|": "bars"}[separator]
        return f"Its columns are parted by {name}; save it with commas"
    if not close:
        return None
    meant = " or ".join(f"'{column}'" for column in close)
    return f"Is {meant} meant to be {missing}? Rename it in the first line"


def _song(row: list[str], columns: Mapping[str, int], where: str) -> Song:
    if len(row) <= max(columns.values()):
        raise DataError(
            "this row is too short",
            expected=f"{max(columns.values()) + 1} columns",
            got=str(len(row)),
            where=where,
        )
    song: Song = {column: row[index].strip() for column, index in columns.items()}
    for column in ("name", "artist", "mood"):
        if not song[column]:
            raise DataError(f"this song has no {column}", where=where)
    song["mood"] = song["mood"].capitalize()
    song["popularity"] = _popularity(song["popularity"], where)
    if not song.get("id"):
        # Ties in popularity are broken by id in the end: it must not depend on the row.
        key = "\x1f".join(song[column] for column in ("name", "artist", "album"))
        song["id"] = hashlib.sha256(key.encode()).hexdigest()[:22]
    return {column: song[column] for column in COLUMNS}


def _popularity(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 100:
        raise DataError(
            "the popularity is no number"
            if math.isnan(value)
            else "the popularity is out of range",
            expected="a number from 0 to 100",
            got=repr(text[:40]),
            where=where,
        )
    return int(value) if value.is_integer() else value
