"""What re-runs support while some are still running."""

from __future__ import annotations

from hpo.evidence.confirmation import confirmation
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
