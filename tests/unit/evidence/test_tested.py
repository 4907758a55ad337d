"""What the test split says of a winner's runs: of all faces, and of those that are no copies."""

from __future__ import annotations

from typing import Any

import pytest

from hpo.evidence.hierarchical import compare
from hpo.evidence.intervals import wilson
from hpo.evidence.tested import opening_figures
from hpo.spec.bits import pack_bits
from hpo.spec.records import TrialRecord, TrialResult

LABELS = [0] * 12 + [1] * 8
UNSEEN = [face % 4 != 0 for face in range(20)]


def judged(wrong: set[int], *, copies: bool) -> dict[str, Any]:
    """One model's answers: wrong on some faces."""
    told = [1 - label if face in wrong else label for face, label in enumerate(LABELS)]

    def matrix(faces: list[int]) -> list[list[int]]:
        found = [[0, 0], [0, 0]]
        for face in faces:
            found[LABELS[face]][told[face]] += 1
        return found

    alone = [face for face in range(20) if UNSEEN[face]]
    return {
        "metrics": {"test_accuracy": 1 - len(wrong) / 20},
        "predictions": told,
        "correct": [int(one == two) for one, two in zip(told, LABELS, strict=True)],
        "confusion": matrix(list(range(20))),
        "images_without_copies": len(alone) if copies else 20,
        **(
            {"confusion_without_copies": matrix(alone), "unseen": pack_bits(UNSEEN)}
            if copies
            else {}
        ),
    }


def runs(count: int) -> list[TrialRecord]:
    result = TrialResult("complete", 0.5, metrics={"val_accuracy": 0.5})
    return [TrialRecord("s", "c", k, "complete", 0.5, {}, {}, result=result) for k in range(count)]


def test_accuracy_and_classes_are_told_again_without_copies() -> None:
    told = [judged({0, 1, 13}, copies=True), judged({1, 2, 14, 15}, copies=True)]
    found = opening_figures(told, runs(2), seed=0)
    assert (found["images"], found["images_without_copies"]) == (20, 15)
    assert found["per_class"][0]["recall"] == 20 / 24
    alone = found["without_copies"]
    right = [[m["correct"][f] for f in range(20) if UNSEEN[f]] for m in told]
    assert alone["images"] == 15
    assert alone["accuracy"] == compare([right], seed=0).mean(0).to_json()
    # Face 0, which the first run got wrong, has a copy.
    assert alone["per_class"][0]["recall"] == 15 / 18
    assert alone["per_class"][0]["intervals"]["recall"]["n"] == 9
    assert sum(map(sum, alone["confusion"])) == 30


def test_of_one_run_the_intervals_are_wilsons() -> None:
    found = opening_figures([judged({1}, copies=True)], runs(1), seed=0)
    assert found["accuracy"] == wilson(0.95, 20).to_json()
    assert found["without_copies"]["accuracy"] == wilson(14 / 15, 15).to_json()
    assert found["per_class"][0]["intervals"]["recall"] == wilson(11 / 12, 12).to_json()


def test_where_no_face_has_a_copy_nothing_is_told_twice() -> None:
    found = opening_figures([judged({1}, copies=False)], runs(1), seed=0)
    assert "without_copies" not in found
    assert found["images_without_copies"] == 20
    assert found["values"] == pytest.approx([0.95])
