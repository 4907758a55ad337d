"""What the test split says of a winner's runs: of all faces, and of those that are no copies."""

from __future__ import annotations

from typing import Any

import pytest

from hpo.evidence.hierarchical import compare
from hpo.evidence.intervals import wilson
from hpo.evidence.tested import loss_gap, opening_figures
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
        "copies_in": ["train", "validation"],
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


def losing(*losses: float) -> list[TrialRecord]:
    """Runs with these losses on validation."""
    return [
        TrialRecord(
            "s", "c", k, "complete", v, {}, {},
            result=TrialResult("complete", v, metrics={"val_accuracy": 0.5, "val_loss": v}),
        )
        for k, v in enumerate(losses)
    ]  # fmt: skip


def test_under_a_loss_the_losses_are_set_beside_each_other_with_an_interval_over_seeds() -> None:
    told = [judged({0}, copies=False), judged({1}, copies=False)]
    for model, loss in zip(told, (1.3, 1.42), strict=True):
        model["metrics"]["test_loss"] = loss
    apart = opening_figures(told, losing(1.2, 1.3), 0, "val_loss")["loss_gap"]
    assert (apart["test"], apart["validation"], apart["n"]) == pytest.approx((1.36, 1.25, 2))
    # Student's of 0.10 and 0.12: 12.706 standard errors of 0.01.
    assert (apart["point"], apart["low"], apart["high"]) == pytest.approx(
        (0.11, 0.11 - 0.12706, 0.11 + 0.12706), abs=1e-5
    )
    one = loss_gap([{"test_loss": 1.3}], losing(1.2))
    assert one is not None
    assert (one["low"], one["high"], one["n"]) == (None, None, 1)
    assert one["point"] == pytest.approx(0.1)
    assert loss_gap([{"test_accuracy": 0.5}], losing(1.2)) is None
    assert "loss_gap" not in opening_figures(told, losing(1.2, 1.3), 0)
