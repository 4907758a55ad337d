"""A trial that breaks ends with its reason; the worker, the study and the other trials go on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpo.search.engine import Proposal
from hpo.search.studies import read_trials
from hpo.spec.records import TrialRecord
from tests.faults.disks import small_disk
from tests.faults.studies import elsewhere
from tests.faults.workers import work
from tests.unit.search.analytic import make_spec

FAULTY = 1
"""The slot whose trial breaks, between two that do not."""


def run_with(fault: str, url: str, home: Path, **limits: Any) -> list[TrialRecord]:
    """Run three trials, of which the middle one breaks; return every attempt."""
    spec = make_spec(3, sampler="random", limits=limits)

    def change(proposal: Proposal) -> dict[str, Any]:
        given = {"batch_size": 64, "learning_rate": 1e-3}
        return {**given, **proposal.overrides, "fault": fault if proposal.slot == FAULTY else ""}

    # Elsewhere: workers of other tests are forked from this process, its fork server with them.
    assert elsewhere(work, url, spec, home, change=change) == []
    assert [r.state for r in read_trials(url, "study") if r.slot != FAULTY] == ["complete"] * 2
    return [r for r in read_trials(url, "study", attempts=True) if r.slot == FAULTY]


def reason(record: TrialRecord) -> str:
    assert record.state == "failed"
    assert record.result is not None
    return record.result.reason


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'optuna.db'}"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("segfault", "crashed: the trial's process crashed: segfault"),
        ("killed", "crashed: the trial's process was killed (SIGKILL"),
        ("exit", "crashed: the trial's process ended without a result (exit code 7)"),
    ],
)
def test_a_crash_is_tried_again_once_and_then_fails(
    fault: str, words: str, url: str, tmp_path: Path
) -> None:
    first, second = run_with(fault, url, tmp_path)
    assert reason(first).startswith(words)
    assert reason(second).replace("without oneDNN too, ", "").startswith(words)
    assert ("without oneDNN" in reason(second)) == (fault == "segfault")
    assert (second.attempt, second.retry_of) == (1, first.number)
    assert second.params["learning_rate"] == first.params["learning_rate"]


def test_what_onednn_may_have_crashed_is_tried_again_without_it(url: str, tmp_path: Path) -> None:
    first, second = run_with("onednn", url, tmp_path)
    assert reason(first).startswith("crashed: the trial's process was killed (SIGABRT)")
    assert (second.state, second.retry_of) == ("complete", first.number)
    assert second.result is not None
    assert [note.split(",")[0] for note in second.result.notes] == [
        "ran without oneDNN (TF_ENABLE_ONEDNN_OPTS=0)"
    ]


def test_a_crash_is_not_tried_again_where_the_study_says_so(url: str, tmp_path: Path) -> None:
    (only,) = run_with("segfault", url, tmp_path, crash_retries=0)
    assert only.attempt == 0


def test_an_exception_fails_with_its_message_and_is_not_tried_again(
    url: str, tmp_path: Path
) -> None:
    (only,) = run_with("exception", url, tmp_path)
    assert reason(only).startswith("error: ValueError: the layers do not fit")


def test_out_of_memory_is_tried_once_more_with_half_the_batch(url: str, tmp_path: Path) -> None:
    first, second = run_with("memory_error", url, tmp_path)
    assert reason(first).startswith("out_of_memory: MemoryError: no more arrays")
    assert reason(second).startswith("out_of_memory")
    assert (second.retry_of, second.params["batch_size"]) == (first.number, 32)
    assert second.params["learning_rate"] == pytest.approx(5e-4)


def test_a_leak_ends_at_the_limit_of_memory(url: str, tmp_path: Path) -> None:
    first, _second = run_with("leak", url, tmp_path, memory_gib=0.4)
    assert re.match(r"out_of_memory: it took 0\.\d+ GiB of 0\.4 allowed", reason(first))


def test_a_hang_ends_at_the_limit_of_time(url: str, tmp_path: Path) -> None:
    (only,) = run_with("hang", url, tmp_path, trial_minutes=0.02)
    assert reason(only) == "time_limit: it took longer than 0.02 minutes"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 2) as folder:
        yield folder


def test_a_full_disk_fails_the_trial_that_fills_it(url: str, disk: Path) -> None:
    (only,) = run_with("disk", url, disk)
    assert reason(only).startswith("disk_full: OSError: [Errno 28] No space left on device")
