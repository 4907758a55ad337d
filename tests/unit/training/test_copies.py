"""Scores without the faces that training has a copy of: those of the other faces, and no more."""

from __future__ import annotations

import numpy as np

from hpo.data.audit.unseen import Unseen
from hpo.training.copies import confusion_without_copies, without_copies
from hpo.training.scores import scores
from hpo.training.validation import judge

LABELS = np.array([0, 1, 1, 0])
PROBABILITIES = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])


def some(*places: int) -> Unseen:
    return Unseen(np.array(places, np.int64), len(LABELS), "sha256:", len(LABELS) - len(places))


def test_every_metric_is_told_again_over_the_unseen_faces() -> None:
    found = without_copies(PROBABILITIES, LABELS, some(1, 2))
    some_of = PROBABILITIES[1:3], LABELS[1:3]
    expected = {**judge(*some_of).metrics, **scores(*some_of)}
    assert found == {f"{name}_without_copies": value for name, value in expected.items()}
    assert found["val_accuracy_without_copies"] == 0.5


def test_where_no_face_has_a_copy_both_are_equal() -> None:
    found = without_copies(PROBABILITIES, LABELS, some(0, 1, 2, 3))
    for name, value in (
        judge(PROBABILITIES, LABELS).metrics | scores(PROBABILITIES, LABELS)
    ).items():
        assert found[f"{name}_without_copies"] == value


def test_nothing_is_told_where_every_face_has_a_copy_or_the_answers_are_gone() -> None:
    assert without_copies(PROBABILITIES, LABELS, some()) == {}
    assert without_copies(None, LABELS, some(1)) == {}


def test_the_confusion_matrix_is_told_again_with_the_faces_that_it_counts() -> None:
    told = np.array([0, 1, 0, 1])
    assert confusion_without_copies(told, LABELS, some(1, 2, 3), 3) == {
        "confusion_without_copies": [[0, 1, 0], [1, 1, 0], [0, 0, 0]],
        "unseen": "7",
    }


def test_where_no_face_has_a_copy_or_every_one_there_is_no_second_matrix() -> None:
    assert confusion_without_copies(LABELS, LABELS, some(0, 1, 2, 3), 2) == {}
    assert confusion_without_copies(LABELS, LABELS, some(), 2) == {}
