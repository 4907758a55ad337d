"""A video is watched in samples, smoothed, and answered when the emotion changes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hpo.data.drawn import drawn_photo
from hpo.recommender.camera import Smoother, frames, watch
from hpo.recommender.moods import load_moods
from hpo.recommender.photos import Photo, read_photo
from hpo.recommender.recommend import Faces, Recommender
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, EnvironmentProblem, InputError, NotFoundError


@pytest.fixture(scope="module")
def astronaut(shared_data: Path) -> Photo:
    return read_photo(shared_data / "photos" / "astronaut.png")[:256, 96:352].copy()


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "grey.avi", [np.full((64, 64, 3), 90, np.uint8)] * 30)


def write_video(path: Path, photos: list[Photo], rate: float = 10.0) -> Path:
    import cv2

    height, width = photos[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), rate, (width, height))
    assert writer.isOpened()
    for photo in photos:
        writer.write(photo)
    writer.release()
    return path


def row(emotion: str, share: float = 0.94) -> np.ndarray:
    values = np.full(7, (1 - share) / 6)
    values[EMOTIONS.index(emotion)] = share
    return values


def catalogue() -> pd.DataFrame:
    rows = [(mood, "a", "b", 1, mood, mood) for mood in ("Happy", "Sad", "Calm", "Energetic")]
    return pd.DataFrame(rows, columns=["name", "artist", "album", "popularity", "mood", "id"])


def test_every_fifth_frame_is_looked_at_with_its_time(video: Path) -> None:
    looks = list(frames(str(video), every=5))

    assert [look.number for look in looks] == [0, 5, 10, 15, 20, 25]
    assert [look.seconds for look in looks] == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5])
    assert looks[0].photo.shape == (64, 64, 3)


def test_watching_ends_after_so_many_seconds_of_the_video(video: Path) -> None:
    assert [look.number for look in frames(str(video), every=5, seconds=1.2)] == [0, 5, 10]


def test_a_missing_video_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such video"):
        frames(str(tmp_path / "absent.mp4"))


@pytest.mark.parametrize(("every", "seconds"), [(0, None), (1, 0.0), (1, -1.0)])
def test_sampling_that_makes_no_sense_is_refused(
    video: Path, every: int, seconds: float | None
) -> None:
    with pytest.raises(InputError, match="makes no sense"):
        frames(str(video), every=every, seconds=seconds)


def test_a_file_that_is_no_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("no video")

    with pytest.raises(DataError, match="cannot be read"):
        list(frames(str(path)))


def test_one_odd_frame_does_not_change_the_emotion() -> None:
    smoother = Smoother(weight=0.4)

    told = [smoother.update(row(name)) for name in ("happy", "happy", "fear", "happy")]

    assert {EMOTIONS[int(np.argmax(mean))] for mean in told if mean is not None} == {"happy"}
    for mean in told:
        assert mean is not None
        assert mean.sum() == pytest.approx(1)


def test_a_face_that_blinks_out_is_remembered_for_two_looks() -> None:
    smoother = Smoother(absent=3)
    smoother.update(row("happy"))

    assert [smoother.update(None) is None for _ in range(3)] == [False, False, True]


def test_an_answer_comes_when_the_emotion_changes_and_when_the_face_goes(
    astronaut: Photo, tmp_path: Path
) -> None:
    empty = np.full_like(astronaut, 90)
    path = write_video(tmp_path / "party.avi", [astronaut] * 8 + [empty] * 4)
    moods = iter(["happy"] * 4 + ["surprise"] * 4)

    def classify(faces: Faces) -> np.ndarray:
        return row(next(moods))[np.newaxis]

    recommender = Recommender(classify, catalogue(), load_moods())
    changes = list(watch(recommender, frames(str(path), every=1), top=1))

    told = [change.face.emotion if change.face else None for change in changes]
    assert told == ["happy", "surprise", None]
    # At weight 0.4 the second look at the new emotion outweighs the old: 0.36 against 0.64.
    assert [change.frame for change in changes] == [0, 5, 10]
    assert changes[0].face is not None
    assert changes[0].face.songs[0].mood == "Happy"
    assert changes[1].to_json()["faces"][0]["mood"] == "Energetic"
    assert changes[2].to_json()["faces"] == []


def test_looking_stores_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = write_video(tmp_path / "party.avi", [drawn_photo()] * 3)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    # Whoever writes without being told where writes into one of these.
    monkeypatch.chdir(elsewhere)
    for place in ("TMPDIR", "TEMP", "TMP", "HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(place, str(elsewhere))
    monkeypatch.setattr(tempfile, "tempdir", None)
    recommender = Recommender(lambda faces: row("sad")[np.newaxis], catalogue(), load_moods())

    assert len(list(watch(recommender, frames(str(film), every=1)))) == 1
    assert list(elsewhere.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "party.avi"]


def test_a_camera_number_that_no_machine_has_is_told() -> None:
    with pytest.raises(EnvironmentProblem, match="camera 99999999999 cannot be opened"):
        frames("99999999999")
