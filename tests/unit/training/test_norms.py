from __future__ import annotations

import numpy as np
import pytest

from hpo.training.norms import count_batches, pooled


def test_pooled_statistics_are_those_of_all_faces_together() -> None:
    # Few faces in a batch and means far apart: the mean of the batches' variances is too small.
    batches = np.random.default_rng(0).normal(5.0, 2.0, size=(6, 4, 3))
    mean, variance = pooled(batches.mean(axis=1), batches.var(axis=1))
    faces = batches.reshape(24, 3)
    np.testing.assert_allclose(mean, faces.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(variance, faces.var(axis=0), rtol=1e-12)
    assert (batches.var(axis=1).mean(axis=0) < variance).all()


def test_statistics_that_no_batch_changes_stay_to_the_last_digit() -> None:
    # What a norm returns that is called as in inference.
    same = np.random.default_rng(1).normal(size=3).astype(np.float32)
    mean, variance = pooled(np.stack([same] * 7), np.stack([same**2] * 7))
    np.testing.assert_array_equal(mean.astype(np.float32), same)
    np.testing.assert_array_equal(variance.astype(np.float32), same**2)


@pytest.mark.parametrize(
    ("faces", "batch_size", "batches"),
    [
        (28_709, 128, 8),  # 1024 faces: more hardly say more
        (28_709, 96, 11),
        (5_000, 64, 8),  # a tenth
        (500, 64, 4),  # fewer than 256 would be noise
        (219, 32, 6),  # all whole batches: the last one is smaller, and would count too much
        (20, 32, 1),  # none is whole
        (28_709, 4096, 1),
    ],
)
def test_a_few_whole_batches_are_measured(faces: int, batch_size: int, batches: int) -> None:
    assert count_batches(faces, batch_size) == batches
