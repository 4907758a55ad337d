"""Several workers on one storage, killed as they go: the budget is used exactly, nothing is lost.

Real processes, real databases, MLflow beside them; the objective is a short sleep, since training
is not the point.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from hpo.search.studies import read_trials
from hpo.spec.study import StudySpec
from tests.faults.mlflow_rows import trial_runs
from tests.faults.workers import Claims, start, states
from tests.unit.search.analytic import make_spec

WORKERS = 4
TRIALS = 45
KILL_AFTER_CLAIMS = 3


def kill_as_they_go(
    url: str, spec: StudySpec, home: Path, tracking_uri: str, workers: int, seed: int
) -> int:
    """Run a study with workers of which one is killed after every third claim; return how many."""
    claims = Claims()
    dice = random.Random(seed)

    def begin() -> Any:
        return start(url, spec, home, tracking_uri=tracking_uri, claims=claims)

    running = {process.pid: process for process in (begin() for _ in range(workers))}
    seen = killed = 0
    while any(process.is_alive() for process in running.values()):
        if claims.empty():
            time.sleep(0.002)
            continue
        claimant = claims.get()
        seen += 1
        if seen % KILL_AFTER_CLAIMS == 0 and claimant in running and killed < spec.budget.trials:
            time.sleep(dice.uniform(0, 0.3))
            os.kill(claimant, signal.SIGKILL)
            running.pop(claimant).join()
            killed += 1
            replacement = begin()
            running[replacement.pid] = replacement
    assert [process.exitcode for process in running.values()] == [0] * workers
    return killed


def test_killed_workers_neither_lose_nor_double_a_place_of_the_budget(
    url: str, mlflow_tables: Path, tmp_path: Path
) -> None:
    # With tables: making them takes seconds that no worker should be killed in.
    tracking_uri = f"sqlite:///{shutil.copy(mlflow_tables, tmp_path)}"
    spec = make_spec(TRIALS, sampler="random")
    killed = kill_as_they_go(url, spec, tmp_path / "out", tracking_uri, WORKERS, seed=45)

    records = read_trials(url, "study")
    assert sorted(record.slot for record in records) == list(range(TRIALS))
    assert {record.state for record in records} == {"complete"}
    counted = states(url)
    assert counted["COMPLETE"] == TRIALS
    assert counted["RUNNING"] == counted["WAITING"] == 0
    assert killed >= 10
    attempts = read_trials(url, "study", attempts=True)
    # A killed attempt that had not ended is there as failed, once; the rest were between trials.
    assert len(attempts) - TRIALS == counted["FAIL"] <= killed
    assert trial_runs(tmp_path / "mlflow.db") == {
        r.number: (r.state, r.value, r.params["layers"], r.mlflow_run_id) for r in attempts
    }


@pytest.mark.parametrize("workers", [8])
def test_workers_that_start_at_once_on_an_empty_database_all_work(
    url: str, workers: int, tmp_path: Path
) -> None:
    spec = make_spec(16, sampler="random")
    started = [start(url, spec, tmp_path / "out") for _ in range(workers)]
    for worker in started:
        worker.join(120)
    assert [worker.exitcode for worker in started] == [0] * workers
    assert sorted(r.slot for r in read_trials(url, "study", attempts=True)) == list(range(16))


def test_queued_trials_run_once_each(url: str, tmp_path: Path) -> None:
    queue = [{"learning_rate": 1e-3, "layers": n % 8 + 1, "tag": n} for n in range(60)]
    spec = make_spec(60, sampler="random", architecture={"enqueue": queue})
    workers = [start(url, spec, tmp_path / "out") for _ in range(8)]
    for worker in workers:
        worker.join(300)
    assert [worker.exitcode for worker in workers] == [0] * 8
    records = read_trials(url, "study", attempts=True)
    assert sorted(r.params["tag"] for r in records) == list(range(60))
    assert {r.state for r in records} == {"complete"}
