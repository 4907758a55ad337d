"""What runs in a trial's child: the job from plain data, the result to plain data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def train(
    report: Callable[[Any], None], should_stop: Callable[[], bool], job: dict[str, Any]
) -> dict[str, Any]:
    """Train ``job`` and return its result; every epoch is reported as it ends."""
    from hpo.spec.records import TrialJob
    from hpo.training import fit

    result = fit.train(TrialJob.from_json(job), lambda epoch: report(epoch.to_json()), should_stop)
    return result.to_json()
