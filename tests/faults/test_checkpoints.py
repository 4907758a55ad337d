"""Checkpoints that are damaged, and trials that go on from where they were cut off."""

from __future__ import annotations

import multiprocessing
import shutil
from pathlib import Path
from typing import Any

import pytest

import hpo
import hpo.evidence.confirmation
from hpo.search.attempts import Attempts
from hpo.search.studies import read_trials
from hpo.spec.errors import IntegrityError, NotFoundError
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.confirming import confirm
from hpo.study.doctor import doctor
from hpo.study.promoting import promote
from tests.faults.studies import copied, die, elsewhere, on_the_objective, run_here, study_of


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Workspace:
    return copied(template, tmp_path)


def run_without_models(workspace: Workspace) -> None:
    """Run a study whose best checkpoint is on disk alone, as if MLflow had been away at its end."""
    import hpo.study.models

    def nothing(*arguments: Any, **keywords: Any) -> list[str]:
        return []

    hpo.study.models.log_models = nothing  # type: ignore[assignment]
    run_here(study_of(2, promote=False), workspace)


def refusal(workspace: Workspace) -> str:
    try:
        promote("study", workspace=workspace)
    except IntegrityError as error:
        return str(error)
    return "it was registered"


def test_a_truncated_checkpoint_is_refused_at_registration(workspace: Workspace) -> None:
    elsewhere(run_without_models, workspace)
    (checkpoint,) = workspace.checkpoints.rglob("model.keras")
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[: len(whole) // 2])
    assert "this is not the file that was recorded" in elsewhere(refusal, workspace)
    kinds = [p.kind for p in elsewhere(doctor, "study", workspace=workspace).problems]
    assert "wrong checksum" in kinds
    assert elsewhere(doctor, "study", workspace=workspace, fix=True).ok
    assert elsewhere(doctor, "study", workspace=workspace).fixed == []


def cut_short(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])


def test_a_damaged_checkpoint_is_put_back_from_mlflow(workspace: Workspace) -> None:
    elsewhere(run_here, study_of(2, promote=False), workspace)
    (checkpoint,) = workspace.checkpoints.rglob("model.keras")
    whole = checkpoint.read_bytes()
    cut_short(checkpoint)
    found = elsewhere(doctor, "study", workspace=workspace, fix=True)
    assert [p.kind for p in found.fixed] == ["wrong checksum"]
    assert found.ok
    assert checkpoint.read_bytes() == whole
    promotion = elsewhere(promote_here, "study", workspace)
    assert promotion.outcome == "promoted"


def promote_here(study: str, workspace: Workspace) -> Any:
    compare_values()
    with on_the_objective():
        return promote(study, workspace=workspace)


def confirm_here(study: str, workspace: Workspace) -> Any:
    compare_values()
    with on_the_objective():
        return confirm(study, workspace=workspace, top=2, seeds=2)


def compare_values() -> None:
    """Let a confirmation compare the objective's values: it has no answers for single faces."""
    confirmation: Any = hpo.evidence.confirmation
    confirmation.BY_FACE = "none"


def refused_as_lost(workspace: Workspace) -> str:
    try:
        promote_here("study", workspace)
    except NotFoundError as error:
        return str(error)
    return "it was registered"


def test_what_is_advised_where_a_model_is_lost_works(workspace: Workspace) -> None:
    elsewhere(run_here, study_of(2, promote=False), workspace)
    (checkpoint,) = workspace.checkpoints.rglob("model.keras")
    (copy,) = (workspace.runs / "artifacts").rglob("model.keras")
    cut_short(checkpoint)
    cut_short(copy)
    found = elsewhere(doctor, "study", workspace=workspace, fix=True)
    assert found.ok
    (told,) = (p.what for p in found.fixed if p.kind == "wrong checksum")
    assert "this trial's model is lost" in told
    advice = "`hpo confirm study` trains the best configurations again, and `hpo promote study`"
    assert advice in told
    assert advice in elsewhere(refused_as_lost, workspace)
    elsewhere(confirm_here, "study", workspace)
    assert elsewhere(promote_here, "study", workspace).study == "study"


def host_of_two_trials(spec: StudySpec, workspace: Workspace) -> None:
    """Work on a study, and die like a machine that loses power when the third trial is claimed."""
    inner = Attempts.insert

    def failing(self: Attempts, template: Any) -> int:
        number = inner(self, template)
        if number == 2:
            die()
        return number

    Attempts.insert = failing  # type: ignore[method-assign]
    run_here(spec, workspace)


def test_a_model_outlives_the_machine_that_trained_it(
    workspace: Workspace, postgresql: str
) -> None:
    spec = study_of(4, storage=postgresql, promote=False, tracking={"keep_models": 1})
    lost = multiprocessing.get_context("fork").Process(
        target=host_of_two_trials, args=(spec, workspace)
    )
    lost.start()
    lost.join(120)
    assert lost.exitcode == -9
    records = elsewhere(read_trials, postgresql, "study")
    best = max((r for r in records if r.state == "complete"), key=lambda r: r.value)
    shutil.rmtree(workspace.checkpoints)
    promotion = elsewhere(promote, "study", workspace=workspace, storage_url=postgresql)
    assert promotion.trial == best.number


def trained(epochs: int) -> StudySpec:
    return study_of(
        1,
        promote=False,
        continue_trials=True,
        architectures={
            "cnn": {
                "fixed": {"epochs": epochs, "stages": 1, "width": 4, "dense": 8, "dense_layers": 1},
                "space": {},
                "enqueue": [],
            }
        },
    )


def train_until(workspace: Workspace, epoch: int) -> None:
    """Train, and die when so many epochs are stored."""
    inner = Attempts.record_epoch

    def killing(self: Attempts, number: int, report: Any, **more: Any) -> bool:
        held = inner(self, number, report, **more)
        if report.epoch == epoch:
            die()
        return held

    Attempts.record_epoch = killing  # type: ignore[method-assign]
    hpo.run(trained(6), workspace=workspace)


def go_on(workspace: Workspace) -> Any:
    return hpo.run(trained(6), workspace=workspace, resume=True)


@pytest.mark.keras
def test_a_trial_that_was_cut_off_goes_on_from_its_last_epoch(workspace: Workspace) -> None:
    process = multiprocessing.get_context("fork").Process(target=train_until, args=(workspace, 4))
    process.start()
    process.join(180)
    assert process.exitcode == -9
    outcome = elsewhere(go_on, workspace)
    assert outcome.rows[0].complete == 1
    (record,) = elsewhere(read_trials, workspace.storage_url(), "study")
    assert (record.attempt, record.retry_of) == (1, 0)
    assert [report.epoch for report in record.epochs] == [1, 2, 3, 4, 5, 6]
    assert record.result is not None
    assert record.result.continued_from_epoch >= 3
    assert record.result.epochs_run == 6
    assert list(workspace.checkpoints.rglob("state*")) == []
    assert elsewhere(doctor, "study", workspace=workspace).problems == []
