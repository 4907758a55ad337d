"""What does a process per trial cost, and does what stays alive stay small?

    python benchmarks/isolation.py [--json] [--only starts,memory] [--repeats 7] [--trained 50]
                                   [--trials 1000]

``starts``: seconds from asking for a trial's process until its function runs with Keras imported
("ready"), and until a tiny model is built ("built"), in a fork of the warmed server and in a fresh
interpreter, in turn, one of each uncounted. Target: ready 20 times faster.

``memory``: resident memory of the supervisor and of the fork server after trial 5 and after trial
50 of a study that trains a tiny CNN as ``hpo run`` does, MLflow on SQLite beside. Target: less than
2 % growth. ``--trials N`` adds N trials of an analytic objective (three epochs of 50 ms), without
and with MLflow's mirror: memory after trial 100 and at the end.

Takes a minute for the starts, some minutes for the memory, ten more with ``--trials 1000``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measuring import fork_server_pid, machine, progress, spread, told
from ways import FIXED

from hpo.execution.children import ChildServer
from hpo.execution.running_job import resident_bytes
from hpo.execution.watch import Silence
from hpo.spec.records import TrialResult
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.running import run
from tests.faults.studies import elsewhere
from tests.faults.workers import work
from tests.unit.search.analytic import make_spec

FASTER, GROWTH_PERCENT = 20, 2
_MIB = 2**20


def started(repeats: int) -> dict[str, Any]:
    """Time both kinds of process in turn."""
    server = ChildServer()
    forked(server)
    fresh()
    rounds = [(forked(server), fresh()) for _ in range(repeats)]
    found: dict[str, Any] = {}
    for point in ("ready", "built", "ready_cpu", "built_cpu"):
        found[point] = {
            "forked": spread((f[point] for f, _ in rounds), 4),
            "fresh": spread((n[point] for _, n in rounds), 4),
            "times_faster": spread((n[point] / f[point] for f, n in rounds), 1),
        }
    return found


def forked(server: ChildServer) -> dict[str, float]:
    """Seconds to each point in a fork of the server."""
    began = time.monotonic()
    return _since(began, server.call("first_model:in_child"))


def fresh() -> dict[str, float]:
    """Seconds to each point in a fresh interpreter."""
    began = time.monotonic()
    script = Path(__file__).with_name("first_model.py")
    told = subprocess.run([sys.executable, str(script)], capture_output=True, check=True)
    return _since(began, json.loads(told.stdout))


def _since(began: float, clock: dict[str, float]) -> dict[str, float]:
    return {k: v if k.endswith("_cpu") else v - began for k, v in clock.items()}


class Memory(Silence):
    """Notes the resident memory of this process and of its fork server after certain trials."""

    def __init__(self, *marks: int) -> None:
        self._marks = marks
        self._done = 0
        self.seen: dict[int, tuple[int, int]] = {}

    def trial_finished(self, label: str, number: int, result: TrialResult, seconds: float) -> None:
        assert result.state == "complete", result.reason
        self._done += 1
        if self._done in self._marks:
            self.seen[self._done] = resident_bytes(os.getpid()), resident_bytes(fork_server_pid())


def trained(home: Path, trials: int) -> dict[int, tuple[int, int]]:
    """Train so many trials as ``hpo run`` does; return the memory after some of them."""
    space = {"learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True}}
    spec = StudySpec.model_validate(
        {
            "name": "memory",
            "data": {"dataset": "drawn-faces", "train_limit": 70, "validation_limit": 70},
            "budget": {"trials": trials},
            "pruner": "none",
            "architectures": {
                "cnn": {"fixed": {**FIXED, "epochs": 1}, "space": space, "enqueue": []}
            },
        }
    )
    memory = Memory(5, trials // 2, trials)
    run(spec, workspace=Workspace.at(home), watcher=memory)
    return memory.seen


def analytic(home: Path, trials: int, *, mirror: bool) -> dict[int, tuple[int, int]]:
    """Run so many trials without training; return the memory after some of them."""
    spec = make_spec(trials, architecture={"fixed": {"epochs": 3, "pause": 0.05}})
    memory = Memory(100, trials // 2, trials)
    work(
        f"sqlite:///{home}/optuna.db",
        spec,
        home / "out",
        tracking_uri=f"sqlite:///{home}/mlflow.db" if mirror else None,
        watcher=memory,
    )
    return memory.seen


def grown(seen: dict[int, tuple[int, int]]) -> dict[str, Any]:
    """MiB after each noted trial, and the growth from the first to the last in percent."""
    found: dict[str, Any] = {}
    for i, name in enumerate(("supervisor", "fork_server")):
        sizes = {n: round(both[i] / _MIB, 1) for n, both in sorted(seen.items())}
        first, *_, last = sizes.values()
        percent = round(100 * (last - first) / first, 2)
        found[name] = {"mib_after_trial": sizes, "growth_percent": percent}
    return found


def memory(trained_trials: int, analytic_trials: int) -> dict[str, Any]:
    """Each study in a process of its own, so that none sees another's memory."""
    found = {}
    with tempfile.TemporaryDirectory() as home:
        seen = elsewhere(trained, Path(home), trained_trials)
        name = f"{trained_trials} trained trials, mirrored"
        found[name] = progress(name, grown(seen))
    for mirror in (False, True) if analytic_trials else ():
        with tempfile.TemporaryDirectory() as home:
            seen = elsewhere(analytic, Path(home), analytic_trials, mirror=mirror)
            way = "mirrored" if mirror else "no mirror"
            name = f"{analytic_trials} analytic trials, {way}"
            found[name] = progress(name, grown(seen))
    return found


def lines(result: dict[str, Any]) -> Iterator[str]:
    """The figures for people."""
    for point, kinds in result.get("starts", {}).items():
        target = f" (target {FASTER})" if point == "ready" else ""
        yield told(f"{point}, forked", kinds["forked"], "s")
        yield told(f"{point}, fresh", kinds["fresh"], "s")
        yield told(f"{point}, times faster{target}", kinds["times_faster"])
    for name, processes in result.get("memory", {}).items():
        yield f"{name}: MiB after trial (target: growth below {GROWTH_PERCENT} %)"
        for process, value in processes.items():
            sizes = ", ".join(f"{n}: {size}" for n, size in value["mib_after_trial"].items())
            yield f"  {process:14} {sizes}; {value['growth_percent']:+.2f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    parser.add_argument("--only", default="starts,memory", help="starts,memory")
    parser.add_argument("--repeats", type=int, default=7, help="starts of each kind that count")
    parser.add_argument("--trained", type=int, default=50, help="trials that train")
    parser.add_argument("--trials", type=int, default=0, help="analytic trials; 0 for none")
    given = parser.parse_args()
    result: dict[str, Any] = {}
    if "memory" in given.only:  # before this process has a fork server, which forks would share
        result["memory"] = memory(given.trained, given.trials)
    if "starts" in given.only:
        result["starts"] = started(given.repeats)
    result |= machine()
    print(json.dumps(result, indent=1) if given.json else "\n".join(lines(result)))
    if not given.json:
        print(machine())


if __name__ == "__main__":
    main()
