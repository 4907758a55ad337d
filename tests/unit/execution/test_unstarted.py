"""A machine on which no trial's process starts ends a worker, and not its budget."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from hpo.execution.interrupts import Interrupts
from hpo.execution.lanes import Lane
from hpo.execution.patterns import FAILURES_ALIKE
from hpo.execution.watch import Silence
from hpo.execution.worker import Worker
from hpo.spec.errors import EnvironmentProblem
from hpo.spec.records import TrialJob, TrialRecord


def test_it_ends_after_a_few_trials_whose_process_does_not_start() -> None:
    numbers = count()

    def ask() -> Any:
        number = next(numbers)
        assert number < 10 * FAILURES_ALIKE, "one after the other is begun in vain"
        return SimpleNamespace(
            number=number, params={}, origin="sampler", slot=number, continues=None, lost=()
        )

    engine, server = MagicMock(), MagicMock()
    engine.ask = ask
    engine.take_ended.return_value = engine.take_notes.return_value = []
    engine.take_settled.return_value = []
    engine.record.return_value = TrialRecord("t", "cnn", 0, "failed", None, {}, {})
    server.start.side_effect = EOFError("unexpected EOF")
    job = TrialJob("t/cnn/0", "cnn", {}, "", "", "", seed=0)
    lane = Lane("cnn", engine, lambda proposal, share: job)
    mirror: Any = MagicMock()
    worker = Worker(iter([lane]), mirror, server, Silence(), Interrupts(), lambda record: None)
    with pytest.raises(EnvironmentProblem, match=f"{FAILURES_ALIKE} times in a row no process"):
        worker.work()
    assert next(numbers) == FAILURES_ALIKE
