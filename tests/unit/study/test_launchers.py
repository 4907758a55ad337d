"""Launchers before anything runs: options, what a cluster must reach, and what is told of it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hpo.execution.watch import Silence, StudyStart
from hpo.search.engine import open_engine
from hpo.spec.errors import EnvironmentProblem, InputError
from hpo.spec.records import EpochReport, TrialResult
from hpo.spec.workspace import Workspace
from hpo.study.following import Follower
from hpo.study.launchers.launch import Launch
from hpo.study.launchers.local import LocalLauncher
from hpo.study.launchers.options import RayOptions, trials_at_once
from hpo.study.launchers.ray_nodes import check_reach, check_room
from hpo.study.launchers.remote_worker import Assignment, RemoteWorker
from hpo.study.parts import PlannedArchitecture
from hpo.study.planned import Plan
from hpo.study.planning import plan
from hpo.study.running import StudyRun
from tests.faults.launching import write_study
from tests.unit.search.analytic import make_spec, open_it
from tests.unit.search.analytic import run as run_trials

POSTGRESQL, SERVER = "postgresql://me:secret@db/hpo", "http://mlflow:5000"


def node(address: str, *, alive: bool = True, **resources: float) -> dict[str, Any]:
    return {"NodeManagerAddress": address, "Alive": alive, "Resources": resources}


@pytest.mark.parametrize(
    ("launcher", "words"),
    [
        ({"name": "rey"}, r"study.yaml:7: unknown launcher 'rey'.*'ray'\?"),
        (
            {"name": "ray", "num_gpu": 1},
            r"study.yaml:7: launcher has no option 'num_gpu'\. .*'num_gpus'",
        ),
        ({"name": "local", "workers": 2}, r"study.yaml:7: this launcher has no options"),
        ({"name": "ray", "workers": 0}, r"study.yaml:7: .*'workers' must be at least 1"),
        ({"name": "ray", "num_gpus": 2}, r"study.yaml:7: .*'num_gpus' must be at most 1"),
        ({"name": "ray", "num_cpus": 1.5}, r"study.yaml:7: num_cpus above 1 must be a whole"),
        ({"name": "ray", "address": "ray://head:10001"}, r"study.yaml:7: .*on a node of the"),
    ],
)
def test_a_wrong_launcher_is_refused_with_its_line(
    launcher: dict[str, Any], words: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    file = write_study(tmp_path, launcher)
    with pytest.raises(InputError, match=words):
        plan(file, workspace=Workspace.at(home), probe=False)
    assert not home.exists()


def test_trials_at_once_within_a_worker_of_ray_are_refused(tmp_path: Path) -> None:
    file = write_study(tmp_path, {"name": "ray"})
    with pytest.raises(InputError, match=r"--set workers: .*one trial at a time.*workers: 3"):
        plan(file, workspace=Workspace.at(tmp_path), overrides=["workers=3"], probe=False)


def test_how_many_trials_run_at_once_is_the_launchers_word() -> None:
    assert trials_at_once(make_spec(workers=3)) == 3
    assert trials_at_once(make_spec(launcher={"name": "ray", "workers": 5})) == 5


@pytest.mark.parametrize(("joining", "workers"), [(False, 5), (True, 1)])
def test_a_watcher_hears_how_many_trials_are_to_run_at_once(
    joining: bool, workers: int, tmp_path: Path
) -> None:
    heard: list[int] = []

    class Hearing(Silence):
        def study_started(self, start: StudyStart) -> None:
            heard.append(start.workers)

    spec = make_spec(launcher={"name": "ray", "workers": 5})
    planned: Any = SimpleNamespace(spec=spec, parts={}, seconds_per_trial={})
    stop: Any = None
    Launch(planned, Workspace.at(tmp_path), Hearing(), stop, joining=joining).announce()
    assert heard == [workers]


@pytest.mark.parametrize(
    ("budget", "limit", "trials", "left"),
    [
        ({"device_hours": 0.5}, "0.5 device-hours", 1000, (None, 1500.0)),
        ({"trials": 5, "hours": 0.5}, "0.5 hours", 5, (1600.0, None)),
        ({"trials": 3, "hours": 9}, "", 3, (32200.0, None)),
        ({"epochs": 14}, "14 epochs", 4, (None, None)),
    ],
)
def test_a_watcher_hears_of_the_limit_that_may_come_before_the_trials(
    budget: dict[str, float], limit: str, trials: int, left: Any, tmp_path: Path
) -> None:
    heard: list[StudyStart] = []

    class Hearing(Silence):
        def study_started(self, start: StudyStart) -> None:
            heard.append(start)

    spec = make_spec(1, budget=budget)
    part = PlannedArchitecture(
        "cnn", spec.architectures["cnn"], cast("Any", None), None, [], seconds_per_trial=600.0
    )
    filled = {"cnn": frozenset({0})}
    spent = {"cnn": (200.0, 300.0)}
    planned = Plan(spec, {"cnn": part}, cast("Any", None), [], "", filled, spent)
    Launch(planned, Workspace.at(tmp_path), Hearing(), cast("Any", None)).announce()
    (start,) = heard
    assert (start.limit, start.trials, start.left) == (limit, {"cnn": trials}, {"cnn": left})


@pytest.mark.parametrize(("budget", "left"), [(3, 0), (5, 2)])
def test_a_launcher_counts_the_places_that_no_trial_has_filled(
    budget: int, left: int, tmp_path: Path
) -> None:
    workspace = Workspace.at(tmp_path)
    workspace.ensure(workspace.runs)
    spec = make_spec(3)
    run_trials(open_engine(workspace.storage_url(), spec, "cnn"), spec)
    planned: Any = SimpleNamespace(spec=make_spec(budget), parts={"cnn": None})
    launch = Launch(planned, workspace, Silence(), cast("Any", None), target="tests:none")
    assert LocalLauncher(launch)._unfilled() == left


@pytest.mark.parametrize("address", [None, "none", "local", ""])
def test_no_address_means_a_cluster_of_ones_own(address: str | None) -> None:
    assert RayOptions(address=address).address is None


def test_without_ray_nothing_is_written_and_what_to_install_is_told(
    tmp_path: Path, faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "ray" else find(name, *rest),
    )
    workspace = Workspace.at(tmp_path)
    (tmp_path / "data").symlink_to(faces / "data")
    planned = plan(write_study(tmp_path, {"name": "ray"}), workspace=workspace, resume=False)
    with pytest.raises(EnvironmentProblem, match=r"pip install 'hpo\[ray\]'"):
        StudyRun(planned, workspace, Silence(), resume=False)
    assert not workspace.runs.exists()
    assert "ray" not in sys.modules


def test_files_are_seen_on_one_machine_only() -> None:
    file, one = "sqlite:////home/me/optuna.db", [node("10.0.0.1"), node("10.0.0.1")]
    two = [*one, node("10.0.0.2")]
    check_reach(one, file, "sqlite:////home/me/mlflow.db")
    check_reach(two, POSTGRESQL, SERVER)
    check_reach([*one, node("10.0.0.2", alive=False)], file, SERVER)
    with pytest.raises(EnvironmentProblem, match=r"^storage: .*2 machines.*PostgreSQL"):
        check_reach(two, file, SERVER)
    with pytest.raises(EnvironmentProblem, match=r"^tracking.uri: .*mlflow server"):
        check_reach(two, POSTGRESQL, "sqlite:////home/me/mlflow.db")


def test_a_machine_without_room_is_told_and_a_cluster_may_grow() -> None:
    told: list[str] = []
    small = [node("127.0.0.1", CPU=2.0)]
    check_room(small, RayOptions(num_cpus=2), told.append)
    with pytest.raises(
        EnvironmentProblem, match="Expected num_cpus 1 and num_gpus 1; got 2 CPU, 0"
    ):
        check_room(small, RayOptions(num_gpus=1), told.append)
    assert told == []
    check_room(small, RayOptions(num_gpus=1, address="auto"), told.append)
    assert len(told) == 1


def assignment(tmp_path: Path, **changes: Any) -> Assignment:
    told = {
        "study": make_spec().to_plain(),
        "home": str(tmp_path),
        "storage": f"sqlite:///{tmp_path}/optuna.db",
        "tracking": "sqlite:////home/me:secret@x",
        "target": "tests.faults.objective:train",
        "cores": 1,
        "gpus": 0.0,
        "path": ["/nowhere/of/mine"],
    }
    return Assignment(**{**told, **changes})


def test_an_assignment_shows_no_password(tmp_path: Path) -> None:
    assert "secret" not in repr(assignment(tmp_path, storage=POSTGRESQL))


def test_a_remote_worker_sends_its_error_home_and_sees_no_gpu_that_it_was_not_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setattr(sys, "path", list(sys.path))
    study = make_spec(data={"dataset": "absent"}).to_plain()
    report = RemoteWorker().work(assignment(tmp_path, study=study))
    assert not report.used_up
    assert isinstance(report.error, InputError)
    assert sys.path[-1] == "/nowhere/of/mine"
    from hpo.execution.devices import visible_gpus

    assert visible_gpus() == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    blind = RemoteWorker().work(assignment(tmp_path, gpus=1.0))
    assert "two might use the same" in str(blind.error)
    broken = RemoteWorker().work(assignment(tmp_path, study={}))
    assert "ValidationError" in str(broken.error)


class Heard(Silence):
    """Notes what it is told, in short."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def trial_started(
        self, label: str, number: int, params: dict[str, Any], epochs: int, origin: str
    ) -> None:
        self.lines.append(f"start {number} of {epochs} epochs")

    def epoch_finished(self, label: str, number: int, report: EpochReport) -> None:
        self.lines.append(f"epoch {report.epoch} of {number}")

    def trial_finished(self, label: str, number: int, result: TrialResult, seconds: float) -> None:
        self.lines.append(f"{result.state} {number}: {result.value}")

    def trial_released(self, label: str, number: int, why: str) -> None:
        self.lines.append(f"released {number}: {why}")

    def note(self, text: str) -> None:
        self.lines.append(text)


def test_a_follower_tells_from_the_storage_what_is_new_and_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However long a busy machine takes to open the study.
    monkeypatch.setattr("hpo.study.following._LOOK_SECONDS", 600.0)
    storage_url, heard = f"sqlite:///{tmp_path}/optuna.db", Heard()
    follower = Follower(storage_url, "study", heard, [])
    follower.look()  # the study is not there yet
    engine = open_it(storage_url, make_spec(3, sampler="random"))
    first = engine.ask()
    assert first is not None
    engine.record_epoch(first.number, EpochReport(1, {"val_accuracy": 0.5}, 0.1))
    follower.look()  # not so soon
    assert heard.lines == []
    for _ in range(2):
        follower.look(now=True)
    assert heard.lines == ["start 0 of 3 epochs", "epoch 1 of 0"]
    engine.record_epoch(first.number, EpochReport(2, {"val_accuracy": 0.6}, 0.1))
    engine.finish(first.number, TrialResult(state="complete", value=0.6, epochs_run=2))
    second = engine.ask()
    assert second is not None
    engine.release(second.number, "interrupted")
    for _ in range(2):
        follower.look(now=True)
    assert heard.lines[2:] == [
        "epoch 2 of 0",
        "complete 0: 0.6",
        "start 1 of 3 epochs",
        "released 1: interrupted; it is run again",
    ]
    assert follower.finished == 1


def test_a_follower_says_once_that_the_storage_is_away() -> None:
    heard = Heard()
    follower = Follower("postgresql://me:secret@127.0.0.1:1/hpo", "study", heard, [])
    for _ in range(2):
        follower.look(now=True)
    assert len(heard.lines) == 1
    assert "secret" not in heard.lines[0]
