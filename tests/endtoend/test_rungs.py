"""A trial that continues the rung below ends as one that takes the whole course at once."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from hpo.data.store import write_faces
from hpo.spec.records import EpochReport, TrialJob, TrialResult
from hpo.training.fit import train
from tests.endtoend.bars import TINY, bars

pytestmark = [
    pytest.mark.keras,
    # TensorFlow's, about an argument that its own arrays lack under numpy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

HOW: dict[str, dict[str, Any]] = {
    "cosine with warm-up": {
        "schedule": "cosine",
        "warmup_fraction": 0.25,
        "flip": True,
        "dropout": 0.2,
    },
    "plateau, an average, impatient": {
        "ema": True,
        "plateau_patience": 1,
        "early_stopping_patience": 1,
        "learning_rate": 0.05,
    },
}


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> TrialJob:
    folder = tmp_path_factory.mktemp("rungs")
    splits = {"train": bars(96, 0), "validation": bars(48, 1)}
    dataset = write_faces(folder / "bars", "bars", splits, {"kind": "test"})
    params = {**TINY, "epochs": 5}
    return TrialJob(
        "t/cnn/0", "cnn", params, str(folder / "bars"), dataset.digest, str(folder / "out"), seed=7
    )


def at_rung(job: TrialJob, folder: Path, epochs: int, **changes: Any) -> TrialJob:
    params = {**job.params, "epochs": epochs}
    return dataclasses.replace(job, params=params, output=str(folder), **changes)


def trained(job: TrialJob) -> tuple[TrialResult, list[EpochReport]]:
    seen: list[EpochReport] = []
    return train(job, seen.append, lambda: False), seen


@pytest.mark.parametrize("how", HOW)
def test_rung_by_rung_is_the_course_of_one_trial_with_rungs(
    how: str, job: TrialJob, tmp_path: Path
) -> None:
    job = dataclasses.replace(job, params={**job.params, **HOW[how]})
    first, one = trained(at_rung(job, tmp_path / "1", 1, leave_state=True))
    second, two = trained(
        at_rung(
            job, tmp_path / "2", 3, rungs=[1], continue_from=str(tmp_path / "1"), leave_state=True
        )
    )
    third, three = trained(
        at_rung(job, tmp_path / "3", 5, rungs=[1, 3], continue_from=str(tmp_path / "2"))
    )
    assert first.notes == second.notes == third.notes == []
    assert (second.continued_from_epoch, third.continued_from_epoch) == (1, second.epochs_run)
    assert any((tmp_path / "2").glob("state*")), "it stays for the next rung"
    assert not any((tmp_path / "3").glob("state*")), "there is none above the last"

    whole, epochs = trained(at_rung(job, tmp_path / "whole", 5, rungs=[1, 3]))
    assert [e.metrics for e in [*one, *two, *three]] == [e.metrics for e in epochs]
    assert (third.value, third.best_epoch, third.epochs_run, third.predictions) == (
        whole.value,
        whole.best_epoch,
        whole.epochs_run,
        whole.predictions,
    )


def test_a_state_that_is_gone_or_damaged_costs_its_epochs_and_nothing_else(
    job: TrialJob, tmp_path: Path
) -> None:
    _, one = trained(at_rung(job, tmp_path / "1", 1, leave_state=True))
    shutil.copytree(tmp_path / "1", tmp_path / "damaged")
    (tmp_path / "damaged" / "state-1.npz").write_bytes(b"nothing")
    again = at_rung(job, tmp_path / "on", 3, rungs=[1], continue_from=str(tmp_path / "1"))
    whole, rest = trained(again)
    for folder in (tmp_path / "gone", tmp_path / "damaged"):
        result, epochs = trained(
            dataclasses.replace(again, continue_from=str(folder), output=f"{folder}-out")
        )
        assert result.continued_from_epoch == 0
        assert "began at the first epoch" in result.notes[0]
        assert [e.metrics for e in epochs] == [e.metrics for e in [*one, *rest]]
        assert (result.value, result.predictions) == (whole.value, whole.predictions)


def test_other_epochs_are_another_trials_unless_a_rung_says_so(
    job: TrialJob, tmp_path: Path
) -> None:
    trained(at_rung(job, tmp_path / "1", 1, leave_state=True))
    result, _ = trained(at_rung(job, tmp_path / "on", 2, continue_from=str(tmp_path / "1")))
    assert "differs in parameter epochs" in result.notes[0]
