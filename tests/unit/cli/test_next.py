"""What a study that has ended advises to do next."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from hpo.cli.app import app
from hpo.cli.confirm import print_next
from hpo.cli.run import _print_next, print_outcome
from hpo.cli.shell import Call
from hpo.execution.interrupts import Interrupted
from hpo.spec.workspace import Workspace
from hpo.study.decision import Check, Decision
from hpo.study.outcome import ArchitectureOutcome, StudyOutcome


@pytest.mark.parametrize("best", [0.5, None])
def test_of_trials_that_all_break_a_constraint_none_is_to_be_confirmed_or_promoted(
    best: float | None, workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        ArchitectureOutcome("cnn", 2, 0, 0, best, 0, ""),
        ArchitectureOutcome("xception", 2, 0, 0, None, None, ""),
    ]
    outcome = StudyOutcome("thesis", "val_accuracy", {"cnn": 2, "xception": 2}, rows)
    _print_next(Call(workspace), outcome, confirmed=False, testable=False)
    said = capsys.readouterr().err
    assert "hpo report thesis" in said
    for command in ("confirm", "promote"):
        assert (f"hpo {command} thesis" in said) is (best is not None)
    # Before a confirmation it would open the split for whoever the search happened to prefer.
    assert "hpo test thesis" not in said
    _print_next(Call(workspace), outcome, confirmed=True, testable=True)
    said = capsys.readouterr().err
    assert "hpo confirm thesis" not in said
    assert ("hpo test thesis" in said) is (best is not None)
    _print_next(Call(workspace), outcome, confirmed=True, testable=False)
    assert "hpo test thesis" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("over", "winner", "testable", "listed"),
    [
        (True, "cnn-1", True, ["report", "promote", "test"]),
        (True, "cnn-1", False, ["report", "promote"]),
        (True, None, True, []),
        (False, "cnn-1", True, []),
    ],
)
def test_a_confirmation_that_is_over_leads_to_what_a_study_with_one_leads_to(
    over: bool,
    winner: str | None,
    testable: bool,
    listed: list[str],
    workspace: Workspace,
    capsys: pytest.CaptureFixture[str],
) -> None:
    facts = {"over": over, "winner": winner}
    print_next(Call(workspace), "thesis", facts, testable=testable)
    said = capsys.readouterr().err
    assert [line.split()[-2] for line in said.splitlines() if line] == listed


def test_what_the_gate_refused_just_now_is_not_to_be_promoted_next(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [ArchitectureOutcome("cnn", 2, 0, 0, 0.5, 0, "")]
    refused = {"outcome": "refused"}
    outcome = StudyOutcome("thesis", "val_accuracy", {"cnn": 2}, rows, promotion=refused)
    _print_next(Call(workspace), outcome, confirmed=False, testable=False)
    said = capsys.readouterr().err
    assert "hpo confirm thesis" in said
    assert "hpo promote" not in said


def test_a_study_that_promotes_shows_what_the_gate_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    size = Check("size", False, 60.0, 50.0, "60.0 MiB", "1.0 MiB", "at most 50 MiB")
    gate = Decision("refused", "3", "2026-01-01T00:00:00", faces=700, checks=(size,))
    told = json.loads(json.dumps({"outcome": "refused", "gate": gate.to_json()}))
    outcome = StudyOutcome("thesis", "val_accuracy", {"cnn": 2}, [], promotion=told)
    print_outcome(outcome)
    said = capsys.readouterr()
    assert {"size", "MiB", "FAILED"} <= set(said.out.split())
    assert "On 700 validation faces, against emotion-classifier 3." in said.err


@pytest.mark.parametrize(
    ("begun", "hint"),
    [
        ("trials", "Everything finished is kept; the same command with --resume goes on"),
        (
            "budget",
            "All trials of the budget are done; the same command with --resume goes on with the "
            "confirmation and the promotion of its winner",
        ),
        ("study", "No trial was begun; the same command with --resume runs them"),
        ("nothing", "Nothing was begun; the same command runs it"),
    ],
)
def test_who_stops_a_study_is_told_what_goes_on_with_it(begun: Any, hint: str) -> None:
    outcome = StudyOutcome("thesis", "val_accuracy", {}, [], stopped_by=2, begun=begun)
    outcome.left.extend(["the confirmation", "the promotion of its winner"])
    with pytest.raises(Interrupted) as caught:
        outcome.raise_if_stopped()
    assert str(caught.value) == f"The study was stopped. {hint}."
    assert caught.value.exit_code == 130


def test_who_stops_a_study_while_it_is_planned_has_begun_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hpo.study.planning.plan", stopped)
    told = CliRunner().invoke(app, ["--home", str(workspace.home), "run", "study.yaml"])
    assert isinstance(told.exception, Interrupted)
    assert "Nothing was begun; the same command runs it" in str(told.exception)
