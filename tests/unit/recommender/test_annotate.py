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
    assert draw(np.zeros((10, 10, 3), np.uint8), [answer((0, 0, 9, 9))]).shape == (240, 240, 3)
    assert draw(np.zeros((10, 5000, 3), np.uint8), [answer((0, 0, 9, 9))]).shape == (10, 5000, 3)


def test_a_photo_that_a_label_would_cover_is_enlarged() -> None:
    face = np.full((48, 48, 3), 90, np.uint8)

    drawn = draw(face, [answer((0, 0, 48, 48))])

    assert drawn.shape == (240, 240, 3)
    # Most of the face is still to be seen.
    assert (drawn == 90).all(axis=2).mean() > 0.6


def test_one_photo_goes_to_the_file_and_several_beside_it(tmp_path: Path) -> None:
    save = tmp_path / "out.png"

    assert targets(save, ["a.jpg"]) == [save]
    assert [path.name for path in targets(save, ["a.jpg", "x/b.jpg", "y/b.jpg"])] == [
        "out-a.png",
        "out-b-2.png",
        "out-b-3.png",
    ]


@pytest.mark.parametrize(
    ("photos", "names"),
    [
        (["a/x.png", "b/x.png", "c/x-1.png"], ["out-x-2.png", "out-x-3.png", "out-x-1.png"]),
        (["x-2.png", "a/x.png", "b/x.png", "x-3.png"], ["x-2", "x-4", "x-5", "x-3"]),
        (["x.png", "x.png", "x.png"], ["x-1", "x-2", "x-3"]),
        (["X.png", "x.jpg", "y.jpg"], ["X-1", "x-2", "y"]),
    ],
)
def test_no_photo_is_written_over_another(
    tmp_path: Path, photos: list[str], names: list[str]
) -> None:
    given = [path.name for path in targets(tmp_path / "out.png", photos)]
    assert given == [name if "." in name else f"out-{name}.png" for name in names]


def test_several_photos_go_into_a_folder_under_their_own_names(tmp_path: Path) -> None:
    photos = ["a.jpg", "x/b.JPG", "y/b.gif"]
    found = targets(tmp_path / "out", photos)
    assert [path.name for path in found] == ["a.jpg", "b-2.JPG", "b-3.png"]
    assert {path.parent for path in found} == {tmp_path / "out"}
    assert not (tmp_path / "out").exists(), "what is refused later leaves no folder"
    save_photo(np.zeros((9, 9, 3), np.uint8), found[0])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.jpg"]
    # One that is there takes a single photo too; its own folder would be written over.
    assert targets(tmp_path / "out", ["b.png"]) == [tmp_path / "out" / "b.png"]
    with pytest.raises(InputError, match="overwrite the photo itself"):
        targets(tmp_path / "out", [tmp_path / "out" / "a.jpg", "b.jpg"])
    with pytest.raises(InputError, match="does not exist"):
        targets(tmp_path / "absent" / "out", photos)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot tell the image format"):
        targets(tmp_path / "file", photos)


def test_a_folder_in_a_photos_place_is_told_beforehand(tmp_path: Path) -> None:
    (tmp_path / "out-b.png").mkdir()
    with pytest.raises(InputError, match=r"out-b\.png: this is a folder"):
        targets(tmp_path / "out.png", ["a.png", "b.png"])
    with pytest.raises(InputError, match="this is a folder"):
        targets(tmp_path / "out-b.png", ["a.png"])


def test_a_photo_too_wide_for_a_format_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(EnvironmentProblem, match=r"as \.webp\. Got 16400×2 .*as PNG"):
        save_photo(np.zeros((2, 16_400, 3), np.uint8), tmp_path / "out.webp")
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr().err == ""


def test_the_original_is_never_overwritten(tmp_path: Path) -> None:
    photo = tmp_path / "me.png"
    photo.write_bytes(b"x")

    with pytest.raises(InputError, match="overwrite the photo itself"):
        targets(photo, [photo])


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Did you mean '\.png'\?"):
        targets(tmp_path / "out.pnk", ["a.jpg"])


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        targets(tmp_path / "absent" / "out.png", ["a.jpg"])


def test_it_is_written_whole(tmp_path: Path) -> None:
    import cv2

    save_photo(np.full((20, 30, 3), 200, np.uint8), tmp_path / "out.png")

    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]
    assert cv2.imread(str(tmp_path / "out.png")).shape == (20, 30, 3)
