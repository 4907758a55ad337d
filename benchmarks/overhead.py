"""What does a trial cost beside its training? Seconds per trial and per epoch over a bare ``fit``.

    python benchmarks/overhead.py [--json] [--repeats 7] [--no-tuner]

Four ways to train one tiny CNN for three epochs on drawn faces, one after another in each round, so
that a busy machine is busy for all: the framework's own worker (Optuna and MLflow on SQLite, a
process per trial, no model logged), a bare Keras ``fit`` in an equally prepared process, and, in an
interpreter that stays warm, a bare ``fit``, a hand-written Optuna and MLflow loop and keras-tuner.

``added`` is a way's seconds less those of the bare ``fit`` of the same round: for the framework the
one inside a prepared process, whose own making is left out, so the framework's process counts. CPU
seconds stand beside wall seconds: other work on the machine lengthens the latter. ``directly`` is
what the framework's trial spends neither building nor fitting nor validating: no difference of two
noisy times. Takes minutes.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import signal
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ways import EPOCHS, FIXED, Seconds, clocked, clocking

from hpo.execution.children import Child, ChildServer
from hpo.execution.interrupts import Interrupts
from hpo.execution.lanes import Lane
from hpo.execution.watch import Silence
from hpo.execution.worker import Worker
from hpo.spec.records import TrialResult
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace

STUDY = {
    "name": "overhead",
    "data": {"dataset": "drawn-faces", "train_limit": 140, "validation_limit": 70},
    "sampler": {"name": "tpe", "n_startup_trials": 3},
    # Asked after every epoch, never says yes: every trial must run its three.
    "pruner": {"name": "median", "warmup_epochs": EPOCHS},
    "tracking": {"keep_models": 0},
    "architectures": {
        "cnn": {
            "fixed": FIXED,
            "space": {"learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True}},
            "enqueue": [],
        }
    },
}


class Clocked:
    """Another object whose calls are clocked, by method name."""

    def __init__(self, inner: Any, into: Seconds) -> None:
        self._inner, self._into = inner, into

    def __getattr__(self, name: str) -> Any:
        return clocking(getattr(self._inner, name), self._into, name)


class OneTrial(Silence):
    """Asks the worker to stop as soon as a trial has begun, which lets that one finish."""

    def __init__(self) -> None:
        self.interrupts = Interrupts()
        self.result: TrialResult | None = None

    def trial_started(self, *told: Any) -> None:
        self.interrupts.handle(signal.SIGINT)

    def trial_finished(self, label: str, number: int, result: TrialResult, seconds: float) -> None:
        self.result = result


class WatchedServer(ChildServer):
    """Starts the clocked trial in place of the plain one."""

    notes = ""

    def start(self, target: str, *, log: Path | None = None, **arguments: Any) -> Child:
        if target == "hpo.execution.trial:train":
            return super().start("ways:trial", log=log, notes=self.notes, **arguments)
        return super().start(target, log=log, **arguments)


class Bench:
    """A study of the framework's, opened as ``hpo run`` opens it, and run one trial at a time."""

    def __init__(self, home: Path, rounds: int) -> None:
        from hpo.search.engine import open_engine
        from hpo.study.checkpoints import Keeper
        from hpo.study.jobs import make_job, open_mirror
        from hpo.study.planning import plan

        workspace = Workspace.at(home)
        workspace.ensure(workspace.runs)
        spec = StudySpec.model_validate({**STUDY, "budget": {"trials": rounds}})
        planned = plan(spec, workspace=workspace)
        (part,) = planned.parts.values()
        self.home = home
        self.server = WatchedServer()
        self.server.warm()
        self.parent: Seconds = {}
        self.mirror = open_mirror(planned, workspace)
        self.mirror.start_architecture("cnn", {}, rounds)
        self.engine = open_engine(workspace.storage_url(), planned.spec, "cnn")
        self.job = functools.partial(make_job, planned, part, workspace=workspace)
        self.keep = Keeper(workspace, "maximize", 1).judge
        self.lane = Lane(
            "cnn",
            Clocked(self.engine, self.parent),
            lambda proposal, share: self.job(
                proposal.configuration(FIXED), number=proposal.number, seed=proposal.trial_seed
            ),
        )
        self.plain = self.job({**FIXED, "learning_rate": 1e-3}, number=0, seed=0).to_json()

    def framework(self) -> Seconds:
        """One trial from claim to tell, then what the mirror still had to write."""
        seconds = self.parent
        seconds.clear()
        self.server.notes = str(self.home / "notes.json")
        with clocked(seconds, "framework"):
            result = self._one_trial()
        assert result.state == "complete", result.reason
        with clocked(seconds, "behind"):
            self.mirror.flush()
        child = json.loads(Path(self.server.notes).read_text())
        cpu = seconds["framework_cpu"] + seconds["behind_cpu"] + child["child_cpu"]
        return {**child, **seconds, "framework_cpu": cpu}

    def _one_trial(self) -> TrialResult:
        watcher = OneTrial()
        Worker(
            lanes=iter([self.lane]),
            mirror=Clocked(self.mirror, self.parent),
            server=self.server,
            watcher=watcher,
            interrupts=watcher.interrupts,
            keep=self.keep,
        ).work()
        assert watcher.result is not None
        return watcher.result

    def round(self, *, tuner: bool) -> Seconds:
        """Every way once."""
        seconds = self.framework()
        with clocked(seconds, "bare_process"):
            seconds |= self.server.call("ways:prepared", job=self.plain)
        with tempfile.TemporaryDirectory() as folder:
            log = self.home / "warm.txt"
            target = "ways:warm"
            seconds |= self.server.call(target, log=log, job=self.plain, folder=folder, tuner=tuner)
        return seconds


def spread(values: list[float]) -> dict[str, float]:
    """Median and range, in seconds."""
    median = statistics.median(values)
    return {"median": round(median, 4), "low": round(min(values), 4), "high": round(max(values), 4)}


def summary(rounds: list[Seconds]) -> dict[str, Any]:
    """Differences within each round, then their medians."""

    def of(value: Callable[[Seconds], float]) -> dict[str, float]:
        return spread([value(seconds) for seconds in rounds])

    def less(way: str, base: str) -> dict[str, Any]:
        return {
            "wall": of(lambda s: s[way] - s[base]),
            "cpu": of(lambda s: s[f"{way}_cpu"] - s[f"{base}_cpu"]),
            "ratio": of(lambda s: s[way] / s[base]),
        }

    pairs = {
        "framework": ("framework", "bare"),
        # The same against an interpreter that stays warm: the price of a process per trial too.
        "framework_less_warm": ("framework", "bare_warm"),
        "by_hand": ("by_hand", "bare_warm"),
        "keras_tuner": ("keras_tuner", "bare_warm"),
    }
    own = ("record_epoch", "log_epoch", "should_prune")
    names = sorted({name for seconds in rounds for name in seconds})
    return {
        "n": len(rounds),
        "cores": os.cpu_count(),
        "load_average": [round(x, 2) for x in os.getloadavg()],
        "added_per_trial": {k: less(w, b) for k, (w, b) in pairs.items() if w in rounds[0]},
        # Without the noise of a second fit: what of a trial is neither building nor fitting.
        "directly": {
            "wall": of(lambda s: s["framework"] - s["_build"] - s["_fit"]),
            "cpu": of(lambda s: s["framework_cpu"] - s["_build_cpu"] - s["_fit_cpu"]),
        },
        "per_epoch": {
            "critical_path": of(lambda s: (s["end_epoch"] - s["_judge"]) / EPOCHS),
            "critical_path_cpu": of(lambda s: (s["end_epoch_cpu"] - s["_judge_cpu"]) / EPOCHS),
            "of_that_report": of(lambda s: s["report"] / EPOCHS),
            "steps": of(lambda s: (s["begin_step"] + s["end_steps"]) / EPOCHS),
            "worker_beside_training": of(lambda s: sum(s.get(n, 0.0) for n in own) / EPOCHS),
        },
        "seconds": {n: spread([s.get(n, 0.0) for s in rounds]) for n in names},
    }


def told(result: dict[str, Any]) -> Iterator[str]:
    """The summary as lines for people."""

    def line(name: str, value: dict[str, float], unit: float = 1.0) -> str:
        low, high = value["low"] * unit, value["high"] * unit
        return f"  {name:26} {value['median'] * unit:8.2f}  [{low:.2f}, {high:.2f}]"

    yield f"n = {result['n']} rounds, {result['cores']} cores, load {result['load_average']}"
    yield "Added per trial over a bare fit, seconds: median [lowest, highest]"
    for way, added in result["added_per_trial"].items():
        yield line(f"{way}, wall", added["wall"])
        yield line(f"{way}, CPU", added["cpu"])
        yield line(f"{way}, ratio", added["ratio"])
    yield line("framework, directly", result["directly"]["wall"])
    yield line("the same, CPU", result["directly"]["cpu"])
    yield "Per epoch, milliseconds"
    for name, value in result["per_epoch"].items():
        yield line(name, value, 1000.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    parser.add_argument("--repeats", type=int, default=7, help="rounds that count")
    parser.add_argument("--no-tuner", action="store_true", help="leave keras-tuner out")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        bench = Bench(Path(home), given.repeats + 1)
        bench.framework()  # loads what the first trial of a study loads: not counted
        rounds = [bench.round(tuner=not given.no_tuner) for _ in range(given.repeats)]
        bench.mirror.close()
    result = summary(rounds)
    print(json.dumps(result, indent=1) if given.json else "\n".join(told(result)))


if __name__ == "__main__":
    main()
