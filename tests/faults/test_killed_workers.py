"""Several workers on one storage, killed as they go: the budget is used exactly, nothing is lost.

Real processes, real databases; the objective is a short sleep, since training is not the point.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpo.search.studies import read_trials
from hpo.spec.records import EpochReport, TrialResult
from hpo.spec.study import StudySpec
from tests.faults.cluster import Cluster, cluster, programs
from tests.unit.search.analytic import make_spec, open_it

WORKERS = 4
TRIALS = 60
KILL_AFTER_CLAIMS = 3


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    if programs() is None:
        pytest.skip("no PostgreSQL server is installed (Debian: postgresql)")
    # Not under pytest's own folder, whose parents other users may not enter.
    folder = Path(tempfile.mkdtemp(prefix="hpo-postgresql-"))
    folder.chmod(0o755)
    try:
        with cluster(folder / "data") as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'optuna.db'}"
    running: Cluster = request.getfixturevalue("server")
    return running.make(f"study{time.monotonic_ns()}")


def work(url: str, spec: StudySpec, claims: Any) -> None:
    engine = open_it(url, spec, resume=True)
    while (proposal := engine.ask()) is not None:
        claims.put(os.getpid())
        value = 0.01 * proposal.slot
        for epoch in (1, 2):
            time.sleep(0.01)
            engine.record_epoch(proposal.number, EpochReport(epoch, {"val_accuracy": value}, 0.01))
        engine.finish(proposal.number, TrialResult(state="complete", value=value, epochs_run=2))


def states(url: str) -> Counter[str]:
    """Count Optuna's states as another program reads them."""
    query = "SELECT state, COUNT(*) FROM trials GROUP BY state"
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            return Counter({str(state): n for state, n in database.execute(query)})
    import psycopg

    with psycopg.connect(url) as connection:
        return Counter({str(state): n for state, n in connection.execute(query)})


def test_killed_workers_neither_lose_nor_double_a_place_of_the_budget(url: str) -> None:
    context = multiprocessing.get_context("fork")
    spec = make_spec(TRIALS, sampler="random")
    claims = context.SimpleQueue()
    dice = random.Random(60)

    def start() -> Any:
        process = context.Process(target=work, args=(url, spec, claims))
        process.start()
        return process

    running = {process.pid: process for process in (start() for _ in range(WORKERS))}
    seen = killed = 0
    while any(process.is_alive() for process in running.values()):
        if claims.empty():
            time.sleep(0.002)
            continue
        claimant = claims.get()
        seen += 1
        if seen % KILL_AFTER_CLAIMS == 0 and claimant in running and killed < TRIALS // 3:
            time.sleep(dice.uniform(0, 0.03))
            os.kill(claimant, signal.SIGKILL)
            running.pop(claimant).join()
            killed += 1
            replacement = start()
            running[replacement.pid] = replacement
    assert [process.exitcode for process in running.values()] == [0] * WORKERS
    # Whoever was killed last may have left a place to nobody: what --resume is for.
    last = start()
    last.join(120)
    assert last.exitcode == 0

    records = read_trials(url, "study")
    assert sorted(record.slot for record in records) == list(range(TRIALS))
    assert {record.state for record in records} == {"complete"}
    assert all(record.value == pytest.approx(0.01 * record.slot) for record in records)
    counted = states(url)
    assert counted["COMPLETE"] == TRIALS
    assert counted["RUNNING"] == counted["WAITING"] == 0
    assert killed >= 10
    # A killed attempt that had not ended is there as failed, once; the rest were between trials.
    assert counted["FAIL"] <= killed


def test_workers_that_start_at_once_on_an_empty_database_all_work(url: str) -> None:
    context = multiprocessing.get_context("fork")
    spec = make_spec(16, sampler="random")
    claims = context.SimpleQueue()
    workers = [context.Process(target=work, args=(url, spec, claims)) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * 8
    assert sorted(r.slot for r in read_trials(url, "study", attempts=True)) == list(range(16))
