"""What every launcher must do: hold the budget, stop when asked, go on, and keep no truth."""

from __future__ import annotations

import importlib.util
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hpo.search.studies import read_trials
from hpo.spec.catalogue import CATALOGUE
from hpo.spec.records import TrialRecord
from hpo.spec.workspace import Workspace
from tests.faults.launching import end_all, outcome_of, start, workspace_with_faces, write_study
from tests.faults.listening import heard_beyond_loopback
from tests.faults.recorded import spans
from tests.faults.workers import states

TRIALS = 4
OPTIONS: dict[str, dict[str, Any]] = {"ray": {"workers": 2}}
"""How a launcher is called here, beside its name."""
START_SECONDS = 120


def _case(name: str, *slow: str) -> Any:
    absent = name == "ray" and importlib.util.find_spec("ray") is None
    skip = pytest.mark.skipif(absent, reason=f"{name} is not installed: pip install 'hpo[ray]'")
    return pytest.param(
        {"name": name, **OPTIONS.get(name, {})},
        id=name,
        marks=[skip, *([pytest.mark.slow] if name in slow else [])],
    )


every_launcher = pytest.mark.parametrize(
    "launcher", [_case(name) for name in sorted(CATALOGUE["launcher"])]
)


def records(home: Path, *, attempts: bool = False) -> list[TrialRecord]:
    return read_trials(Workspace.at(home).storage_url(), "study", attempts=attempts)


def configurations(home: Path) -> list[Any]:
    return sorted((r.slot, r.searched, r.seed, r.value) for r in records(home))


def wait_for(home: Path, begun: Callable[[], bool]) -> None:
    until = time.monotonic() + START_SECONDS
    while not begun():
        assert time.monotonic() < until, (home / "stderr.txt").read_text()
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    end_all()


@pytest.fixture
def home(tmp_path: Path, faces: Path) -> Path:
    return workspace_with_faces(faces, tmp_path)


@pytest.fixture(scope="module")
def expected(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What an uninterrupted study without any launcher but the plainest comes to."""
    home = workspace_with_faces(faces, tmp_path_factory.mktemp("expected"))
    outcome_of(start(write_study(home, {"name": "local"}, trials=TRIALS)))
    return configurations(home)


@every_launcher
def test_a_study_uses_its_budget_exactly(
    launcher: dict[str, Any], home: Path, expected: list[Any]
) -> None:
    outcome = outcome_of(start(write_study(home, launcher, trials=TRIALS)))
    assert (outcome["rows"][0]["complete"], outcome["notes"]) == (TRIALS, [])
    assert configurations(home) == expected
    assert {r.state for r in records(home, attempts=True)} == {"complete"}
    assert all(r.mlflow_run_id for r in records(home))
    told = (home / "stderr.txt").read_text()
    for number in range(TRIALS):
        assert f"net #{number} starts" in told
        assert f"net #{number} complete" in told


@every_launcher
def test_asked_to_stop_it_finishes_the_trials_at_hand_and_goes_on_later(
    launcher: dict[str, Any], home: Path, expected: list[Any]
) -> None:
    file = write_study(home, launcher, trials=TRIALS, pause=0.5)
    process = start(file)
    wait_for(home, lambda: bool(spans(home)))
    assert heard_beyond_loopback(process.pid) == []
    process.send_signal(signal.SIGINT)
    outcome = outcome_of(process, code=130)
    assert outcome["stopped_by"] == signal.SIGINT
    counted = states(Workspace.at(home).storage_url())
    assert 1 <= counted["COMPLETE"] < TRIALS
    assert set(counted) == {"COMPLETE"}, "a trial was lost, or is still running"
    outcome_of(start(file), code=2)
    outcome_of(start(file, "--resume"))
    assert configurations(home) == expected
    assert len(records(home, attempts=True)) == TRIALS


# A cluster takes as long to start as the study; what Ray does with one request is shown above.
@pytest.mark.parametrize("launcher", [_case(name, "ray") for name in sorted(CATALOGUE["launcher"])])
def test_asked_twice_it_stops_at_once(launcher: dict[str, Any], home: Path) -> None:
    file = write_study(home, launcher, trials=TRIALS, pause=30)
    process = start(file)
    wait_for(home, lambda: bool(spans(home)))
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    # Two signals that come before the first is taken are one to the system.
    wait_for(home, lambda: "Finishing the trials" in (home / "stderr.txt").read_text())
    process.send_signal(signal.SIGTERM)
    outcome_of(process, code=143)
    assert time.monotonic() - began < 45  # a trial takes 90
    counted = states(Workspace.at(home).storage_url())
    assert set(counted) == {"FAIL"}


@every_launcher
def test_killed_it_takes_nothing_with_it(
    launcher: dict[str, Any], home: Path, expected: list[Any]
) -> None:
    file = write_study(home, launcher, trials=TRIALS, pause=0.5)
    process = start(file)
    wait_for(home, lambda: bool(spans(home)))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    outcome_of(start(file, "--resume"))
    assert configurations(home) == expected
    assert set(states(Workspace.at(home).storage_url())) <= {"COMPLETE", "FAIL"}
