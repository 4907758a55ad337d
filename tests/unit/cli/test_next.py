"""What a study that has ended advises to do next."""

from __future__ import annotations

import pytest

from hpo.cli.run import _print_next
from hpo.cli.shell import Call
from hpo.spec.workspace import Workspace
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
    _print_next(Call(workspace), outcome, confirmed=False)
    said = capsys.readouterr().err
    assert "hpo report thesis" in said
    for command in ("confirm", "promote"):
        assert (f"hpo {command} thesis" in said) is (best is not None)
