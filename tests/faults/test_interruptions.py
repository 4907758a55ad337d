"""A study cut off anywhere, by signals and kills, goes on to what it would have been.

The command line itself, in processes of its own; one worker and a deterministic objective.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from hpo.search.studies import read_trials
from hpo.spec.workspace import Workspace
from hpo.study.doctor import doctor
from tests import loaded
from tests.faults.studies import copied, elsewhere, study_of

TRIALS = 6


def workspace_of(template: Path, home: Path) -> Workspace:
    workspace = copied(template, home)
    spec = study_of(
        TRIALS,
        sampler={"name": "tpe", "n_startup_trials": 3},
        pruner={"name": "median", "startup_trials": 2, "warmup_epochs": 1},
        promote=False,
    )
    (home / "study.yaml").write_text(yaml.safe_dump(spec.to_plain()))
    return workspace


def begin(workspace: Workspace, *more: str, pause: float = 0.15) -> loaded.Program:
    """Start the study; an epoch takes ``pause`` seconds: long enough to be cut in the middle."""
    return loaded.begin(
        "tests.faults.cli",
        ["--home", str(workspace.home), "run", str(workspace.home / "study.yaml"), *more],
        env={**os.environ, "HPO_TEST_PAUSE": str(pause)},
    )


def heard(process: loaded.Program, words: str) -> bool:
    """Wait for a line with these words; False if the process ended without saying them."""
    return any(words in line for line in process.lines())


def course(workspace: Workspace) -> list[Any]:
    """What a study comes to: each place of its budget, its configuration, seed and outcome."""
    records = read_trials(workspace.storage_url(), "study")
    return [
        (r.slot, r.searched, r.seed, r.state, r.value, len(r.epochs))
        for r in sorted(records, key=lambda r: r.slot)
    ]


@pytest.fixture(scope="module")
def uninterrupted(template: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    workspace = workspace_of(template, tmp_path_factory.mktemp("whole") / "home")
    process = begin(workspace)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    return elsewhere(course, workspace)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("signals", "code", "given_up"),
    [
        ([signal.SIGINT], 130, 0),
        ([signal.SIGTERM], 143, 0),
        ([signal.SIGINT, signal.SIGINT], 130, 1),
        ([signal.SIGTERM, signal.SIGTERM], 143, 1),
    ],
    ids=["Ctrl-C", "SIGTERM", "Ctrl-C twice", "SIGTERM twice"],
)
def test_signals_drain_then_stop_at_once_and_the_study_goes_on_exactly(
    signals: list[signal.Signals],
    code: int,
    given_up: int,
    template: Path,
    uninterrupted: list[Any],
    tmp_path: Path,
) -> None:
    workspace = workspace_of(template, tmp_path / "home")
    # Where the trial at hand is to be given up, it must not have ended by itself before.
    process = begin(workspace, pause=2 if given_up else 0.5)
    assert heard(process, "cnn #1 starts")
    for number, answer in zip(signals, ("Finishing the trials", "Stopping at once"), strict=False):
        # To the whole group, as a terminal and a scheduler do. The system makes one of two signals
        # that come before the first is taken, so the second waits for the answer to the first.
        os.killpg(process.pid, number)
        assert heard(process, answer)
    process.communicate(timeout=60)
    assert process.returncode == code
    attempts = elsewhere(read_trials, workspace.storage_url(), "study", attempts=True)
    assert len([r for r in attempts if r.lost]) == given_up
    assert {r.state for r in attempts} <= {"complete", "pruned", "failed"}
    assert len(attempts) == 2, "no further trial begins"

    process = begin(workspace, "--resume")
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert elsewhere(course, workspace) == uninterrupted


def test_a_study_cut_at_random_points_comes_to_what_it_would_have_been(
    template: Path, uninterrupted: list[Any], tmp_path: Path
) -> None:
    workspace = workspace_of(template, tmp_path / "home")
    dice = random.Random(8)
    cuts = 0
    while cuts < 40:
        process = begin(workspace, "--resume")
        if heard(process, "starts"):
            time.sleep(dice.uniform(0.0, 0.5))
            os.killpg(process.pid, dice.choice([signal.SIGKILL, signal.SIGINT, signal.SIGTERM]))
            cuts += 1
        _, told = process.communicate(timeout=60)
        assert process.returncode in (0, -9, 130, 143), told
        if process.returncode == 0:
            break
    assert cuts >= 2
    assert elsewhere(course, workspace) == uninterrupted
    found = elsewhere(doctor, "study", workspace=workspace)
    assert found.problems == []
