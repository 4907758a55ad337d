"""Slots of workers that are gone, silent or late, and what a next attempt inherits."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass

import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.exc import OperationalError

from hpo.search import trials as stored
from hpo.search.attempts import Attempts
from hpo.search.attendance import Attendance
from hpo.search.engine import Engine
from hpo.search.inspection import inspecting
from hpo.search.ledger import LedgerEngine
from hpo.search.retries import MOST_ATTEMPTS, is_hopeless
from hpo.search.studies import read_trials
from hpo.spec.records import EpochReport, TrialResult
from tests.unit.search.analytic import choices, make_spec, open_it, run

DONE = TrialResult(state="complete", value=0.5)


def elsewhere(url: str, trials: int = 2) -> LedgerEngine:
    """Return the engine of a worker on another machine, of whose process nothing is known."""
    engine = open_it(url, make_spec(trials), resume=True)
    assert isinstance(engine, LedgerEngine)
    engine._me = "another:17:4242:abcd"
    return engine


def here(url: str, trials: int = 2) -> LedgerEngine:
    engine = open_it(url, make_spec(trials), resume=True)
    assert isinstance(engine, LedgerEngine)
    engine._looked_at = 0.0
    return engine


def change(url: str, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        database.execute(statement)
        database.commit()


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def let_time_pass(url: str, seconds: int = 3600) -> None:
    change(url, f"UPDATE trial_heartbeats SET heartbeat = datetime('now', '-{seconds} seconds')")


def test_a_silent_workers_slot_is_taken_and_its_late_result_refused(storage_url: str) -> None:
    silent = elsewhere(storage_url)
    first = silent.ask()
    assert first is not None
    let_time_pass(storage_url)
    other = here(storage_url)
    second = other.ask()
    assert second is not None
    assert choices([second]) == choices([first])
    assert (second.retry_of, second.number) == (first.number, 1)
    assert second.lost == ("worker_lost: it gave no sign of life",)
    assert other.take_ended() == [0]
    assert other.take_ended() == []
    assert not silent.finish(first.number, DONE)
    assert other.finish(second.number, DONE)
    (kept,) = read_trials(storage_url, "study")
    assert (kept.attempt, kept.retry_of, kept.value) == (1, 0, 0.5)


def test_a_worker_that_gives_signs_of_life_keeps_its_slot(storage_url: str) -> None:
    distant = elsewhere(storage_url)
    first = distant.ask()
    assert first is not None
    let_time_pass(storage_url)
    distant.beat([first.number])
    second = here(storage_url).ask()
    assert second is not None
    assert second.slot == 1
    assert distant.finish(first.number, DONE)


def test_who_has_just_come_leaves_the_others_a_lease_to_be_heard(storage_url: str) -> None:
    silent = elsewhere(storage_url, trials=1)
    first = silent.ask()
    assert first is not None
    let_time_pass(storage_url, 100)  # longer than a lease: dead, or the database was away
    other, clock = here(storage_url, trials=1), Clock()
    other._attendance = Attendance(30, clock)
    for _ in range(7):
        other._looked_at = 0.0
        assert other.ask() is None
        assert other.busy
        clock.now += 10
    other._looked_at = 0.0
    again = other.ask()
    assert again is not None, "it was heard for more than a lease, the other was not"
    assert again.retry_of == first.number


def test_signs_of_life_that_fail_make_all_others_silence_count_for_nothing(
    storage_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent, watching, clock = elsewhere(storage_url), here(storage_url), Clock()
    watching._attendance = Attendance(30, clock)
    assert silent.ask() is not None
    mine = watching.ask()
    assert mine is not None
    for _ in range(7):
        watching.beat([mine.number])
        clock.now += 10
    let_time_pass(storage_url, 100)

    def away(number: int) -> None:
        raise OperationalError("UPDATE", {}, Exception("server closed the connection"))

    with monkeypatch.context() as patch:
        patch.setattr(watching._attempts, "beat", away)
        watching.beat([mine.number])
    watching.beat([mine.number])
    assert watching.recover() == []
    for _ in range(7):
        clock.now += 10
        watching.beat([mine.number])
    assert watching.recover() == [0]


def test_nobodys_silence_is_older_than_the_server(
    storage_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = elsewhere(storage_url)
    assert silent.ask() is not None
    let_time_pass(storage_url)
    with inspecting(storage_url, make_spec(2)) as inspection:
        with monkeypatch.context() as patch:
            patch.setattr(Attempts, "_seconds_up", lambda attempts: 59.0)
            assert inspection.deserted() == []
            assert inspection.at_work()
            assert inspection.release() == []
        assert [(d.number, d.why) for d in inspection.deserted()] == [
            (0, "it gave no sign of life")
        ]


def test_a_worker_that_never_gave_a_sign_of_life_has_one_lease(storage_url: str) -> None:
    silent = elsewhere(storage_url, trials=1)
    assert silent.ask() is not None
    change(storage_url, "DELETE FROM trial_heartbeats")  # killed between the claim and the first
    other = here(storage_url, trials=1)
    assert other.ask() is None, "its lease begins when somebody looks"
    assert other.busy
    let_time_pass(storage_url)
    other._looked_at = 0.0
    again = other.ask()
    assert again is not None
    assert again.retry_of == 0


def test_a_worker_never_takes_its_own_slot(storage_url: str) -> None:
    engine = here(storage_url)
    assert engine.ask() is not None
    let_time_pass(storage_url)
    engine._looked_at = 0.0
    second = engine.ask()
    assert second is not None
    assert second.slot == 1
    assert engine.ask() is None
    assert not engine.busy


def test_a_retry_runs_with_what_was_changed_and_says_so(storage_url: str) -> None:
    engine = here(storage_url, trials=1)
    first = engine.ask()
    assert first is not None
    layers = 1 if first.params["layers"] != 1 else 2
    wanted = {"batch_size": 32, "layers": layers}
    engine.record_epoch(0, EpochReport(1, {"val_accuracy": 0.3}, 0.1))
    assert engine.release(0, "out_of_memory", wanted)
    second = engine.ask()
    assert second is not None
    assert second.params == {**first.params, "layers": layers}
    assert second.overrides == {"batch_size": 32}
    assert second.trial_seed == first.trial_seed
    assert engine.finish(1, DONE)
    (record,) = read_trials(storage_url, "study")
    assert record.params["batch_size"] == 32
    assert record.epochs == []


def test_a_changed_value_out_of_its_range_is_no_parameter_of_optunas(storage_url: str) -> None:
    engine = here(storage_url, trials=1)
    first = engine.ask()
    assert first is not None
    engine.release(0, "out_of_memory", {"layers": 99, "optimizer": "lion"})
    second = engine.ask()
    assert second is not None
    assert "layers" not in second.params
    assert second.overrides == {"layers": 99, "optimizer": "lion"}
    assert second.configuration({})["layers"] == 99


def test_a_slot_whose_attempts_are_lost_again_and_again_is_given_up(storage_url: str) -> None:
    spec = make_spec(2)
    engine = open_it(storage_url, spec)
    for _ in range(MOST_ATTEMPTS):
        proposal = engine.ask()
        assert proposal is not None
        assert proposal.slot == 0
        engine.release(proposal.number, "worker_lost")
    rest = run(engine, spec)
    assert [p.slot for p in rest] == [1]
    given_up, _ = sorted(read_trials(storage_url, "study"), key=lambda r: r.slot)
    assert given_up.state == "failed"
    assert given_up.result is not None
    assert given_up.result.reason.startswith("worker_lost: 20 attempts")


def test_attempts_that_were_interrupted_or_came_further_give_nothing_up() -> None:
    def lost(reason: str, epochs: int) -> FrozenTrial:
        told = {stored.epoch_attribute(EpochReport(e, {}, 1.0))[0]: None for e in range(epochs)}
        return create_trial(state=TrialState.FAIL, user_attrs={stored.LOST: reason, **told})

    assert not is_hopeless([lost("interrupted", 0)] * (MOST_ATTEMPTS + 1))
    assert not is_hopeless([lost("worker_lost: gone", e) for e in range(1, MOST_ATTEMPTS + 9)])
    assert is_hopeless([lost("worker_lost: gone", 0)] * MOST_ATTEMPTS)
    assert is_hopeless([lost("worker_lost: gone", 5)] * (MOST_ATTEMPTS + 1))


def test_a_night_without_a_sign_of_life_is_not_the_trials_time(storage_url: str) -> None:
    silent = elsewhere(storage_url)
    assert silent.ask() is not None
    hour = 3600
    change(
        storage_url,
        f"UPDATE trial_user_attributes SET value_json = value_json - {20 * hour} "
        "WHERE key = 'started'",
    )
    let_time_pass(storage_url, 19 * hour)
    assert here(storage_url).ask() is not None
    (lost,) = [r for r in read_trials(storage_url, "study", attempts=True) if r.number == 0]
    assert lost.lost
    assert lost.seconds == pytest.approx(hour, abs=60)


def test_a_trial_that_was_taken_away_is_not_judged(storage_url: str) -> None:
    hyperband = {"name": "hyperband"}
    spec = make_spec(2, pruner=hyperband)
    engine = open_it(storage_url, spec)
    assert engine.ask() is not None
    engine.record_epoch(0, EpochReport(1, {"val_accuracy": 0.3}, 0.1))
    change(storage_url, "UPDATE trials SET state = 'FAIL' WHERE number = 0")
    assert not engine.should_prune(0)


def test_a_run_known_only_after_the_trials_end_is_kept_with_the_study(storage_url: str) -> None:
    engine = here(storage_url)
    proposal = engine.ask()
    assert proposal is not None
    engine.finish(proposal.number, DONE)
    engine.set_run_id(proposal.number, "late")
    assert engine.record(proposal.number).mlflow_run_id == "late"
    assert read_trials(storage_url, "study")[0].mlflow_run_id == "late"


def test_a_result_between_the_mark_and_the_fail_holds(storage_url: str) -> None:
    engine = here(storage_url, trials=1)
    proposal = engine.ask()
    assert proposal is not None
    trial_id = engine._attempts._id(proposal.number)
    engine._attempts._storage.set_trial_user_attr(trial_id, "lost", "worker_lost")
    assert engine.finish(proposal.number, DONE)
    assert engine.ask() is None
    (record,) = read_trials(storage_url, "study")
    assert (record.state, record.value) == ("complete", 0.5)


def test_a_result_told_twice_is_held_once(storage_url: str) -> None:
    engine = here(storage_url, trials=1)
    proposal = engine.ask()
    assert proposal is not None
    assert engine.finish(proposal.number, DONE)
    assert engine.finish(proposal.number, DONE), "its acknowledgement may have been lost"
    assert not engine.finish(proposal.number, TrialResult(state="complete", value=0.6))


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        ({"trials": 9, "epochs": 7}, 2),  # 3 epochs each
        ({"trials": 9, "epochs": 2}, 0),
        ({"epochs": 30}, 10),
    ],
)
def test_a_budget_of_epochs_is_never_exceeded(
    storage_url: str, budget: dict[str, int], expected: int
) -> None:
    spec = make_spec(1, budget=budget, sampler="random")
    engine: Engine = open_it(storage_url, spec)
    assert len(run(engine, spec)) == expected


def test_a_budget_of_epochs_counts_a_retry_s_epochs_and_not_its_lost_attempt_s(
    storage_url: str,
) -> None:
    spec = make_spec(1, budget={"epochs": 7}, sampler="random")  # 3 epochs each
    engine = open_it(storage_url, spec)
    assert engine.ask() is not None
    engine.record_epoch(0, EpochReport(1, {"val_accuracy": 0.3}, 0.1))
    engine.release(0, "worker_lost: gone")
    # As another worker, and as one that goes on later.
    assert len(run(open_it(storage_url, spec, resume=True), spec)) == 2
    assert run(open_it(storage_url, spec, resume=True), spec) == []
    assert [len(r.epochs) for r in read_trials(storage_url, "study")] == [3, 3]


def test_attempts_that_each_come_further_are_not_given_up(storage_url: str) -> None:
    spec = make_spec(1)
    for furthest in range(MOST_ATTEMPTS + 3):
        engine = open_it(storage_url, spec, resume=furthest > 0)
        proposal = engine.ask()
        assert proposal is not None, f"given up after {furthest} attempts"
        for epoch in range(furthest + 1):
            report = EpochReport(epoch + 1, {"val_accuracy": 0.3}, 0.1)
            engine.record_epoch(proposal.number, report)
        engine.release(proposal.number, "worker_lost: gone")


def test_epochs_of_running_trials_are_promised(storage_url: str) -> None:
    spec = make_spec(1, budget={"trials": 9, "epochs": 6}, sampler="random")
    one = open_it(storage_url, spec)
    assert one.ask() is not None
    assert one.ask() is not None
    assert one.ask() is None
    one.record_epoch(0, EpochReport(1, {"val_accuracy": 0.3}, 0.1))
    one.finish(0, TrialResult(state="pruned", value=0.3, epochs_run=1))
    assert one.ask() is None, "2 epochs are left, a trial may train 3"
    one.release(1, "interrupted")
    again = one.ask()
    assert again is not None
    assert again.retry_of == 1


def test_what_is_done_counts_over_all_workers_and_who_runs_the_rest_is_known(
    storage_url: str,
) -> None:
    distant, mine = elsewhere(storage_url, trials=3), here(storage_url, trials=3)
    theirs, own, last = distant.ask(), mine.ask(), distant.ask()
    assert theirs is not None
    assert own is not None
    assert last is not None
    assert distant.finish(theirs.number, DONE)
    assert mine.done() == 1
    assert mine.finish(own.number, DONE)
    assert mine.done() == distant.done() == 2
    assert mine.ask() is None
    assert mine.elsewhere == ["another:17:4242:abcd"]
    # A lost attempt has filled no place.
    assert distant.release(last.number, "interrupted")
    assert mine.done() == 2
