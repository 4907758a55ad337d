"""The audit finds every planted fault, and nothing else."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.data.audit.audit import audit_dataset
from hpo.data.audit.candidates import MAX_DISTANCE_OF_PARTS
from hpo.data.audit.findings import Audit
from hpo.data.audit.hashing import MAX_DISTANCE, close_pairs
from hpo.data.drawn.face import draw_face
from hpo.spec.emotions import EMOTIONS
from tests.unit.data.planted import compressed, face, lighter, mirrored, planted, stored

VOTES = {
    "alone0": {},
    "alone1": {"NF": 6, "neutral": 4},
    "alone2": {"surprise": 6, "fear": 4},
    "alone3": {"sadness": 5, "fear": 5},
    "alone5": {"unknown": 9, "sadness": 1},
    "alone6": {"contempt": 7, "surprise": 3},
}


def groups(audit: Audit, key: str) -> set[str]:
    """Return the groups by what their names begin with, each checked to be whole and pure."""
    names = set()
    for group in audit.finding(key).groups or ():
        (name,) = {one.name.split("-")[0] for one in group.faces}
        names.add(name)
    return names


def names(audit: Audit, key: str) -> set[str]:
    return {one.name for one in audit.finding(key).faces}


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return audit_dataset(stored(tmp_path_factory.mktemp("audit") / "planted", planted(), VOTES))


def test_the_same_pixels_and_their_mirror_are_exact_duplicates(audit: Audit) -> None:
    assert groups(audit, "exact_duplicates") == {
        "exact", "mirror", "conflict", "leak", "heldout", "black",
    }  # fmt: skip
    assert len(audit.finding("exact_duplicates").faces) == 12


def test_light_shift_encoding_and_mirror_make_near_duplicates(audit: Audit) -> None:
    assert groups(audit, "near_duplicates") == {
        "light", "shift", "jpeg", "nearmirror", "nearconflict", "nearleak",
    }  # fmt: skip
    assert len(audit.finding("near_duplicates").faces) == 13


def test_duplicates_with_two_labels_are_in_conflict(audit: Audit) -> None:
    assert groups(audit, "conflicting_labels") == {"conflict", "nearconflict"}
    assert "very same pixels have two: 1." in audit.finding("conflicting_labels").advice


def test_groups_that_span_splits_are_found(audit: Audit) -> None:
    assert groups(audit, "in_two_splits") == {"leak", "nearleak", "heldout"}
    spans = audit.finding("in_two_splits")
    assert spans.per_split(audit.splits) == {"train": 3, "validation": 3, "test": 1}


def test_images_without_contrast_are_found_and_are_no_near_duplicates(audit: Audit) -> None:
    assert names(audit, "constant") == {"black-1", "black-2"}
    assert names(audit, "low_variance") == {"faint"}


def test_what_annotators_left_out_or_call_no_face_is_suspected(audit: Audit) -> None:
    assert names(audit, "non_faces") == {"alone0", "alone1"}


def test_a_label_is_held_against_a_strict_majority_for_an_emotion(audit: Audit) -> None:
    against = {one.name: one.votes for one in audit.finding("label_against_votes").faces}
    assert against == {"alone2": "surprise", "alone6": "contempt"}


def test_without_votes_nothing_is_claimed_about_them(tmp_path: Path) -> None:
    audit = audit_dataset(stored(tmp_path / "plain", planted()[:3]))
    assert not audit.finding("label_against_votes").checked
    assert audit.to_json()["findings"]["label_against_votes"]["count"] is None


def lettering() -> np.ndarray:
    sign = np.full((48, 48), 255, np.uint8)
    cv2.putText(sign, "no", (2, 36), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 90, 2)
    return sign


def test_without_votes_lettering_is_suspected_and_no_face(tmp_path: Path) -> None:
    faces = [
        ("train", f"face{n}", emotion, draw_face(4_000_000 + n, emotion))
        for n, emotion in enumerate(EMOTIONS * 3)
    ]
    # A face with few grey values: the cascades see it.
    faces.append(("train", "poster", "happy", draw_face(5, "happy") // 24 * 24))
    sign = ("train", "sign", "fear", lettering())
    grey = ("train", "grey", "sad", np.full_like(lettering(), 90))
    flat = audit_dataset(stored(tmp_path / "flat", [*faces, sign, grey])).finding("non_faces")
    assert [one.name for one in flat.faces] == ["sign", "grey"]
    assert "Among the constant and low-variance images, too: 1." in flat.advice
    found = audit_dataset(stored(tmp_path / "plain", [*faces, sign])).finding("non_faces")
    assert [one.name for one in found.faces] == ["sign"]
    assert "too:" not in found.advice
    assert found.checked
    assert "no votes of FER+" in found.advice
    voted = audit_dataset(stored(tmp_path / "voted", [*faces, sign], {}))
    assert names(voted, "non_faces") == set(), "who was asked knows better"


def test_the_balance_names_the_most_frequent_and_the_rarest(tmp_path: Path) -> None:
    faces = [("train", f"{n}", "happy" if n < 3 else "sad", face(n)) for n in range(4)]
    balance = audit_dataset(stored(tmp_path / "four", faces)).balance()["train"]
    assert (balance["majority"], balance["majority_share"]) == ("happy", 0.75)
    assert balance["rarest_share"] == 0


def test_images_too_small_for_a_hash_are_compared_for_equality(tmp_path: Path) -> None:
    small = face(1)[:8, :8]
    faces = [("train", f"small-{n}", "happy", one) for n, one in enumerate((small, small))]
    faces.append(("train", "other", "happy", lighter(small)))
    audit = audit_dataset(stored(tmp_path / "small", faces))
    assert groups(audit, "exact_duplicates") == {"small"}
    assert not audit.finding("near_duplicates").faces


def test_an_audit_is_plain_data(audit: Audit) -> None:
    told = json.loads(json.dumps(audit.to_json()))
    assert told["findings"]["in_two_splits"]["per_split"]["validation"] == 3
    assert told["findings"]["constant"]["faces"][0]["split"] == "train"
    assert len(told["findings"]["exact_duplicates"]["groups"]) == 6


FEW = [
    ("train", "a-1", "happy", face(1)),
    ("train", "a-2", "sad", lighter(face(1))),
    ("train", "a-3", "happy", compressed(face(1, 1, 0))),
    ("train", "b-1", "fear", face(2)),
    ("train", "b-2", "fear", mirrored(face(2))),
    ("train", "c", "fear", face(3)),
    ("train", "d", "fear", face(4)),
]


@settings(max_examples=12)
@given(st.permutations(FEW))
def test_the_order_of_the_images_does_not_matter(faces: list) -> None:
    with tempfile.TemporaryDirectory() as folder:
        audit = audit_dataset(stored(Path(folder) / "few", faces))
    for key, expected in (("near_duplicates", {"a"}), ("exact_duplicates", {"b"})):
        assert groups(audit, key) == expected
    assert names(audit, "near_duplicates") == {"a-1", "a-2", "a-3"}


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 1, MAX_DISTANCE_OF_PARTS, MAX_DISTANCE]))
def test_banding_misses_no_close_pair(seed: int, limit: int) -> None:
    generator = np.random.default_rng(seed)
    hashes = generator.integers(0, 2**63, size=40, dtype=np.uint64)
    # Half of them are others with a few bits changed, on both sides of the limit.
    for n in range(20, 40):
        for bit in generator.permutation(64)[: generator.integers(0, limit + 4)]:
            hashes[n] = hashes[n] ^ np.uint64(1 << int(bit)) if bit else hashes[n - 20]
    i, j = close_pairs(hashes, hashes, limit)
    distances = np.bitwise_count(hashes[:, None] ^ hashes[None, :])
    expected = np.argwhere(np.triu(distances <= limit, k=1))
    assert np.array_equal(np.stack([i, j], axis=1), expected)
