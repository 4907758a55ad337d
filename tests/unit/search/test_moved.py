"""A trial's checkpoint is the one beside the database that tells of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from hpo.search.moved import beside
from hpo.spec.records import TrialRecord, TrialResult

OLD = "/old/mlruns/checkpoints/study/cnn/3/model.keras"


def test_a_checkpoint_that_came_along_is_taken_in_place_of_the_old_path(tmp_path: Path) -> None:
    result = TrialResult("complete", 0.5, checkpoint=OLD)
    record = TrialRecord("study", "cnn", 3, "complete", 0.5, {}, {}, result=result)
    database = tmp_path / "optuna.db"
    assert beside(database, record) is record
    here = tmp_path / "checkpoints" / "study" / "cnn" / "3" / "model.keras"
    here.parent.mkdir(parents=True)
    here.touch()
    found = beside(database, record).result
    assert found == dataclasses.replace(result, checkpoint=str(here))
    assert record.result is result
    running = dataclasses.replace(record, result=None)
    assert beside(database, running) is running
