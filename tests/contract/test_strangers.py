"""Studies that MLflow or the disk tells of and Optuna's storage does not know."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hpo.search.engine import open_engine
from hpo.spec.records import SINGLE
from hpo.spec.workspace import Workspace
from hpo.study.doctor import doctor
from hpo.study.strangers import look_for_strangers
from hpo.tracking import names
from hpo.tracking.experiment import all_runs
from hpo.tracking.store import open_client
from tests.unit.search.analytic import make_spec

# As in test_mirror.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")


def test_what_a_lost_storage_leaves_is_told_and_not_touched(
    workspace: Workspace, mlflow_tables: Path
) -> None:
    workspace.runs.mkdir(parents=True)
    shutil.copy(mlflow_tables, workspace.runs / "mlflow.db")
    client = open_client(workspace.tracking_uri())
    origins = {"lost": ["sampler", "sampler", SINGLE], "single": [SINGLE], "other": []}
    for study, of_runs in origins.items():
        tags = {names.STUDY: study} if study != "other" else {}
        experiment = client.create_experiment(study, tags=tags)
        for origin in of_runs:
            tags = {names.KIND: names.KIND_TRIAL, names.ORIGIN: origin}
            client.create_run(experiment, tags=tags)
    checkpoint = workspace.checkpoints / "onlydisk" / "cnn" / "0" / "model.keras"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_text("weights")
    (workspace.checkpoints / "single" / "cnn" / str(2 * 10**9)).mkdir(parents=True)

    for fix in (False, True):
        found = doctor(workspace=workspace, fix=fix)
        assert [p.study for p in found.problems] == ["lost", "onlydisk"]
        assert not any(p.fixable for p in found.problems)
        assert found.fixed == []
        assert "MLflow has 2 runs" in found.problems[0].what
        assert "Bring the storage back" in found.problems[0].what
        assert f"remove {workspace.checkpoints / 'onlydisk'}" in found.problems[1].what
    assert checkpoint.is_file()
    lost = client.get_experiment_by_name("lost").experiment_id
    assert len(all_runs(client, lost)) == 3
    assert look_for_strangers(workspace, {"lost", "onlydisk"}) == ([], [])


def test_a_study_that_begins_during_the_look_is_no_stranger(workspace: Workspace) -> None:
    workspace.ensure(workspace.runs)
    (workspace.checkpoints / "study" / "cnn" / "0").mkdir(parents=True)
    read_before: list[str] = []
    open_engine(workspace.storage_url(), make_spec(4), "cnn").ask()
    assert look_for_strangers(workspace, read_before) == ([], [])
