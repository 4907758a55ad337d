from __future__ import annotations

from pathlib import Path

import pytest

from hpo.execution.devices import Share, crowded, shares, visible_gpus
from hpo.execution.trial import train


def test_one_trial_at_a_time_has_the_whole_machine() -> None:
    assert shares(1, cores=8, gpus=["0", "1"]) == [Share(None, None)]


def test_several_share_the_cores() -> None:
    assert shares(3, cores=8, gpus=[]) == [Share(2, None)] * 3
    assert shares(4, cores=2, gpus=[]) == [Share(1, None)] * 4


def test_each_has_a_gpu_of_its_own_while_there_are_enough() -> None:
    given = shares(3, cores=6, gpus=["0", "2"])
    assert [share.gpu for share in given] == ["0", "2", "0"]


@pytest.mark.parametrize(
    ("told", "expected"), [("0, 2", ["0", "2"]), ("", []), ("-1", []), ("GPU-1f", ["GPU-1f"])]
)
def test_the_environment_says_which_gpus_may_be_used(
    told: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", told)
    assert visible_gpus() == expected


def test_the_driver_is_asked_where_the_environment_is_silent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus() == []
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 0\necho 1\n")
    program.chmod(0o755)
    assert visible_gpus() == ["0", "1"]
    program.write_text("#!/bin/sh\necho 'no driver' >&2\nexit 9\n")
    assert visible_gpus() == []


def test_a_trial_sees_the_gpu_that_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    import hpo.training.fit

    seen = []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")

    class Done(Exception):
        pass

    def look(job: object, *others: object) -> None:
        seen.append(os.environ["CUDA_VISIBLE_DEVICES"])
        raise Done

    monkeypatch.setattr(hpo.training.fit, "train", look)
    job = {
        "job_id": "x",
        "architecture": "cnn",
        "params": {},
        "dataset": "",
        "dataset_digest": "",
        "output": "",
        "seed": 0,
        "gpu": "1",
    }
    with pytest.raises(Done):
        train(lambda report: None, lambda: False, job)
    assert seen == ["1"]


def test_more_trials_than_cores_are_worth_a_word() -> None:
    assert crowded(2, cores=2, gpus=[]) is None
    assert crowded(8, cores=2, gpus=["0"]) is None
    said = crowded(200, cores=2, gpus=[])
    assert said is not None
    assert said.startswith("200 workers on 2 cores: ")
    assert "--workers 2." in said
