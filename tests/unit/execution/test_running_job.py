"""What a running job's child says, and what becomes of it once it is to be pruned."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from hpo.execution.children import ChildDied, Message
from hpo.execution.interrupts import Interrupts
from hpo.execution.running_job import INTERRUPTED, WITHOUT, RunningJob
from hpo.spec.errors import TrainingError
from hpo.spec.records import EpochReport, TrialJob, TrialResult
from hpo.spec.sections import LimitsSpec


class ToldChild:
    """A child that has said what it was told to say."""

    pid = os.getpid()
    connection = None

    def __init__(self, messages: list[Message]) -> None:
        self.messages = list(messages)

    def start(self, target: str, **arguments: Any) -> ToldChild:
        self.arguments = arguments
        return self

    def receive(self, timeout_seconds: float | None = None) -> Message | None:
        return self.messages.pop(0) if self.messages else None

    def stop(self) -> None:
        pass

    def kill(self) -> None:
        self.messages.clear()


def epoch(number: int, accuracy: float) -> Message:
    return Message("report", EpochReport(number, {"val_accuracy": accuracy}, 1.0).to_json())


def running(
    messages: list[Message], on_epoch: Callable[[EpochReport], bool], **limits: Any
) -> RunningJob:
    job = TrialJob("study/cnn/1", "cnn", {"epochs": 5}, "faces", "", "out", seed=1)
    child: Any = ToldChild(messages)
    return RunningJob(child, job, on_epoch, LimitsSpec(**limits))


NAN = Message(
    "result", TrialResult(state="failed", reason="nan_loss: after epoch 3", epochs_run=3).to_json()
)
AFTER = {
    "nan": NAN,
    "out of memory": Message("error", TrainingError("MemoryError"), "out_of_memory"),
    "crash": Message("error", ChildDied("the trial's process was killed"), "crashed"),
    "error": Message("error", TrainingError("ValueError"), "error"),
}


@pytest.mark.parametrize("what", AFTER)
def test_what_befalls_a_trial_after_the_decision_to_prune_it_is_passed_over(what: str) -> None:
    messages = [epoch(1, 0.4), epoch(2, 0.3), epoch(3, 0.9), AFTER[what]]
    result = running(messages, lambda report: report.epoch == 2).look(Interrupts())
    assert result is not None
    assert (result.state, result.reason, result.epochs_run) == ("pruned", "", 2)
    assert (result.value, result.best_epoch) == (0.4, 1)
    assert result.final_metrics == {"val_accuracy": 0.3}


@pytest.mark.parametrize("what", AFTER)
def test_the_same_before_any_decision_is_a_failure(what: str) -> None:
    result = running([epoch(1, 0.4), AFTER[what]], lambda report: False).look(Interrupts())
    assert result is not None
    assert result.state == "failed"


def test_a_pruned_trial_that_breaks_a_limit_before_it_stops_is_pruned() -> None:
    trial = running([epoch(1, 0.4)], lambda report: True, trial_minutes=1e-9)
    result = trial.look(Interrupts())
    assert result is not None
    assert (result.state, result.value) == ("pruned", 0.4)


def test_an_interruption_is_one_though_the_trial_was_to_be_pruned() -> None:
    trial = running([epoch(1, 0.4)], lambda report: True)
    interrupts = Interrupts()
    assert trial.look(interrupts) is None
    interrupts.handle(2)
    interrupts.handle(2)
    result = trial.look(interrupts)
    assert result is not None
    assert (result.state, result.reason) == ("failed", INTERRUPTED)


def test_resident_memory_is_counted_in_pages_of_the_machine() -> None:
    # An ARM machine's kernel may have pages of 64 KiB; 4096 bytes would let 16 times too much by.
    code = (
        "import os\n"
        "true = os.sysconf\n"
        "os.sysconf = lambda name: 65536 if name == 'SC_PAGE_SIZE' else true(name)\n"
        "from pathlib import Path\n"
        "from hpo.execution.running_job import resident_bytes\n"
        "Path.read_text = lambda path: '900 100 50 1 0 200 0'\n"
        "print(resident_bytes(1))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == 100 * 65536


@pytest.mark.parametrize("onednn", [True, False])
def test_a_job_without_onednn_runs_in_such_an_environment_and_says_so(onednn: bool) -> None:
    job = TrialJob("study/cnn/1", "cnn", {}, "faces", "", "out", seed=1, onednn=onednn)
    done = TrialResult(state="complete", notes=["a note of its own"])
    results = []
    for message in (Message("result", done.to_json()), AFTER["crash"]):
        child: Any = ToldChild([message])
        results.append(RunningJob(child, job, lambda report: False).look(Interrupts()))
        assert child.arguments["variables"] == (None if onednn else {"TF_ENABLE_ONEDNN_OPTS": "0"})
    whole, crashed = results
    assert whole is not None
    assert crashed is not None
    note = [] if onednn else [WITHOUT]
    assert (whole.notes, crashed.notes) == ([*note, "a note of its own"], note)
    again = "" if onednn else "without oneDNN too, "
    assert crashed.reason.startswith(f"crashed: {again}the trial's process was killed")
