"""What a search comes to, in words."""

from __future__ import annotations

from hpo.spec.records import TrialRecord
from hpo.study.outcome import StudyOutcome, judgement


def test_how_many_trials_break_a_constraint_cannot_be_read_as_its_unit() -> None:
    trials = [
        TrialRecord("s", "cnn", n, "complete", 0.5, {}, {}, excess=excess)
        for n, excess in enumerate(({"size_mib": 1.0, "latency_ms": 2.0}, {"latency_ms": 1.0}))
    ]
    (said,) = judgement(trials)
    assert said == (
        "2 of 2 complete trials break a constraint (size_mib: 1 trial, latency_ms: 2 trials)."
    )


def test_what_a_promotion_repeats_of_the_confirmation_is_said_once() -> None:
    outcome = StudyOutcome("s", "val_accuracy", {"cnn": 2}, [], notes=["No winner is shown."])
    outcome.say(["No winner is shown.", "Of one run: 0.31."])
    assert outcome.notes == ["No winner is shown.", "Of one run: 0.31."]
