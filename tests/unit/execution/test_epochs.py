"""Which epochs a trial has that may go on from an earlier attempt's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpo.execution import epochs as module
from hpo.execution.epochs import Epochs
from hpo.execution.watch import Silence
from hpo.spec.records import EpochReport, TrialJob
from hpo.tracking.mirror import NullMirror


class Engine:
    """Notes the epochs that it is told; says that the trial is its own."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.inherited: list[int] = []
        self.held = True

    def record_epoch(self, number: int, report: EpochReport, *, inherited: bool = False) -> bool:
        self.told.append(report.epoch)
        if inherited:
            self.inherited.append(report.epoch)
        return self.held

    def should_prune(self, number: int) -> bool:
        return False


@pytest.fixture
def engine() -> Engine:
    return Engine()


def going_on(
    monkeypatch: pytest.MonkeyPatch,
    engine: Any,
    tmp_path: Path,
    earlier: int = 3,
    rungs: list[int] | None = None,
) -> Epochs:
    monkeypatch.setattr(module, "finished_epochs", lambda folder: reports(earlier))
    job = TrialJob(
        job_id="s/cnn/1",
        architecture="cnn",
        params={"epochs": 5},
        dataset="d",
        dataset_digest="x",
        output=str(tmp_path),
        seed=1,
        continue_from=str(tmp_path),
        rungs=rungs or [],
    )
    return Epochs(engine, NullMirror(), Silence(), "cnn", 1, job)


def reports(last: int) -> list[EpochReport]:
    return [EpochReport(epoch, {"val_accuracy": 0.5}, 1.0) for epoch in range(1, last + 1)]


def test_earlier_epochs_are_told_once_the_trial_goes_on(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, tmp_path: Path
) -> None:
    epochs = going_on(monkeypatch, engine, tmp_path)
    assert engine.told == []
    assert not epochs(EpochReport(4, {}, 1.0))
    assert not epochs(EpochReport(5, {}, 1.0))
    assert engine.told == [1, 2, 3, 4, 5]


def test_a_trial_that_starts_over_has_none_of_them(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, tmp_path: Path
) -> None:
    epochs = going_on(monkeypatch, engine, tmp_path)
    for epoch in range(1, 6):
        assert not epochs(EpochReport(epoch, {}, 1.0))
    epochs.reached(5)
    assert engine.told == [1, 2, 3, 4, 5]
    assert not epochs._untold


def test_an_attempt_that_had_only_its_end_to_tell_has_them_all(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, tmp_path: Path
) -> None:
    epochs = going_on(monkeypatch, engine, tmp_path, earlier=5)
    epochs.reached(5)
    assert engine.told == [1, 2, 3, 4, 5]


def test_a_trial_that_is_no_longer_ours_stops(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, tmp_path: Path
) -> None:
    engine.held = False
    assert going_on(monkeypatch, engine, tmp_path)(EpochReport(1, {}, 1.0))


def test_epochs_of_the_rung_below_count_there(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, tmp_path: Path
) -> None:
    epochs = going_on(monkeypatch, engine, tmp_path, earlier=3, rungs=[1, 2])
    epochs(EpochReport(4, {"val_accuracy": 0.5}, 1.0))
    assert engine.told == [1, 2, 3, 4]
    assert engine.inherited == [1, 2], "the third was a lost attempt's of this very rung"
