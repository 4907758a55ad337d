"""Signals: counted at once, told from another thread."""

from __future__ import annotations

import io
import signal
import sys

import pytest

from hpo.execution.interrupts import Interrupts


class SlowTerminal(io.RawIOBase):
    """Takes a signal in the middle of a write, as the main thread does when a person is quick."""

    def __init__(self) -> None:
        self.text = b""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        written = bytes(data)  # type: ignore[call-overload]
        if not self.text:
            signal.raise_signal(signal.SIGINT)
        self.text += written
        return len(written)


def test_a_signal_in_the_middle_of_a_line_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = SlowTerminal()
    stream = io.TextIOWrapper(io.BufferedWriter(terminal), write_through=True)
    monkeypatch.setattr(sys, "stderr", stream)

    def tell(line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    interrupts = Interrupts(tell)
    with interrupts.installed():
        tell("cnn #1 starts")
        assert interrupts.draining
        assert not interrupts.now
    told = terminal.text.decode()
    assert told.startswith("cnn #1 starts\n")
    assert "Finishing the trials at hand" in told


def test_the_second_signal_stops_at_once_and_what_was_before_comes_back() -> None:
    lines: list[str] = []
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts(lines.append).installed() as interrupts:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert interrupts.now
        assert interrupts.signal_number == signal.SIGTERM
    assert [line.partition(";")[0] for line in lines] == [
        "Finishing the trials at hand",
        "Stopping at once",
    ]
    assert signal.getsignal(signal.SIGTERM) == before


def test_where_all_trials_are_done_none_is_said_to_be_finished_or_run_again() -> None:
    lines: list[str] = []
    with Interrupts(lines.append).installed() as interrupts:
        interrupts.trials_done = True
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert interrupts.draining
    assert lines == ["All trials are done; the step at hand is finished, and no other begun."]


def test_before_the_first_trial_none_is_said_to_be_finished_or_run_again() -> None:
    lines: list[str] = []
    with Interrupts(lines.append).installed() as interrupts:
        interrupts.starting = True
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert interrupts.draining
    assert lines == ["Stopping before the first trial; none is at hand yet."]


def test_where_others_run_the_last_trials_none_is_said_to_be_finished() -> None:
    lines: list[str] = []
    with Interrupts(lines.append).installed() as interrupts:
        interrupts.waiting = True
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert interrupts.draining
    assert lines == ["Stopping here; the trials of other workers go on."]
