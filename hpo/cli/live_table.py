"""The live table: what runs and what has ended, drawn over itself on a terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hpo.cli.live import Lines, compact, duration
from hpo.execution.watch import StudyStart
from hpo.spec.records import EpochReport, TrialResult

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text

_STYLES = {"complete": "green", "pruned": "yellow", "failed": "red"}
_LAST_TRIALS = 8
_LEAST_WIDTHS = {"trial": 5, "state": 8, "value": 6, "epochs": 6, "time": 4}
"""Columns that are never cut, and their width in characters while nothing wider is in them."""


@dataclass
class _Row:
    label: str
    number: int
    state: str
    value: float | None
    epochs: int
    seconds: float
    params: str


class Table(Lines):
    """A table on a terminal that is drawn over itself, twice a second."""

    def __init__(
        self, estimates: Mapping[str, float] | None = None, *, single: bool = False
    ) -> None:
        super().__init__(estimates, single=single)
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)
        self._study = ""
        self._rows: list[_Row] = []
        self._best: dict[str, _Row] = {}
        self._now: dict[tuple[str, int], tuple[_Row, int, float]] = {}
        self._live: Any = None

    def running(self) -> AbstractContextManager[Any]:
        """Return the live display."""
        from rich.live import Live

        self._live = Live(self, console=self._console, refresh_per_second=2, transient=False)
        return self._live  # type: ignore[no-any-return]

    def study_started(self, start: StudyStart) -> None:
        """Take the budget."""
        self._objective, self._sign = start.objective, 1 if start.direction == "maximize" else -1
        self._study = start.study
        self.progress.study_started(start)

    def trial_started(
        self, label: str, number: int, params: dict[str, Any], epochs: int, origin: str
    ) -> None:
        """Show the trial as running."""
        self._start(label, number, origin)
        row = _Row(label, number, "running", None, 0, 0.0, compact(params))
        self._now[label, number] = (row, epochs, time.monotonic())

    def epoch_finished(self, label: str, number: int, report: EpochReport) -> None:
        """Move the trial's epoch on."""
        if (label, number) in self._now:
            row = self._now[label, number][0]
            row.epochs = report.epoch
            row.value = report.metrics.get(self._objective)

    def trial_released(self, label: str, number: int, why: str) -> None:
        """Take the trial from the table and print why it is to be run again."""
        self._now.pop((label, number), None)
        super().trial_released(label, number, why)

    def trial_finished(self, label: str, number: int, result: TrialResult, seconds: float) -> None:
        """Move the trial to the finished ones."""
        self.progress.finished(label, number, seconds)
        shown = self._now.pop((label, number), None)
        params = shown[0].params if shown else ""
        row = _Row(label, number, result.state, result.value, result.epochs_run, seconds, params)
        self._rows = [*self._rows, row][-_LAST_TRIALS:]
        best = self._best.get(label)
        if result.state == "complete" and row.value is not None:
            standing = None if best is None or best.value is None else self._sign * best.value
            if standing is None or self._sign * row.value > standing:
                self._best[label] = row
        if result.state == "failed" and result.reason:
            self.note(f"{self._name(label, number)} failed: {result.reason}")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw header, progress bar, the last trials and those that run."""
        from rich.progress_bar import ProgressBar
        from rich.segment import Segment
        from rich.table import Table as RichTable
        from rich.text import Text

        if not self._single:
            if not self._study:
                yield Text("Getting ready", style="dim")
                return
            yield Text.assemble((self._study, "bold"), "  ", self.progress.line())
            width = min(60, options.max_width)
            yield ProgressBar(total=1, completed=self.progress.share, width=width)
            yield Segment.line()  # A bar may stand within a line, and ends none.
        table = RichTable(box=None, pad_edge=False, header_style="dim")
        # The parameters alone give way: Rich takes room only from a column that may wrap, and what
        # stands in it does not.
        for name, least in _LEAST_WIDTHS.items():
            justify: Literal["left", "right"] = "left" if name in ("trial", "state") else "right"
            table.add_column(name, justify=justify, no_wrap=True, min_width=least)
        table.add_column(_on_one_line("parameters"))
        for row in self._rows:
            best = " ★" if self._best.get(row.label) is row and not self._single else ""
            table.add_row(*_cells(row, self._name(row.label, row.number) + best), style=None)
        # A copy: the display draws in a thread of its own.
        for row, epochs, start in list(self._now.values()):
            row.seconds = time.monotonic() - start
            table.add_row(*_cells(row, self._name(row.label, row.number), epochs))
        yield table


def _cells(row: _Row, name: str, epochs: int | None = None) -> list[Any]:
    from rich.text import Text

    value = "–" if row.value is None else f"{row.value:.4f}"
    run = str(row.epochs) if epochs is None else f"{row.epochs}/{epochs}"
    return [
        name,
        Text(row.state, style=_STYLES.get(row.state, "cyan")),
        value,
        run,
        duration(row.seconds),
        _on_one_line(row.params),
    ]


def _on_one_line(text: str) -> Text:
    from rich.text import Text

    return Text(text, no_wrap=True, overflow="ellipsis")
