"""Do four workers finish four times as many trials, and what does a trial cost the storage?

    python benchmarks/scaling.py [--json] [--only workers,costs] [--repeats 3] [--n 30]
                                 [--databases sqlite,postgresql] [--trials 15] [--mirror]

``workers``: trials that sleep for 1 s, on a temporary PostgreSQL on loopback; in each round one
worker, then four workers (processes forked from a loaded parent, one trial at a time each), then
one process with ``workers: 4``. Efficiency is trials per second over four times those of the one
worker of the same round, from the first trial's start to the last one's end. CPU milliseconds per
trial stand apart for supervisors and for their trials' processes (fork servers included).

``costs``: wall and CPU milliseconds of claim, report and tell with 1,000 trials in the storage, on
SQLite and PostgreSQL, by random search and TPE, alone and with MLflow's mirror on SQLite until it
has written all; beside them ask, five reports and tell of Optuna alone. ``operations.py`` has them.

Targets: efficiency 0.85; 150 ms for claim, five reports and tell, 300 ms with the mirror. Medians
and ranges; on two cores that do other work too, CPU time is the steadier figure. Takes ten minutes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measuring import cpu_seconds, databases, fork_server_pid, machine, progress, spread, told
from operations import BareOptuna, costs, drawn

from hpo.execution.watch import Silence
from hpo.spec.records import TrialResult
from hpo.spec.study import StudySpec
from tests.faults.studies import elsewhere
from tests.faults.workers import work
from tests.stores import make_mlflow_tables
from tests.unit.search.analytic import make_spec

WORKERS = 4
SLEEP_SECONDS = 1.0
STORED = 1000
EFFICIENCY, ALONE_MS, MIRRORED_MS = 0.85, 150, 300


class Clock(Silence):
    """Notes when the first trial began, and at each end the time and the CPU time so far."""

    def __init__(self) -> None:
        self.began = 0.0
        self.ends: list[tuple[float, float, float]] = []

    def trial_started(self, *told: Any) -> None:
        self.began = self.began or time.monotonic()

    def trial_finished(self, label: str, number: int, result: TrialResult, seconds: float) -> None:
        assert result.state == "complete", result.reason
        children = cpu_seconds(fork_server_pid())
        self.ends.append((time.monotonic(), time.process_time(), children))


def member(sender: Any, url: str, spec: StudySpec, home: Path, tracking_uri: str | None) -> None:
    """Be one worker, and send what it saw."""
    os.setpgrp()
    clock = Clock()
    work(url, spec, home, tracking_uri=tracking_uri, watcher=clock)
    sender.send((clock.began, clock.ends))


def crew(url: str, spec: StudySpec, home: Path, count: int, *, mirror: bool) -> dict[str, float]:
    """Run a study with so many workers; return trials per second and CPU seconds per trial."""
    home.mkdir()
    tracking_uri = f"sqlite:///{home}/mlflow.db" if mirror else None
    if tracking_uri:
        elsewhere(make_mlflow_tables, home / "mlflow.db")
    context = multiprocessing.get_context("fork")
    receivers, processes = [], []
    for _ in range(count):
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=member, args=(sender, url, spec, home, tracking_uri))
        process.start()
        sender.close()
        receivers.append(receiver)
        processes.append(process)
    seen = [receiver.recv() for receiver in receivers]
    for process in processes:
        process.join(60)
    seen = [(began, ends) for began, ends in seen if len(ends) > 1]
    trials = sum(len(ends) for _, ends in seen)
    lasted = max(ends[-1][0] for _, ends in seen) - min(began for began, _ in seen)
    # From each worker's first end to its last, so that what a start costs is left out.
    counted = sum(len(ends) - 1 for _, ends in seen)
    return {
        "rate": trials / lasted,
        "supervisor": sum(ends[-1][1] - ends[0][1] for _, ends in seen) / counted,
        "children": sum(ends[-1][2] - ends[0][2] for _, ends in seen) / counted,
    }


def sleeping(trials: int, workers: int = 1) -> StudySpec:
    fixed = {"epochs": 1, "pause": SLEEP_SECONDS}
    return make_spec(trials, workers=workers, architecture={"fixed": fixed})


def scaling(repeats: int, trials: int, *, mirror: bool) -> dict[str, Any]:
    """Four workers, and one with four trials at once, over one worker."""
    rounds: list[dict[str, dict[str, float]]] = []
    with databases(["postgresql"]) as makers, tempfile.TemporaryDirectory() as folder:
        if not makers:
            return {}
        for i in range(repeats):
            ways = {
                "one_worker": (sleeping(trials), 1),
                "four_workers": (sleeping(WORKERS * trials), WORKERS),
                "one_with_four": (sleeping(WORKERS * trials, WORKERS), 1),
            }
            rounds.append(
                {
                    name: crew(
                        makers["postgresql"](Path(folder)),
                        spec,
                        Path(folder) / f"{name}{i}",
                        count,
                        mirror=mirror,
                    )
                    for name, (spec, count) in ways.items()
                }
            )
            progress("workers", rounds[-1])
    found: dict[str, Any] = {"trials_per_worker": trials, "mirror": mirror, "efficiency": {}}
    for name in rounds[0]:
        found[name] = {
            "trials_per_second": spread(r[name]["rate"] for r in rounds),
            "supervisor_cpu_ms": spread(1000 * r[name]["supervisor"] for r in rounds),
            "children_cpu_ms": spread(1000 * r[name]["children"] for r in rounds),
        }
        if name != "one_worker":
            found["efficiency"][name] = spread(
                r[name]["rate"] / (WORKERS * r["one_worker"]["rate"]) for r in rounds
            )
    return found


def all_costs(kinds: list[str], n: int) -> dict[str, Any]:
    """The costs on each kind of database by each sampler."""
    found = {}
    with databases(kinds) as makers, tempfile.TemporaryDirectory() as home:
        trials = drawn(STORED)
        bare = BareOptuna(Path(home), trials)
        for kind, make in makers.items():
            for sampler in ("random", "tpe"):
                folder = Path(home) / f"{kind}-{sampler}"
                folder.mkdir()
                name = f"{kind}, {sampler}"
                figures = costs(make(folder), folder, sampler, trials, bare, n)
                found[name] = progress(name, figures)
    return found


def lines(result: dict[str, Any]) -> Iterator[str]:
    """The figures for people."""
    if found := result.get("workers"):
        yield f"Trials of {SLEEP_SECONDS:g} s on PostgreSQL: median [lowest, highest]"
        for name, value in found["efficiency"].items():
            yield told(f"efficiency, {name} (target {EFFICIENCY})", value)
        for name in ("one_worker", "four_workers", "one_with_four"):
            for figure, value in found[name].items():
                yield told(f"{name}, {figure}", value)
    for name, clocks in result.get("costs", {}).items():
        yield f"{STORED} trials stored, {name}; targets {ALONE_MS} ms, mirrored {MIRRORED_MS} ms"
        for clock in ("wall", "cpu"):
            for figure, value in clocks[clock].items():
                unit = "" if figure.startswith("ratio") else "ms"
                yield told(f"{figure}, {clock}", value, unit)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    parser.add_argument("--only", default="workers,costs", help="workers,costs")
    parser.add_argument("--databases", default="sqlite,postgresql", help="of the costs")
    parser.add_argument("--repeats", type=int, default=3, help="rounds of the workers")
    parser.add_argument("--trials", type=int, default=15, help="per worker and round")
    parser.add_argument("--mirror", action="store_true", help="workers write to MLflow too")
    parser.add_argument("--n", type=int, default=30, help="trials that each cost is a median of")
    given = parser.parse_args()
    result: dict[str, Any] = {}
    if "workers" in given.only:
        result["workers"] = scaling(given.repeats, given.trials, mirror=given.mirror)
    if "costs" in given.only:
        result["costs"] = all_costs(given.databases.split(","), given.n)
    result |= machine()
    print(json.dumps(result, indent=1) if given.json else "\n".join(lines(result)))
    if not given.json:
        print(machine())


if __name__ == "__main__":
    main()
