"""What the doctor looks at, without MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import hpo.search.climbing as climbing
from hpo.cli.app import app
from hpo.search.studies import read_attribute, set_attribute
from hpo.spec.errors import SpecError
from hpo.spec.workspace import Workspace
from hpo.study.diagnosis import Problem
from hpo.study.doctor import doctor
from hpo.study.patient import Patient
from tests.unit.search.analytic import empty_database, make_spec, open_it, run


@pytest.fixture
def kept(tmp_path: Path) -> Workspace:
    return Workspace.at(tmp_path, storage=f"sqlite:///{empty_database(tmp_path)}")


def test_a_study_that_is_not_understood_hides_no_other(kept: Workspace) -> None:
    url = kept.storage_url()
    for name in ("old", "study"):
        spec = make_spec(1, name=name)
        run(open_it(url, spec), spec)
    stored = read_attribute(url, "old", "spec")
    set_attribute(url, "old", "spec", {**stored, "budget": {"generations": 3}})
    (kept.checkpoints / "study" / "cnn" / "99").mkdir(parents=True)
    found = doctor(workspace=kept)
    kinds = {problem.study: (problem.kind, problem.fixable) for problem in found.problems}
    assert kinds == {"old": ("study not understood", False), "study": ("orphaned folder", True)}
    with pytest.raises(SpecError, match="does not understand"):
        doctor("old", workspace=kept)


def test_a_place_whose_attempt_was_lost_is_not_done(
    kept: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(2)
    engine = open_it(kept.storage_url(), spec)
    run(engine, spec, at_most=1)
    proposal = engine.ask()
    assert proposal is not None
    assert engine.release(proposal.number, "interrupted")
    done: list[int] = []
    asked: list[str] = []
    filled_slots = climbing.filled_slots

    def missing(client: Any, records: list[Any], spec: Any) -> list[Any]:
        done.append(len(records))
        return []

    def filled(spec: Any, label: str, records: Any) -> frozenset[int]:
        asked.append(label)
        return filled_slots(spec, label, records)

    monkeypatch.setattr("hpo.study.models.missing_models", missing)
    monkeypatch.setattr(climbing, "filled_slots", filled)
    monkeypatch.setattr(Patient, "_client", lambda self: object())
    patient = Patient("study", kept)
    assert patient._look_at_models(patient._records()) == []
    run(engine, spec)
    assert patient._look_at_models(patient._records()) == []
    assert done == [0, 2]
    assert asked == ["cnn", "cnn"], "once for each look, however many trials there are"


def test_what_is_to_be_typed_next_says_where(kept: Workspace) -> None:
    url = kept.storage_url()
    spec = make_spec(1)
    run(open_it(url, spec), spec)
    (kept.checkpoints / "study" / "cnn" / "99").mkdir(parents=True)
    for words in (["doctor"], ["doctor", "study"]):
        told = CliRunner().invoke(app, ["--home", str(kept.home), "--storage", url, *words])
        assert told.exit_code == 1
        again = " ".join(["hpo", *words, "--fix", "--home", str(kept.home), "--storage", url])
        assert f"`{again}` mends them." in told.stderr


def test_how_many_of_the_problems_the_next_command_mends_is_said(
    kept: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = kept.storage_url()
    spec = make_spec(1)
    run(open_it(url, spec), spec)
    found = [Problem("study", "disk", "k", "cnn", 0, "w", fixable=f) for f in (True, False)]
    monkeypatch.setattr(Patient, "look", lambda self: found)
    words = ["--home", str(kept.home), "--storage", url, "doctor", "study"]
    told = CliRunner().invoke(app, words)
    assert "mends 1 of them." in told.stderr


def test_where_no_study_is_nothing_is_said_to_agree(kept: Workspace) -> None:
    outcome = CliRunner().invoke(app, ["--home", str(kept.home), "doctor"])
    assert outcome.exit_code == 0
    assert "There is no study here" in outcome.output
    assert "agree" not in outcome.output


def test_what_mending_brings_to_light_is_told_as_mended_too(
    kept: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(1)
    run(open_it(kept.storage_url(), spec), spec)
    run_is_gone, model_is_gone = (
        Problem("study", "mlflow", kind, "cnn", 0, kind, fixable=True) for kind in ("run", "model")
    )
    looks = iter([[run_is_gone], [model_is_gone], []])
    monkeypatch.setattr(Patient, "look", lambda self: next(looks))
    monkeypatch.setattr(Patient, "mend", lambda self: None)
    found = doctor("study", workspace=kept, fix=True)
    assert (found.fixed, found.problems) == ([run_is_gone, model_is_gone], [])
