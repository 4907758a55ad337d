"""Song catalogues: a CSV of songs with moods and popularity, imported or carried by the package.

The columns are those of the thesis's list: ``name, artist, album, popularity, mood`` and ``id``.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.data.folders import (
    FORMAT_VERSION,
    check_dataset_name,
    listed,
    read_manifest,
    replaced_folder,
    write_manifest,
)
from hpo.data.importing import check_new_name
from hpo.data.library import EMBEDDED_SONGS, list_datasets, unknown_dataset
from hpo.data.replacing import replacing
from hpo.data.song_csv import COLUMNS, MOODS, Song, parse_songs, read_songs
from hpo.spec.errors import DataError, NotFoundError
from hpo.spec.workspace import Workspace

if TYPE_CHECKING:
    import pandas

DEFAULT_NAME = "songs"


def import_songs(workspace: Workspace, path: Path, *, name: str = DEFAULT_NAME) -> dict[str, Any]:
    """Store the songs of the CSV at ``path`` as dataset ``name`` and return its manifest.

    A song that stands twice in one mood is kept once: an answer would show it twice. That, and
    moods that no emotion is answered with, stand in the manifest's ``source.notes``.

    Raises:
        NotFoundError: there is no such file.
        DataError: a column or mood is missing, a popularity is no number from 0 to 100, a song
            has no name or artist; the line is named. Nothing was written.
        EnvironmentProblem: the workspace cannot be written.
    """
    check_new_name(workspace, name, kind="songs")
    songs, repeated = _once_each(read_songs(path))
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
            "notes": [*_notes(songs, repeated), *replacing(folder)],
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


def _once_each(songs: Iterable[Song]) -> tuple[list[Song], list[Song]]:
    """Part the songs from those whose id and mood came before."""
    once: dict[tuple[str, str], Song] = {}
    repeated = []
    for song in songs:
        key = (song["id"], song["mood"])
        if key in once:
            repeated.append(song)
        else:
            once[key] = song
    return list(once.values()), repeated


def _notes(songs: Iterable[Song], repeated: Sequence[Song]) -> list[str]:
    notes = []
    if repeated:
        named = listed([f"'{song['name']}' (id {song['id']})" for song in repeated])
        rows = "1 row repeats" if len(repeated) == 1 else f"{len(repeated)} rows repeat"
        notes.append(f"{rows} a song of the same mood, left out: {named}")
    counts = mood_counts(songs)
    others = [f"{mood} ({count})" for mood, count in counts.items() if mood not in MOODS]
    if others:
        notes.append(
            f"no emotion is answered with the songs of the mood {listed(others)}: mend the "
            "spelling, or give a mood table of your own with hpo recommend --moods FILE"
        )
    return notes


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
            hint="List the datasets with: `hpo data list`",
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


def _embedded_songs() -> list[Song]:
    file = resources.files("hpo.data").joinpath("embedded/songs.csv")
    return parse_songs(file.read_text(encoding="utf-8"), EMBEDDED_SONGS)
