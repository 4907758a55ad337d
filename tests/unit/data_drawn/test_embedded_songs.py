"""The embedded song catalogue: the real one's columns, four moods, public-domain works."""

from __future__ import annotations

import csv
from collections import Counter
from importlib import resources

import pytest

COLUMNS = (
    "name,album,artist,id,release_date,popularity,length,danceability,acousticness,energy,"
    "instrumentalness,liveness,valence,loudness,speechiness,tempo,key,time_signature,mood"
)


@pytest.fixture(scope="module")
def songs() -> list[dict[str, str]]:
    text = resources.files("hpo.data").joinpath("embedded/songs.csv").read_text(encoding="utf-8")
    reader = csv.DictReader(text.splitlines())
    assert ",".join(reader.fieldnames or ()) == COLUMNS
    return list(reader)


def test_every_cell_is_filled(songs: list[dict[str, str]]) -> None:
    assert all(value.strip() for song in songs for value in song.values())


def test_each_mood_has_fifteen_works(songs: list[dict[str, str]]) -> None:
    moods = Counter(song["mood"] for song in songs)
    assert moods == {"Happy": 15, "Sad": 15, "Calm": 15, "Energetic": 15}


def test_no_work_stands_twice(songs: list[dict[str, str]]) -> None:
    assert len({song["id"] for song in songs}) == len(songs)
    assert len({(song["name"], song["artist"]) for song in songs}) == len(songs)


def test_works_are_old_enough_to_be_free(songs: list[dict[str, str]]) -> None:
    assert all(1500 < int(song["release_date"][:4]) < 1925 for song in songs)


def test_numbers_lie_in_their_ranges(songs: list[dict[str, str]]) -> None:
    for song in songs:
        assert 0 <= int(song["popularity"]) <= 100
        assert 60_000 <= int(song["length"]) <= 1_800_000
        assert 0 <= int(song["key"]) <= 11
        assert int(song["time_signature"]) in (2, 3, 4, 5)
        assert 40 <= float(song["tempo"]) <= 220
        assert -60 <= float(song["loudness"]) <= 0
        for share in ("danceability", "acousticness", "energy", "instrumentalness", "valence"):
            assert 0 <= float(song[share]) <= 1


def test_a_tie_lies_across_the_fifth_place(songs: list[dict[str, str]]) -> None:
    # Ties are broken by name, then id: the catalogue must let that rule show.
    tied = [
        mood
        for mood in ("Happy", "Sad", "Calm", "Energetic")
        if (ranked := sorted(-int(s["popularity"]) for s in songs if s["mood"] == mood))[4]
        == ranked[5]
    ]
    assert "Calm" in tied
    assert "Sad" not in tied
