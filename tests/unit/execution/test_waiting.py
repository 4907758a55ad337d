"""For whom a worker waits that has no trial of its own."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

from hpo.execution.interrupts import Interrupts
from hpo.execution.lanes import Lane
from hpo.execution.watch import Silence
from hpo.execution.worker import Worker, waiting_for
from hpo.search.worker_identity import identity, shown

DISTANT = "node.7.1a2b3c4d.4026531836:17:4242:abcd"


class Notes(Silence):
    def __init__(self) -> None:
        self.told: list[str] = []

    def waits(self, text: str) -> None:
        self.told.append(text)


def test_workers_are_named_as_people_know_them() -> None:
    assert shown(DISTANT) == "node.7, process 17"
    assert shown("") == ""
    host, _, process = shown(identity()).partition(", process ")
    assert host
    assert process.isdigit()


def test_those_who_are_waited_for_are_counted_and_named_once() -> None:
    assert waiting_for([DISTANT]) == (
        "1 trial is run by another worker (node.7, process 17); waiting for it."
    )
    assert waiting_for([DISTANT, DISTANT]) == (
        "2 trials are run by another worker (node.7, process 17); waiting for them."
    )
    assert waiting_for([DISTANT, ""]).startswith("2 trials are run by other workers (node.7")
    assert waiting_for([""]) == "1 trial is run by another worker; waiting for it."


def test_a_worker_without_work_says_once_for_whom_it_waits() -> None:
    others, notes, interrupts = [DISTANT], Notes(), Interrupts()
    nothing: Callable[[], list[Any]] = list
    engine: Any = SimpleNamespace(
        ask=lambda: None, busy=True, elsewhere=others, take_ended=nothing, take_notes=nothing,
        take_settled=nothing, steadily=SimpleNamespace(),
    )  # fmt: skip
    anything: Any = SimpleNamespace()
    job: Any = None
    lane = Lane("cnn", engine, job)
    worker = Worker(iter([lane]), anything, anything, notes, interrupts, print)
    for _ in range(3):
        worker._ask_at = 0.0
        worker._claim()
    assert notes.told == [waiting_for(others)]
    assert interrupts.waiting
    assert not worker.used_up
    engine.busy = False
    worker._ask_at = 0.0
    worker._claim()
    assert worker.used_up


def test_a_budget_that_nobody_looked_at_is_not_used_up() -> None:
    interrupts, anything = Interrupts(), cast("Any", SimpleNamespace())
    interrupts.handle(signal.SIGINT)
    worker = Worker(iter([anything]), anything, anything, Silence(), interrupts, print)
    worker.work()
    assert worker.unfinished == []
    assert not worker.used_up


def test_who_is_told_to_stop_while_an_architecture_is_opened_begins_no_trial() -> None:
    interrupts, anything = Interrupts(), cast("Any", SimpleNamespace())
    interrupts.starting = True

    def opened() -> Iterator[Lane]:
        interrupts.handle(signal.SIGINT)
        yield Lane("cnn", cast("Any", SimpleNamespace(steadily=SimpleNamespace())), anything)

    worker = Worker(opened(), anything, anything, Silence(), interrupts, print)
    assert worker._next_claim() is None
    assert not interrupts.starting
    assert worker.unfinished == ["cnn"]
