"""Workers that are stopped, and databases that go away: nothing is lost, nobody dies of it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpo.search.storage import sqlite_path
from hpo.search.studies import read_trials
from tests.faults.cluster import Cluster
from tests.faults.studies import elsewhere
from tests.faults.workers import rows, start, states
from tests.unit.search.analytic import make_spec, open_it

LEASE_SECONDS = 2


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for what must come.

    Raises:
        AssertionError: it did not come in time.
    """
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def epochs(url: str) -> int:
    """Count the epochs that are stored."""
    return int(rows(url, "SELECT COUNT(*) FROM trial_intermediate_values")[0][0])


def test_a_stopped_worker_loses_its_trial_and_goes_on_when_it_wakes(
    url: str, tmp_path: Path
) -> None:
    spec = make_spec(
        4, sampler="random", limits={"lease_seconds": LEASE_SECONDS}, architecture=slow(1.0)
    )
    first = start(url, spec, tmp_path / "out")
    wait_until(lambda: tables(url) and epochs(url) == 1)
    stop_between_writes(first.pid, url)
    second = start(url, spec, tmp_path / "out")
    time.sleep(3 * LEASE_SECONDS)
    # On a busy machine the second may have begun late.
    wait_until(lambda: any(r.lost for r in read_trials(url, "study", attempts=True)))
    os.kill(first.pid, signal.SIGCONT)
    for worker in (first, second):
        worker.join(60)
    assert [first.exitcode, second.exitcode] == [0, 0]

    records = read_trials(url, "study")
    assert sorted(r.slot for r in records) == list(range(4))
    assert {r.state for r in records} == {"complete"}
    (lost,) = [r for r in read_trials(url, "study", attempts=True) if r.lost]
    assert lost.result is not None
    assert lost.result.reason == "worker_lost: it gave no sign of life"
    assert lost.value is None
    (again,) = [r for r in records if r.attempt]
    assert again.retry_of == lost.number
    assert again.searched == lost.searched
    assert states(url) == {"COMPLETE": 4, "FAIL": 1}


def stop_between_writes(pid: int, url: str) -> None:
    """Stop a process where it holds no lock of the database: others could but wait for it.

    Raises:
        AssertionError: it always held one.
    """
    for _ in range(100):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.05)
        if unlocked(url):
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.05)
    raise AssertionError("it holds a lock of the database whenever it is stopped")


def unlocked(url: str) -> bool:
    """Tell whether nobody is in the middle of a change."""
    path = sqlite_path(url)
    if path is None:
        held = "SELECT COUNT(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
        return int(rows(url, held)[0][0]) == 0
    try:
        with path.with_name(f"{path.name}.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with contextlib.closing(sqlite3.connect(path, timeout=0.1)) as connection:
            connection.execute("BEGIN IMMEDIATE")
    except (BlockingIOError, sqlite3.OperationalError):
        return False
    return True


def slow(pause: float) -> dict[str, Any]:
    return {"fixed": {"epochs": 3, "pause": pause}}


def tables(url: str) -> bool:
    """Tell whether there are tables to look into yet."""
    try:
        states(url)
        epochs(url)
    except Exception:
        return False
    return True


@pytest.fixture
def restarted(server: Cluster) -> Callable[[float], None]:
    def restart(seconds_away: float) -> None:
        server.stop("immediate")
        time.sleep(seconds_away)
        server.start()

    return restart


def test_workers_outlive_a_crash_of_the_database(
    postgresql: str, restarted: Callable[[float], None], tmp_path: Path
) -> None:
    spec = make_spec(36, sampler="random", architecture=slow(0.2), limits={"lease_seconds": 6})
    workers = [start(postgresql, spec, tmp_path / "out") for _ in range(3)]
    # All three have begun: one that finds no database when it starts says so and ends.
    wait_until(
        lambda: (
            tables(postgresql)
            and states(postgresql)["COMPLETE"] >= 3
            and states(postgresql)["RUNNING"] == len(workers)
        )
    )
    restarted(8.0)
    before = states(postgresql)["COMPLETE"]
    back = time.monotonic()
    wait_until(lambda: states(postgresql)["COMPLETE"] > before, seconds=30)
    assert time.monotonic() - back < 30
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    records = read_trials(postgresql, "study")
    assert sorted(r.slot for r in records) == list(range(36))
    assert {r.state for r in records} == {"complete"}
    # All were away at once, so that nobody was taken for dead, and what was being claimed just
    # then was taken up: no epoch was trained twice.
    attempts = read_trials(postgresql, "study", attempts=True)
    assert [(r.number, r.result) for r in attempts if r.lost] == []


def seconds_up(url: str) -> float:
    return open_it(url, make_spec(1), resume=True)._attempts._seconds_up()  # type: ignore[attr-defined,no-any-return]


def test_a_server_that_came_back_tells_since_when_it_could_be_spoken_to(
    postgresql: str, restarted: Callable[[float], None]
) -> None:
    before = time.monotonic()
    restarted(0.0)
    up = elsewhere(seconds_up, postgresql)
    assert 0 <= up <= time.monotonic() - before
