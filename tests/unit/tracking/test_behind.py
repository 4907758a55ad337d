"""Writing behind: order, repetition, giving up, and never getting in the way."""

from __future__ import annotations

import threading
import time

from hpo.tracking.behind import ATTEMPTS, BROKEN_AFTER, WriteBehind


def quick(passing: bool = True) -> WriteBehind:
    return WriteBehind("test", passing=lambda error: passing, wait=lambda seconds: None)


def test_writes_are_done_in_order() -> None:
    done: list[int] = []
    behind = quick()
    for number in range(100):
        behind.submit("write", lambda number=number: done.append(number))  # type: ignore[misc]
    assert behind.close() == []
    assert done == list(range(100))


def test_a_passing_error_is_tried_again() -> None:
    calls: list[int] = []

    def flaky() -> None:
        calls.append(1)
        if len(calls) < ATTEMPTS:
            raise OSError("database is locked")

    behind = quick()
    behind.submit("write", flaky)
    assert behind.close() == []
    assert len(calls) == ATTEMPTS


def test_a_lasting_error_is_reported_once_and_the_next_write_goes_on() -> None:
    done: list[str] = []
    calls: list[int] = []
    given_up: list[str] = []

    def wrong() -> None:
        calls.append(1)
        raise ValueError("no such run\nsecond line")

    behind = quick(passing=False)
    behind.submit("epoch of cnn #3", wrong, lambda: given_up.append("cnn #3"))
    behind.submit("next", lambda: done.append("next"))
    assert behind.close() == ["epoch of cnn #3: no such run"]
    assert (len(calls), done, given_up) == (1, ["next"], ["cnn #3"])


def test_a_store_that_is_down_is_not_waited_for_again_and_again() -> None:
    calls: list[int] = []

    def down() -> None:
        calls.append(1)
        raise OSError("connection refused")

    behind = quick()
    for _ in range(BROKEN_AFTER + 10):
        behind.submit("write", down)
    problems = behind.close()
    assert len(calls) == BROKEN_AFTER * ATTEMPTS + 10
    assert len(problems) == BROKEN_AFTER + 10


def test_many_problems_are_counted_not_listed() -> None:
    behind = quick(passing=False)
    for _ in range(50):
        behind.note("write", "failed")
    assert behind.close()[-1] == "and 30 more"


def test_closing_does_not_wait_for_ever() -> None:
    release = threading.Event()
    behind = quick()
    behind.submit("slow", lambda: release.wait(30))
    behind.submit("never", lambda: None)
    began = time.monotonic()
    problems = behind.close(timeout_seconds=0.05)
    # Far below the 30 s that the write takes; generous for a loaded machine.
    assert time.monotonic() - began < 10
    assert "left after 0.05 seconds" in problems[0]
    release.set()


def test_a_write_after_closing_is_a_problem_not_an_error() -> None:
    behind = quick()
    behind.close()
    behind.submit("late", lambda: None)
    assert behind.problems == ["late: came after the mirror was closed"]


def test_flush_waits_for_what_was_submitted() -> None:
    done: list[int] = []
    behind = quick()
    behind.submit("write", lambda: done.append(1))
    assert behind.flush(10)
    assert done == [1]
    assert behind.waiting <= 1  # The flush itself may not have been counted off yet.
    behind.close()
