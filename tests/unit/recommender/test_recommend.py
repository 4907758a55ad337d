"""From a photo to songs, with a classifier that is a plain function."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hpo.recommender.moods import load_moods
from hpo.recommender.photos import Photo, read_photo
from hpo.recommender.recommend import Classifier, Faces, Recommender
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, InputError, IntegrityError


@pytest.fixture(scope="module")
def astronaut(shared_data: Path) -> Photo:
    return read_photo(shared_data / "photos" / "astronaut.png")


def catalogue() -> pd.DataFrame:
    rows = [
        (f"{mood} {i}", "artist", "album", 10 * i, mood, f"{mood}{i}")
        for mood in ("Happy", "Sad", "Calm", "Energetic")
        for i in range(7)
    ]
    return pd.DataFrame(rows, columns=["name", "artist", "album", "popularity", "mood", "id"])


def always(emotion: str) -> Classifier:
    row = np.full(7, 0.05)
    row[EMOTIONS.index(emotion)] = 0.7
    return lambda faces: np.tile(row, (len(faces), 1))


@pytest.mark.parametrize(
    ("emotion", "mood"),
    [("disgust", "Sad"), ("sad", "Happy"), ("fear", "Calm"), ("happy", "Happy")],
)
def test_a_face_is_answered_with_the_moods_five_most_popular(
    astronaut: Photo, emotion: str, mood: str
) -> None:
    (face,) = Recommender(always(emotion), catalogue(), load_moods()).recommend(astronaut)

    assert (face.emotion, face.probability, face.mood) == (emotion, 0.7, mood)
    assert sum(face.probabilities.values()) == pytest.approx(1)
    assert [song.name for song in face.songs] == [f"{mood} {i}" for i in (6, 5, 4, 3, 2)]
    assert [song.index for song in face.songs] == [0, 1, 2, 3, 4]


def test_the_classifier_gets_bytes_of_training_size(astronaut: Photo) -> None:
    seen: list[Faces] = []

    def classify(faces: Faces) -> np.ndarray:
        seen.append(faces)
        return always("happy")(faces)

    Recommender(classify, catalogue(), load_moods()).recommend(astronaut)

    assert seen[0].shape == (1, 48, 48)
    assert seen[0].dtype == np.uint8
    assert seen[0].std() > 20


def test_without_a_face_the_classifier_is_not_asked() -> None:
    def classify(faces: Faces) -> np.ndarray:
        raise AssertionError("asked")

    recommender = Recommender(classify, catalogue(), load_moods())

    assert recommender.recommend(np.zeros((100, 100, 3), np.uint8)) == []


def test_the_answer_is_plain_json(astronaut: Photo) -> None:
    (face,) = Recommender(always("happy"), catalogue(), load_moods()).recommend(astronaut, top=1)

    data = json.loads(json.dumps(face.to_json()))

    assert list(data) == ["box", "emotion", "probability", "probabilities", "mood", "songs"]
    assert list(data["probabilities"]) == list(EMOTIONS)
    assert data["songs"] == [
        {
            "index": 0,
            "name": "Happy 6",
            "artist": "artist",
            "album": "album",
            "popularity": 60,
            "mood": "Happy",
        }
    ]


def test_classes_in_another_order_are_read_by_name(astronaut: Photo) -> None:
    classes = tuple(reversed(EMOTIONS))

    (face,) = Recommender(always("angry"), catalogue(), load_moods(), classes=classes).recommend(
        astronaut
    )

    assert face.emotion == classes[0] == "surprise"


@pytest.mark.parametrize(
    ("rows", "got"),
    [
        (np.ones((1, 6)), "an answer of shape"),
        (np.full((1, 7), np.nan), "7 of 7 numbers that are not finite"),
        (-np.ones((1, 7)), "negative numbers"),
        (np.ones(7), "an answer of shape"),
        (np.ones((1, 7)), "a row that sums to 7"),
    ],
)
def test_a_classifier_that_gives_no_probabilities_is_refused(
    astronaut: Photo, rows: np.ndarray, got: str
) -> None:
    recommender = Recommender(lambda faces: rows, catalogue(), load_moods())

    with pytest.raises(IntegrityError, match=f"no probabilities.*got {got}"):
        recommender.recommend(astronaut)


def test_songs_without_a_needed_mood_are_refused_before_any_photo() -> None:
    songs = catalogue()

    with pytest.raises(DataError, match="no song of the mood 'Sad'"):
        Recommender(always("happy"), songs[songs["mood"] != "Sad"], load_moods())


def test_no_songs_asked_for_is_refused(astronaut: Photo) -> None:
    with pytest.raises(InputError, match="at least 1"):
        Recommender(always("happy"), catalogue(), load_moods()).recommend(astronaut, top=0)
