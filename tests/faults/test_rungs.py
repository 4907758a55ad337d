"""A study with rungs and repeats, cut off at random points, comes to what it would have been."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from hpo.search.studies import read_trials
from hpo.spec.workspace import Workspace
from hpo.study.doctor import doctor
from tests.faults.studies import elsewhere, prepared, study_of
from tests.faults.test_interruptions import begin, heard


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = elsewhere(prepared, tmp_path_factory.mktemp("faces"))
    return made


def workspace_of(faces: Path, home: Path) -> Workspace:
    home.mkdir()
    shutil.copytree(faces, home / "data")
    # Three configurations for five places: two are repeats.
    section = {
        "fixed": {"epochs": 4},
        "space": {"learning_rate": {"type": "float", "low": 0.001, "high": 0.003, "step": 0.001}},
        "enqueue": [],
    }
    fidelity = {"name": "successive_halving", "rungs": [1, 2, 4], "reduction_factor": 2}
    spec = study_of(
        5, fidelity=fidelity, pruner="none", architectures={"cnn": section}, promote=False
    )
    (home / "study.yaml").write_text(yaml.safe_dump(spec.to_plain()))
    return Workspace.at(home)


def course(workspace: Workspace) -> list[Any]:
    """What a study comes to: each configuration at each rung, and who took another's value."""
    records = read_trials(workspace.storage_url(), "study")
    return sorted(
        (r.slot, r.rung, sorted(r.searched.items()), r.seed, r.state, r.value, r.repeats is None)
        for r in records
    )


# The contract cuts rungs off in one process, and other faults do so to real ones without rungs.
@pytest.mark.slow
def test_rungs_and_repeats_survive_kills_and_signals(faces: Path, tmp_path: Path) -> None:
    whole = workspace_of(faces, tmp_path / "whole")
    process = begin(whole, pause=0.05)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    expected = elsewhere(course, whole)
    assert sum(not trained for *_, trained in expected) == 2
    assert {rung for _, rung, *_ in expected} == {0, 1, 2}

    workspace = workspace_of(faces, tmp_path / "cut")
    dice = random.Random(5)
    cuts = 0
    while cuts < 40:
        process = begin(workspace, "--resume", pause=0.15)
        if heard(process, "starts"):
            time.sleep(dice.uniform(0.0, 0.8))
            os.killpg(process.pid, dice.choice([signal.SIGKILL, signal.SIGINT, signal.SIGTERM]))
            cuts += 1
        _, told = process.communicate(timeout=60)
        assert process.returncode in (0, -9, 130, 143), told
        if process.returncode == 0:
            break
    assert cuts >= 2
    assert elsewhere(course, workspace) == expected
    assert elsewhere(doctor, "study", workspace=workspace).problems == []
