"""The drawn photo: a face that no dataset holds and that the Haar cascade finds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hpo.data.drawn import (
    DEFAULT_PHOTO_SEED,
    SPLIT_SIZES,
    TWO_FACES_SEED,
    drawn_photo,
    split_seeds,
    write_photo,
)
from hpo.data.drawn.photo import FIRST_PHOTO_SEED, PHOTO_SHAPE
from hpo.spec.errors import DataError, EnvironmentProblem


def _faces(photo: NDArray[np.uint8], equalise: bool = False) -> NDArray[np.int32]:
    cascade = cv2.CascadeClassifier(
        str(Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml")
    )
    grey = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)
    if equalise:
        grey = cv2.equalizeHist(grey)
    found = cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5, minSize=(48, 48))
    return np.asarray(found, dtype=np.int32).reshape(-1, 4)


def test_the_photo_is_the_same_each_time() -> None:
    photo = drawn_photo()
    assert photo.shape == PHOTO_SHAPE
    assert photo.dtype == np.uint8
    assert np.array_equal(photo, drawn_photo())
    assert not np.array_equal(photo, drawn_photo(DEFAULT_PHOTO_SEED + 1))


def test_photos_use_seeds_of_their_own() -> None:
    highest = max(max(split_seeds(split)) for split in SPLIT_SIZES)
    assert highest < FIRST_PHOTO_SEED <= min(DEFAULT_PHOTO_SEED, TWO_FACES_SEED)


@pytest.mark.parametrize("equalise", [False, True])
def test_the_haar_cascade_finds_exactly_the_face(equalise: bool) -> None:
    ((x, y, width, height),) = _faces(drawn_photo(), equalise)
    # The head is painted around (333, 226) with a half-height of about 116 pixels.
    assert abs(x + width / 2 - 333) < 30
    assert abs(y + height / 2 - 236) < 30
    assert 180 < width < 290


@pytest.mark.parametrize("equalise", [False, True])
def test_the_haar_cascade_finds_both_faces(equalise: bool) -> None:
    boxes = _faces(drawn_photo(TWO_FACES_SEED, ("sad", "surprise")), equalise)
    centres = sorted(int(x + width / 2) for x, _, width, _ in boxes)
    assert len(centres) == 2
    assert centres[0] < 300 < 340 < centres[1]


def test_the_saved_photo_is_the_drawn_one(tmp_path: Path) -> None:
    write_photo(tmp_path / "photo.png")
    assert np.array_equal(cv2.imread(str(tmp_path / "photo.png")), drawn_photo())
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="absent"):
        write_photo(tmp_path / "absent" / "photo.png")


@pytest.mark.parametrize("emotions", [(), ("happy", "sad", "fear"), ("joyful",)])
def test_impossible_photos_are_refused(emotions: tuple[str, ...]) -> None:
    with pytest.raises(DataError):
        drawn_photo(emotions=emotions)
