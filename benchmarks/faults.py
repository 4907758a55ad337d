"""Does anything get lost when workers are killed? The long form of ``tests/faults``, with figures.

    python benchmarks/faults.py [--json] [--only kills,points,empty] [--repeats 10]
                                [--databases sqlite,postgresql] [--trials 200] [--workers 8]

``kills``: a study of 200 trials and 8 workers, real processes on a real database with MLflow on
SQLite beside; one worker is killed (-9) after every third claim, up to 0.3 s later, and replaced.
``points``: a study killed at each named point of a trial's life, ``--repeats`` times, mended by the
doctor and run on to its end, on SQLite. ``empty``: 8 workers that start at once on a database
without tables, ``--repeats`` times. Only training is not the real thing: a function in its place.

Every row counts places of the budget: finished, lost (no trial fills it), doubled (two do); then
Optuna's rows left RUNNING or WAITING, trials that MLflow tells otherwise, what the doctor mended,
what its second run still finds, and studies that broke. ``kills`` reads both databases by plain
SQL. Takes about an hour on two cores at the default 10 repeats; ``--repeats 1`` ten minutes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from measuring import MakeDatabase, databases, machine, progress

from hpo.search.studies import read_trials
from hpo.spec.records import TrialRecord
from hpo.spec.workspace import Workspace
from hpo.study.diagnosis import Diagnosis
from hpo.study.doctor import doctor
from tests.faults.mlflow_rows import trial_runs
from tests.faults.studies import copied, elsewhere, prepared, run_here, study_of
from tests.faults.test_killed_workers import kill_as_they_go
from tests.faults.test_named_points import POINTS, killed_at
from tests.faults.test_named_points import TRIALS as POINT_TRIALS
from tests.faults.workers import start, states
from tests.stores import make_mlflow_tables
from tests.unit.search.analytic import make_spec

PARTS = ("kills", "points", "empty")
EMPTY_TRIALS = 16
COLUMNS = (
    "finished",
    "lost",
    "doubled",
    "left",
    "mlflow",
    "mended",
    "doctor",
    "broken",
)
Row = dict[str, Any]


def places(records: list[TrialRecord], budget: int) -> Counter[str]:
    """Count the places of the budget by what became of them."""
    filled = Counter(r.slot for r in records if not r.lost)
    finished = {r.slot for r in records if not r.lost and r.state == "complete"}
    return Counter(
        finished=len(finished),
        lost=sum(slot not in filled for slot in range(budget)),
        doubled=sum(n > 1 for n in filled.values()) + sum(slot >= budget for slot in filled),
    )


def left(url: str) -> int:
    """Count the trials that Optuna's storage still calls running or waiting."""
    counted = states(url)
    return counted["RUNNING"] + counted["WAITING"]


def told_otherwise(database: Path, records: list[TrialRecord]) -> int:
    """Count the trials of which MLflow's tables hold no run, two, or one that says otherwise."""
    try:
        runs = trial_runs(database)
    except AssertionError:  # two runs of one trial, or a run that contradicts itself
        return len(records)
    stored = {r.number: (r.state, r.value, r.params["layers"], r.mlflow_run_id) for r in records}
    return sum(runs.get(n) != stored.get(n) for n in runs.keys() | stored.keys())


def kills(make: MakeDatabase, home: Path, trials: int, workers: int) -> Row:
    """Kill a worker after every third claim until the budget is used."""
    workspace = Workspace.at(home, storage=make(home))
    url, mlflow = workspace.storage_url(), home / "mlruns" / "mlflow.db"
    elsewhere(make_mlflow_tables, mlflow)
    tracking_uri = f"sqlite:///{mlflow}"
    spec = make_spec(trials, sampler="random", tracking={"keep_models": 0})
    checkpoints = workspace.checkpoints / "study" / "cnn"
    began, broken, killed = time.monotonic(), 0, 0
    try:
        killed = kill_as_they_go(url, spec, checkpoints, tracking_uri, workers, seed=trials)
    except AssertionError:  # a worker that nobody killed ended badly
        broken = 1
    seconds = time.monotonic() - began
    records = elsewhere(read_trials, url, "study", attempts=True)
    counts = places(records, trials)
    counts["left"] = left(url)
    counts["mlflow"] = told_otherwise(mlflow, records)
    first: Diagnosis = elsewhere(doctor, "study", workspace=workspace, fix=True)
    second: Diagnosis = elsewhere(doctor, "study", workspace=workspace)
    counts["mended"] = len(first.fixed)
    counts["doctor"] = len(second.problems)
    attempts = len(records)
    return {**_row(trials, counts, seconds, broken), "killed": killed, "attempts": attempts}


def point(name: str, template: Path, home: Path) -> tuple[Counter[str], Path]:
    """Kill a study at a named point, mend it, run it to its end, and look at it again."""
    workspace = copied(template, home)
    killed_at(name, workspace)
    first: Diagnosis = elsewhere(doctor, "study", workspace=workspace, fix=True)
    second: Diagnosis = elsewhere(doctor, "study", workspace=workspace)
    elsewhere(_run_on, workspace)
    url = workspace.storage_url()
    records = elsewhere(read_trials, url, "study", attempts=True)
    third: Diagnosis = elsewhere(doctor, "study", workspace=workspace)
    counts = places(records, POINT_TRIALS)
    counts["left"] = left(url)
    counts["mlflow"] = sum(p.place != "disk" for p in third.problems)
    counts["mended"] = len(first.fixed)
    counts["doctor"] = len(second.problems)
    return counts, home


def _run_on(workspace: Workspace) -> list[str]:
    return list(run_here(study_of(POINT_TRIALS), workspace).notes)


def empty(make: MakeDatabase, home: Path, workers: int) -> tuple[Counter[str], Path]:
    """Start workers at once on a database without tables."""
    url = make(home)
    spec = make_spec(EMPTY_TRIALS, sampler="random")
    started = [start(url, spec, home / "out") for _ in range(workers)]
    for worker in started:
        worker.join(120)
    if any(worker.exitcode != 0 for worker in started):
        raise AssertionError("a worker ended badly")
    records = elsewhere(read_trials, url, "study", attempts=True)
    counts = places(records, EMPTY_TRIALS)
    counts["left"] = left(url)
    return counts, home


def again(repeats: int, places_each: int, once: Callable[[Path], tuple[Counter[str], Path]]) -> Row:
    """Do it several times, each in a folder of its own, and add up what came of it."""
    counts: Counter[str] = Counter()
    began, broken = time.monotonic(), 0
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            try:
                counts += once(Path(folder))[0]
            except (AssertionError, EOFError):  # of a study, of a process that died of an error
                broken += 1
    seconds = time.monotonic() - began
    return {**_row(repeats * places_each, counts, seconds, broken), "repeats": repeats}


def _row(n: int, counts: Counter[str], seconds: float, broken: int) -> Row:
    known = {name: counts[name] for name in COLUMNS if name != "broken"}
    return {"places": n, **known, "broken": broken, "seconds": round(seconds, 1)}


def rows(given: argparse.Namespace, makers: dict[str, MakeDatabase]) -> Iterator[tuple[str, Row]]:
    """Every row that was asked for, as it is done."""
    if "kills" in given.only:
        for kind, make in makers.items():
            with tempfile.TemporaryDirectory() as folder:
                yield f"kills, {kind}", kills(make, Path(folder), given.trials, given.workers)
    if "empty" in given.only:
        for kind, make in makers.items():
            once = lambda home, make=make: empty(make, home, given.workers)  # noqa: E731
            yield f"empty, {kind}", again(given.repeats, EMPTY_TRIALS, once)
    if "points" in given.only:
        with tempfile.TemporaryDirectory() as folder:
            template = elsewhere(prepared, Path(folder))
            for name in POINTS:
                once = lambda home, name=name: point(name, template, home)  # noqa: E731
                yield name, again(given.repeats, POINT_TRIALS, once)


def line(name: str, row: Row) -> str:
    counts = "".join(f"{row[column]:>9}" for column in COLUMNS)
    more = f", {row['killed']} killed, {row['attempts']} attempts" if "killed" in row else ""
    return f"{name:46}{row['places']:>7}{counts}{row['seconds']:>9.1f}{more}"


def _list(allowed: Iterable[str]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        chosen = text.split(",")
        if unknown := set(chosen) - set(allowed):
            raise argparse.ArgumentTypeError(f"takes {','.join(allowed)}, got {', '.join(unknown)}")
        return chosen

    return parse


def main() -> None:
    kinds = ("sqlite", "postgresql")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    parser.add_argument("--only", type=_list(PARTS), default=PARTS, help="kills,points,empty")
    parser.add_argument("--databases", type=_list(kinds), default=kinds, help=",".join(kinds))
    parser.add_argument("--repeats", type=int, default=10, help="of each point and empty database")
    parser.add_argument("--trials", type=int, default=200, help="of each study of kills")
    parser.add_argument("--workers", type=int, default=8, help="at once")
    given = parser.parse_args()
    done: dict[str, Row] = {}
    if not given.json:
        print(f"{'':46}{'places':>7}" + "".join(f"{c:>9}" for c in (*COLUMNS, "seconds")))
    with databases(given.databases) as makers:
        for name, row in rows(given, makers):
            done[name] = row
            if given.json:
                progress(name, row)
            else:
                print(line(name, row), flush=True)
    if given.json:
        print(json.dumps({**machine(), "rows": done}, indent=1))
    else:
        print(machine())


if __name__ == "__main__":
    main()
