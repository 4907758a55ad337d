"""What is kept of trials until it is written, and how little after that."""

from __future__ import annotations

import threading
from dataclasses import replace

from hpo.spec.records import EpochReport, TrialRecord
from hpo.tracking.clock import EpochClock
from hpo.tracking.runs import RunKey
from hpo.tracking.told import ToldTrials

KEY = RunKey("cnn", 0)
STARTED = "2026-11-22T09:00:00.000+00:00"
RUNNING = TrialRecord("study", "cnn", 0, "running", None, {}, {}, started=STARTED)
REPORTS = [EpochReport(epoch, {"loss": 1.0}, 0.1 + epoch / 3) for epoch in range(1, 6)]


def test_epochs_that_queue_up_go_out_in_one_write() -> None:
    told = ToldTrials()
    told.start(KEY, RUNNING, None)
    assert [told.epoch(KEY, report) for report in REPORTS] == [True, *[False] * 4]
    pending = told.take(KEY)
    assert [report for report, _ in pending] == REPORTS
    told.wrote(KEY, len(pending))
    assert told.take(KEY) == []
    assert told.epoch(KEY, REPORTS[0]) is True


def test_an_epoch_that_comes_while_others_are_written_is_in_the_next_round() -> None:
    told = ToldTrials()
    told.start(KEY, RUNNING, None)
    told.epoch(KEY, REPORTS[0])
    told.take(KEY)
    assert told.epoch(KEY, REPORTS[1]) is False
    told.wrote(KEY, 1)
    assert [report for report, _ in told.take(KEY)] == [REPORTS[1]]


def test_epochs_whose_write_was_given_up_go_with_the_next() -> None:
    told = ToldTrials()
    told.start(KEY, RUNNING, None)
    told.epoch(KEY, REPORTS[0])
    told.dropped(KEY)
    assert told.epoch(KEY, REPORTS[1]) is True
    assert len(told.take(KEY)) == 2


def test_an_unknown_trial_keeps_nothing() -> None:
    told = ToldTrials()
    assert told.epoch(KEY, REPORTS[0]) is None
    assert told.take(KEY) == []


def test_a_written_trial_leaves_a_run_id_and_nothing_else() -> None:
    told = ToldTrials()
    told.start(KEY, RUNNING, None)
    told.epoch(KEY, REPORTS[0])
    ended = told.end(KEY, replace(RUNNING, state="complete"), None)
    told.answer(KEY, "a1")
    told.forget(KEY, ended)
    assert told.get(KEY) is None
    assert told.run_id(KEY, 0) == "a1"
    # Given up later, it is known all the same.
    told.answer(KEY, "")
    assert told.run_id(KEY, 0) == "a1"


def test_a_trial_that_was_told_again_meanwhile_is_kept() -> None:
    told = ToldTrials()
    first = told.end(KEY, replace(RUNNING, state="failed"), None)
    told.end(KEY, replace(RUNNING, state="complete"), None)
    told.forget(KEY, first)
    kept = told.get(KEY)
    assert kept is not None
    assert kept.record.state == "complete"


def test_a_run_id_is_asked_for_at_any_time() -> None:
    told = ToldTrials()
    assert told.run_id(KEY, 0) == ""
    timer = threading.Timer(0.05, told.answer, (KEY, "a1"))
    timer.start()
    assert told.run_id(KEY, 30) == "a1"
    told.close()
    assert told.run_id(RunKey("cnn", 1), 30) == ""


def test_an_epoch_has_one_time_whoever_tells_it() -> None:
    live = EpochClock(RUNNING)
    times = [live.tick(report) for report in REPORTS]
    replayed = EpochClock(RUNNING)
    assert [replayed.tick(report) for report in REPORTS] == times
    # A trial that is gone on with after its second epoch.
    resumed = EpochClock(replace(RUNNING, epochs=REPORTS[:2]))
    assert [resumed.tick(report) for report in REPORTS[2:]] == times[2:]
    assert times == sorted(set(times))
