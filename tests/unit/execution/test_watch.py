"""A watcher of some things passes over the others."""

from __future__ import annotations

from hpo.execution.watch import Silence, StudyStart
from hpo.spec.records import EpochReport, TrialResult


def test_silence_hears_everything_and_does_nothing() -> None:
    told: list[str] = []

    class Notes(Silence):
        def note(self, text: str) -> None:
            told.append(text)

    watcher = Notes()
    watcher.study_started(StudyStart("s", {"cnn": 2}, {}, "val_accuracy", "maximize"))
    watcher.trial_started("cnn", 0, {}, 3, "sampler")
    watcher.epoch_finished("cnn", 0, EpochReport(1, {}, 0.1))
    watcher.trial_finished("cnn", 0, TrialResult(state="complete"), 1.0)
    watcher.trial_released("cnn", 1, "it was lost")
    watcher.note("one line")
    assert told == ["one line"]
