from __future__ import annotations

from typing import Any

import pytest

from hpo.execution.retrying import another_attempt, without_onednn
from hpo.spec.records import FAILURES, TrialResult
from hpo.training import backend_choice

PARAMS = {"batch_size": 64, "learning_rate": 1e-2, "reference_batch_size": 0}


def again(reason: str, lost: tuple[str, ...] = (), crashes: int = 1, **changes: Any) -> Any:
    result = TrialResult(state="failed", reason=reason)
    return another_attempt(result, {**PARAMS, **changes}, lost, crashes)


def test_out_of_memory_halves_the_batch_and_the_rate_once() -> None:
    assert again("out_of_memory: 3 GiB") == {"batch_size": 32, "learning_rate": 5e-3}
    assert again("out_of_memory: 3 GiB", ("crashed: x", "out_of_memory: 3 GiB")) is None


def test_a_rate_that_follows_the_batch_is_left_to_it() -> None:
    assert again("out_of_memory", reference_batch_size=128) == {"batch_size": 32}


def test_a_batch_of_one_cannot_be_halved() -> None:
    assert again("out_of_memory", batch_size=1) is None


def test_crashes_are_tried_again_up_to_the_stated_number() -> None:
    assert again("crashed: segfault") == {}
    assert again("crashed: segfault", ("crashed: x",)) is None
    assert again("crashed: segfault", ("crashed: x",), crashes=2) == {}
    assert again("crashed: segfault", crashes=0) is None
    assert again("crashed: segfault", ("worker_lost: x", "interrupted")) == {}, "not its own fault"


@pytest.mark.parametrize("failure", sorted({*FAILURES} - {"crashed", "out_of_memory"}))
def test_nothing_else_is_tried_again(failure: str) -> None:
    assert again(f"{failure}: for a reason") is None


@pytest.mark.parametrize("state", ["complete", "pruned"])
def test_what_did_not_fail_is_not_tried_again(state: Any) -> None:
    assert another_attempt(TrialResult(state=state), PARAMS, (), 1) is None


SEGFAULT = "crashed: the trial's process crashed: segfault (SIGSEGV)"
ABORT = "crashed: the trial's process was killed (SIGABRT), not double free or corruption (out)"


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        ((), False),
        ((SEGFAULT,), True),
        ((ABORT,), True),
        ((SEGFAULT, "interrupted"), True),
        (("crashed: the trial's process was killed (SIGKILL)",), False),
        (("crashed: the trial's process ended without a result (exit code 7)",), False),
        (("out_of_memory: MemoryError",), False),
    ],
)
def test_what_native_code_ended_is_tried_without_onednn(
    lost: tuple[str, ...], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend_choice, "onednn", lambda: "on")
    assert without_onednn(lost) is expected


@pytest.mark.parametrize("state", ["off", ""])
def test_where_there_is_no_onednn_none_is_left_out(
    state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend_choice, "onednn", lambda: state)
    assert not without_onednn((SEGFAULT,))
