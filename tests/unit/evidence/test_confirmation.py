"""What re-runs support while some are still running."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hpo.evidence.confirmation import confirmation
from hpo.spec.bits import pack_bits
from hpo.spec.records import TrialRecord, TrialResult, TrialState


def rerun(slot: int, value: float | None) -> TrialRecord:
    state: TrialState = "running" if value is None else "complete"
    ended = None if value is None else TrialResult("complete", value, metrics={"val_loss": value})
    return TrialRecord("s", "cnn-0", slot, state, value, {}, {}, slot=slot, result=ended)


def test_a_mean_counts_the_runs_that_it_is_of_and_no_later_one() -> None:
    # Slot 2 is still running, so slot 3, which ended before it, is not compared yet.
    reruns = [rerun(0, 1.0), rerun(1, 1.2), rerun(2, None), rerun(3, 1.9)]
    searched = {"cnn-0": TrialRecord("s", "cnn", 0, "complete", 0.9, {}, {})}
    known = confirmation(
        searched, reruns, seeds=5, seed=0, objective="val_loss", direction="minimize"
    )
    (entry,) = known["candidates"]
    assert round(entry["mean"]["point"], 6) == 1.1
    assert entry["values"] == [1.0, 1.2]
    assert entry["numbers"] == [0, 1]
    assert entry["optimism"]["n"] == 2
    assert entry["scores"]["val_loss"] == {"mean": 1.1, "low": 1.0, "high": 1.2}


LABELS = [0] * 6 + [1] * 4
ANSWERS = [[0] * 5 + [1] * 5, [0] * 4 + [1] * 6, [0] * 7 + [1] * 3]


def matrix(told: list[int], faces: Iterable[int] = range(10)) -> list[list[int]]:
    found = [[0, 0], [0, 0]]
    for face in faces:
        found[LABELS[face]][told[face]] += 1
    return found


def answered(slot: int, **more: Any) -> TrialRecord:
    told = ANSWERS[slot]
    right = [one == two for one, two in zip(told, LABELS, strict=True)]
    value = sum(right) / 10
    result = TrialResult(
        "complete",
        value,
        confusion=matrix(told),
        predictions=told,
        correct=pack_bits(right),
        validation_size=10,
        **more,
    )
    return TrialRecord("s", "cnn-0", slot, "complete", value, {}, {}, slot=slot, result=result)


def winner(*reruns: TrialRecord) -> dict[str, Any]:
    searched = {"cnn-0": TrialRecord("s", "cnn", 0, "complete", 0.9, {}, {})}
    known = confirmation(
        searched,
        reruns,
        seeds=3,
        seed=0,
        objective="val_accuracy",
        direction="maximize",
        classes=True,
    )
    found: dict[str, Any] = known["candidates"][0]
    return found


def test_the_winners_classes_have_intervals_over_its_runs_and_faces() -> None:
    known = winner(*(answered(slot) for slot in range(3)))
    first, second = known["per_class"]
    assert (first["faces"], first["runs"], first["given"]) == (18, 3, 16)
    assert first["recall"] == 15 / 18
    assert first["intervals"]["recall"]["low"] < 15 / 18 < first["intervals"]["recall"]["high"]
    assert first["intervals"]["recall"]["n"] == 6
    assert second["intervals"]["precision"]["n"] == 6
    assert "without_copies" not in known


def test_the_winners_classes_are_told_without_copies_where_each_run_knows_them() -> None:
    unseen = [True] * 5 + [False] + [True] * 4
    faces = [face for face in range(10) if unseen[face]]
    kept = [
        answered(slot, unseen=pack_bits(unseen), confusion_without_copies=matrix(told, faces))
        for slot, told in enumerate(ANSWERS)
    ]
    alone = winner(*kept)["without_copies"]
    assert alone["images"] == 9
    assert alone["confusion"] == [[14, 1], [1, 11]]
    first = alone["per_class"][0]
    assert (first["recall"], first["faces"]) == (14 / 15, 15)
    assert first["intervals"]["recall"]["n"] == 5
    # One that was trained before they were kept.
    assert "without_copies" not in winner(*kept[:2], answered(2))
