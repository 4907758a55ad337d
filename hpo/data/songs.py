"""Song catalogues: a CSV of songs with moods and popularity, imported or carried by the package.

The columns are those of the thesis's list: ``name, artist, album, popularity, mood`` and ``id``.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.data.folders import (
    FORMAT_VERSION,
    check_dataset_name,
    listed,
    missing_columns,
    read_manifest,
    replaced_folder,
    write_manifest,
)
from hpo.data.importing import check_new_name, replacing
from hpo.data.library import EMBEDDED_SONGS, list_datasets, unknown_dataset
from hpo.spec.errors import DataError, NotFoundError, did_you_mean
from hpo.spec.workspace import Workspace

if TYPE_CHECKING:
    import pandas

MOODS: tuple[str, ...] = ("Happy", "Sad", "Calm", "Energetic")
"""The moods that the emotions are answered with."""
COLUMNS: tuple[str, ...] = ("name", "artist", "album", "popularity", "mood", "id")
"""The columns of a stored catalogue; ``popularity`` is 0-100."""
REQUIRED_COLUMNS: tuple[str, ...] = COLUMNS[:-1]
DEFAULT_NAME = "songs"

Song = dict[str, Any]


def import_songs(workspace: Workspace, path: Path, *, name: str = DEFAULT_NAME) -> dict[str, Any]:
    """Store the songs of the CSV at ``path`` as dataset ``name`` and return its manifest.

    Raises:
        NotFoundError: there is no such file.
        DataError: a column or mood is missing, a popularity is no number from 0 to 100, a song
            has no name or artist; the line is named. Nothing was written.
        EnvironmentProblem: the workspace cannot be written.
    """
    check_new_name(workspace, name, kind="songs")
    songs = read_songs(path)
    folder = workspace.data / name
    manifest = {
        "format_version": FORMAT_VERSION,
        "name": name,
        "kind": "songs",
        "count": len(songs),
        "moods": mood_counts(songs),
        "digest": songs_digest(songs),
        "source": {
            "format": "songs-csv",
            "file": path.name,
            "path": str(path.resolve()),
            "notes": replacing(folder),
        },
    }
    workspace.ensure(workspace.data)
    with replaced_folder(folder) as new:
        with (new / "songs.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows(songs)
        write_manifest(new, manifest)
    return read_manifest(folder)


def load_songs(workspace: Workspace, name: str | None = None) -> pandas.DataFrame:
    """Return a catalogue as a frame with ``COLUMNS``; ``popularity`` is a number, the rest text.

    ``frame.attrs`` holds ``catalogue`` (the name that answered) and ``digest``.

    Args:
        workspace: where catalogues lie.
        name: which one; ``None`` takes the imported ``songs``, else ``embedded-songs``.

    Raises:
        NotFoundError: there is no such catalogue.
        DataError: it is a dataset of faces, or damaged.
    """
    import pandas

    chosen, songs = load_song_rows(workspace, name)
    frame = pandas.DataFrame(songs, columns=list(COLUMNS))
    frame.attrs["catalogue"] = chosen
    frame.attrs["digest"] = songs_digest(songs)
    return frame


def load_song_rows(workspace: Workspace, name: str | None = None) -> tuple[str, list[Song]]:
    """Return the name of the catalogue that answers and its songs, without pandas.

    Raises:
        NotFoundError: there is no such catalogue.
        DataError: it is a dataset of faces, or damaged.
    """
    if name is None:
        imported = (workspace.data / DEFAULT_NAME / "manifest.json").is_file()
        name = DEFAULT_NAME if imported else EMBEDDED_SONGS
    if name == EMBEDDED_SONGS:
        return name, _embedded_songs()
    folder = workspace.data / check_dataset_name(name)
    try:
        manifest = read_manifest(folder)
    except NotFoundError as error:
        known = [entry.name for entry in list_datasets(workspace) if entry.kind == "songs"]
        raise unknown_dataset(workspace, name, known, kind="songs") from error
    if manifest["kind"] != "songs":
        raise DataError(
            f"'{name}' is a dataset of {manifest['kind']}",
            expected="a song catalogue",
            where=str(folder),
            hint="List the datasets with: hpo data list",
        )
    return name, read_songs(folder / "songs.csv")


def embedded_mood_counts() -> dict[str, int]:
    """Return how many songs of each mood the package carries."""
    return mood_counts(_embedded_songs())


def mood_counts(songs: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return the number of songs per mood: the four known moods first, any others after."""
    counts = Counter(str(song["mood"]) for song in songs)
    others = sorted(set(counts) - set(MOODS))
    return {mood: counts[mood] for mood in (*MOODS, *others)}


def songs_digest(songs: Iterable[Mapping[str, Any]]) -> str:
    """Return ``sha256:…`` of the multiset of songs: the order of rows does not count."""
    rows = sorted("\x1f".join(str(song[column]) for column in COLUMNS) for song in songs)
    return "sha256:" + hashlib.sha256("\n".join(rows).encode()).hexdigest()


def read_songs(path: Path) -> list[Song]:
    """Read and check a songs CSV.

    Raises:
        NotFoundError: there is no such file.
        DataError: as for ``import_songs``.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotFoundError(
            "there is no such file", expected="a CSV of songs", where=str(path)
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            "this is no text in UTF-8", where=str(path), hint="Save it as CSV in UTF-8"
        ) from error
    return parse_songs(text, str(path))


def parse_songs(text: str, where: str) -> list[Song]:
    """Read and check the text of a songs CSV; ``where`` is named in errors.

    Raises:
        DataError: as for ``import_songs``.
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
        close = did_you_mean(missing[0], found)
        raise DataError(
            missing_columns(missing),
            expected=f"the columns {', '.join(REQUIRED_COLUMNS)} (and id, if there is one)",
            got=listed([column.strip()[:30] for column in header], 20) or "an empty file",
            where=f"{where}:1",
            hint=f"{close} Rename it in the first line" if close.endswith("?") else None,
        )
    return {column: found[column] for column in COLUMNS if column in found}


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
            "the popularity is out of range",
            expected="a number from 0 to 100",
            got=repr(text[:40]),
            where=where,
        )
    return int(value) if value.is_integer() else value


def _embedded_songs() -> list[Song]:
    file = resources.files("hpo.data").joinpath("embedded/songs.csv")
    return parse_songs(file.read_text(encoding="utf-8"), EMBEDDED_SONGS)
