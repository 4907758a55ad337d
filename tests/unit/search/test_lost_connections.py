"""A claim whose connection breaks after it was stored and before the worker knows of it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from hpo.search import ledger
from hpo.search import trials as stored
from hpo.search.attempts import Attempts
from hpo.search.ledger import LedgerEngine
from hpo.search.reconnecting import Reconnecting
from hpo.search.studies import read_trials
from hpo.spec.records import EpochReport, TrialResult
from tests.unit.search.analytic import choices, make_spec, open_it

Answer = Callable[[], bool]


@dataclass
class Server:
    """What it answers whoever asks whether the right to claim is still held, one by one."""

    answers: list[Answer] = field(default_factory=list)

    @contextlib.contextmanager
    def claiming(self, storage: Any, study: str) -> Iterator[Answer]:
        yield lambda: self.answers.pop(0)() if self.answers else True


def broken() -> bool:
    raise OperationalError("SELECT 1", {}, Exception("server closed the connection unexpectedly"))


def taken() -> bool:
    return False


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server in the file's place: what is lost with a connection is the right to claim."""
    made = Server()
    monkeypatch.setattr(ledger, "claiming", made.claiming)
    return made


def worker(url: str) -> LedgerEngine:
    engine = open_it(url, make_spec(3), resume=True)
    assert isinstance(engine, LedgerEngine)
    engine.steadily = Reconnecting(local=False, sleep=lambda seconds: None)
    return engine


@pytest.mark.parametrize("answers", [[broken], [taken], [broken, taken, broken]])
def test_a_claim_that_was_stored_is_taken_up_when_the_connection_is_back(
    storage_url: str, server: Server, answers: list[Answer]
) -> None:
    engine = worker(storage_url)
    first = engine.ask()
    server.answers = list(answers)
    second = engine.ask()
    assert server.answers == []
    third = engine.ask()
    assert first is not None
    assert second is not None
    assert third is not None
    assert [p.number for p in (first, second, third)] == [0, 1, 2]
    assert [p.slot for p in (first, second, third)] == [0, 1, 2]
    records = read_trials(storage_url, "study", attempts=True)
    assert not any(r.lost for r in records)
    assert [r.searched for r in records] == [p.params for p in (first, second, third)]
    assert [r.seed for r in records] == [p.trial_seed for p in (first, second, third)]
    assert engine.finish(second.number, TrialResult(state="complete", value=0.5))


def test_a_next_attempt_that_is_taken_up_knows_the_ones_before(
    storage_url: str, server: Server
) -> None:
    engine = worker(storage_url)
    first = engine.ask()
    assert first is not None
    engine.record_epoch(first.number, EpochReport(1, {"val_accuracy": 0.3}, 0.1))
    engine.release(first.number, "out_of_memory", {"batch_size": 8})
    server.answers = [broken]
    again = engine.ask()
    assert again is not None
    assert (again.number, again.retry_of, again.earlier) == (1, 0, (0,))
    assert again.lost == ("out_of_memory",)
    assert again.overrides == {"batch_size": 8}


@pytest.mark.parametrize("answer", [broken, taken])
def test_a_claim_whose_slot_is_anothers_too_is_given_up(
    storage_url: str, server: Server, answer: Answer
) -> None:
    engine, other = worker(storage_url), worker(storage_url)
    attempts: Attempts = other._attempts
    rivals: list[int] = []

    def after_another() -> bool:
        # The right to claim was gone before this worker stored its claim, and another had it.
        (mine,) = attempts.all()
        rival = ledger.retries.template([mine], other._me)
        rivals.append(attempts.insert(rival))
        return answer()

    server.answers = [after_another]
    proposal = engine.ask()
    assert proposal is not None
    assert (proposal.number, proposal.slot) == (2, 1)
    assert rivals == [1]
    lost, kept = attempts.get(0), attempts.get(1)
    assert lost.user_attrs[stored.LOST] == "interrupted: the right to claim was lost"
    assert not kept.state.is_finished()
    assert choices([proposal])[0][0] == 1


def test_a_file_without_room_on_its_disk_is_waited_for_and_any_other_error_is_not() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (x)")
    connection.execute("PRAGMA max_page_count = 2")
    said: list[str] = []
    tries = 0

    def write() -> str:
        nonlocal tries
        tries += 1
        if tries == 9:
            connection.execute("PRAGMA max_page_count = 1000")
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
        return "written"

    clock = iter(range(100))
    waiting = Reconnecting(
        local=True, tell=said.append, clock=lambda: next(clock), sleep=lambda seconds: None
    )
    assert waiting(write) == "written"
    assert tries == 9
    assert said == [
        "The disk has no room for the study's database: free some; trials go on, results wait for "
        "it.",
        "The study's database is back.",
    ]
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        waiting(lambda: connection.execute("SELECT * FROM absent"))
