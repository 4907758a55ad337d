"""Songs of a mood: most popular first, ties by name, then id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.recommender.rank import top_songs
from hpo.spec.errors import DataError, InputError


def table(*rows: tuple[str, int, str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        [(name, "artist", "album", popularity, mood, id) for name, popularity, mood, id in rows],
        columns=["name", "artist", "album", "popularity", "mood", "id"],
    )


def test_ties_go_by_name_then_id() -> None:
    songs = table(
        ("b", 50, "Calm", "1"),
        ("a", 50, "Calm", "9"),
        ("a", 50, "Calm", "2"),
        ("z", 60, "Calm", "3"),
        ("y", 99, "Sad", "4"),
    )
    songs["album"] = songs["id"]

    ranked = top_songs(songs, "Calm", 3)

    assert [(s.index, s.name, s.album) for s in ranked] == [
        (0, "z", "3"),
        (1, "a", "2"),
        (2, "a", "9"),
    ]


def test_more_than_there_are_gives_all() -> None:
    assert len(top_songs(table(("a", 1, "Calm", "1")), "Calm", 50)) == 1


def test_the_real_catalogues_tie_at_the_fifth_place_is_broken_by_name(shared_data: Path) -> None:
    songs = pd.read_csv(shared_data / "songs" / "data_moods.csv")

    ranked = top_songs(songs, "Calm", 6)

    assert ranked[4].popularity == ranked[5].popularity == 59
    assert ranked[4].name < ranked[5].name


@pytest.mark.parametrize("top", [0, -1])
def test_no_songs_asked_for_is_refused(top: int) -> None:
    with pytest.raises(InputError, match="at least 1"):
        top_songs(table(("a", 1, "Calm", "1")), "Calm", top)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match="lack the column popularity"):
        top_songs(table(("a", 1, "Calm", "1")).drop(columns="popularity"), "Calm")


def test_a_mood_without_songs_is_named() -> None:
    with pytest.raises(DataError, match="none of the mood Happy"):
        top_songs(table(("a", 1, "Calm", "1")), "Happy")


songs_lists = st.lists(
    st.tuples(
        st.text("ab", min_size=1, max_size=2), st.integers(0, 3), st.sampled_from(["X", "Y"])
    ),
    min_size=1,
    max_size=20,
)


@settings(deadline=None, max_examples=50)
@given(songs_lists, st.integers(1, 5))
def test_the_answer_is_pythons_own_sorting(rows: list[Any], top: int) -> None:
    rows = [(name, popularity, mood, str(i)) for i, (name, popularity, mood) in enumerate(rows)]
    songs = table(*rows)
    before = songs.copy()

    mood = rows[0][2]
    expected = sorted((r for r in rows if r[2] == mood), key=lambda row: (-row[1], row[0], row[3]))[
        :top
    ]

    assert [(s.name, s.popularity) for s in top_songs(songs, mood, top)] == [
        (row[0], row[1]) for row in expected
    ]
    pd.testing.assert_frame_equal(songs, before)
