"""A study from its file to a recommendation, with the real parts: Keras, Optuna, MLflow, Plotly."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import hpo
from hpo.spec.workspace import Workspace
from tests import loaded

pytestmark = pytest.mark.keras

QUICK = ["architectures.cnn.fixed.epochs=2", "data.train_limit=140"]
"""Where it does not matter how well the tiny study learns."""
STUDY = """
name: tiny
seed: 5
data: {dataset: drawn-faces, train_limit: 560, validation_limit: 140}
budget: {trials: 4}
pruner: {name: median, startup_trials: 1, warmup_epochs: 1, patience: 0}
promote: true
architectures:
  cnn:
    # Learns within four epochs, so that what does not learn falls behind for certain.
    fixed: {family: vgg-bn, width: 12, dense: 64, dense_layers: 1, conv_dropout: 0.0, dropout: 0.1,
            batch_size: 16, rotation_degrees: 0, zoom: 0, shift: 0, epochs: 4}
    space:
      learning_rate: {type: float, low: 1e-4, high: 10.0, log: true}
      optimizer: {type: categorical, choices: [adam, sgd]}
      one_minus_momentum: {type: float, low: 0.05, high: 0.5, when: {optimizer: sgd}}
    enqueue:
      - {learning_rate: 2e-3, optimizer: adam}
      - {learning_rate: 10.0, optimizer: adam}
"""


def command(workspace: Workspace, *words: str) -> list[str]:
    return [sys.executable, "-m", "hpo", "--home", str(workspace.home), *words]


def call(
    workspace: Workspace, *words: str, code: int = 0, given: str = ""
) -> subprocess.CompletedProcess[str]:
    # In the folder of the caller, who may have files of modules there.
    arguments = ["--home", str(workspace.home), *words]
    done = loaded.run("hpo", arguments, cwd=Path.cwd(), given=given)
    assert done.returncode == code, done.stderr
    return done


def answer(workspace: Workspace, *words: str) -> Any:
    return json.loads(call(workspace, *words, "--json").stdout)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which the tiny study has run."""
    workspace = Workspace.at(tmp_path_factory.mktemp("study"))
    file = workspace.home / "tiny.yaml"
    file.write_text(STUDY)
    # The one command here that begins as a person's does, in an interpreter that knows nothing.
    done = subprocess.run(
        command(workspace, "run", str(file), "--json"),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["champion"], done.stdout
    return workspace


def test_the_budget_is_used_exactly_and_the_hopeless_rate_is_pruned(finished: Workspace) -> None:
    rows = answer(finished, "trials", "tiny")
    assert [row["number"] for row in rows] == [0, 1, 2, 3]
    needed = {"number", "architecture", "state", "value", "params", "epochs_run", "seconds"}
    assert all(needed | {"mlflow_run_id"} <= set(row) for row in rows)
    assert rows[0]["state"] == "complete"
    assert rows[0]["epochs_run"] == 4
    assert rows[1]["params"]["learning_rate"] == 10.0
    assert rows[1]["state"] in ("pruned", "failed")
    assert rows[1]["epochs_run"] < 4


def test_each_trial_is_a_run_in_mlflow_with_the_same_value_and_state(finished: Workspace) -> None:
    from hpo.tracking.store import open_client

    client = open_client(finished.tracking_uri(), finished.runs / "artifacts")
    states = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
    for row in answer(finished, "trials", "tiny"):
        run = client.get_run(row["mlflow_run_id"])
        assert run.info.status == states[row["state"]]
        curve = client.get_metric_history(row["mlflow_run_id"], "val_accuracy")
        assert [point.step for point in curve] == list(range(1, row["epochs_run"] + 1))
        assert float(run.data.params["learning_rate"]) == pytest.approx(
            row["params"]["learning_rate"], rel=1e-4
        )


def test_mlflow_differs_from_optuna_in_nothing(finished: Workspace) -> None:
    assert differences_of(finished, "tiny") == []


def differences_of(workspace: Workspace, study: str) -> list[Any]:
    from hpo.search.studies import read_trials
    from hpo.tracking.audit import differences
    from hpo.tracking.store import open_client

    records = read_trials(workspace.storage_url(), study, attempts=True)
    return differences(open_client(workspace.tracking_uri()), study, records)


def test_the_value_is_that_of_the_best_epoch(finished: Workspace) -> None:
    from hpo.search.studies import read_trials

    for record in read_trials(finished.storage_url(), "tiny"):
        if record.state == "complete":
            assert record.result is not None
            best = max(epoch.metrics["val_accuracy"] for epoch in record.epochs)
            assert record.value == pytest.approx(best, abs=1e-6)


def test_a_finished_study_resumes_to_nothing_and_is_not_begun_twice(finished: Workspace) -> None:
    file = str(finished.home / "tiny.yaml")
    before = answer(finished, "trials", "tiny")
    again = call(finished, "run", file, code=2)
    assert "--resume" in again.stderr
    call(finished, "run", file, "--resume")
    assert answer(finished, "trials", "tiny") == before


def test_a_study_of_another_space_is_refused(finished: Workspace) -> None:
    file = str(finished.home / "tiny.yaml")
    changed = "architectures.cnn.space.learning_rate.high=5.0"
    done = call(finished, "run", file, "--resume", "--set", changed, code=2)
    assert "learning_rate" in done.stderr
    assert "--evolve" not in done.stderr, "a narrower range is another space"


def test_a_wider_space_and_a_warm_start_say_beforehand_what_they_take(finished: Workspace) -> None:
    file = str(finished.home / "tiny.yaml")
    wider = ("--set", "architectures.cnn.space.optimizer.choices=[adam, sgd, lion]")
    refused = call(finished, "run", file, "--resume", *wider, code=2)
    assert "--resume --evolve" in refused.stderr
    grown = answer(finished, "run", file, "--resume", "--evolve", "--dry-run", *wider)
    assert any("version 2 of the space adds optimizer" in note for note in grown["notes"])
    warm = ("--set", "name=next", "--warm-start", "tiny")
    (line,) = answer(finished, "run", file, "--dry-run", *warm)["notes"][-1:]
    complete = [t for t in answer(finished, "trials", "tiny") if t["state"] == "complete"]
    n = len(complete)
    assert line == f"cnn: the sampler sees {n} of the {n} complete trials of study 'tiny'."


def test_only_the_best_checkpoints_stay(finished: Workspace) -> None:
    kept = list(finished.checkpoints.rglob("*.keras"))
    assert len(kept) == 1


def test_the_report_is_written_and_opens_offline(finished: Workspace) -> None:
    paths = answer(finished, "report", "tiny", "--no-png")
    page = Path(paths["page"]).read_text()
    assert "tiny" in page
    # Two addresses are named, of a namespace and of the MLflow UI here; nothing is loaded from any.
    named = page.replace("http://www.w3.org", "").replace("http://127.0.0.1:5000", "")
    assert "http://" not in named
    assert (finished.reports / "tiny" / "plotly.min.js").is_file()


def test_the_winner_recommends_songs(finished: Workspace) -> None:
    from hpo.data.drawn.photo import write_photo

    photo = finished.home / "photo.png"
    write_photo(photo)
    (found,) = answer(finished, "recommend", str(photo), "--top", "3")
    (face,) = found["faces"]
    assert sum(face["probabilities"].values()) == pytest.approx(1.0, abs=1e-4)
    assert len(face["songs"]) == 3
    assert {song["mood"] for song in face["songs"]} == {face["mood"]}


def test_promoting_twice_is_once(finished: Workspace) -> None:
    first = answer(finished, "promote", "tiny")
    assert first["outcome"] == "unchanged"
    assert answer(finished, "promote", "tiny") == first
    checks = {check["name"]: check["passed"] for check in first["gate"]["checks"]}
    assert checks == dict.fromkeys(("accuracy", "calibration", "latency", "size"), True)
    shown = answer(finished, "champion")
    assert shown["classifier"]["gate"] == first["gate"]
    assert shown["recommender"] == first["recommender_version"]
    assert [move["what"] for move in shown["history"]] == ["promoted"]
    # From the first champion one steps back to the model in the box, and forward again.
    assert "Rolled back: the model in the box" in call(finished, "champion", "--rollback").stderr
    assert answer(finished, "champion")["classifier"] is None
    again = answer(finished, "champion", "--rollback", "--to", first["classifier_version"])
    assert again["recommender"] == first["recommender_version"]


def test_a_trial_can_be_trained_again_with_the_same_outcome(finished: Workspace) -> None:
    file = str(finished.home / "tiny.yaml")
    trial = answer(finished, "trials", "tiny")[0]
    again = answer(finished, "train", file, "--architecture", "cnn", "--trial", "0")
    assert again["params"] == trial["params"]
    # One seed and one machine, but threads add floats in any order: a face or two may tip over.
    assert again["value"] == pytest.approx(trial["value"], abs=6 / 140)
    assert len(answer(finished, "trials", "tiny")) == 4

    from hpo.tracking.store import open_client

    client = open_client(finished.tracking_uri(), finished.runs / "artifacts")
    runs = [client.get_run(r["mlflow_run_id"]).data for r in (trial, again)]
    assert runs[0].tags["hpo.seed"] == runs[1].tags["hpo.seed"]
    assert runs[0].metrics["train_size"] == runs[1].metrics["train_size"] == 560


def test_a_trial_is_not_trained_again_under_other_settings(finished: Workspace) -> None:
    words = ["train", str(finished.home / "tiny.yaml"), "--trial", "0"]
    for change in ("seed=6", "data.train_limit=140", "precision=mixed_bfloat16"):
        refused = call(finished, *words, "--set", change, code=2)
        assert change.partition("=")[0] in refused.stderr
        assert "cannot be trained again as it was" in refused.stderr


def test_ctrl_c_ends_with_130_and_resume_goes_on_to_the_exact_budget(finished: Workspace) -> None:
    words = ["run", str(finished.home / "tiny.yaml")]
    words += ["--set", "name=interrupted", "--set", "promote=false"]
    words += [word for change in QUICK for word in ("--set", change)]
    with subprocess.Popen(command(finished, *words), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "#1 starts" in line:
                break
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        assert process.wait(timeout=60) == 130
    begun = answer(finished, "trials", "interrupted")
    assert {row["state"] for row in begun} <= {"complete", "pruned"}
    call(finished, *words, "--resume")
    rows = answer(finished, "trials", "interrupted")
    assert len(rows) == 4
    # Trial 3 leans on the values of those before, which threads may change in the last digits.
    uninterrupted = answer(finished, "trials", "tiny")
    assert [r["searched"] for r in rows[:3]] == [r["searched"] for r in uninterrupted[:3]]


def test_keras_tuner_searches_the_same_file(finished: Workspace) -> None:
    file = finished.home / "tuner.yaml"
    file.write_text(STUDY.replace("promote: true", "engine: keras-tuner").replace("tiny", "tuner"))
    outcome = hpo.run(
        file, workspace=finished, trials=3, overrides=["sampler=random", "pruner=none", *QUICK]
    )
    assert sum(row.complete for row in outcome.rows) >= 1
    rows = hpo.trials("tuner", workspace=finished)
    assert len(rows) == 3
    assert rows[0]["params"]["learning_rate"] == 2e-3


NET = """
from typing import Literal

from pydantic import BaseModel


class Parameters(BaseModel):
    width: int = 4
    activation: Literal["relu", "gelu"] = "relu"


def build(params, input_shape, classes):
    import keras

    return keras.Sequential([
        keras.Input(input_shape),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(params.width, 3, strides=3, activation=params.activation),
        keras.layers.Flatten(),
        keras.layers.Dense(classes, activation="softmax"),
    ])
"""

OWN = """
name: own
data: {dataset: drawn-faces, train_limit: 140, validation_limit: 70}
budget: {trials: 2}
pruner: none
architectures:
  mine:
    architecture: mynet:build
    fixed: {epochs: 1}
    space:
      width: {type: int, low: 2, high: 6}
      activation: {type: categorical, choices: [relu, gelu]}
      learning_rate: {type: float, low: 1e-4, high: 1e-2, log: true}
"""


def test_an_architecture_beside_the_study_file_needs_no_change_to_the_package(
    finished: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (finished.home / "mynet.py").write_text(NET)
    (finished.home / "own.yaml").write_text(OWN)
    monkeypatch.chdir(finished.home)
    call(finished, "run", "own.yaml")
    rows = answer(finished, "trials", "own")
    assert [row["state"] for row in rows] == ["complete", "complete"]
    assert all(2 <= row["params"]["width"] <= 6 for row in rows)
    wrong = call(
        finished,
        "run",
        "own.yaml",
        "--set",
        "architectures.mine.fixed.widht=3",
        "--dry-run",
        code=2,
    )
    assert "width" in wrong.stderr


def test_an_error_in_an_own_architecture_names_file_line_and_log(
    finished: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = NET.replace("    return keras", "    undefined_name\n    return keras")
    (finished.home / "broken.py").write_text(broken)
    line = broken.splitlines().index("    undefined_name") + 1
    file = OWN.replace("mynet:", "broken:").replace("name: own", "name: broken")
    (finished.home / "broken.yaml").write_text(file.replace("trials: 2", "trials: 1"))
    monkeypatch.chdir(finished.home)
    ended = call(finished, "run", "broken.yaml", code=1)
    assert "all trials failed" in ended.stderr
    assert f"{finished.checkpoints}/broken/ARCHITECTURE/NUMBER/log.txt" in ended.stderr
    (row,) = answer(finished, "trials", "broken")
    said = f"error: NameError: name 'undefined_name' is not defined (broken.py:{line})."
    assert row["reason"] == said
    assert "undefined_name" in Path(row["log"]).read_text()
    assert f"Log of mine #0: {row['log']}" in call(finished, "trials", "broken").stderr


def test_the_best_is_confirmed_over_seeds_and_the_test_split_opened_once(
    finished: Workspace,
) -> None:
    before = answer(finished, "trials", "tiny")
    call(finished, "test", "tiny.confirmation", code=2)  # There is none yet.
    told = answer(finished, "confirm", "tiny", "--top", "1", "--seeds", "2")
    (entry,) = told["facts"]["candidates"]
    assert told["facts"]["over"]
    assert told["facts"]["images"] == 140
    assert len(entry["values"]) == 2
    assert entry["mean"]["low"] < entry["mean"]["point"] < entry["mean"]["high"]
    assert "winner's curse" in " ".join(told["sentences"])
    assert answer(finished, "trials", "tiny") == before
    # As a study of its own it is complete, tracked, and done when it is asked for again.
    runs = answer(finished, "trials", "tiny.confirmation")
    assert [(r["origin"], r["state"]) for r in runs] == [("confirmation", "complete")] * 2
    assert differences_of(finished, "tiny.confirmation") == []
    assert answer(finished, "confirm", "tiny", "--top", "1", "--seeds", "2") == told
    opening = answer(finished, "test", "tiny")["opening"]
    assert (opening["images"], opening["confirmed"], len(opening["values"])) == (700, True, 2)
    assert opening["gap"]["point"] == pytest.approx(
        opening["validation"] - opening["accuracy"]["point"]
    )
    assert 0 < opening["scores"]["test_ece"]["mean"] < 1
    assert differences_of(finished, "tiny.confirmation") == []
    refused = call(finished, "test", "tiny", code=2)
    assert "was opened" in refused.stderr
    for command in ("test", "promote"):  # The search's record, and its counts, are walked around.
        refused = call(finished, command, "tiny.confirmation", code=2)
        assert f"Type `hpo {command} tiny --home " in refused.stderr
    call(finished, "report", "tiny")
    page = json.loads((finished.reports / "tiny" / "study.json").read_text())
    assert page["confirmation"]["openings"] == [opening]
    assert any("700 test faces" in said for said in page["summary"])
    assert (page["card"]["run_study"], page["card"]["number"]) == (
        "tiny.confirmation",
        entry["number"],
    )
    card = (finished.reports / "tiny" / "model-card.md").read_text()
    assert "serves this run" in card
    assert told["sentences"][0] in card
    # Who searches on has seen the test split, and is told so before and after.
    more = ("run", str(finished.home / "tiny.yaml"), "--resume", "--trials", "5")
    said = "what is chosen now is selected with knowledge of it"
    assert said in " ".join(answer(finished, *more, "--dry-run")["notes"])
    outcome = answer(finished, *more)
    assert said in " ".join(outcome["notes"])
    # The gate has counted the two re-runs, of which the one served is the better.
    assert outcome["promotion"]["gate"]["reruns"] == 2
    call(finished, "report", "tiny")
    page = json.loads((finished.reports / "tiny" / "study.json").read_text())
    assert said in " ".join(page["caveats"])


def test_deleting_asks_first_and_takes_everything(finished: Workspace) -> None:
    words = ["run", str(finished.home / "tiny.yaml"), "--trials", "1", "--set", "name=gone"]
    words += ["--set", "promote=false", *[w for change in QUICK for w in ("--set", change)]]
    call(finished, *words)
    call(finished, "delete", "gone", code=1, given="n\n")
    assert len(answer(finished, "trials", "gone")) == 1
    call(finished, "delete", "gone", "--yes")
    call(finished, "trials", "gone", code=2)
    assert not (finished.checkpoints / "gone").exists()
    call(finished, *words)
