"""Which failed trials are worth another attempt, and what it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.spec.records import TrialResult
from hpo.training import backend_choice

_OF_NATIVE_CODE = ("(SIGSEGV)", "(SIGABRT)")
"""In the reason of a crash: what a library ends by that wrote past its memory, not Python."""


def another_attempt(
    result: TrialResult, params: Mapping[str, Any], lost: Sequence[str], crash_retries: int
) -> dict[str, Any] | None:
    """Return what the next attempt changes; None if there is to be none.

    Out of memory is tried once more with half the batch and half the learning rate (the linear
    scaling rule of Goyal et al. 2017, section 2.1; a rate that follows the batch by
    ``reference_batch_size`` halves by itself). A crash is tried again as it was
    (see ``without_onednn``). NaN, a bad
    configuration, a full disk and the limit of time would come out the same.

    Args:
        result: how the attempt failed.
        params: what it trained with, every parameter.
        lost: reasons of earlier attempts at the same slot.
        crash_retries: how often a crash is tried again.
    """
    if result.state != "failed":
        return None
    failure = name_of(result.reason)
    if failure == "crashed":
        return {} if sum(name_of(r) == "crashed" for r in lost) < crash_retries else None
    batch = params.get("batch_size")
    if failure != "out_of_memory" or not isinstance(batch, int) or batch < 2:
        return None
    if any(name_of(r) == "out_of_memory" for r in lost):
        return None
    change: dict[str, Any] = {"batch_size": batch // 2}
    rate = params.get("learning_rate")
    if isinstance(rate, float) and not params.get("reference_batch_size"):
        change["learning_rate"] = rate * (batch // 2) / batch
    return change


def without_onednn(lost: Sequence[str]) -> bool:
    """Tell whether the next attempt is to do without TensorFlow's oneDNN.

    It is where native code ended an earlier one: some shapes of networks make oneDNN write past its
    memory, and would again. Not under another backend, nor where it is switched off already.

    Args:
        lost: reasons of earlier attempts at the same slot.
    """
    crashed = any(
        name_of(reason) == "crashed" and any(signal in reason for signal in _OF_NATIVE_CODE)
        for reason in lost
    )
    return crashed and backend_choice.onednn() == "on"


def name_of(reason: str) -> str:
    """Return the name in a failed trial's reason: what stands before the colon."""
    return reason.partition(":")[0]
