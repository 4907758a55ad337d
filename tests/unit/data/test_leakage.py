"""Training faces whose copies are held out: found, remembered, left out, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpo.data.audit import leakage
from hpo.data.audit.leakage import leaked_faces, seen_in_training, without
from hpo.data.store import FaceDataset
from tests.unit.data.planted import compressed, face, planted, stored


@pytest.fixture
def dataset(tmp_path: Path) -> FaceDataset:
    return stored(tmp_path / "planted", planted())


def remembered(dataset: FaceDataset) -> list[Path]:
    return list(dataset.folder.glob("*leaked*"))


def test_copies_of_held_out_faces_are_left_out_and_no_others(dataset: FaceDataset) -> None:
    train = dataset.split("train")
    rest = without(train, leaked_faces(dataset))
    assert set(train.names) - set(rest.names) == {"leak-1", "nearleak-1", "nearleak-2"}
    for row, name in enumerate(rest.names):
        place = train.names.index(name)
        assert rest.labels[row] == train.labels[place]
        assert np.array_equal(rest.images[row], train.images[place])


def test_a_copy_of_a_test_face_counts_too(tmp_path: Path) -> None:
    faces = [
        ("train", "a-1", "happy", face(1)),
        ("train", "b", "happy", face(2)),
        ("validation", "c", "happy", face(3)),
        ("test", "a-2", "happy", compressed(face(1))),
    ]
    assert leaked_faces(stored(tmp_path / "small", faces)).tolist() == [0]


def test_the_answer_is_remembered_until_the_images_are_others(
    dataset: FaceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = leaked_faces(dataset)
    assert len(remembered(dataset)) == 1
    with monkeypatch.context() as patch:
        patch.setattr(leakage, "group_duplicates", None)
        assert np.array_equal(leaked_faces(dataset), first)
    other = stored(dataset.folder, planted()[::-1])
    assert leaked_faces(other).tolist() != first.tolist()


def test_a_remembered_answer_that_is_damaged_is_sought_again(dataset: FaceDataset) -> None:
    first = leaked_faces(dataset)
    (path,) = remembered(dataset)
    path.write_bytes(path.read_bytes()[:20])
    assert np.array_equal(leaked_faces(dataset), first)
    assert np.array_equal(np.load(path), first)


def test_nothing_is_written_where_it_must_not_be(dataset: FaceDataset) -> None:
    assert len(leaked_faces(dataset, remember=False)) == 3
    assert not remembered(dataset)


def test_leaving_out_nothing_gives_the_split_itself(dataset: FaceDataset) -> None:
    train = dataset.split("train")
    assert without(train, np.empty(0, np.int64)) is train


def test_held_out_faces_that_training_has_seen_are_told(dataset: FaceDataset) -> None:
    validation = dataset.split("validation")
    seen = {validation.names[i] for i in seen_in_training(dataset)}
    assert seen == {"leak-2", "nearleak-3"}
