"""Training faces whose copies are held out: found, remembered, left out, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hpo.data.audit import leakage
from hpo.data.audit.audit import audit_dataset
from hpo.data.audit.leakage import (
    is_searched,
    leaked_faces,
    search_seconds,
    seen_in_training,
    without,
)
from hpo.data.audit.unseen import unseen
from hpo.data.store import FaceDataset, subset
from tests.unit.data.planted import compressed, face, planted, stored


@pytest.fixture
def dataset(tmp_path: Path) -> FaceDataset:
    return stored(tmp_path / "planted", planted())


def remembered(dataset: FaceDataset) -> list[Path]:
    return list(dataset.folder.glob("*duplicates*"))


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


@pytest.mark.parametrize("damage", ["cut off", "one bit", "without its checksum"])
def test_a_remembered_answer_that_is_damaged_is_sought_again(
    dataset: FaceDataset, damage: str
) -> None:
    first = leaked_faces(dataset)
    (path,) = remembered(dataset)
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[-40] ^= 1
    damaged = {
        "cut off": whole[:20],
        "one bit": bytes(changed),
        "without its checksum": whole[:-32],
    }
    path.write_bytes(damaged[damage])
    assert not is_searched(dataset)
    assert search_seconds(dataset) > 0
    assert np.array_equal(leaked_faces(dataset), first)
    assert path.read_bytes() == whole
    assert search_seconds(dataset) == 0
    assert len(np.load(path)) == sum(len(dataset.split(name)) for name in dataset.splits)


@pytest.mark.parametrize("first", [audit_dataset, leaked_faces])
def test_audit_and_study_search_once_for_both(
    dataset: FaceDataset, first: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    first(dataset, progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] > 20
    with monkeypatch.context() as patch:
        patch.setattr(leakage, "group_duplicates", None)
        again = audit_dataset(dataset)
        assert len(leaked_faces(dataset)) == 3
    for path in remembered(dataset):
        path.unlink()
    assert audit_dataset(dataset) == again


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


def test_where_the_folder_cannot_be_written_the_machine_remembers(
    dataset: FaceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    original = Path.replace

    def replace(new: Path, target: Path) -> Path:
        if target.parent == dataset.folder:
            raise PermissionError
        return original(new, target)

    # As root, who runs tests in containers, one may write into any folder.
    monkeypatch.setattr(Path, "replace", replace)
    first = leaked_faces(dataset)
    assert not remembered(dataset)
    assert not list(dataset.folder.glob(".*"))
    monkeypatch.setattr(leakage, "group_duplicates", None)
    assert np.array_equal(leaked_faces(dataset), first)


def test_the_unseen_faces_follow_the_subset_and_are_all_where_copies_are_dropped(
    dataset: FaceDataset,
) -> None:
    validation = dataset.split("validation")
    whole = unseen(dataset, drop=False)
    assert whole.faces == len(validation)
    seen = set(range(len(validation))) - set(whole.places.tolist())
    assert {validation.names[i] for i in seen} == {"leak-2", "nearleak-3"}
    part = unseen(dataset, 10, 3, drop=False)
    drawn = subset(validation, 10, 3)
    there = [name for name in drawn.names if name not in ("leak-2", "nearleak-3")]
    assert [drawn.names[i] for i in part.places] == there
    assert part.faces == 10
    assert (whole.remembered, part.remembered) == (2, part.faces - len(part))
    # Whoever trains on a few faces has seen but the copies among them.
    few = unseen(dataset, data_seed=3, drop=False, train_limit=7)
    assert few.digest == whole.digest
    assert few.remembered < whole.remembered
    clean = unseen(dataset, drop=True)
    assert clean.remembered == 0
    assert len(clean) == clean.faces == len(validation)
    assert len({whole.digest, clean.digest}) == 2


def test_of_the_test_split_copies_of_validation_count_also_where_training_has_none(
    dataset: FaceDataset,
) -> None:
    shown = leakage.photographs(dataset)
    for drop, splits in ((False, ("train", "validation")), (True, ("validation",))):
        found = unseen(dataset, drop=drop, split="test")
        assert found.beside == splits
        seen = np.isin(shown["test"], np.concatenate([shown[name] for name in splits]))
        assert found.places.tolist() == np.flatnonzero(~seen).tolist()
        assert 0 < len(found) < found.faces


def test_the_digest_of_what_is_left_out_does_not_depend_on_the_order(
    dataset: FaceDataset, tmp_path: Path
) -> None:
    other = stored(tmp_path / "turned", planted()[::-1])
    assert unseen(other, drop=False).digest == unseen(dataset, drop=False).digest
