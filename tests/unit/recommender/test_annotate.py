"""The annotated photo: drawn on a copy, written whole, never over the original."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpo.recommender.annotate import draw, save_photo, targets
from hpo.recommender.recommend import FaceAnswer
from hpo.spec.errors import EnvironmentProblem, InputError


def answer(box: tuple[int, int, int, int], emotion: str = "happy") -> FaceAnswer:
    return FaceAnswer(box, emotion, 0.9, {emotion: 0.9}, "Happy")


def test_the_photo_itself_stays_as_it_is() -> None:
    photo = np.full((300, 300, 3), 90, np.uint8)

    drawn = draw(photo, [answer((100, 100, 80, 80))])

    assert (photo == 90).all()
    assert (drawn[100, 110:170] != 90).any()
    # Inside the box, away from the line, nothing is painted over the face.
    assert (drawn[110:170, 110:170] == 90).all()


@pytest.mark.parametrize(
    "box", [(0, 0, 40, 40), (260, 260, 40, 40), (0, 0, 300, 300), (280, 0, 20, 20)]
)
def test_labels_stay_inside_the_photo(box: tuple[int, int, int, int]) -> None:
    photo = np.full((300, 300, 3), 90, np.uint8)

    drawn = draw(photo, [answer(box, "disgust")])

    # The panel is at least 60 by 25 pixels of one colour, letters aside.
    assert (drawn == (115, 158, 0)).all(axis=2).sum() > 1000


def test_tiny_photos_can_be_drawn_on() -> None:
    assert draw(np.zeros((10, 10, 3), np.uint8), [answer((0, 0, 9, 9))]).shape == (10, 10, 3)


def test_one_photo_goes_to_the_file_and_several_beside_it(tmp_path: Path) -> None:
    save = tmp_path / "out.png"

    assert targets(save, ["a.jpg"]) == [save]
    assert [path.name for path in targets(save, ["a.jpg", "x/b.jpg", "y/b.jpg"])] == [
        "out-a.png",
        "out-b-2.png",
        "out-b-3.png",
    ]


def test_the_original_is_never_overwritten(tmp_path: Path) -> None:
    photo = tmp_path / "me.png"
    photo.write_bytes(b"x")

    with pytest.raises(InputError, match="overwrite the photo itself"):
        targets(photo, [photo])


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Did you mean '\.png'\?"):
        targets(tmp_path / "out.pnk", ["a.jpg"])


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="does not exist"):
        targets(tmp_path / "absent" / "out.png", ["a.jpg"])


def test_it_is_written_whole(tmp_path: Path) -> None:
    import cv2

    save_photo(np.full((20, 30, 3), 200, np.uint8), tmp_path / "out.png")

    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]
    assert cv2.imread(str(tmp_path / "out.png")).shape == (20, 30, 3)
