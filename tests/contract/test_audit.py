"""Each way in which MLflow can differ from Optuna: made by hand, found, mended, and gone."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hpo.registry.models import Origin, register_classifier, register_recommender
from hpo.spec.records import TrialRecord
from hpo.tracking import names
from hpo.tracking.audit import differences
from hpo.tracking.difference import Difference
from hpo.tracking.models import log_trial_model
from hpo.tracking.repair import repair
from hpo.tracking.runs import StudyRuns
from hpo.tracking.store import open_client
from tests.contract.test_mirror import CLASSES, DIGEST, card, record
from tests.faults.mlflow_server import mlflow_server

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning"),
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return open_client(f"sqlite:///{tmp_path_factory.mktemp('mlruns')}/mlflow.db")


class Study:
    """A study whose records are the truth, and what MLflow holds of it."""

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name
        failed = replace(record(name, 3, "failed"), result=None, epochs=[])
        self.records = [
            record(name, 0, value=0.6),
            record(name, 1, value=0.7),
            record(name, 2, "pruned", value=0.3),
            failed,
            replace(record(name, 4, value=0.5), slot=3, attempt=1, retry_of=3),
        ]
        runs = self.runs()
        runs.architecture("cnn", {"learning_rate": [1, 2]}, budget=4)
        for done in self.records:
            self.set_run_id("cnn", done.number, runs.finish(done))
        runs.finish_architecture("cnn")

    def runs(self) -> StudyRuns:
        return StudyRuns(self.client, card(self.name))

    def set_run_id(self, architecture: str, number: int, run_id: str) -> None:
        self.records = [
            replace(r, mlflow_run_id=run_id) if r.number == number else r for r in self.records
        ]

    def run_id(self, number: int) -> str:
        return self.records[number].mlflow_run_id

    def parent(self) -> Any:
        (found,) = self.search({names.KIND: names.KIND_ARCHITECTURE})
        return found

    def search(self, tags: dict[str, str]) -> list[Any]:
        return self.runs().experiment.find(tags)

    def found(self) -> list[Difference]:
        return differences(self.client, self.name, self.records)

    def mend(self) -> list[Difference]:
        """Mend what is found, see that nothing is left, and return what was found."""
        found = self.found()
        assert repair(self.runs(), found, self.records, self.set_run_id) == []
        assert self.found() == []
        return found


@pytest.fixture
def study(request: pytest.FixtureRequest, client: Any) -> Study:
    return Study(client, str(request.node.name))


def log(client: Any, run_id: str, metric: str, value: float, step: int) -> None:
    client.log_metric(run_id, metric, value, timestamp=int(time.time() * 1000), step=step)


# What is broken in one trial's run, the kinds that are found, and whether its run is made anew.
BREAKS: dict[str, tuple[Callable[[Any, str], None], set[str], bool]] = {
    "gone": (lambda c, run: c.delete_run(run), {"run missing"}, True),
    "open": (lambda c, run: c.update_run(run, status="RUNNING"), {"state differs"}, False),
    "state tag of its start": (
        lambda c, run: c.set_tag(run, names.STATE, "running"),
        {"state differs"},
        False,
    ),
    "ended otherwise": (
        lambda c, run: c.set_tag(run, names.STATE, "failed"),
        {"state differs"},
        True,
    ),
    "other value": (
        lambda c, run: log(c, run, names.METRIC_OBJECTIVE, 0.99, 0),
        {"value differs"},
        True,
    ),
    "epoch twice": (
        lambda c, run: log(c, run, names.EPOCH_SECONDS, 2.0, 2),
        {"epochs differ"},
        True,
    ),
    "epoch too many": (
        lambda c, run: log(c, run, names.EPOCH_SECONDS, 2.0, 9),
        {"epochs differ"},
        True,
    ),
    "under no architecture": (
        lambda c, run: c.set_tag(run, names.PARENT, "nobody"),
        {"parent differs"},
        False,
    ),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_a_run_that_differs_is_brought_back(client: Any, broken: str) -> None:
    study = Study(client, f"broken: {broken}")
    assert study.found() == []
    before = study.run_id(0)
    break_it, kinds, anew = BREAKS[broken]
    break_it(client, before)
    found = study.mend()
    assert {d.kind for d in found} == kinds
    assert {d.number for d in found} == {0}
    assert all(d.fixable and d.what.startswith("cnn #0: ") for d in found)
    assert (study.run_id(0) != before) == anew
    # The rest is as it was.
    assert study.parent().info.status == "FINISHED"
    assert study.parent().data.tags[names.STATE] == "complete"
    assert study.parent().data.tags[names.BEST_RUN] == study.run_id(1)


def test_what_a_run_lacks_is_added(study: Study, client: Any) -> None:
    # A run as a worker leaves it that is killed after the claim: made, and nothing else.
    done = study.records[0]
    client.delete_run(study.run_id(0))
    claimed = replace(done, state="running", epochs=done.epochs[:1], result=None, params={})
    run_id = study.runs().finish(claimed)
    kinds = {d.kind for d in study.mend()}
    assert kinds == {
        "state differs",
        "value differs",
        "epochs differ",
        "parameter differs",
        "file broken",
        "run id differs",
        "parent open",
    }
    assert study.run_id(0) == run_id


def test_a_parameter_cannot_be_changed_so_its_run_is_written_anew(
    study: Study, client: Any
) -> None:
    before = client.get_run(study.run_id(1))
    client.set_tag(before.info.run_id, names.SEED, "17")
    study.records[1] = replace(
        study.records[1], params={**study.records[1].params, "batch_size": 32}
    )
    (difference,) = study.mend()
    assert difference.kind == "parameter differs"
    assert "MLflow has batch_size=64, Optuna 32" in difference.what
    run = client.get_run(study.run_id(1))
    assert run.data.params["batch_size"] == "32"
    # What only the old run held went over.
    assert run.data.tags[names.SEED] == "17"
    assert names.SUMMARY_FILE in {f.path for f in client.list_artifacts(run.info.run_id)}


def test_of_two_runs_the_one_that_optuna_names_stays(study: Study, client: Any) -> None:
    run = client.get_run(study.run_id(2))
    tags = {k: v for k, v in run.data.tags.items() if k.startswith("hpo.")}
    older = run.info.start_time - 1
    client.create_run(run.info.experiment_id, start_time=older, tags=tags)
    assert [d.kind for d in study.mend()] == ["run doubled"]
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "active"


def test_a_run_of_no_trial_goes_but_single_runs_stay(study: Study, client: Any) -> None:
    stray = study.runs().finish(record(study.name, 77))
    single = study.runs().finish(replace(record(study.name, 1764000000), origin="single"))
    study.runs().finish_architecture("cnn")
    assert [(d.kind, d.number) for d in study.mend() if d.kind != "best differs"] == [
        ("run orphaned", 77)
    ]
    assert client.get_run(stray).info.lifecycle_stage == "deleted"
    assert client.get_run(single).info.lifecycle_stage == "active"


def test_a_study_that_may_be_running_is_left_its_newest_runs(study: Study) -> None:
    read = datetime.now(UTC)
    claimed = replace(record(study.name, 5), state="running", result=None, epochs=[])
    started = datetime.fromtimestamp(read.timestamp() + 1, UTC).isoformat()
    study.runs().trial(replace(claimed, started=started))
    study.runs().finish_architecture("cnn")
    assert differences(study.client, study.name, study.records, as_of=read) == []
    assert [d.kind for d in study.found()] == ["run orphaned"]
    # The mirror of what runs may be behind, in any way.
    running = [*study.records, replace(claimed, params={"optimizer": "adam"})]
    assert {d.kind for d in differences(study.client, study.name, running)} <= {"parent open"}


def test_the_run_of_an_architecture_is_mended(study: Study, client: Any) -> None:
    client.update_run(study.parent().info.run_id, status="RUNNING")
    assert [d.kind for d in study.mend()] == ["parent open"]
    client.set_tag(study.parent().info.run_id, names.BEST_TRIAL, "0")
    assert [d.kind for d in study.mend()] == ["best differs"]
    assert study.parent().data.tags[names.BEST_TRIAL] == "1"
    client.delete_run(study.parent().info.run_id)
    assert [d.kind for d in study.mend()] == ["parent missing"]
    parent = study.parent()
    assert parent.info.status == "FINISHED"
    assert parent.data.params["seed"] == "7"
    for done in study.records:
        run = client.get_run(done.mlflow_run_id)
        assert run.data.tags[names.PARENT] == parent.info.run_id


def test_a_study_that_ended_early_is_interrupted(client: Any) -> None:
    study = Study(client, "early")
    client.set_tag(study.parent().info.run_id, names.BUDGET, "9")
    client.update_run(study.parent().info.run_id, status="RUNNING")
    study.mend()
    assert study.parent().info.status == "KILLED"
    assert study.parent().data.tags[names.STATE] == "interrupted"


def test_a_file_that_is_cut_short_is_written_again(study: Study, client: Any) -> None:
    folder = Path(client.get_run(study.run_id(0)).info.artifact_uri)
    (folder / names.CONFUSION_FILE).write_text('{"classes": [')
    assert [d.kind for d in study.mend()] == ["file broken"]


def test_a_study_that_mlflow_never_saw_is_written_whole(study: Study, client: Any) -> None:
    client.delete_experiment(client.get_experiment_by_name(study.name).experiment_id)
    for run in study.runs().experiment.client.search_runs([study.runs().experiment.experiment_id]):
        client.delete_run(run.info.run_id)
    client.delete_experiment(client.get_experiment_by_name(study.name).experiment_id)
    found = study.mend()
    assert {d.kind for d in found} == {"run missing"}
    assert len(found) == len(study.records)


@pytest.mark.parametrize("steps", range(1, 9))
def test_a_repair_that_is_killed_is_finished_by_the_next(
    client: Any, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study(client, f"killed after {steps}")
    study.records[1] = replace(study.records[1], params={"optimizer": "sgd"})
    client.delete_run(study.run_id(2))
    left = [steps]

    class Killed(BaseException):
        pass

    def dying(name: str) -> Callable[..., Any]:
        original = getattr(client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if not left[0]:
                raise Killed
            left[0] -= 1
            return original(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        writes = ("delete_run", "create_run", "log_batch", "set_tag", "set_terminated")
        for name in (*writes, "update_run", "log_inputs", "log_artifacts"):
            patch.setattr(client, name, dying(name))
        with pytest.raises(Killed):
            repair(study.runs(), study.found(), study.records, study.set_run_id)
    study.mend()


def test_an_id_that_nobody_stores_is_left(study: Study, client: Any) -> None:
    study.set_run_id("cnn", 0, "")
    found = study.found()
    assert [d.kind for d in found] == ["run id differs"]
    assert repair(study.runs(), found, study.records) == found


# Models.


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "model.keras"
    path.write_bytes(b"a model")
    return path


def log_model(client: Any, run_id: str, checkpoint: Path) -> Any:
    import numpy as np

    sha256 = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    uri = log_trial_model(
        client, run_id, checkpoint, sha256, np.zeros((1, 48, 48, 1), np.uint8), CLASSES
    )
    return client.get_logged_model(uri.removeprefix("models:/"))


def test_models_that_are_not_whole_are_deleted(study: Study, client: Any, checkpoint: Path) -> None:
    whole = log_model(client, study.run_id(1), checkpoint)
    assert study.found() == []
    cut = log_model(client, study.run_id(0), checkpoint)
    Path(cut.artifact_location, "data", "model.keras").write_bytes(b"a mod")
    empty = log_model(client, study.run_id(4), checkpoint)
    Path(empty.artifact_location, "data", "model.keras").unlink()
    experiment = client.get_experiment_by_name(study.name).experiment_id
    client.create_logged_model(
        experiment, name=names.MODEL_NAME, source_run_id=study.run_id(2), tags=whole.tags
    )
    found = study.mend()
    assert [d.kind for d in found] == ["model broken"] * 3
    told = " ".join(d.what for d in found)
    for words in ("checksum differs", "lacks its file data/model.keras", "PENDING"):
        assert words in told
    assert [m.model_id for m in client.search_logged_models([experiment])] == [whole.model_id]


def test_a_run_written_anew_takes_its_model_with_it(
    study: Study, client: Any, checkpoint: Path
) -> None:
    log_model(client, study.run_id(0), checkpoint)
    client.delete_run(study.run_id(0))
    assert {d.kind for d in study.mend()} == {"run missing", "model broken"}
    log_model(client, study.run_id(0), checkpoint)
    assert study.found() == []


def test_a_version_without_its_files_is_told_and_left(
    study: Study, client: Any, checkpoint: Path, tmp_path: Path
) -> None:
    model = log_model(client, study.run_id(1), checkpoint)
    sha256 = model.tags[names.CHECKPOINT_SHA256]
    origin = Origin(
        study.name, "cnn", 1, study.run_id(1), sha256, CLASSES, DIGEST, {"val_accuracy": 0.7}, "1"
    )
    register_classifier(client, f"models:/{model.model_id}", origin, alias=None)
    # A recommender holds the classifier's file in a folder of its own.
    (tmp_path / "recommender" / "artifacts").mkdir(parents=True)
    copy = tmp_path / "recommender" / "artifacts" / "classifier.keras"
    shutil.copyfile(checkpoint, copy)
    tags = {names.STUDY: study.name, names.TRIAL: "cnn/1", names.CHECKPOINT_SHA256: sha256}
    register_recommender(client, str(tmp_path / "recommender"), "1", tags, study.run_id(1))
    assert study.found() == []
    copy.write_bytes(b"another model")
    Path(model.artifact_location, "data", "model.keras").unlink()
    found = study.found()
    assert [(d.kind, d.architecture, d.number, d.fixable) for d in found] == [
        ("version broken", "cnn", 1, False)
    ] * 2
    assert repair(study.runs(), found, study.records, study.set_run_id) == found


def test_all_of_it_works_over_a_server(tmp_path: Path, checkpoint: Path) -> None:
    (tmp_path / "server").mkdir()
    with mlflow_server(tmp_path / "server") as server:
        server.start()
        client = open_client(server.uri)
        study = Study(client, "served")
        log_model(client, study.run_id(1), checkpoint)
        log_model(client, study.run_id(4), checkpoint)
        assert study.found() == []
        changed, gone = (tmp_path / "server").rglob("model.keras")
        changed.write_bytes(b"another model")
        gone.unlink()
        log(client, study.run_id(0), names.EPOCH_SECONDS, 2.0, 2)
        client.delete_run(study.run_id(2))
        found = {(d.kind, d.number) for d in study.mend()}
        models = {("model broken", 1), ("model broken", 4)}
        assert found == {*models, ("epochs differ", 0), ("run missing", 2)}
        server.kill()
        # A server that is away has not lost anything.
        with pytest.raises(Exception, match="Max retries exceeded"):
            study.found()


def test_a_study_without_trials_differs_in_nothing(client: Any) -> None:
    assert differences(client, "no such study", []) == []


def test_every_attempt_counts(study: Study) -> None:
    again: TrialRecord = study.records[4]
    assert (again.attempt, again.retry_of) == (1, 3)
    tags = study.client.get_run(again.mlflow_run_id).data.tags
    assert (tags[names.ATTEMPT], tags[names.RETRY_OF]) == ("1", "3")
