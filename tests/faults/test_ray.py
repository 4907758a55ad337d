"""A node of a Ray cluster dies in the middle of a study: its trials move, and nothing is lost."""

from __future__ import annotations

import importlib.util
import itertools
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hpo.search.studies import read_trials
from tests.faults.launching import end_all, outcome_of, start, workspace_with_faces, write_study
from tests.faults.listening import descendants
from tests.faults.ray_nodes import nodes
from tests.faults.recorded import Span, spans
from tests.faults.workers import states

# Asked without importing it: nothing of this process is part of a cluster.
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None,
    reason="ray is not installed: pip install 'hpo[ray]'",
)

TRIALS = 10
WAIT_SECONDS = 300


def wait_for(log: Path, begun: Callable[[], Any]) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while not begun():
        assert time.monotonic() < until, log.read_text()[-2000:]
        time.sleep(0.05)


def nodes_of(home: Path) -> set[str]:
    return {span.node for span in spans(home)}


def overlapping(found: list[Span]) -> list[tuple[Span, Span]]:
    """Pairs of trials that had the same GPU of the same node at the same time."""
    return [
        (one, other)
        for one, other in itertools.combinations(found, 2)
        if (one.node, one.gpu) == (other.node, other.gpu)
        and one.began < other.ended
        and other.began < one.ended
    ]


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    end_all()


@pytest.mark.parametrize(
    "url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)
def test_the_trials_of_a_node_that_dies_move_and_no_gpu_is_given_twice(
    url: str, tmp_path: Path, faces: Path
) -> None:
    home = workspace_with_faces(faces, tmp_path)
    environment = {"RAY_AUTH_TOKEN": secrets.token_hex(32), "HPO_STORAGE": url}
    with nodes(environment, tmp_path / "ray.txt") as cluster:
        launcher = {
            "name": "ray",
            "workers": 2,
            "num_cpus": 1,
            "num_gpus": 1,
            "address": cluster.address,
        }
        file = write_study(home, launcher, trials=TRIALS, epochs=4, pause=0.5)
        process = start(file, **environment)
        log = home / "stderr.txt"
        # Only then: a coordinator is part of the node that it finds first, and dies with it.
        wait_for(log, lambda: "workers start when one does" in log.read_text())
        one, two = cluster.add(), cluster.add()
        wait_for(log, lambda: nodes_of(home) == {one, two})
        # In the middle of a trial of two seconds, and not between two.
        wait_for(log, lambda: any(s.node == one and s.age() < 0.5 for s in spans(home)))
        cluster.kill(one)
        three = cluster.add()
        outcome = outcome_of(process)

    assert outcome["rows"][0]["complete"] == TRIALS
    records = read_trials(url, "study")
    assert sorted(record.slot for record in records) == list(range(TRIALS))
    counted = states(url)
    assert set(counted) == {"COMPLETE", "FAIL"}
    assert counted["COMPLETE"] == TRIALS
    (lost,) = [r for r in read_trials(url, "study", attempts=True) if r.lost]
    (again,) = [r for r in records if r.retry_of == lost.number]
    assert (again.slot, again.searched, again.seed) == (lost.slot, lost.searched, lost.seed)

    found = spans(home)
    assert {span.gpu for span in found} == {"0"}, "each node has one GPU, and calls it 0"
    assert {span.threads for span in found} == {1}
    assert overlapping(found) == []
    assert next(s.node for s in found if s.number == lost.number) == one
    assert next(s.node for s in found if s.number == again.number) in {two, three}
    told = log.read_text()
    assert "was lost; another is placed" in told
    if "postgresql" in url:
        assert url not in told
    assert not os.path.exists(f"/proc/{one}")


def workers_of(pid: int) -> list[int]:
    """The processes of Ray below a process in which a worker runs."""
    return [
        child
        for child in descendants(pid)
        if Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"ray::RemoteWorker")
    ]


def test_a_worker_that_is_killed_is_placed_again_and_its_trial_ends_with_it(
    tmp_path: Path, faces: Path
) -> None:
    home = workspace_with_faces(faces, tmp_path)
    file = write_study(home, {"name": "ray"}, trials=2, epochs=1, pause=30)
    process = start(file)
    log = home / "stderr.txt"
    wait_for(log, lambda: spans(home))
    (worker,) = workers_of(process.pid)
    below = [pid for pid in descendants(worker) if Path(f"/proc/{pid}").exists()]
    os.kill(worker, signal.SIGKILL)
    # The trial would sleep for half a minute, on the GPU that the next worker is given.
    wait_for(log, lambda: not any(Path(f"/proc/{pid}").exists() for pid in below))
    wait_for(log, lambda: "was lost; another is placed" in log.read_text())
    wait_for(log, lambda: len(spans(home)) == 2)
    first, second = spans(home)
    assert second.began - first.began < 30
    process.send_signal(signal.SIGTERM)
    # Two signals that come before the first is taken are one to the system.
    wait_for(log, lambda: "Finishing the trials at hand" in log.read_text())
    process.send_signal(signal.SIGTERM)
    outcome_of(process, code=143)
