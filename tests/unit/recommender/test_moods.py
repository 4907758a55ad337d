"""The mood table: the shipped one is the thesis's; a user's is checked line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpo.recommender.moods import load_moods, parse_moods
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, NotFoundError

WHOLE = "".join(f"{emotion}: Calm\n" for emotion in EMOTIONS)


def test_the_shipped_table_is_the_thesiss() -> None:
    assert dict(load_moods().moods) == {
        "disgust": "Sad",
        "happy": "Happy",
        "sad": "Happy",
        "fear": "Calm",
        "angry": "Calm",
        "surprise": "Energetic",
        "neutral": "Energetic",
    }


def test_a_users_table_replaces_it_in_any_case(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(WHOLE.replace("happy: Calm", "Happy: energetic"))

    table = load_moods(path).matched(["Calm", "Energetic"], "songs")

    assert table["happy"] == "Energetic"
    assert table["sad"] == "Calm"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WHOLE.replace("happy:", "hapy:"), r"mine\.yaml:4: unknown emotion 'hapy'.*'happy'"),
        (WHOLE.replace("sad: Calm\n", ""), "leaves out sad"),
        (WHOLE + "sad: Happy\n", r"mine\.yaml:8: 'sad' stands twice"),
        (WHOLE.replace("fear: Calm", "fear:"), r"mine\.yaml:3: 'fear' has no mood"),
        (WHOLE.replace("fear: Calm", "fear: [Calm]"), r"mine\.yaml:3: .*a list"),
        ("", "an empty file"),
        ("- Calm\n", "a list"),
        ("angry: 'Calm\n", r"mine\.yaml:\d+: this mood table is no YAML"),
        ("? [a]\n: Calm\n", "unknown emotion 'a list'"),
    ],
)
def test_a_wrong_table_names_its_line(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_moods(text, "mine.yaml")


def test_a_mood_without_songs_names_its_line() -> None:
    table = parse_moods(WHOLE.replace("neutral: Calm", "neutral: Clam"), "mine.yaml")

    with pytest.raises(DataError, match=r"mine\.yaml:5: .*'Clam'.*Did you mean 'Calm'\?"):
        table.matched(["Calm", "Happy"], "songs")


def test_a_missing_table_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such mood table"):
        load_moods(tmp_path / "absent.yaml")


def test_a_table_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\xfa")

    with pytest.raises(DataError, match="no UTF-8 text"):
        load_moods(path)


def test_a_table_reads_back_what_it_wrote() -> None:
    table = load_moods()

    assert dict(parse_moods(table.to_yaml(), "copy").moods) == dict(table.moods)


def test_lists_in_lists_without_end_are_no_table() -> None:
    with pytest.raises(DataError, match="this mood table is no YAML"):
        parse_moods("[" * 5000, "deep.yaml")
