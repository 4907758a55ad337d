"""The songs of a mood, a pure function of a table: most popular first, ties by name, then id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hpo.data.song_csv import COLUMNS
from hpo.spec.errors import DataError, InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Song:
    """One row of an answer.

    Args:
        index: place in the answer, from zero.
        name: title.
        artist: who plays it.
        album: where it appeared.
        popularity: 0-100, whole wherever the catalogue's is.
        mood: mood of the catalogue.
    """

    index: int
    name: str
    artist: str
    album: str
    popularity: int | float
    mood: str

    def to_json(self) -> dict[str, Any]:
        """Return the song as plain data."""
        return asdict(self)


def top_songs(songs: pd.DataFrame, mood: str, top: int = 5) -> list[Song]:
    """Return the ``top`` most popular songs of ``mood``; all of them where there are fewer.

    Args:
        songs: columns ``name, artist, album, popularity, mood, id``; it is left as it is.
        mood: as the table spells it.
        top: at least 1.

    Raises:
        InputError: ``top`` is under 1.
        DataError: a column is missing, or no song has the mood.
    """
    check_top(top)
    check_songs(songs, [mood])
    chosen = songs.loc[songs["mood"] == mood].sort_values(
        ["popularity", "name", "id"], ascending=[False, True, True], kind="stable"
    )
    return [
        Song(index, str(name), str(artist), str(album), _number(popularity), mood)
        for index, (name, artist, album, popularity) in enumerate(
            chosen[["name", "artist", "album", "popularity"]]
            .head(top)
            .itertuples(index=False, name=None)
        )
    ]


def _number(popularity: Any) -> int | float:
    number = float(popularity)
    return int(number) if number.is_integer() else number


def check_top(top: int) -> None:
    """Refuse a number of songs that is no number of songs.

    Raises:
        InputError: ``top`` is under 1.
    """
    if top < 1:
        raise InputError(
            "cannot recommend so few songs", where="--top", expected="at least 1", got=str(top)
        )


def check_songs(songs: pd.DataFrame, moods: Iterable[str]) -> None:
    """Refuse a table that lacks a column or a mood that an answer may need.

    Raises:
        DataError: a column or a mood is missing.
    """
    missing = [column for column in COLUMNS if column not in songs.columns]
    if missing:
        raise DataError(
            f"the songs lack the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
            expected=", ".join(COLUMNS),
            got=", ".join(map(str, songs.columns)),
        )
    known = sorted(set(songs["mood"].astype(str)))
    absent = sorted(set(moods) - set(known))
    if absent:
        raise DataError(
            f"the songs have none of the mood {', '.join(absent)}",
            expected="a song for every mood that an emotion leads to",
            got=f"moods {', '.join(known)}" if known else "no song at all",
            hint="Import a catalogue that has it, or give a table with --moods FILE",
        )
