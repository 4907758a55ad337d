"""Writing behind: order, repetition, patience, giving up, and never getting in the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from hpo.tracking.behind import (
    ATTEMPTS,
    BROKEN_AFTER,
    LONGEST_DELAY_SECONDS,
    PATIENCE_SECONDS,
    PROBE_SECONDS,
    WriteBehind,
)
from hpo.tracking.failures import Failure


class Clock:
    """Seconds that pass only where someone waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.longest = 0.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.longest = max(self.longest, seconds)


def quick(
    failure: Failure = Failure.PASSING,
    clock: Clock | None = None,
    notify: Callable[[str], object] = lambda text: None,
) -> WriteBehind:
    clock = clock or Clock()
    return WriteBehind("test", lambda error: failure, notify=notify, clock=clock, wait=clock.wait)


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
            raise OSError("an error of the server")

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

    behind = quick(Failure.LASTING)
    behind.submit("epoch of cnn #3", wrong, lambda: given_up.append("cnn #3"))
    behind.submit("next", lambda: done.append("next"))
    assert behind.close() == ["epoch of cnn #3: no such run"]
    assert (len(calls), done, given_up) == (1, ["next"], ["cnn #3"])


def test_writes_wait_for_minutes_in_their_order_while_nobody_answers() -> None:
    clock, done, news = Clock(), [], []

    def write(number: int) -> Callable[[], None]:
        def action() -> None:
            if clock.now < PATIENCE_SECONDS - 10:
                raise ConnectionError("connection refused")
            done.append(number)

        return action

    behind = quick(Failure.AWAY, clock, news.append)
    for number in range(5):
        behind.submit("write", write(number))
    assert behind.close() == []
    assert done == list(range(5))
    # Back for seconds at most before it is noticed.
    assert clock.longest <= LONGEST_DELAY_SECONDS
    assert len(news) == 2
    assert "training goes on (connection refused)" in news[0]
    assert "answers again" in news[1]


def test_a_moment_of_silence_is_no_news() -> None:
    clock, news = Clock(), []

    def action() -> None:
        if clock.now < 1:
            raise ConnectionError("database is locked")

    behind = quick(Failure.AWAY, clock, news.append)
    behind.submit("write", action)
    assert behind.close() == []
    assert news == []


def test_after_ten_minutes_without_an_answer_a_probe_a_minute_is_all() -> None:
    clock, calls, given_up = Clock(), [], []

    def down() -> None:
        calls.append(clock.now)
        raise ConnectionError("connection refused")

    behind = quick(Failure.AWAY, clock)
    for number in range(10):
        behind.submit(f"write {number}", down, lambda number=number: given_up.append(number))  # type: ignore[misc]
    assert not behind.flush(30)
    assert given_up == list(range(10))
    assert calls[-1] >= PATIENCE_SECONDS
    assert behind.problems[:2] == [
        "write 0: connection refused",
        "write 1: MLflow does not answer",
    ]
    before = len(calls)
    clock.now += PROBE_SECONDS
    behind.submit("probe", down)
    behind.submit("no probe", down)
    assert not behind.flush(30)
    assert len(calls) == before + 1
    # Back at last: the next probe's success opens the door for all.
    clock.now += PROBE_SECONDS
    done: list[int] = []
    for number in range(3):
        behind.submit("write", lambda number=number: done.append(number))  # type: ignore[misc]
    assert behind.flush(30)
    assert done == [0, 1, 2]
    behind.close()


def test_what_is_broken_for_all_is_not_tried_again_and_again() -> None:
    calls: list[int] = []

    def broken() -> None:
        calls.append(1)
        raise OSError("no space left on device")

    behind = quick()
    for _ in range(BROKEN_AFTER + 10):
        behind.submit("write", broken)
    problems = behind.close()
    assert len(calls) == BROKEN_AFTER * ATTEMPTS + 10
    assert len(problems) == BROKEN_AFTER + 10


def test_many_problems_are_counted_not_listed() -> None:
    behind = quick()
    for _ in range(50):
        behind.note("write", "failed")
    assert behind.close()[-1] == "and 30 more"


def test_closing_does_not_wait_for_ever_and_names_what_is_left() -> None:
    release = threading.Event()
    given_up: list[int] = []
    behind = quick()
    behind.submit("slow", lambda: release.wait(30))
    for number in range(6):
        behind.submit(
            f"never {number}",
            lambda: None,
            lambda number=number: given_up.append(number),  # type: ignore[misc]
        )
    began = time.monotonic()
    (problem,) = behind.close(timeout_seconds=0.05)
    # Far below the 30 s that the write takes; generous for a loaded machine.
    assert time.monotonic() - began < 10
    assert problem.endswith("seconds: slow, never 0, never 1, never 2, never 3 and 2 more")
    assert given_up == list(range(6))
    release.set()


def test_closing_ends_at_once_for_who_is_in_a_hurry() -> None:
    def down() -> None:
        raise ConnectionError("connection refused")

    behind = WriteBehind("test", lambda error: Failure.AWAY)
    for label in ("start of cnn #0", "cnn #0"):
        behind.submit(label, down)
    began = time.monotonic()
    (problem,) = behind.close(timeout_seconds=600, hurry=lambda: time.monotonic() - began > 0.2)
    assert time.monotonic() - began < 10
    assert problem == (
        "MLflow was not waited for and lacks 2 entries for now (start of cnn #0, cnn #0); "
        "going on with the study or `hpo doctor --fix` writes them."
    )


def test_nothing_is_written_after_a_close_that_left_something() -> None:
    calls: list[int] = []

    def down() -> None:
        calls.append(1)
        raise ConnectionError("connection refused")

    behind = WriteBehind("test", lambda error: Failure.AWAY)
    behind.submit("write", down)
    behind.close(timeout_seconds=0.1)
    behind._thread.join(10)
    assert not behind._thread.is_alive()
    assert behind.waiting == 0


def test_no_password_is_in_a_problem() -> None:
    behind = WriteBehind("test", shown=lambda text: text.replace("secret", "***"))
    behind.note("write", "http://ada:secret@host does not answer")
    assert behind.close() == ["write: http://ada:***@host does not answer"]


def test_a_write_after_closing_is_a_problem_not_an_error() -> None:
    behind = quick()
    behind.close()
    behind.submit("late", lambda: None)
    assert behind.problems == ["late: came after the mirror was closed"]
    assert not behind.flush(1)


def test_flush_waits_for_what_was_submitted() -> None:
    done: list[int] = []
    behind = quick()
    behind.submit("write", lambda: done.append(1))
    assert behind.flush(10)
    assert done == [1]
    assert behind.waiting <= 1  # The flush itself may not have been counted off yet.
    behind.close()
