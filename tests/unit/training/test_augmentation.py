from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from hpo.training.augmentation import (
    Augmentation,
    augment,
    compose,
    erase,
    matrices,
    mix,
    relight,
    warp,
)

Bytes = npt.NDArray[np.uint8]


@pytest.fixture
def faces() -> Bytes:
    return np.random.default_rng(0).integers(0, 256, (5, 48, 48), dtype=np.uint8)


def transformed(faces: Bytes, **change: float) -> Bytes:
    still = {"angles_degrees": 0.0, "scale_x": 1.0, "scale_y": 1.0, "shift_x": 0.0, "shift_y": 0.0}
    values = {k: np.full(len(faces), v, float) for k, v in {**still, **change}.items()}
    return warp(faces, compose(faces.shape[1:], **values))  # type: ignore[arg-type]


def test_nothing_asked_is_nothing_done(faces: Bytes) -> None:
    assert augment(faces, Augmentation(), np.random.default_rng(0)) is faces


def test_the_neutral_matrix_gives_the_same_pixels(faces: Bytes) -> None:
    np.testing.assert_array_equal(transformed(faces), faces)


def test_a_negative_scale_mirrors(faces: Bytes) -> None:
    np.testing.assert_array_equal(transformed(faces, scale_x=-1.0), faces[:, :, ::-1])


def test_a_quarter_turn_is_counter_clockwise(faces: Bytes) -> None:
    expected = np.stack([np.rot90(face) for face in faces])
    np.testing.assert_array_equal(transformed(faces, angles_degrees=90.0), expected)


def test_a_shift_moves_right_and_down_and_repeats_the_border(faces: Bytes) -> None:
    moved = transformed(faces, shift_x=3.0, shift_y=2.0)
    np.testing.assert_array_equal(moved[:, 2:, 3:], faces[:, :-2, :-3])
    np.testing.assert_array_equal(moved[:, 2:, :3], np.repeat(faces[:, :-2, :1], 3, axis=2))
    np.testing.assert_array_equal(moved[:, :2, 3:], np.repeat(faces[:, :1, :-3], 2, axis=1))


def test_a_scale_of_two_doubles_the_middle() -> None:
    face = np.zeros((1, 48, 48), np.uint8)
    face[:, 18:30, 18:30] = 255
    # 12 pixels become 24; linear interpolation blurs the edge by a pixel on either side.
    grown = transformed(face, scale_x=2.0, scale_y=2.0)[0]
    assert (grown > 127).sum(axis=1).max() in (23, 24, 25)
    assert (grown > 127).sum(axis=0).max() in (23, 24, 25)


def test_one_resampling_equals_scaling_then_turning_then_shifting() -> None:
    """Against the plain definition: each pixel of the result looked up by itself."""
    face = np.tile(np.linspace(0, 250, 48), (48, 1)).astype(np.uint8)
    angle, sx, sy, tx, ty = 25.0, -1.2, 0.9, 2.5, -1.5
    got = transformed(
        face[None], angles_degrees=angle, scale_x=sx, scale_y=sy, shift_x=tx, shift_y=ty
    )[0]
    c, radians = 23.5, np.radians(angle)
    for y, x in [(24, 24), (20, 30), (30, 18), (28, 26)]:
        dx, dy = x - c - tx, y - c - ty
        # Image axes point down, so a counter-clockwise turn by a has the inverse (a, clockwise):
        rx = np.cos(radians) * dx - np.sin(radians) * dy
        ry = np.sin(radians) * dx + np.cos(radians) * dy
        source_x, source_y = rx / sx + c, ry / sy + c
        assert 1 < source_y < 46
        # The ramp is linear in x; rounding to bytes twice and 1/32 pixel steps stay under 2 levels.
        assert abs(float(got[y, x]) - source_x * 250 / 47) < 2.0


def test_strengths_bound_what_is_drawn() -> None:
    strengths = Augmentation(rotation_degrees=10, zoom=0.2, shift=0.1, flip=True)
    drawn = matrices(2000, (48, 48), strengths, np.random.default_rng(1))
    determinant = drawn[:, 0, 0] * drawn[:, 1, 1] - drawn[:, 0, 1] * drawn[:, 1, 0]
    area = 1 / np.abs(determinant)
    assert area.min() > 0.8**2
    assert area.max() < 1.2**2
    # 2,000 fair coins: 900 to 1,100 heads but for one in 100,000 seeds.
    assert 900 < (determinant < 0).sum() < 1100
    angle = np.degrees(
        np.arctan2(
            drawn[:, 1, 0] / np.hypot(drawn[:, 1, 0], drawn[:, 1, 1]),
            drawn[:, 1, 1] / np.hypot(drawn[:, 1, 0], drawn[:, 1, 1]),
        )
    )
    assert np.abs(angle).max() <= 10.0
    assert np.abs(angle).max() > 9.0


def test_the_same_seed_gives_the_same_faces_and_another_gives_others(faces: Bytes) -> None:
    strengths = Augmentation(rotation_degrees=10, zoom=0.2, shift=0.1, flip=True, erasing=0.5)
    once, again, other = (
        augment(faces, strengths, np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


def test_flip_alone_mirrors_some_and_leaves_the_rest(faces: Bytes) -> None:
    flipped = augment(faces, Augmentation(flip=True), np.random.default_rng(0))
    kinds = [
        "same" if (new == old).all() else "mirrored" if (new == old[:, ::-1]).all() else "?"
        for new, old in zip(flipped, faces, strict=True)
    ]
    assert set(kinds) == {"same", "mirrored"}


def test_light_changes_by_the_drawn_amounts_and_no_more(faces: Bytes) -> None:
    draws = np.random.default_rng(5).uniform(-1, 1, size=(2, len(faces)))
    changed = relight(faces, 0.2, 0.5, np.random.default_rng(5))
    for face, new, contrast, brightness in zip(faces, changed, *draws, strict=True):
        mean = face.mean()
        plain = (face - mean) * (1 + 0.5 * contrast) + mean + 255 * 0.2 * brightness
        # Half a grey level of rounding, and float32 against float64.
        assert np.abs(new - np.clip(plain, 0, 255)).max() <= 0.51


def test_light_of_no_strength_is_left_alone(faces: Bytes) -> None:
    np.testing.assert_array_equal(relight(faces, 0.0, 0.0, np.random.default_rng(0)), faces)
    dark = augment(faces, Augmentation(brightness=0.5), np.random.default_rng(1))
    assert dark.dtype == np.uint8
    assert not np.array_equal(dark, faces)


def test_erasing_replaces_one_rectangle_of_the_stated_size(faces: Bytes) -> None:
    before = faces.copy()
    erased = erase(np.zeros((200, 48, 48), np.uint8), 1.0, np.random.default_rng(0))
    for face in erased:
        rows, columns = np.flatnonzero(face.any(axis=1)), np.flatnonzero(face.any(axis=0))
        area = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1) / 48**2
        assert 0.015 < area < 0.35  # 2-33 %, sides rounded to whole pixels
    erase(faces, 1.0, np.random.default_rng(0))
    np.testing.assert_array_equal(faces, before)
    assert erase(faces, 0.0, np.random.default_rng(0)) is faces


def test_mixup_blends_faces_and_targets_alike(faces: Bytes) -> None:
    targets = np.eye(7, dtype=np.float32)[[0, 1, 2, 3, 4]]
    blended, mixed, other, own = mix(faces, targets, 1.0, np.random.default_rng(0))
    assert blended.dtype == np.float32
    for k in range(5):
        expected = own[k] * faces[k] + (1 - own[k]) * faces[other[k]]
        np.testing.assert_allclose(blended[k], expected, atol=1e-3)  # float32 of 0-255
        np.testing.assert_allclose(mixed[k].sum(), 1.0, rtol=1e-6)
        np.testing.assert_allclose(
            mixed[k], own[k] * targets[k] + (1 - own[k]) * targets[other[k]], rtol=1e-6
        )
