"""One face of each photograph stays, the right one, and the others are counted with the reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.data.audit.audit import audit_dataset
from hpo.data.audit.dedupe import deduplicate
from hpo.data.audit.leakage import leaked_faces, photographs
from hpo.data.store import RawSplit, multiset_digest, write_faces
from tests.unit.data.planted import (
    Planted,
    compressed,
    face,
    lighter,
    mirrored,
    planted,
    raw_splits,
)


def kept(faces: Planted) -> set[str]:
    splits, _ = deduplicate(raw_splits(faces))
    return {name for raw in splits.values() for name in raw.names}


def test_held_out_splits_keep_their_faces_and_the_last_one_decides() -> None:
    faces = [
        ("train", "a-train", "happy", face(1)),
        ("validation", "a-validation", "happy", lighter(face(1))),
        ("train", "b-train", "sad", face(2)),
        ("validation", "b-validation", "sad", mirrored(face(2))),
        ("test", "b-test", "sad", compressed(face(2))),
        ("train", "c", "fear", face(3)),
    ]
    assert kept(faces) == {"a-validation", "b-test", "c"}


def test_copies_that_an_audit_has_found_are_not_searched_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits = raw_splits(planted())
    searched, told = deduplicate(splits)
    photographs(write_faces(tmp_path / "faces", "faces", splits, {}))
    monkeypatch.setattr("hpo.data.audit.leakage.group_duplicates", None)
    known, again = deduplicate(splits, data=tmp_path)
    assert again == told
    assert {s: raw.names for s, raw in known.items()} == {
        s: raw.names for s, raw in searched.items()
    }


def test_the_majority_of_the_deciding_split_labels_the_one_that_stays() -> None:
    faces = [
        ("train", "a-1", "happy", face(1)),
        ("train", "a-2", "sad", lighter(face(1))),
        ("train", "a-3", "sad", compressed(face(1))),
        # Held out stays what it is, whatever the training copies say.
        ("train", "b-1", "happy", face(2)),
        ("train", "b-2", "happy", lighter(face(2))),
        ("validation", "b-3", "sad", face(2)),
    ]
    splits, told = deduplicate(raw_splits(faces))
    assert [len(raw.labels) for raw in splits.values()] == [1, 1]
    assert splits["train"].labels.tolist() == splits["validation"].labels.tolist() == [5]
    assert told.left_out["train"] == {"held_out": 2, "same_split": 2, "no_majority": 0}


def test_where_labels_have_no_majority_none_of_the_copies_stays() -> None:
    faces = [
        ("train", "a-1", "happy", face(1)),
        ("train", "a-2", "sad", face(1)),
        ("train", "b-1", "happy", face(2)),
        ("validation", "b-2", "happy", face(2)),
        ("validation", "b-3", "fear", mirrored(face(2))),
        ("train", "c", "fear", face(3)),
    ]
    splits, told = deduplicate(raw_splits(faces))
    assert {name: raw.names for name, raw in splits.items()} == {"train": ["c"]}
    assert told.left_out == {
        "train": {"held_out": 0, "same_split": 0, "no_majority": 3},
        "validation": {"held_out": 0, "same_split": 0, "no_majority": 2},
    }
    assert (told.groups, told.total) == (2, 5)


def test_what_is_left_of_planted_faces_has_no_copies_and_loses_no_photograph(
    tmp_path: Path,
) -> None:
    before = raw_splits(planted())
    splits, told = deduplicate(before)
    dataset = write_faces(tmp_path / "left", "left", splits, {})
    audit = audit_dataset(dataset)
    for key in ("exact_duplicates", "near_duplicates", "conflicting_labels", "in_two_splits"):
        assert not audit.finding(key).faces
    assert len(leaked_faces(dataset)) == 0

    def photographs(of: dict[str, RawSplit]) -> set[str]:
        return {name.split("-")[0] for raw in of.values() for name in raw.names}

    # Two groups in training have one happy and one sad: no majority.
    assert photographs(before) - photographs(splits) == {"conflict", "nearconflict"}
    assert sum(told.faces.values()) - told.total == len(photographs(splits))
    assert json.loads(json.dumps(told.to_json()))["left_out"] == told.left_out


def test_faces_without_copies_stay_as_they_are() -> None:
    faces = [("train", f"{n}", "happy", face(n)) for n in range(3)]
    before = raw_splits(faces)
    splits, told = deduplicate(before)
    assert np.array_equal(splits["train"].images, before["train"].images)
    assert told.note() == "no face was left out: none of the 3 is a copy of another"


def test_votes_stay_with_their_faces() -> None:
    before = raw_splits([("train", f"a-{n}", "happy", face(1)) for n in range(2)])
    before["train"] = RawSplit(
        before["train"].images,
        before["train"].labels,
        before["train"].names,
        np.full((2, 10), 3, np.uint8),
    )
    splits, _ = deduplicate(before)
    assert splits["train"].votes is not None
    assert splits["train"].votes.tolist() == [[3] * 10]


@settings(max_examples=8)
@given(st.permutations(planted()[:14]))
def test_the_order_of_the_source_does_not_matter(faces: Planted) -> None:
    def digest(of: Planted) -> str:
        splits, _ = deduplicate(raw_splits(of))
        return multiset_digest(splits["train"].images, splits["train"].labels)

    assert digest(faces) == digest(planted()[:14])


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_split_of_which_nothing_is_left_is_refused(split: str) -> None:
    from hpo.data.importers.source import SourceFaces
    from hpo.data.importing import _without_copies
    from hpo.spec.errors import DataError

    other = {"train": "validation", "validation": "test"}[split]
    faces = [(split, "a-1", "happy", face(1)), (other, "a-2", "happy", face(1))]
    faces += [("train", "b", "happy", face(2))] if split == "validation" else []
    with pytest.raises(DataError, match=f"nothing is left of the {split} split"):
        _without_copies(SourceFaces(raw_splits(faces), {}), Path("faces.csv"))
