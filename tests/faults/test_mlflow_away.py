"""A tracking server that goes away: training goes on, and afterwards nothing is missing or double.

A real server on loopback, killed and started again, while a study is told in real time.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hpo.spec.records import EpochReport, TrialRecord, TrialResult
from hpo.tracking.audit import differences
from hpo.tracking.cards import DatasetCard, StudyCard
from hpo.tracking.mirror import MlflowMirror
from hpo.tracking.store import open_client
from tests.faults.mlflow_server import MlflowServer, mlflow_server

TRIALS = 5
EPOCHS = 8
EPOCH_SECONDS = 0.8
AWAY_SECONDS = 20

CARD = StudyCard(
    "away",
    "val_accuracy",
    "maximize",
    7,
    DatasetCard("drawn", "ab12" * 16, "data/drawn", {"train": 8, "validation": 4}),
    "0.1.0",
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MlflowServer]:
    with mlflow_server(tmp_path) as server:
        yield server


class Teller:
    """Tells a study as a worker does, and keeps how long the slowest call took."""

    def __init__(self, mirror: MlflowMirror) -> None:
        self.mirror = mirror
        self.slowest = 0.0
        self.records: list[TrialRecord] = []

    def tell(self, trials: int, epoch_seconds: float) -> None:
        self._call(self.mirror.start_architecture, "cnn", {"learning_rate": [1, 2]}, trials)
        for number in range(trials):
            self._trial(number, epoch_seconds)
        self._call(self.mirror.finish_architecture, "cnn")

    def _trial(self, number: int, epoch_seconds: float) -> None:
        started = datetime.now(UTC)
        claimed = TrialRecord(
            "away", "cnn", number, "running", None, {"learning_rate": 0.1 * (number + 1)}, {},
            slot=number, started=started.isoformat(timespec="milliseconds"),
        )  # fmt: skip
        self._call(self.mirror.start_trial, claimed)
        epochs = []
        for epoch in range(1, EPOCHS + 1):
            time.sleep(epoch_seconds)
            metrics = {"loss": 1 / epoch, "val_accuracy": 0.1 * number + 0.01 * epoch}
            epochs.append(EpochReport(epoch, metrics, EPOCH_SECONDS))
            self._call(self.mirror.log_epoch, "cnn", number, epochs[-1])
        value = epochs[-1].metrics["val_accuracy"]
        result = TrialResult(
            "complete", value, best_epoch=EPOCHS, epochs_run=EPOCHS, metrics=epochs[-1].metrics,
            model_summary="Dense (2)", environment={"device": "cpu"},
        )  # fmt: skip
        done = replace(
            claimed, state="complete", value=value, epochs=epochs, result=result,
            seconds=EPOCHS * EPOCH_SECONDS, finished=datetime.now(UTC).isoformat(),
        )  # fmt: skip
        self._call(self.mirror.finish_trial, done)
        self._call(self.mirror.run_id, "cnn", number)
        self.records.append(done)

    def _call(self, function: Any, *arguments: Any) -> None:
        began = time.monotonic()
        function(*arguments)
        self.slowest = max(self.slowest, time.monotonic() - began)


def assert_all_is_there_once(uri: str, teller: Teller) -> None:
    client = open_client(uri)
    records = [
        replace(record, mlflow_run_id=teller.mirror.run_id("cnn", record.number))
        for record in teller.records
    ]
    assert differences(client, "away", records) == []
    experiment = client.get_experiment_by_name("away")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert len(runs) == len(client.search_runs([experiment.experiment_id])) == len(records) + 1
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    for record in records:
        (run,) = [r for r in runs.values() if r.data.tags.get("hpo.trial") == str(record.number)]
        assert run.data.metrics["objective"] == record.value
        assert float(run.data.params["learning_rate"]) == pytest.approx(
            record.params["learning_rate"]
        )
        for name in ("loss", "val_accuracy", "epoch_seconds"):
            history = client.get_metric_history(run.info.run_id, name)
            assert sorted(point.step for point in history) == list(range(1, EPOCHS + 1))
        for name in ("objective", "best_epoch", "seconds_total"):
            assert len(client.get_metric_history(run.info.run_id, name)) == 1
        assert len(run.inputs.dataset_inputs) == 2
        files = {file.path for file in client.list_artifacts(run.info.run_id)}
        assert files == {"model_summary.txt", "environment.json"}


def test_a_server_that_is_gone_for_20_seconds_costs_nothing(server: MlflowServer) -> None:
    server.start()
    news: list[str] = []
    mirror = MlflowMirror(server.uri, CARD, notify=news.append)
    mirror.wait_ready()
    teller = Teller(mirror)
    study = threading.Thread(target=teller.tell, args=(TRIALS, EPOCH_SECONDS))
    study.start()
    # In the middle of the first trial's curve.
    time.sleep(4.4 * EPOCH_SECONDS)
    server.kill()
    time.sleep(AWAY_SECONDS)
    assert mirror.waiting > 0
    server.start()
    study.join()
    assert mirror.close(120) == []
    # Against the 20 s that the server was away; most calls take microseconds.
    assert teller.slowest < 1
    assert len(news) == 2
    assert_all_is_there_once(server.uri, teller)


def test_answers_that_are_lost_double_nothing(server: MlflowServer) -> None:
    server.start()
    mirror = MlflowMirror(server.uri, CARD)
    mirror.wait_ready()
    teller = Teller(mirror)
    teller.tell(18, 0.0)
    # Killed in the middle of its writes, so that some are done and not acknowledged.
    for seconds in (1.0, 1.0):
        time.sleep(seconds)
        assert mirror.waiting > 0
        server.kill()
        server.start()
    assert mirror.close(120) == []
    assert_all_is_there_once(server.uri, teller)


@pytest.mark.slow  # MLflow itself waits for 20 s before it says so
def test_a_database_that_is_locked_is_waited_for(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    mirror = MlflowMirror(uri, CARD)
    mirror.wait_ready()
    teller = Teller(mirror)
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        teller.tell(2, 0.01)
        # MLflow itself waits for 20 s, then it fails.
        time.sleep(23)
        assert mirror.waiting > 0
        other.rollback()
    assert mirror.close(120) == []
    assert teller.slowest < 1
    assert_all_is_there_once(uri, teller)


def test_a_server_that_comes_after_the_study_began_gets_all_of_it(server: MlflowServer) -> None:
    mirror = MlflowMirror(server.uri, CARD)
    teller = Teller(mirror)
    teller.tell(2, 0.01)
    assert teller.slowest < 1
    assert mirror.run_id("cnn", 0) == ""
    server.start()
    assert mirror.close(120) == []
    assert mirror.run_id("cnn", 0) != ""
    assert_all_is_there_once(server.uri, teller)
