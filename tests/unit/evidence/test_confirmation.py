"""What re-runs support while some are still running."""

from __future__ import annotations

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


def test_the_winners_classes_have_intervals_over_its_runs_and_faces() -> None:
    labels = [0] * 6 + [1] * 4
    answers = [[0] * 5 + [1] * 5, [0] * 4 + [1] * 6, [0] * 7 + [1] * 3]
    reruns = []
    for slot, told in enumerate(answers):
        right = [one == two for one, two in zip(told, labels, strict=True)]
        matrix = [[0, 0], [0, 0]]
        for true, given in zip(labels, told, strict=True):
            matrix[true][given] += 1
        value = sum(right) / 10
        result = TrialResult(
            "complete",
            value,
            confusion=matrix,
            predictions=told,
            correct=pack_bits(right),
            validation_size=10,
        )
        reruns.append(
            TrialRecord("s", "cnn-0", slot, "complete", value, {}, {}, slot=slot, result=result)
        )
    searched = {"cnn-0": TrialRecord("s", "cnn", 0, "complete", 0.9, {}, {})}
    known = confirmation(
        searched, reruns, seeds=3, seed=0, objective="val_accuracy", direction="maximize"
    )
    first, second = known["candidates"][0]["per_class"]
    assert (first["faces"], first["runs"], first["given"]) == (18, 3, 16)
    assert first["recall"] == 15 / 18
    assert first["intervals"]["recall"]["low"] < 15 / 18 < first["intervals"]["recall"]["high"]
    assert first["intervals"]["recall"]["n"] == 6
    assert second["intervals"]["precision"]["n"] == 6
