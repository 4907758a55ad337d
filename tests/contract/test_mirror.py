"""The mirror, models, versions and deletion against a real MLflow store on SQLite."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpo.registry.models import (
    CLASSIFIER,
    Origin,
    load_champion,
    register_classifier,
    register_recommender,
)
from hpo.spec.errors import EnvironmentProblem, InputError, IntegrityError, NotFoundError
from hpo.spec.records import (
    SINGLE,
    EpochReport,
    RankAgreement,
    TrialJob,
    TrialRecord,
    TrialResult,
    TrialState,
)
from hpo.tracking.cards import DatasetCard, StudyCard
from hpo.tracking.deletion import delete_study, versions_of
from hpo.tracking.mirror import MlflowMirror
from hpo.tracking.models import log_trial_model, prune_models
from hpo.tracking.reports import keep_report
from hpo.tracking.runs import StudyRuns
from hpo.tracking.store import open_client
from hpo.tracking.views import TRIALS_VIEW

# MLflow 3.17 declares its tables with what SQLAlchemy 2.1 calls deprecated, and warns of its own
# type hints when its pyfunc module is imported.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning"),
]

CLASSES = ("angry", "happy")
DIGEST = "ab12" * 16


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlruns")


@pytest.fixture(scope="module")
def uri(home: Path) -> str:
    return f"sqlite:///{home}/mlflow.db"


@pytest.fixture(scope="module")
def client(uri: str) -> Any:
    return open_client(uri)


def card(study: str) -> StudyCard:
    data = DatasetCard(
        "fer2013", DIGEST, "data/fer2013", {"train": 100, "validation": 20}, classes=CLASSES
    )
    return StudyCard(
        study, "val_accuracy", "maximize", 7, data, "0.1.0", {"sampler": "tpe"},
        study_file=f"name: {study}\n", commit="c0ffee", user="ada",
    )  # fmt: skip


def record(
    study: str,
    number: int = 0,
    state: TrialState = "complete",
    value: float = 0.6,
    architecture: str = "cnn",
    epochs: int = 3,
) -> TrialRecord:
    params = {"optimizer": "adam", "learning_rate": 1.2e-3, "batch_size": 64, "dense": [8, 4]}
    reports = [
        EpochReport(e, {"loss": 1 / e, "val_accuracy": value * e / epochs}, 2.0)
        for e in range(1, epochs + 1)
    ]
    result = TrialResult(
        state,
        value if state == "complete" else None,
        reason="nan_loss: loss is NaN in epoch 3" if state == "failed" else "",
        best_epoch=epochs,
        epochs_run=epochs,
        metrics=reports[-1].metrics,
        final_metrics=reports[-1].metrics,
        model_summary="Dense (2)",
        confusion=[[9, 1], [2, 8]],
        params={**params, "epochs": 3},
        environment={"keras": "3.15.1", "device": "cpu"},
        checkpoint_sha256="c0" * 32,
    )
    return TrialRecord(
        study, architecture, number, state, value if state != "failed" else None, params,
        {"learning_rate": 1.2e-3}, slot=number, epochs=reports, result=result, seconds=7.0,
        started="2026-11-22T09:00:00+00:00", finished="2026-11-22T09:00:07+00:00",
    )  # fmt: skip


@pytest.fixture
def mirror(request: pytest.FixtureRequest, uri: str, client: Any) -> Iterator[MlflowMirror]:
    mirror = MlflowMirror(uri, card(request.node.name))
    yield mirror
    assert mirror.close() == []


@pytest.fixture
def study(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


def tell(mirror: MlflowMirror, done: TrialRecord, job: TrialJob | None = None) -> None:
    """Tell a trial as a worker does: claim, epochs one by one, end."""
    mirror.start_trial(replace(done, state="running", epochs=[], result=None, finished=""), job)
    for report in done.epochs:
        mirror.log_epoch(done.architecture, done.number, report)
    mirror.finish_trial(done)


def runs_of(client: Any, study: str) -> dict[str, Any]:
    experiment = client.get_experiment_by_name(study)
    return {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}


def test_a_trial_is_a_run_with_all_there_is_to_know(
    mirror: MlflowMirror, client: Any, study: str
) -> None:
    mirror.start_architecture("cnn", {"learning_rate": {"low": 1e-4}}, budget=8)
    job = TrialJob("x", "cnn", {}, "d", DIGEST, "o", seed=11)
    tell(mirror, record(study), job)
    run_id = mirror.run_id("cnn", 0, timeout_seconds=60)
    mirror.finish_architecture("cnn")
    assert mirror.flush()

    run = client.get_run(run_id)
    parent = runs_of(client, study)[f"cnn (study {study})"]
    assert run.info.run_name == "cnn #0 · adam lr=1.2e-3 batch=64"
    assert run.info.status == "FINISHED"
    assert run.info.end_time - run.info.start_time == 7000
    assert run.data.params == {
        "architecture": "cnn",
        "optimizer": "adam",
        "learning_rate": "0.0012",
        "batch_size": "64",
        "dense": "[8, 4]",
        "epochs": "3",
    }
    assert run.data.metrics["objective"] == 0.6
    assert run.data.metrics["seconds_total"] == 7.0
    curve = client.get_metric_history(run_id, "val_accuracy")
    assert [(p.step, round(p.value, 6)) for p in curve] == [(1, 0.2), (2, 0.4), (3, 0.6)]
    expected = {
        "mlflow.parentRunId": parent.info.run_id,
        "mlflow.source.git.commit": "c0ffee",
        "mlflow.user": "ada",
        "hpo.seed": "11",
        "hpo.state": "complete",
        "hpo.searched": "learning_rate",
        "hpo.dataset_digest": DIGEST,
        "hpo.trial": "0",
    }
    assert expected.items() <= run.data.tags.items()
    assert len(parent.inputs.dataset_inputs) == 2
    inputs = {i.dataset.name: i for i in run.inputs.dataset_inputs}
    assert set(inputs) == {"fer2013 train", "fer2013 validation"}
    assert inputs["fer2013 train"].dataset.digest == DIGEST[:36]
    assert {tag.value for tag in inputs["fer2013 train"].tags} == {"train"}
    files = {f.path for f in client.list_artifacts(run_id)}
    assert files == {"model_summary.txt", "environment.json", "confusion_matrix.json"}
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["hpo.best_run_id"] == run_id
    assert {f.path for f in client.list_artifacts(parent.info.run_id)} == {
        "study.yaml",
        "search_space.json",
    }


@pytest.mark.parametrize(("state", "status"), [("pruned", "KILLED"), ("failed", "FAILED")])
def test_pruned_and_failed_trials_look_it(
    uri: str, client: Any, state: TrialState, status: str
) -> None:
    study = f"looks-{state}"
    mirror = MlflowMirror(uri, card(study))
    tell(mirror, record(study, state=state))
    assert mirror.close() == []
    run = runs_of(client, study)[f"cnn #0 {state} · adam lr=1.2e-3 batch=64"]
    assert run.info.status == status
    assert "objective" not in run.data.metrics
    assert run.data.tags["hpo.last_value"] == "0.6"
    if state == "pruned":
        assert run.data.tags["hpo.pruned_epoch"] == "3"
    else:
        assert "nan_loss" in run.data.tags["hpo.reason"]
        assert "nan_loss" in run.data.tags["mlflow.note.content"]


def test_telling_again_doubles_nothing(uri: str, client: Any, study: str) -> None:
    records = [record(study, n, value=0.5 + n / 10) for n in range(2)]
    for _ in range(2):
        mirror = MlflowMirror(uri, card(study))
        mirror.start_architecture("cnn", {}, budget=2)
        for done in records:
            tell(mirror, done)
        for done in records:
            mirror.replay(done)
        mirror.finish_architecture("cnn")
        assert mirror.close() == []
    runs = runs_of(client, study)
    assert len(runs) == 3
    run_id = runs["cnn #1 · adam lr=1.2e-3 batch=64"].info.run_id
    for metric, points in (("val_accuracy", 3), ("objective", 1), ("best_val_accuracy", 1)):
        assert len(client.get_metric_history(run_id, metric)) == points
    parent = runs[f"cnn (study {study})"]
    assert parent.data.tags["hpo.best_trial"] == "1"
    history = client.get_metric_history(parent.info.run_id, "best_objective")
    assert [p.step for p in history] == [0, 1]


def test_a_replay_completes_what_a_killed_worker_left(uri: str, client: Any, study: str) -> None:
    done = record(study)
    first = MlflowMirror(uri, card(study))
    first.start_trial(replace(done, state="running", epochs=[], result=None, finished=""))
    first.log_epoch("cnn", 0, done.epochs[0])
    assert first.close() == []  # Killed here: two epochs and the end were never told.
    second = MlflowMirror(uri, card(study))
    second.replay(done)
    assert second.close() == []
    run = runs_of(client, study)["cnn #0 · adam lr=1.2e-3 batch=64"]
    assert run.info.status == "FINISHED"
    steps = [p.step for p in client.get_metric_history(run.info.run_id, "loss")]
    assert sorted(steps) == [1, 2, 3]


def test_of_equal_trials_the_earlier_number_is_the_best_whenever_it_is_told(
    uri: str, client: Any, study: str
) -> None:
    mirror = MlflowMirror(uri, card(study))
    for number in (2, 1, 3):
        tell(mirror, record(study, number, value=0.6))
    assert mirror.close() == []
    (parent,) = [
        run for run in runs_of(client, study).values() if "hpo.best_trial" in run.data.tags
    ]
    assert parent.data.tags["hpo.best_trial"] == "1"


def test_of_equal_trials_the_one_at_the_highest_rung_is_the_best(
    uri: str, client: Any, study: str
) -> None:
    mirror = MlflowMirror(uri, card(study))
    for number, rung in ((1, 0), (6, 2), (2, 1)):
        tell(mirror, dataclasses.replace(record(study, number, value=0.6), rung=rung))
    assert mirror.close() == []
    (parent,) = [
        run for run in runs_of(client, study).values() if "hpo.best_trial" in run.data.tags
    ]
    assert parent.data.tags["hpo.best_trial"] == "6"


@pytest.mark.parametrize("state", ["complete", "failed"])
def test_a_single_run_leaves_the_run_above_it_as_it_was(
    state: TrialState, uri: str, client: Any, study: str
) -> None:
    mirror = MlflowMirror(uri, card(study))
    tell(mirror, record(study))
    mirror.finish_architecture("cnn", "interrupted")
    assert mirror.close() == []
    before = runs_of(client, study)[f"cnn (study {study})"]

    mirror = MlflowMirror(uri, card(study))
    tell(mirror, replace(record(study, 1000, state), origin=SINGLE))
    assert mirror.close() == []
    after = runs_of(client, study)[f"cnn (study {study})"]
    assert (after.info.status, after.info.end_time) == ("KILLED", before.info.end_time)
    assert after.data.tags == before.data.tags


def test_a_single_run_without_a_study_leaves_no_run_open(
    mirror: MlflowMirror, client: Any, study: str
) -> None:
    tell(mirror, replace(record(study, 1000, "failed"), origin=SINGLE))
    assert mirror.flush()
    parent = runs_of(client, study)[f"cnn (study {study})"]
    assert parent.info.status == "FINISHED"
    single = runs_of(client, study)["cnn single failed · adam lr=1.2e-3 batch=64"]
    assert single.data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_an_attempt_after_a_lost_one_is_a_run_that_says_so(
    mirror: MlflowMirror, client: Any, study: str
) -> None:
    tell(mirror, record(study, state="failed"))
    tell(mirror, replace(record(study, 1), slot=0, attempt=1, retry_of=0))
    assert mirror.flush()
    runs = runs_of(client, study)
    first = runs["cnn #0 failed · adam lr=1.2e-3 batch=64"]
    assert first.data.tags["hpo.attempt"] == "0"
    assert "hpo.retry_of" not in first.data.tags
    again = runs["cnn #1 again (1) · adam lr=1.2e-3 batch=64"]
    assert again.data.tags["hpo.attempt"] == "1"
    assert again.data.tags["hpo.retry_of"] == "0"


def test_a_run_that_several_made_is_kept_once(
    mirror: MlflowMirror, client: Any, study: str
) -> None:
    done = record(study)
    mirror.start_trial(replace(done, state="running", epochs=[], result=None, finished=""))
    mirror.log_epoch("cnn", 0, done.epochs[0])
    assert mirror.flush()
    ours = client.get_run(mirror.run_id("cnn", 0))
    tags = {k: v for k, v in ours.data.tags.items() if k.startswith("hpo.")}
    # Another worker was as fast, and its run is the older one: it deletes ours.
    started = ours.info.start_time - 1
    other = client.create_run(ours.info.experiment_id, start_time=started, tags=tags)
    client.delete_run(ours.info.run_id)
    mirror.log_epoch("cnn", 0, done.epochs[1])
    mirror.finish_trial(done)
    assert mirror.flush()
    assert mirror.run_id("cnn", 0) == other.info.run_id
    runs = runs_of(client, study)
    assert len(runs) == 2
    history = client.get_metric_history(other.info.run_id, "loss")
    assert sorted(point.step for point in history) == [1, 2, 3]


def test_a_run_whose_making_was_not_acknowledged_is_not_made_twice(
    client: Any, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = StudyRuns(client, card(study))
    create, calls = client.create_run, []

    def lose_the_answer(*args: Any, **kwargs: Any) -> Any:
        made = create(*args, **kwargs)
        calls.append(made.info.run_id)
        raise ConnectionResetError("the answer was lost")

    with monkeypatch.context() as patch:
        patch.setattr(client, "create_run", lose_the_answer)
        for _ in range(2):  # First the architecture's run, then the trial's.
            with pytest.raises(ConnectionResetError):
                runs.trial(record(study))
    assert runs.trial(record(study)) == calls[1]
    found = runs_of(client, study).values()
    assert sorted(run.info.run_id for run in found) == sorted(calls)
    (trial,) = [run for run in found if run.info.run_id == calls[1]]
    assert len(trial.inputs.dataset_inputs) == 2


def test_the_experiment_explains_itself_and_offers_a_view(
    mirror: MlflowMirror, client: Any, study: str
) -> None:
    mirror.wait_ready()
    tags = client.get_experiment_by_name(study).tags
    assert "val_accuracy" in tags["mlflow.note.content"]
    state = json.loads(json.loads(tags[f"mlflow.sharedViewState.{TRIALS_VIEW}"])["state"])
    assert "metrics.`objective`" in state["selectedColumns"]
    assert {chart["type"] for chart in state["compareRunCharts"]} == {"LINE", "PARALLEL", "SCATTER"}
    # MLflow titles a scatter chart by the raw names of its axes; its section says what it is.
    sections = {section["uuid"]: section["name"] for section in state["compareRunSections"]}
    assert {c["metricSectionId"] for c in state["compareRunCharts"]} == set(sections)
    assert sections["hpo-curves"] == "val_accuracy by epoch"
    assert "learning rate (linear axis)" in sections["hpo-scatter"]


def test_the_view_follows_a_space_that_grew_unless_a_person_has_saved_it(
    uri: str, client: Any, study: str
) -> None:
    key = f"mlflow.sharedViewState.{TRIALS_VIEW}"

    def columns_with(*searched: str) -> list[str]:
        opened = MlflowMirror(uri, replace(card(study), searched=searched))
        opened.wait_ready()
        assert opened.close() == []
        view = json.loads(client.get_experiment_by_name(study).tags[key])
        return list(json.loads(view["state"])["selectedColumns"])

    assert "params.`dropout`" not in columns_with("learning_rate")
    assert "params.`dropout`" in columns_with("learning_rate", "dropout")
    experiment = client.get_experiment_by_name(study)
    saved = {**json.loads(experiment.tags[key]), "name": "mine", "updatedAt": 1795839000000}
    client.set_experiment_tag(experiment.experiment_id, key, json.dumps(saved))
    assert "params.`width`" not in columns_with("learning_rate", "dropout", "width")
    assert json.loads(client.get_experiment_by_name(study).tags[key])["name"] == "mine"


def test_a_study_of_several_objectives_shows_them_all(uri: str, client: Any, study: str) -> None:
    goals = (("val_accuracy", "maximize"), ("latency_ms", "minimize"))
    bounds = {"size_mib": "at most 8"}
    told = replace(card(study), goals=goals, bounds=bounds, searched=("width", "learning_rate"))
    with_goals = MlflowMirror(uri, told)
    done = record(study)
    assert done.result is not None
    found = {**done.result.metrics, "latency_ms": 2.5, "size_mib": 9.0}
    done = replace(done, result=replace(done.result, metrics=found), excess={"size_mib": 1.0})
    tell(with_goals, done)
    assert with_goals.close() == []

    run = runs_of(client, study)["cnn #0 infeasible · adam lr=1.2e-3 batch=64"]
    assert run.data.tags["hpo.pareto"] == "infeasible"
    tags = client.get_experiment_by_name(study).tags
    note = tags["mlflow.note.content"]
    assert "maximize `val_accuracy`, minimize `latency_ms`, with `size_mib` at most 8, on" in note
    state = json.loads(json.loads(tags[f"mlflow.sharedViewState.{TRIALS_VIEW}"])["state"])
    shown = ["metrics.`best_latency_ms`", "metrics.`best_size_mib`", "tags.`hpo.pareto`"]
    assert state["selectedColumns"][1:4] == shown
    params = [c[len("params.`") : -1] for c in state["selectedColumns"] if c.startswith("params.")]
    usual = ["optimizer", "batch_size"]
    assert params == ["architecture", "learning_rate", "width", *usual], "unsearched ones are last"
    assert {"best_latency_ms", "best_size_mib"} <= run.data.metrics.keys()
    drawn = [c for c in state["compareRunCharts"] if c["metricSectionId"] == "hpo-further"]
    assert [c["xaxis"]["key"] for c in drawn] == ["best_latency_ms", "best_size_mib"]
    sections = {section["uuid"] for section in state["compareRunSections"]}
    assert {c["metricSectionId"] for c in state["compareRunCharts"]} == sections


def test_a_report_is_kept_once_and_the_notes_lead_to_it(
    mirror: MlflowMirror, client: Any, study: str
) -> None:
    tell(mirror, record(study))
    tell(mirror, record(study, architecture="resnet50"))
    mirror.flush()
    experiment = client.get_experiment_by_name(study).experiment_id
    for text in ("<p>first</p>", "<p>second</p>"):
        keeper = keep_report(client, experiment, {"index.html": text, "study.json": "{}"})
    (kept,) = [
        run.info.run_id
        for run in runs_of(client, study).values()
        if any(f.path == "report" for f in client.list_artifacts(run.info.run_id))
    ]
    assert kept == keeper
    page = client.download_artifacts(kept, "report/index.html")
    assert Path(page).read_text() == "<p>second</p>"
    link = f"#/experiments/{experiment}/runs/{kept}/artifacts/report/index.html"
    # A better trial says so, and leaves the way to the report.
    tell(mirror, record(study, number=1, value=0.7))
    mirror.flush()
    parents = [
        r for r in runs_of(client, study).values() if r.data.tags["hpo.kind"] == "architecture"
    ]
    notes = [run.data.tags["mlflow.note.content"] for run in parents]
    notes.append(client.get_experiment_by_name(study).tags["mlflow.note.content"])
    assert len(notes) == 3
    assert all(note.count(link) == 1 for note in notes)
    assert any("0.7000" in note for note in notes)


def test_an_experiment_deleted_in_the_page_comes_back(uri: str, client: Any, study: str) -> None:
    MlflowMirror(uri, card(study)).close()
    client.delete_experiment(client.get_experiment_by_name(study).experiment_id)
    mirror = MlflowMirror(uri, card(study))
    mirror.replay(record(study))
    assert mirror.close() == []
    assert len(runs_of(client, study)) == 2


def test_a_server_that_is_gone_costs_the_mirror_and_nothing_else() -> None:
    # Port 9 is the discard service's: nothing listens there.
    mirror = MlflowMirror("http://127.0.0.1:9", card("gone"))
    tell(mirror, record("gone"))
    assert mirror.run_id("cnn", 0) == ""
    with pytest.raises(EnvironmentProblem, match="cannot reach the MLflow tracking server"):
        mirror.wait_ready()
    problems = mirror.close()
    assert len(problems) == 1
    assert "tracking is off" in problems[0]


def test_a_server_that_is_away_at_the_end_is_not_waited_for_for_ever() -> None:
    mirror = MlflowMirror("http://ada:secret@127.0.0.1:9", card("gone"))
    tell(mirror, record("gone"))
    began = time.monotonic()
    off, left = mirror.close(timeout_seconds=1)
    # Far below the patience of ten minutes; generous for a loaded machine.
    assert time.monotonic() - began < 20
    assert "cannot reach the MLflow tracking server" in off
    assert "start of cnn #0" in left
    assert "end of cnn #0" in left
    assert "secret" not in off + left
    assert mirror.run_id("cnn", 0, timeout_seconds=30) == ""


def test_an_epoch_of_an_unknown_trial_is_a_problem_not_an_error(uri: str, client: Any) -> None:
    mirror = MlflowMirror(uri, card("unknown"))
    mirror.log_epoch("cnn", 99, EpochReport(1, {}, 1.0))
    assert mirror.close() == ["epoch of cnn #99: the trial was not started"]


_MEET = """
import os, sys
import mlflow.store.tracking.sqlalchemy_store, mlflow.tracking
from hpo.tracking.store import open_client

children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        try:
            open_client(sys.argv[1])
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    children.append(child)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""


def test_processes_that_meet_at_an_empty_database_all_open_it(tmp_path: Path) -> None:
    # Without the lock MLflow's migrations collide: seven of eight such processes died.
    answer = subprocess.run(
        [sys.executable, "-c", _MEET, f"sqlite:///{tmp_path}/new/mlflow.db"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert answer.stdout.strip() == "[0, 0, 0, 0]", answer.stderr[-2000:]


# Models and versions.


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Return a file with the shape of a .keras archive; nothing here loads it."""
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for member in ("metadata.json", "config.json", "model.weights.h5"):
            archive.writestr(member, "{}")
    return path


def log_model(client: Any, run_id: str, checkpoint: Path) -> tuple[str, str]:
    import numpy as np

    sha256 = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    example = np.zeros((2, 48, 48, 1), dtype=np.uint8)
    return log_trial_model(client, run_id, checkpoint, sha256, example, CLASSES), sha256


def origin(study: str, run_id: str, sha256: str) -> Origin:
    return Origin(study, "cnn", 0, run_id, sha256, CLASSES, DIGEST, {"val_accuracy": 0.6}, "0.1.0")


def finished_run(uri: str, study: str, number: int = 0) -> str:
    mirror = MlflowMirror(uri, card(study))
    tell(mirror, record(study, number))
    run_id = mirror.run_id("cnn", number, timeout_seconds=60)
    assert mirror.close() == []
    return run_id


def test_the_winner_becomes_champion_once_and_is_served_as_trained(
    uri: str, client: Any, study: str, checkpoint: Path
) -> None:
    run_id = finished_run(uri, study)
    model_uri, sha256 = log_model(client, run_id, checkpoint)
    assert log_model(client, run_id, checkpoint)[0] == model_uri
    version = register_classifier(client, model_uri, origin(study, run_id, sha256))
    assert register_classifier(client, model_uri, origin(study, run_id, sha256)) == version

    champion = load_champion(client)
    assert champion == load_champion(client, version)
    assert (champion.version, champion.sha256, champion.classes) == (version, sha256, CLASSES)
    assert (champion.study, champion.architecture, champion.trial) == (study, "cnn", 0)
    assert champion.metrics == {"val_accuracy": 0.6}
    entry = client.get_model_version(CLASSIFIER, version)
    assert entry.description == f"Trial 0 of cnn in study {study}: val_accuracy 0.6000."
    assert champion.keras_path.read_bytes() == checkpoint.read_bytes()


def test_mlflow_reads_the_folder_as_a_keras_model(
    uri: str, client: Any, study: str, checkpoint: Path
) -> None:
    from mlflow.models import Model

    model_uri, _ = log_model(client, finished_run(uri, study), checkpoint)
    logged = client.get_logged_model(model_uri.removeprefix("models:/"))
    model = Model.load(f"{logged.artifact_location}/MLmodel")
    assert set(model.flavors) == {"keras", "python_function"}
    assert model.signature.inputs.inputs[0].shape == (-1, 48, 48, 1)
    assert model.signature.outputs.inputs[0].shape == (-1, len(CLASSES))
    requirements = Path(logged.artifact_location, "requirements.txt").read_text().split()
    assert [r.split("==")[0] for r in requirements] == ["mlflow", "keras", "tensorflow", "numpy"]
    assert logged.status == "READY"
    assert {m.key for m in logged.metrics} >= {"objective", "best_val_accuracy"}


def test_a_changed_model_is_not_served(uri: str, client: Any, study: str, checkpoint: Path) -> None:
    run_id = finished_run(uri, study)
    model_uri, sha256 = log_model(client, run_id, checkpoint)
    version = register_classifier(client, model_uri, origin(study, run_id, sha256), alias=None)
    served = load_champion(client, version)
    with served.keras_path.open("ab") as file:
        file.write(b"x")
    with pytest.raises(IntegrityError, match="not the model that was registered"):
        load_champion(client, version)


def test_a_checkpoint_other_than_the_trained_is_not_logged(
    uri: str, client: Any, study: str, checkpoint: Path
) -> None:
    import numpy as np

    run_id = finished_run(uri, study)
    with pytest.raises(IntegrityError):
        log_trial_model(
            client, run_id, checkpoint, "0" * 64, np.zeros((1, 48, 48, 1), np.uint8), CLASSES
        )
    with pytest.raises(NotFoundError):
        log_trial_model(
            client, run_id, checkpoint.with_name("gone.keras"), "0" * 64,
            np.zeros((1, 48, 48, 1), np.uint8), CLASSES,
        )  # fmt: skip


def test_a_version_that_is_not_there_says_how_to_get_one(client: Any) -> None:
    for which in ("nobody", "99"):
        with pytest.raises(NotFoundError, match="hpo promote"):
            load_champion(client, which)


def test_a_recommender_is_pinned_to_its_classifier(
    uri: str, client: Any, study: str, checkpoint: Path
) -> None:
    run_id = finished_run(uri, study)
    model_uri, _ = log_model(client, run_id, checkpoint)
    tags = {"hpo.study": study, "hpo.songs_digest": "d1"}
    first = register_recommender(client, model_uri, "1", tags, run_id)
    assert register_recommender(client, model_uri, "1", tags, run_id) == first
    second = register_recommender(client, model_uri, "2", tags, run_id)
    assert second != first
    champion = client.get_model_version_by_alias("song-recommender", "champion")
    assert champion.tags["hpo.classifier_version"] == "2"


def test_only_the_best_and_the_registered_models_keep_their_files(
    uri: str, client: Any, study: str, checkpoint: Path
) -> None:
    runs = [finished_run(uri, study, number) for number in range(3)]
    models = [log_model(client, run_id, checkpoint) for run_id in runs]
    register_classifier(client, models[1][0], origin(study, runs[1], models[1][1]), alias=None)
    folders = [
        Path(client.get_logged_model(uri.removeprefix("models:/")).artifact_location)
        for uri, _ in models
    ]
    assert prune_models(client, study, keep_run_ids=[runs[2]]) == [runs[0]]
    assert [folder.exists() for folder in folders] == [False, True, True]
    # A recommender that is logged but not yet registered is none of this rule's business.
    experiment = client.get_experiment_by_name(study).experiment_id
    other = client.create_logged_model(experiment, name="song-recommender", source_run_id=runs[0])
    assert prune_models(client, study, keep_run_ids=[runs[2]]) == []
    assert client.get_logged_model(other.model_id).name == "song-recommender"
    assert prune_models(client, "no-such-study", []) == []


def test_a_deleted_study_leaves_nothing_and_frees_its_name(
    uri: str, client: Any, home: Path, study: str, checkpoint: Path
) -> None:
    run_id = finished_run(uri, study)
    log_model(client, run_id, checkpoint)
    assert (home / "artifacts" / study).is_dir()
    deletion = delete_study(client, study)
    assert (deletion.runs, deletion.models, deletion.for_good) == (2, 1, True)
    assert client.get_experiment_by_name(study) is None
    assert not (home / "artifacts" / study).exists()
    assert delete_study(client, study).runs == 0
    assert finished_run(uri, study) != run_id
    assert len(runs_of(client, study)) == 2


def test_a_study_with_registered_models_is_deleted_only_by_force(
    uri: str, client: Any, study: str, checkpoint: Path
) -> None:
    run_id = finished_run(uri, study)
    model_uri, sha256 = log_model(client, run_id, checkpoint)
    version = register_classifier(client, model_uri, origin(study, run_id, sha256), alias=None)
    with pytest.raises(InputError, match=f"{CLASSIFIER} {version}"):
        delete_study(client, study)
    assert load_champion(client, version).study == study
    assert delete_study(client, study, force=True).versions == (f"{CLASSIFIER} {version}",)
    assert versions_of(client, study) == []
    with pytest.raises(NotFoundError):
        load_champion(client, version)


@pytest.mark.keras
# Keras 3.15 hands NumPy 2 a TensorFlow variable that does not know the copy keyword.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_keras_and_pyfunc_load_what_was_logged(
    uri: str, client: Any, study: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    import keras
    import mlflow
    import numpy as np

    model = keras.Sequential(
        [keras.Input((48, 48, 1)), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
    )
    path = tmp_path / "model.keras"
    model.save(path)
    run_id = finished_run(uri, study)
    model_uri, sha256 = log_model(client, run_id, path)
    version = register_classifier(client, model_uri, origin(study, run_id, sha256), alias=None)
    faces = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 1), dtype=np.uint8)
    want = model.predict(faces, verbose=0)
    served = keras.models.load_model(load_champion(client, version).keras_path, safe_mode=True)
    # The same weights and operations in one process: only rounding may differ.
    np.testing.assert_allclose(served.predict(faces, verbose=0), want, rtol=1e-5)
    logged = mlflow.pyfunc.load_model(model_uri)
    np.testing.assert_allclose(logged.predict(faces), want, rtol=1e-5)


def test_a_database_server_that_is_away_is_told_in_seconds() -> None:
    began = time.monotonic()
    with pytest.raises(EnvironmentProblem, match=r"postgresql://me:\*\*\*@127.0.0.1:1/db"):
        open_client("postgresql://me:secret@127.0.0.1:1/db")
    # mlflow alone tries for 107 s; the bound leaves room for a machine that is busy.
    assert time.monotonic() - began < 40


def test_rungs_repeats_and_ranks_are_told(mirror: MlflowMirror, client: Any, study: str) -> None:
    tell(mirror, replace(record(study), rung=0))
    tell(mirror, replace(record(study, 1), slot=0, rung=1, rungs=[1], continues=0))
    tell(mirror, replace(record(study, 2), rung=0, repeats=0))
    mirror.log_ranks("cnn", [RankAgreement(1, 3, 6, 0.4, 0.6)])
    assert mirror.flush()
    runs = runs_of(client, study)
    first = runs["cnn #0 · adam lr=1.2e-3 batch=64"]
    assert first.data.tags["hpo.rung"] == "0"
    assert not {"hpo.continues", "hpo.repeats"} & set(first.data.tags)
    above = runs["cnn #1 continues #0 · adam lr=1.2e-3 batch=64"]
    assert (above.data.tags["hpo.rung"], above.data.tags["hpo.continues"]) == ("1", "0")
    assert runs["cnn #2 repeats #0 · adam lr=1.2e-3 batch=64"].data.tags["hpo.repeats"] == "0"
    parent = runs[f"cnn (study {study})"]
    assert parent.data.metrics["rank_correlation_1_3"] == 0.6
    assert parent.data.metrics["rank_pairs_1_3"] == 6
