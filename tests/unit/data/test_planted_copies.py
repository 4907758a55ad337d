"""Copies of every kind, hidden between splits among faces that are alone: all found, none invented.

The audit, the leak search and the import without copies must tell the same story of them.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from hpo.data.audit.audit import audit_dataset
from hpo.data.audit.dedupe import REASONS, deduplicate
from hpo.data.audit.duplicates import group_duplicates, members_of_groups
from hpo.data.audit.findings import Audit
from hpo.data.audit.leakage import leaked_faces, seen_in_training
from hpo.data.store import FaceDataset
from tests.unit.data.planted import (
    SIDE,
    Planted,
    compressed,
    face,
    lighter,
    mirrored,
    raw_splits,
    stored,
)

ALONE = 240
EACH = 6
COPIES: dict[str, Callable[[int], np.ndarray]] = {
    "same": face,
    "mirror": lambda n: mirrored(face(n)),
    "noise": lambda n: noisy(face(n)),
    "brighter": lambda n: np.minimum(face(n), 225) + np.uint8(30),
    "darker": lambda n: (face(n) * 0.7).astype(np.uint8),
    "contrast": lambda n: lighter(face(n)),
    "jpeg": lambda n: compressed(face(n), 40),
    "mirroredjpeg": lambda n: compressed(mirrored(face(n))),
    "shift2": lambda n: face(n, 0, 2),
    "shift2both": lambda n: face(n, -2, 2),
    "shift3": lambda n: face(n, 3, -3),
    "shiftjpeg": lambda n: compressed(lighter(face(n, 2, -1))),
    "mirroredshift": lambda n: mirrored(face(n, 1, 3)),
    "cut": lambda n: enlarged(face(n)),
}
EXACT = {"same", "mirror"}


def noisy(image: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 6, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def enlarged(image: np.ndarray) -> np.ndarray:
    """Return the image without its outermost pixels, at its old size: 4 % larger."""
    return cv2.resize(image[1:-1, 1:-1], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)


def hidden() -> Planted:
    """Return lone faces and ``EACH`` pairs of each kind; odd pairs are split, even ones in train.

    One pair of each kind has two labels. Two images are constant, one nearly so.
    """
    found: Planted = []
    number = 1000
    for kind, copy in COPIES.items():
        for k in range(EACH):
            number += 1
            other = ("validation", "test")[k // 2 % 2] if k % 2 else "train"
            label = "sad" if k == 0 else "happy"
            found.append(("train", f"{kind}{k}-1", "happy", face(number)))
            found.append((other, f"{kind}{k}-2", label, copy(number)))
    for k in range(ALONE):
        split = ("train", "train", "validation", "test")[k % 4]
        found.append((split, f"alone{k}", "fear", face(5000 + k)))
    found.append(("train", "grey", "fear", np.full((SIDE, SIDE), 90, np.uint8)))
    found.append(("validation", "white", "fear", np.full((SIDE, SIDE), 255, np.uint8)))
    found.append(("test", "faint", "fear", face(9000) // 64 + np.uint8(100)))
    return found


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> FaceDataset:
    return stored(tmp_path_factory.mktemp("hidden") / "hidden", hidden())


@pytest.fixture(scope="module")
def audit(dataset: FaceDataset) -> Audit:
    return audit_dataset(dataset)


def groups(audit: Audit, *keys: str) -> list[set[str]]:
    return [{f.name for f in g.faces} for key in keys for g in audit.finding(key).groups or ()]


def pairs(*odd: int, kinds: set[str] | None = None) -> list[set[str]]:
    """Return the pairs with one of these numbers, of some kinds or all."""
    return [
        {f"{kind}{k}-1", f"{kind}{k}-2"}
        for kind in COPIES
        if kinds is None or kind in kinds
        for k in odd
    ]


def same(found: list[set[str]], expected: list[set[str]]) -> bool:
    return sorted(map(sorted, found)) == sorted(map(sorted, expected))


def test_all_of_84_copies_are_found_and_none_of_243_lone_images_is_called_one(
    audit: Audit,
) -> None:
    assert same(groups(audit, "exact_duplicates"), pairs(*range(EACH), kinds=EXACT))
    near = set(COPIES) - EXACT
    # Equal lists: no pair is missed, none is joined to another, no lone image is in any.
    assert same(groups(audit, "near_duplicates"), pairs(*range(EACH), kinds=near))


@pytest.mark.parametrize("shift", [(0, 1), (1, 1), (0, 2), (2, -2), (-3, 0), (3, 3)])
def test_a_copy_is_found_wherever_the_pixels_are_compared(shift: tuple[int, int]) -> None:
    numbers = range(2000, 2100)
    images = np.stack([face(n, *by) for by in ((0, 0), shift) for n in numbers])
    found = members_of_groups(group_duplicates(images).photograph)
    assert [list(group) for group in found] == [[k, k + 100] for k in range(100)]


def test_pairs_with_two_labels_and_pairs_between_splits_are_found_and_no_other(
    audit: Audit,
) -> None:
    assert same(groups(audit, "conflicting_labels"), pairs(0))
    assert same(groups(audit, "in_two_splits"), pairs(1, 3, 5))


def test_images_that_show_nothing_are_found_and_no_other(audit: Audit) -> None:
    assert {f.name for f in audit.finding("constant").faces} == {"grey", "white"}
    assert {f.name for f in audit.finding("low_variance").faces} == {"faint"}


def test_what_leaks_is_just_what_lies_in_two_splits(dataset: FaceDataset) -> None:
    train, validation = dataset.split("train"), dataset.split("validation")
    leaked = {train.names[i] for i in leaked_faces(dataset)}
    assert leaked == {f"{kind}{k}-1" for kind in COPIES for k in (1, 3, 5)}
    seen = {validation.names[i] for i in seen_in_training(dataset)}
    assert seen == {f"{kind}{k}-2" for kind in COPIES for k in (1, 5)}


def test_without_copies_one_of_each_pair_is_left_and_every_lone_image() -> None:
    splits, told = deduplicate(raw_splits(hidden()))
    left = [name for raw in splits.values() for name in raw.names]
    expected = [n for _, n, *_ in hidden() if "-" not in n]
    expected += [f"{kind}{k}-2" for kind in COPIES for k in (1, 3, 5)]
    within = {f"{kind}{k}" for kind in COPIES for k in (2, 4)}
    assert {n.split("-")[0] for n in left} - {n.split("-")[0] for n in expected} == within
    assert len(left) == len(expected) + len(within)
    counted = {reason: sum(c[reason] for c in told.left_out.values()) for reason in REASONS}
    assert counted == {
        "held_out": 3 * len(COPIES),
        "same_split": 2 * len(COPIES),
        "no_majority": 2 * len(COPIES),
    }
