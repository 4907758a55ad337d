"""The changes that a device makes to faces, against those that the host makes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from hpo.training.augmentation import Augmentation, matrices, warp
from hpo.training.resident import EpochDraws, changed, erased, mixed, noise_bank, warped

pytestmark = pytest.mark.keras

SIZE = (24, 20)


@pytest.fixture(scope="module")
def faces() -> npt.NDArray[np.uint8]:
    # Smooth, so that rounding of a place moves a value little.
    rows, columns = np.mgrid[0:24, 0:20]
    waves = [np.sin(rows / (2 + k)) + np.cos(columns / (3 + k)) for k in range(16)]
    return np.rint(127.5 + 60 * np.stack(waves)).astype(np.uint8)


def test_faces_are_sampled_where_the_host_samples_them(faces: npt.NDArray[np.uint8]) -> None:
    wish = Augmentation(rotation_degrees=40, zoom=0.4, shift=0.3, flip=True)
    transforms = matrices(len(faces), SIZE, wish, np.random.default_rng(1))
    found = np.asarray(warped(faces.astype(np.float32), transforms.reshape(-1, 6).astype("f4")))
    # OpenCV rounds places to a 32nd of a pixel, and the result to bytes.
    assert np.abs(found - warp(faces, transforms)).max() < 3.0
    assert np.abs(found - faces).max() > 50, "they were changed at all"


def test_light_changes_about_the_mean_and_stays_within_bytes(
    faces: npt.NDArray[np.uint8],
) -> None:
    wish = Augmentation(brightness=0.5, contrast=0.5)
    given = faces.astype(np.float32)
    draws = np.tile(np.array([[1.0, 0.0], [0.0, -1.0]], np.float32), (8, 1))
    found = np.asarray(changed(given, {"light": draws}, wish, None))
    np.testing.assert_allclose(found[0::2], np.clip(given[0::2] + 127.5, 0, 255), atol=1e-3)
    means = given[1::2].mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(found[1::2], (given[1::2] + means) / 2, atol=1e-3)


def test_only_the_box_is_erased(faces: npt.NDArray[np.uint8]) -> None:
    boxes = np.zeros((16, 4), np.int32)
    boxes[3] = (2, 5, 7, 11)
    noise = np.full((16, *SIZE), 7, np.float32)
    found = np.asarray(erased(faces.astype(np.float32), boxes, noise))
    expected = faces.astype(np.float32)
    expected[3, 2:9, 5:16] = 7
    np.testing.assert_array_equal(found, expected)


def test_blends_take_both_parts(faces: npt.NDArray[np.uint8]) -> None:
    draws = {"own": np.full(16, 0.25, np.float32), "other": np.roll(np.arange(16), 1)}
    given = faces.astype(np.float32)
    expected = 0.25 * given + 0.75 * np.roll(given, 1, axis=0)
    np.testing.assert_allclose(np.asarray(mixed(given, draws)), expected, rtol=1e-5)


def test_an_epoch_shows_each_face_once_and_counts_the_last_batch_as_it_is() -> None:
    wish = Augmentation(flip=True, erasing=0.5, mixup_alpha=0.3, contrast=0.1)
    draws = EpochDraws(10, SIZE, wish, 4, seed=3)
    epoch = draws.epoch(1)
    counted = epoch["weight"] > 0
    assert sorted(epoch["index"][counted]) == list(range(10))
    assert epoch["weight"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 1], [2, 2, 0, 0]]
    shapes = {name: rows.shape for name, rows in epoch.items()}
    assert shapes == {
        "index": (3, 4), "weight": (3, 4), "transform": (3, 4, 6), "light": (3, 4, 2),
        "box": (3, 4, 4), "noise": (3, 4), "other": (3, 4), "own": (3, 4),
    }  # fmt: skip
    again = draws.epoch(1)
    assert all((again[name] == rows).all() for name, rows in epoch.items())
    assert (draws.epoch(2)["index"] != epoch["index"]).any()
    assert np.sort(epoch["other"], axis=1).tolist() == [[0, 1, 2, 3]] * 3
    erased_share = np.mean([(draws.epoch(k)["box"][..., 2] > 0).mean() for k in range(100)])
    assert 0.4 < erased_share < 0.6
    assert noise_bank(SIZE, 0).std() == pytest.approx(73.9, abs=1)
