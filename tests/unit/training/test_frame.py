from __future__ import annotations

import cv2
import numpy as np
import pytest

from hpo.training.augmentation import Augmentation, augment, compose, warp
from hpo.training.frame import Frame

STILL = {"angles_degrees": 0.0, "scale_x": 1.0, "scale_y": 1.0, "shift_x": 0.0, "shift_y": 0.0}


def identity(count: int) -> np.ndarray:
    values = {name: np.full(count, value) for name, value in STILL.items()}
    return compose((48, 48), **values)


@pytest.fixture
def faces() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)


def test_a_crop_is_the_middle_of_the_face(faces: np.ndarray) -> None:
    frame = Frame(48, 48).cropped(40, 44)
    found = warp(faces, frame.composed(identity(3)), frame.size)
    np.testing.assert_array_equal(found, faces[:, 4:44, 2:46])


@pytest.mark.parametrize("size", [(96, 96), (71, 60), (30, 48)])
def test_a_resize_is_bilinear_between_the_middles_of_pixels(
    faces: np.ndarray, size: tuple[int, int]
) -> None:
    frame = Frame(48, 48).resized(*size)
    found = warp(faces, frame.composed(identity(3)), frame.size)
    expected = [cv2.resize(face, size[::-1], interpolation=cv2.INTER_LINEAR) for face in faces]
    # warpAffine rounds places to a 32nd of a pixel: of noise, 255 / 32 in either direction.
    assert np.abs(found.astype(int) - np.stack(expected)).max() <= 16


def test_crop_and_resize_follow_each_other(faces: np.ndarray) -> None:
    frame = Frame(48, 48).cropped(24, 24).resized(48, 48)
    found = warp(faces, frame.composed(identity(3)), frame.size)
    expected = [
        cv2.resize(face[12:36, 12:36], (48, 48), interpolation=cv2.INTER_LINEAR) for face in faces
    ]
    inner = (slice(None), slice(1, -1), slice(1, -1))  # at the crop's edge there is more face
    assert np.abs(found.astype(int) - np.stack(expected))[inner].max() <= 16


def test_a_changed_face_is_what_the_frame_shows_of_it() -> None:
    rows, columns = np.mgrid[0:48, 0:48]
    face = np.rint(127 + 60 * np.sin(rows / 6) + 60 * np.cos(columns / 7)).astype(np.uint8)[None]
    wish = Augmentation(rotation_degrees=30, zoom=0.2, shift=0.1, flip=True)
    frame = Frame(48, 48).cropped(40, 40).resized(80, 80)
    found = augment(face, wish, np.random.default_rng(3), frame)
    whole = augment(face, wish, np.random.default_rng(3))
    expected = cv2.resize(whole[0, 4:44, 4:44], (80, 80), interpolation=cv2.INTER_LINEAR)
    assert found.shape == (1, 80, 80)
    assert np.abs(found[0].astype(int) - expected)[2:-2, 2:-2].max() <= 3


def test_without_a_change_of_place_faces_stay_whole(faces: np.ndarray) -> None:
    frame = Frame(48, 48).cropped(40, 40)
    found = augment(faces, Augmentation(contrast=0.2), np.random.default_rng(0), frame)
    assert found.shape == faces.shape
