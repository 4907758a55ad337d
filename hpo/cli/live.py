"""What a person sees while a study runs: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from hpo.cli.shell import counted
from hpo.execution.watch import CONTINUES, SEED, StudyStart
from hpo.spec.confirmation import rerun_title
from hpo.spec.parameters import as_written
from hpo.spec.records import EpochReport, TrialResult


def compact(params: Mapping[str, Any]) -> str:
    """Return parameters on one line, floats with three significant digits."""
    parts = []
    for name, value in params.items():
        shown = f"{value:.3g}" if isinstance(value, float) else as_written(value)
        parts.append(f"{name}={shown}")
    return " ".join(parts)


def duration(seconds: float) -> str:
    """Return seconds as people say them: ``42 s``, ``3 min 05 s``, ``2 h 07 min``, ``12 d 4 h``."""
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    if seconds <= 48 * 3600:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h"


@dataclass
class Progress:
    """How far a study is, and how long the rest may take.

    Args:
        estimates: seconds that one trial may take, by architecture, before any has finished.
    """

    estimates: Mapping[str, float] = field(default_factory=dict)
    budget: dict[str, int] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)
    spent: dict[str, tuple[int, float]] = field(default_factory=dict)
    """By architecture, how many trials ended under our eyes, and in how many seconds together."""
    workers: int = 1
    limit: str = ""
    """What the study is likely to end by, in words, where that is no number of trials."""
    left: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    """As ``StudyStart`` tells it."""
    _begun: dict[str, float] = field(default_factory=dict)
    """By architecture, when its first trial under our eyes began."""
    _told: dict[str, int] = field(default_factory=dict)
    """By architecture, how many are done by all workers, the trial that ends next included."""
    _continuing: set[tuple[str, int]] = field(default_factory=set)
    """Trials that take a configuration one rung further: the budget counts configurations."""

    def study_started(self, start: StudyStart) -> None:
        """Take the budget and what is done of it."""
        self.budget, self.done, self.workers = dict(start.trials), dict(start.done), start.workers
        self.estimates = {**self.estimates, **start.seconds}
        self.left, self.limit = start.left, start.limit
        if self.limit and len(self.budget) > 1:
            self.limit += " each"

    def started(self, label: str, number: int, origin: str) -> None:
        """Hear of a trial that may be one of those that the budget does not count."""
        self._begun.setdefault(label, time.monotonic())
        if origin.startswith(CONTINUES):
            self._continuing.add((label, number))

    def told(self, label: str, done: int) -> None:
        """Hear how many are done, by all workers, with the trial that is counted next."""
        self._told[label] = done

    def finished(self, label: str, number: int, seconds: float) -> None:
        """Count a trial."""
        if label in self._told:
            self.done[label] = self._told.pop(label)
        elif (label, number) not in self._continuing:
            self.done[label] = self.done.get(label, 0) + 1
        count, spent = self.spent.get(label, (0, 0.0))
        self.spent[label] = (count + 1, spent + seconds)

    def seconds_left(self) -> float | None:
        """Return the expected rest in seconds; None while there is nothing to go by."""
        total, pace = 0.0, self._pace()
        for label, trials in self.budget.items():
            left = trials - self.done.get(label, 0)
            spent = self.spent.get(label)
            if left <= 0:
                continue
            # What trials took while they shared the machine is divided by how many shared it; the
            # estimate is of one that has it for itself.
            guessed = self.estimates.get(label)
            each = None if guessed is None else guessed * pace
            if spent:
                each = spent[1] / spent[0] / self.workers
            ends = [*self._until_limits(label), *([] if each is None else [left * each])]
            if not ends:
                return None
            total += min(ends)
        return total

    def _pace(self) -> float:
        """Return how many times its guess a trial takes on this machine today, by those that ended.

        A guess is wrong by the machine and by what else it does, alike for every architecture.
        """
        known = [label for label in self.spent if self.estimates.get(label)]
        guessed = sum(self.estimates[label] * self.spent[label][0] for label in known)
        taken = sum(self.spent[label][1] for label in known) / self.workers
        return taken / guessed if taken and guessed else 1.0

    def _until_limits(self, label: str) -> list[float]:
        """Return in how many seconds each limit of time ends an architecture."""
        busy, added = self.left.get(label, (None, None))
        _, spent = self.spent.get(label, (0, 0.0))
        now = time.monotonic()
        rests = (
            None if busy is None else busy - (now - self._begun.get(label, now)),
            None if added is None else (added - spent) / self.workers,
        )
        return [max(0.0, rest) for rest in rests if rest is not None]

    @property
    def share(self) -> float:
        """Return how much is done, from 0 to 1: of the trials, or of the time from here on."""
        if not self.limit:
            return sum(self.done.values()) / max(1, sum(self.budget.values()))
        spent = sum(seconds for _, seconds in self.spent.values()) / self.workers
        left = self.seconds_left()
        return 0.0 if left is None else spent / max(1.0, spent + left)

    def line(self) -> str:
        """Return ``7 of 20 trials, about 12 min left``, or ``7 trials, at most 2 hours, …``."""
        done, budget = sum(self.done.values()), sum(self.budget.values())
        left = self.seconds_left()
        if self.limit:
            tail = f", about {duration(left)} left" if left else ""
            return f"{counted(done, 'trial')}, at most {self.limit}{tail}"
        if done > budget:  # A study that was gone on with, to a smaller budget.
            return f"{done} trials done, {budget} asked for"
        tail = f", about {duration(left)} left" if left and done < budget else ""
        return f"{done} of {budget} trials{tail}"


_SILENCE_SECONDS = 120.0
"""So long may a log say nothing while a trial trains."""


class Lines:
    """Prints a plain line for each thing that happens, to standard error.

    Args:
        estimates: as ``Progress`` takes them.
        single: one run outside of any budget is shown; its number is only a time.
    """

    def __init__(
        self, estimates: Mapping[str, float] | None = None, *, single: bool = False
    ) -> None:
        self.progress = Progress(estimates or {})
        self._single = single
        self._epochs: dict[tuple[str, int], int] = {}
        self._reruns: dict[tuple[str, int], str] = {}
        """What runs of a confirmation are called."""
        self._said_at = time.monotonic()
        self._objective, self._sign = "val_accuracy", 1

    def running(self) -> AbstractContextManager[Any]:
        """Return the context in which the study runs."""
        return nullcontext()

    def study_started(self, start: StudyStart) -> None:
        """Print the budget."""
        self._objective, self._sign = start.objective, 1 if start.direction == "maximize" else -1
        self.progress.study_started(start)
        if start.limit:
            budget = f"{', '.join(start.trials)} at most {self.progress.limit}"
        else:
            budget = ", ".join(f"{label} {count}" for label, count in start.trials.items())
            budget += " trial" if sum(start.trials.values()) == 1 else " trials"
        done = sum(start.done.values())
        told = counted(done, "trial") if start.limit else str(done)
        resumed = f" ({told} done already)" if done else ""
        if not self._single:
            left = self.progress.seconds_left()
            tail = f", about {duration(left)}" if left else ""
            self._print(f"study {start.study}: {budget}{resumed}{tail}")

    def trial_started(
        self, label: str, number: int, params: dict[str, Any], epochs: int, origin: str
    ) -> None:
        """Print the configuration."""
        self._epochs[label, number] = epochs
        self._start(label, number, origin)
        known = origin == "sampler" or (label, number) in self._reruns
        mark = "" if known or self._single else f" [{origin}]"
        # A run of a confirmation searches nothing.
        told = f": {compact(params)}" if params else ""
        self._print(f"{self._name(label, number)} starts{mark}{told}")

    def epoch_finished(self, label: str, number: int, report: EpochReport) -> None:
        """Print how far the trial is, if nothing has been said for minutes.

        A log with a line per epoch hides what matters.
        """
        if time.monotonic() - self._said_at < _SILENCE_SECONDS:
            return
        value = report.metrics.get(self._objective)
        reached = "" if value is None else f", {self._objective} {value:.4f}"
        of = self._epochs.get((label, number))
        self._print(
            f"{self._name(label, number)} has done epoch {report.epoch}"
            + (f" of {of}" if of else "")
            + reached
        )

    def trials_done(self, label: str, done: int) -> None:
        """Take how many are done by all workers."""
        self.progress.told(label, done)

    def trial_finished(self, label: str, number: int, result: TrialResult, seconds: float) -> None:
        """Print the result and the time left."""
        self._epochs.pop((label, number), None)
        self.progress.finished(label, number, seconds)
        value = "no value" if result.value is None else f"{result.value:.4f}"
        why = f" ({result.reason.rstrip('.')})" if result.reason else ""
        far = "" if self._single else f"; {self.progress.line()}"
        self._print(
            f"{self._name(label, number)} {result.state}{why}: {value} after "
            f"{counted(result.epochs_run, 'epoch')}, {duration(seconds)}{far}"
        )

    def trial_released(self, label: str, number: int, why: str) -> None:
        """Print why the trial is to be run again."""
        self._epochs.pop((label, number), None)
        self._print(f"{self._name(label, number)}: {why}.")

    def waits(self, text: str) -> None:
        """Print for whom is waited."""
        self._print(text)

    def note(self, text: str) -> None:
        """Print the note."""
        self._print(text)

    def _start(self, label: str, number: int, origin: str) -> None:
        self.progress.started(label, number, origin)
        if origin.startswith(SEED):
            slot = int(origin.removeprefix(SEED)) - 1
            self._reruns[label, number] = rerun_title(label, slot)

    def _name(self, label: str, number: int) -> str:
        if self._single:
            return f"{label} single run"
        return self._reruns.get((label, number), f"{label} #{number}")

    def _print(self, text: str) -> None:
        self._said_at = time.monotonic()
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def watcher(estimates: Mapping[str, float] | None = None, *, single: bool = False) -> Lines:
    """Return the display that fits where standard error goes."""
    if not sys.stderr.isatty():
        return Lines(estimates, single=single)
    from hpo.cli.live_table import Table

    return Table(estimates, single=single)
