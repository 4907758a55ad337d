"""Views of a face are the face, its mirror and its shifts, in the same pixels."""

from __future__ import annotations

import numpy as np
import pytest

from hpo.training.validation import predict_views
from hpo.training.views import choices, mean_probabilities, views

FACES = np.random.default_rng(0).integers(0, 256, (5, 48, 48), dtype=np.uint8)


@pytest.mark.parametrize(("which", "count"), [("none", 1), ("mirror", 2), ("mirror_shifts", 10)])
def test_there_are_as_many_views_as_named_and_all_differ(which: str, count: int) -> None:
    found = views(FACES, which)
    assert len({view.tobytes() for view in found}) == len(found) == count
    assert {(view.shape, view.dtype) for view in found} == {(FACES.shape, FACES.dtype)}
    assert found[0] is FACES


def test_the_mirror_swaps_left_and_right() -> None:
    np.testing.assert_array_equal(views(FACES, "mirror")[1], FACES[:, :, ::-1])
    np.testing.assert_array_equal(views(FACES[..., None], "mirror")[1], FACES[:, :, ::-1, None])


def test_a_shift_moves_by_two_pixels_and_repeats_the_border() -> None:
    down_right = views(FACES, "mirror_shifts")[4]
    np.testing.assert_array_equal(down_right[:, :-2, :-2], FACES[:, 2:, 2:])
    np.testing.assert_array_equal(down_right[:, -2:, :-2], FACES[:, [-1, -1], 2:])


def test_half_of_all_views_mirror_the_other_half() -> None:
    found = views(FACES, "mirror_shifts")
    for view, mirrored in zip(found[:5], found[5:], strict=True):
        # The mirror of a shifted face, as if the other side had been shifted.
        np.testing.assert_array_equal(mirrored, view[:, :, ::-1])


def test_small_images_are_shifted_by_a_pixel_at_least() -> None:
    rows, columns = choices("mirror_shifts", 8, 8)[1]
    assert rows.tolist() == columns.tolist() == [0, 0, 1, 2, 3, 4, 5, 6]


def test_other_views_are_unknown() -> None:
    with pytest.raises(ValueError, match="no views 'rotate'"):
        choices("rotate", 48, 48)


def test_the_mean_of_probabilities_is_one_too() -> None:
    generator = np.random.default_rng(1)
    answers = [generator.dirichlet(np.ones(7), 9).astype(np.float32) for _ in range(3)]
    mean = mean_probabilities(answers)
    assert mean.dtype == np.float32
    np.testing.assert_allclose(mean, sum(answers) / 3, atol=1e-7)
    np.testing.assert_allclose(mean.sum(axis=1), 1, atol=1e-6)


def test_a_model_is_asked_about_every_view() -> None:
    class Brightness:
        def predict_on_batch(self, faces: object) -> object:
            left = np.asarray(faces)[:, :, :24].mean(axis=(1, 2)) / 255
            return np.stack([left, 1 - left], axis=1)

    answers = predict_views(Brightness(), FACES, "mirror", 2)
    assert answers.shape == (2, 5, 2)
    right = FACES[:, :, 24:].mean(axis=(1, 2)) / 255
    np.testing.assert_allclose(answers[1, :, 0], right, atol=1e-6)
