"""What the doctor looks at, without MLflow."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import hpo.search.climbing as climbing
import hpo.search.studies
from hpo.cli.app import app
from hpo.search import inspection, worker_identity
from hpo.search.inspection import inspecting
from hpo.search.studies import read_attribute, set_attribute
from hpo.spec.errors import SpecError
from hpo.spec.workspace import Workspace
from hpo.study.diagnosis import Problem
from hpo.study.doctor import doctor
from hpo.study.patient import Patient
from hpo.study.reconciling import alone_with_mlflow, alone_with_registry, look
from hpo.tracking.difference import Difference
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


# A study that is being worked on meanwhile.


def begun(workspace: Workspace, engine: Any) -> Path:
    """Begin a trial as a worker does, and return its folder with its log."""
    number = engine.ask().number
    folder = workspace.checkpoints / "study" / "cnn" / str(number)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log.txt").write_text("it trains")
    return folder


def test_a_trial_that_begins_during_the_look_is_no_strangers(
    kept: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(4)
    engine = open_it(kept.storage_url(), spec)
    run(engine, spec, at_most=1)
    read_trials = hpo.search.studies.read_trials
    folders: list[Path] = []

    def read(*given: Any, **more: Any) -> Any:
        records = read_trials(*given, **more)
        if len(folders) < 2:
            folders.append(begun(kept, engine))
        return records

    monkeypatch.setattr(hpo.search.studies, "read_trials", read)
    found = doctor("study", workspace=kept, fix=True)
    assert (found.problems, found.fixed) == ([], [])
    assert len(folders) >= 1
    assert all((folder / "log.txt").is_file() for folder in folders)


def test_a_folder_whose_number_a_trial_was_given_since_stays(kept: Workspace) -> None:
    spec = make_spec(4)
    engine = open_it(kept.storage_url(), spec)
    run(engine, spec, at_most=1)
    for number in ("1", "99"):
        (kept.checkpoints / "study" / "cnn" / number).mkdir(parents=True)
    patient = Patient("study", kept)
    assert [p.number for p in patient.look()] == [1, 99]
    folder = begun(kept, engine)
    assert folder.name == "1"
    patient.mend()
    assert [f.name for f in folder.parent.iterdir()] == ["1"]
    assert (folder / "log.txt").is_file()


def test_what_a_living_worker_has_just_done_is_its_own(
    kept: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps or deletes the checkpoint, and logs the models, after the trial has ended."""
    spec = make_spec(1)
    run(open_it(kept.storage_url(), spec), spec)
    folder = kept.checkpoints / "study" / "cnn" / "0"
    folder.mkdir(parents=True)
    for name in ("model.keras", "state.json", ".1.part.keras"):
        (folder / name).write_text("x")
    looked: list[str] = []
    monkeypatch.setattr(Patient, "_look_at_models", lambda self, records: looked.append("m") or [])
    with monkeypatch.context() as patch:
        patch.setattr(inspection, "holder", lambda owner, me: "alive")
        assert doctor("study", workspace=kept, fix=True).fixed == []
    assert sorted(f.name for f in folder.iterdir()) == [
        ".1.part.keras",
        "model.keras",
        "state.json",
    ]
    assert looked == []
    assert worker_identity.holder is inspection.holder
    kinds = {p.kind for p in doctor("study", workspace=kept).problems}
    assert kinds == {"half-written file", "wrong checksum", "leftover state"}
    assert looked == ["m"]


def test_a_run_of_a_trial_that_began_during_the_look_is_no_orphan(
    kept: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(4)
    url = kept.storage_url()
    engine = open_it(url, spec)
    run(engine, spec, at_most=1)

    def differences(*given: Any, **more: Any) -> list[Difference]:
        engine.ask()
        return [
            Difference("run orphaned", "cnn", n, "what", "delete run", f"run {n}") for n in (1, 99)
        ]

    monkeypatch.setattr("hpo.tracking.audit.differences", differences)
    monkeypatch.setattr("hpo.study.findings.missing_notes", lambda *given: [])
    with inspecting(url, spec) as inspection:
        found, _ = look(object(), url, spec, inspection)
    assert [d.number for d in found] == [99]


def test_the_doctor_logs_no_model_while_another_does(
    kept: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(1)
    run(open_it(kept.storage_url(), spec), spec)
    patient = Patient("study", kept)
    logged = threading.Event()
    monkeypatch.setattr("hpo.study.models.log_models", lambda *given: logged.set() or [])
    doctor_logs = threading.Thread(target=patient._log, args=(object(), [], object()))
    with alone_with_mlflow(kept.storage_url(), spec):
        doctor_logs.start()
        assert not logged.wait(0.5)
    doctor_logs.join(10)
    assert logged.is_set()


def test_a_promotion_under_way_is_not_taken_for_one_that_was_cut_off(
    kept: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(1)
    run(open_it(kept.storage_url(), spec), spec)
    patient = Patient("study", kept)
    looked = threading.Event()
    monkeypatch.setattr(Patient, "_client", lambda self: object())
    monkeypatch.setattr(
        "hpo.registry.consistency.half_promoted", lambda client, study: looked.set()
    )
    doctor_looks = threading.Thread(target=patient._look_at_registry)
    with alone_with_registry(kept.storage_url()):
        doctor_looks.start()
        assert not looked.wait(0.3)
    doctor_looks.join(10)
    assert looked.is_set()


def test_what_mlflow_refuses_ends_no_mending(
    kept: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(1)
    run(open_it(kept.storage_url(), spec), spec)
    patient = Patient("study", kept)
    patient.look()

    def refused() -> None:
        raise RuntimeError("(sqlite3.IntegrityError) no\n[SQL: INSERT")

    patient._mending = [refused]
    patient.mend()
    patient.look()
    assert patient.notes == ["Could not mend this: the database refused it (no)."]
