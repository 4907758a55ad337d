"""Tables in terminals that are too narrow for them."""

from __future__ import annotations

import io
import re
import sys

import pytest
from rich.console import Console

from hpo.cli.live_table import Table
from hpo.cli.run import print_outcome
from hpo.cli.shell import print_table
from hpo.cli.tables import broken, laid_out
from hpo.execution.watch import StudyStart
from hpo.spec.records import TrialResult
from hpo.study.outcome import ArchitectureOutcome, StudyOutcome


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


COLUMNS = ["architecture", *(f"study-{number}" for number in range(5))]
ROWS = [
    ["cnn", *["0.2967 [0.261, 0.335], n = 600"] * 5],
    ["architectures.cnn.fixed.early_stopping_patience", *["val_balanced_accuracy"] * 5],
]


@pytest.mark.parametrize("width", [20, 36, 60, 80, 120, 200])
def test_no_word_is_broken_but_behind_its_joints(width: int) -> None:
    text = "architectures.cnn.fixed.early_stopping_patience of val_accuracy -0.25 [1e-5, 3.14]"
    lines = broken(text, width).split("\n")
    assert all(len(line) <= width for line in lines)
    joined = "".join(lines)
    assert joined.replace(" ", "") == text.replace(" ", "")
    for line in lines[:-1]:
        assert text[text.find(line) + len(line.rstrip()) - 1] in " ._,]e" + line[-1]
        assert line[-1] in "._,]" or f"{line} " in text


def test_what_cannot_be_broken_well_is_cut() -> None:
    assert broken("x" * 10, 4) == "xxxx\nxxxx\nxx"
    assert broken("", 4) == ""
    assert broken("0.5000 [0.4, 0.6]", 7) == "0.5000\n[0.4,\n0.6]"
    assert broken("  thin.confirmation", 15) == "  thin.\nconfirmation"


def test_columns_that_do_not_fit_stand_below_each_other_beside_the_first() -> None:
    cells = [COLUMNS, *ROWS]
    (whole,) = laid_out(cells, 400)
    assert list(whole) == [0, 1, 2, 3, 4, 5]
    assert whole[0] == len(ROWS[1][0])
    parts = laid_out(cells, 50)
    assert len(parts) > 1
    assert all(next(iter(part)) == 0 for part in parts)
    assert [place for part in parts for place in list(part)[1:]] == [1, 2, 3, 4, 5]
    for part in parts:
        assert sum(part.values()) + 2 * (len(part) - 1) <= 50


@pytest.mark.parametrize("width", [40, 60, 80, 110])
def test_a_terminal_shows_names_that_can_be_read(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", Terminal())
    print_table(COLUMNS, ROWS)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", sys.stdout.getvalue())  # type: ignore[attr-defined]
    assert max(map(len, shown.splitlines())) <= width
    words = set(shown.split())
    for study in COLUMNS[1:]:
        assert study in words
    for part in ("patience", "accuracy", "0.2967", "[0.261,", "0.335],"):
        assert any(word.endswith(part) for word in words), shown


@pytest.mark.parametrize("width", [52, 60, 80])
def test_of_the_live_table_the_parameters_alone_give_way(width: int) -> None:
    display, out = Table(), io.StringIO()
    display.study_started(StudyStart("s", {"cnn": 2}, {}, "val_accuracy", "maximize"))
    params = {"learning_rate": 0.00878, "batch_size": 32, "dense_dropout": 0.25, "width": 48}
    for number in range(2):
        display.trial_started("cnn", number, params, 40, "sampler")
    display.trial_finished("cnn", 0, TrialResult("complete", 0.5, epochs_run=40), 3725.0)
    Console(file=out, width=width, force_terminal=True, color_system=None).print(display)
    header, done, running = out.getvalue().splitlines()[2:]
    assert header.split()[:5] == ["trial", "state", "value", "epochs", "time"]
    told = ["cnn", "#0", "★", "complete", "0.5000", "40", "1", "h", "02", "min"]
    assert done.split()[: len(told)] == told
    assert done.rstrip().endswith("…")
    assert running.split()[:5] == ["cnn", "#1", "running", "–", "0/40"]


@pytest.mark.parametrize(("width", "beside"), [(80, False), (140, True)])
def test_the_best_parameters_stand_below_what_they_do_not_fit_beside(
    width: int, beside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", Terminal())
    params = "learning_rate=0.00878 batch_size=32 dense_dropout=0.25"
    row = ArchitectureOutcome("cnn", 3, 0, 0, best=0.5, best_trial=2, params=params)
    failed = ArchitectureOutcome("mine", 0, 0, 3, best=None, best_trial=None, params="")
    print_outcome(StudyOutcome("s", "val_accuracy", {"cnn": 3, "mine": 3}, [row, failed]))
    shown = re.sub(r"\x1b\[[0-9;]*m", "", sys.stdout.getvalue())  # type: ignore[attr-defined]
    lines = [line.rstrip() for line in shown.splitlines()]
    assert len(lines) == (3 if beside else 4)
    assert lines[0].endswith("with") == beside
    assert lines[1].endswith(params) == beside
    assert (lines[-1] == f"cnn #2: {params}") != beside
