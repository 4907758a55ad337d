from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.data.store import RawSplit, write_faces
from hpo.spec.errors import IntegrityError
from hpo.spec.records import TrialJob
from hpo.training.augmentation import Augmentation
from hpo.training.batches import (
    BatchMaker,
    Labelled,
    TrialData,
    balanced_weights,
    epoch_batches,
    load_data,
    targets,
)
from hpo.training.parameters import TrainingParameters
from tests.unit.data.planted import face, planted, stored


def numbered(count: int) -> np.ndarray:
    """Faces whose every pixel is their number."""
    return np.tile(np.arange(count, dtype=np.uint8)[:, None, None, None], (1, 8, 8, 1))


def maker(count: int = 10, **augmentation: float) -> BatchMaker:
    goals = targets(np.arange(count) % 7, 7)
    return BatchMaker(numbered(count), goals, None, Augmentation(**augmentation), 4, seed=5)  # type: ignore[arg-type]


def test_an_epoch_holds_every_face_once_with_its_own_goal() -> None:
    batches = maker()
    assert len(batches) == 3
    order = batches.order(1)
    seen = []
    for index in range(3):
        faces, goals = batches.batch(order, 1, index)
        assert (goals.argmax(axis=1) == faces[:, 0, 0, 0] % 7).all()
        seen += faces[:, 0, 0, 0].tolist()
    assert sorted(seen) == list(range(10))


def test_orders_differ_between_epochs_and_repeat_with_the_seed() -> None:
    assert maker().order(1).tolist() == maker().order(1).tolist()
    assert maker().order(1).tolist() != maker().order(2).tolist()


def test_a_batch_is_a_function_of_seed_epoch_and_index() -> None:
    batches = maker(flip=True, erasing=1.0)
    order = batches.order(1)
    late = batches.batch(order, 1, 2)[0]
    batches.batch(order, 1, 0)
    np.testing.assert_array_equal(batches.batch(order, 1, 2)[0], late)
    assert (batches.batch(order, 2, 2)[0] != late).any()


def test_smoothed_targets_keep_their_sum_and_their_class() -> None:
    rows = targets(np.array([0, 6, 3]), 7, smoothing=0.14)
    np.testing.assert_allclose(rows.sum(axis=1), 1.0, rtol=1e-6)
    assert rows.argmax(axis=1).tolist() == [0, 6, 3]
    np.testing.assert_allclose(rows[0], [0.88] + [0.02] * 6, rtol=1e-5)


def test_balanced_weights_give_every_class_the_same_say() -> None:
    labels = np.array([0] * 8 + [1] * 2)
    weights = balanced_weights(labels, 7)
    assert weights.mean() == pytest.approx(1.0)
    assert weights[labels == 0].sum() == pytest.approx(weights[labels == 1].sum())


def test_what_keras_is_fed_is_a_function_of_seed_and_epoch() -> None:
    data = TrialData(
        Labelled(numbered(10), np.arange(10) % 7), Labelled(numbered(2), np.arange(2)), 7
    )
    plain = TrainingParameters(
        rotation_degrees=0.0, zoom=0.0, shift=0.0, flip=False, batch_size=4, class_weights=True
    )

    def seen(batches: Any, epoch: int) -> list[int]:
        batches.turn_to(epoch)
        rows = []
        for index in range(len(batches)):
            faces, goals, weights = batches[index]
            assert faces.dtype == np.uint8
            assert (goals.argmax(axis=1) == faces[:, 0, 0, 0] % 7).all()
            assert len(weights) == len(faces)
            rows += faces[:, 0, 0, 0].tolist()
        return rows

    once, again = (epoch_batches(data, plain, seed=0) for _ in range(2))
    orders = [seen(once, epoch) for epoch in (1, 2, 3)]
    assert all(sorted(order) == list(range(10)) for order in orders)
    assert orders[0] != orders[1] != orders[2]
    # One that starts late sees what the other saw.
    assert seen(again, 3) == orders[2]
    assert seen(epoch_batches(data, plain, seed=1), 3) != orders[2]


@pytest.fixture
def job(tmp_path: Path) -> TrialJob:
    generator = np.random.default_rng(0)
    splits = {
        name: RawSplit(
            generator.integers(0, 256, (n, 48, 48), dtype=np.uint8),
            (np.arange(n) % 7).astype(np.uint8),
            [f"{name}-{k}" for k in range(n)],
        )
        for name, n in (("train", 70), ("validation", 21))
    }
    dataset = write_faces(tmp_path / "faces", "faces", splits, {"kind": "test"})
    return TrialJob(
        "t", "cnn", {}, str(tmp_path / "faces"), dataset.digest, str(tmp_path / "o"), seed=1
    )


def test_data_come_as_bytes_with_a_channel_and_within_limits(job: TrialJob) -> None:
    import dataclasses

    data = load_data(dataclasses.replace(job, train_limit=35, validation_limit=14))
    assert data.train.faces.shape == (35, 48, 48, 1)
    assert data.train.faces.dtype == np.uint8
    assert not isinstance(data.train.faces, np.memmap)
    assert np.bincount(data.train.labels).tolist() == [5] * 7
    assert len(data.validation) == 14
    assert data.input_shape == (48, 48, 1)


def test_duplicates_of_held_out_faces_are_left_out_before_the_limit_counts(tmp_path: Path) -> None:
    import dataclasses

    folder = tmp_path / "planted"
    dataset = stored(folder, planted())
    job = TrialJob("t", "cnn", {}, str(folder), dataset.digest, str(tmp_path / "o"), seed=1)
    kept = load_data(job)
    clean = load_data(dataclasses.replace(job, leakage="drop"))
    assert len(clean.train) == len(kept.train) - 3
    assert len(clean.validation) == len(kept.validation)
    held_out = {image.tobytes() for image in kept.validation.faces}
    assert held_out & {image.tobytes() for image in kept.train.faces}
    assert not held_out & {image.tobytes() for image in clean.train.faces}
    limited = load_data(dataclasses.replace(job, leakage="drop", train_limit=14))
    assert len(limited.train) == 14
    assert not held_out & {image.tobytes() for image in limited.train.faces}


@pytest.mark.parametrize("leakage", ["keep", "drop"])
def test_a_test_split_that_came_after_the_study_changes_nothing(
    leakage: str, tmp_path: Path
) -> None:
    folder = tmp_path / "planted"
    # A training face of which the test split holds a copy.
    extra = ("train", "heldout-3", "sad", face(11))
    faces = [*(one for one in planted() if one[:2] != ("validation", "heldout-1")), extra]
    dataset = stored(folder, [one for one in faces if one[0] != "test"])
    job = TrialJob("t", "cnn", {}, str(folder), dataset.digest, str(tmp_path), 1, leakage=leakage)
    before = load_data(job)
    assert stored(folder, faces).digest != dataset.digest
    after = load_data(job)
    np.testing.assert_array_equal(after.train.faces, before.train.faces)
    np.testing.assert_array_equal(after.validation.faces, before.validation.faces)
    assert after.digest == before.digest
    assert after.unseen is not None
    assert before.unseen is not None
    assert after.unseen.places.tolist() == before.unseen.places.tolist()


def test_faces_that_changed_since_the_study_began_are_refused(job: TrialJob) -> None:
    import dataclasses

    with pytest.raises(IntegrityError, match="has changed since the study began"):
        load_data(dataclasses.replace(job, dataset_digest="sha256:other"))
