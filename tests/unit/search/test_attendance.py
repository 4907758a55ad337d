"""Who has heard the database all the while, and who has not: the latter takes nobody for dead."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy.exc import OperationalError

from hpo.search.attendance import Attendance, seconds_since_boot
from hpo.search.reconnecting import Reconnecting

PAUSE = 30.0


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def hear(attendance: Attendance, clock: Clock, times: int = 4) -> None:
    """Answer every 15 seconds."""
    for _ in range(times):
        clock.sleep(15)
        attendance.saw(answered=True)


def test_answers_without_a_break_add_up() -> None:
    clock = Clock()
    attendance = Attendance(PAUSE, clock)
    assert attendance.seconds() == 0, "nothing was heard yet"
    hear(attendance, clock)
    assert attendance.seconds() == 45
    clock.sleep(PAUSE)
    assert attendance.seconds() == 45 + PAUSE


def test_an_answer_that_did_not_come_begins_it_anew() -> None:
    clock = Clock()
    attendance = Attendance(PAUSE, clock)
    hear(attendance, clock)
    attendance.saw(answered=False)
    assert attendance.seconds() == 0
    clock.sleep(8)
    attendance.saw(answered=True)
    assert attendance.seconds() == 0
    hear(attendance, clock, times=2)
    assert attendance.seconds() == 30


def test_an_outage_that_nobody_here_noticed_counts_as_one() -> None:
    clock = Clock()
    attendance = Attendance(PAUSE, clock)
    hear(attendance, clock)
    clock.sleep(PAUSE + 1)
    assert attendance.seconds() == 0, "who asked nothing for so long cannot know"
    attendance.saw(answered=True)
    assert attendance.seconds() == 0


def test_waiting_for_a_database_that_is_away_is_no_attendance() -> None:
    clock = Clock()
    attendance = Attendance(PAUSE, clock)
    hear(attendance, clock)
    failures = [OperationalError("SELECT 1", {}, Exception("server closed"))] * 3

    def operation() -> str:
        if failures:
            raise failures.pop()
        assert attendance.seconds() == 0, "the first that is back must know that it was away"
        return "answer"

    steadily = Reconnecting(
        local=False, saw=lambda a: attendance.saw(answered=a), clock=clock, sleep=clock.sleep
    )
    assert steadily(operation) == "answer"
    hear(attendance, clock, times=1)
    assert attendance.seconds() == 15


def test_a_database_in_a_file_is_not_waited_for() -> None:
    def operation() -> None:
        raise OperationalError("SELECT 1", {}, Exception("disk I/O error"))

    heard: list[bool] = []
    with pytest.raises(OperationalError):
        Reconnecting(local=True, saw=heard.append)(operation)
    assert heard == []


def test_the_clock_only_grows() -> None:
    earlier = seconds_since_boot()
    assert seconds_since_boot() >= earlier > 0
