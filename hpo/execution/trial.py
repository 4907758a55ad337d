"""What runs in a trial's child: the job from plain data, the result to plain data."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any


def train(
    report: Callable[[Any], None], should_stop: Callable[[], bool], job: dict[str, Any]
) -> dict[str, Any]:
    """Train ``job`` and return its result; every epoch is reported as it ends."""
    from hpo.spec.records import TrialJob
    from hpo.training import backend_choice, fit

    # The server has; a fresh interpreter has not.
    backend_choice.configure()
    told = TrialJob.from_json(job)
    if told.gpu is not None:
        # Before anything touches a device; the server that this process was forked from has not.
        os.environ["CUDA_VISIBLE_DEVICES"] = told.gpu
    result = fit.train(told, lambda epoch: report(epoch.to_json()), should_stop)
    return result.to_json()
