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
from hpo.spec.records import EpochReport, TrialResult


def compact(params: Mapping[str, Any]) -> str:
    """Return parameters on one line, floats with three significant digits."""
    parts = []
    for name, value in params.items():
        shown = f"{value:.3g}" if isinstance(value, float) else str(value)
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
    _told: dict[str, int] = field(default_factory=dict)
    """By architecture, how many are done by all workers, the trial that ends next included."""
    _continuing: set[tuple[str, int]] = field(default_factory=set)
    """Trials that take a configuration one rung further: the budget counts configurations."""

    def started(self, label: str, number: int, origin: str) -> None:
        """Hear of a trial that may be one of those that the budget does not count."""
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
        total = 0.0
        for label, trials in self.budget.items():
            left = trials - self.done.get(label, 0)
            spent = self.spent.get(label)
            if left <= 0:
                continue
            # What trials took while they shared the machine is divided by how many shared it; the
            # estimate is of one that has it for itself.
            each = spent[1] / spent[0] / self.workers if spent else self.estimates.get(label)
            if each is None:
                return None
            total += left * each
        return total

    def line(self) -> str:
        """Return ``7 of 20 trials, about 12 min left``."""
        done, budget = sum(self.done.values()), sum(self.budget.values())
        left = self.seconds_left()
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
        self.progress.budget, self.progress.done = dict(start.trials), dict(start.done)
        self.progress.workers = start.workers
        self.progress.estimates = {**self.progress.estimates, **start.seconds}
        budget = ", ".join(f"{label} {count}" for label, count in start.trials.items())
        done = sum(start.done.values())
        resumed = f" ({done} done already)" if done else ""
        noun = "trial" if sum(start.trials.values()) == 1 else "trials"
        if not self._single:
            left = self.progress.seconds_left()
            tail = f", about {duration(left)}" if left else ""
            self._print(f"study {start.study}: {budget} {noun}{resumed}{tail}")

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
