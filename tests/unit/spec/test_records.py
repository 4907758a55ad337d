"""Records go to JSON and back unchanged, and readers pass over what a newer version added."""

from __future__ import annotations

import json

from hpo.spec.records import EpochReport, TrialJob, TrialRecord, TrialResult

JOB = TrialJob(
    job_id="thesis/cnn/3",
    architecture="cnn",
    params={"learning_rate": 1e-3, "dense": [64, 32], "augment": True, "weights": None},
    dataset="data/drawn-faces",
    dataset_digest="ab12",
    output="out",
    seed=7,
)
EPOCHS = [
    EpochReport(1, {"loss": 1.9, "val_accuracy": 0.2}, 3.5),
    EpochReport(2, {"loss": 1.5, "val_accuracy": 0.3}, 3.4),
]
RESULT = TrialResult(
    state="complete",
    value=0.3,
    best_epoch=2,
    epochs_run=2,
    metrics=EPOCHS[1].metrics,
    seconds={"fit": 6.9},
    confusion=[[1, 0], [0, 1]],
    predictions=[0, 1],
)
RECORD = TrialRecord(
    study="thesis",
    architecture="cnn",
    number=3,
    state="complete",
    value=0.3,
    params=JOB.params,
    searched={"learning_rate": 1e-3},
    epochs=EPOCHS,
    result=RESULT,
)


def test_records_survive_json() -> None:
    for record in (JOB, *EPOCHS, RESULT, RECORD):
        assert type(record).from_json(json.loads(json.dumps(record.to_json()))) == record


def test_a_trial_without_a_result_survives_json() -> None:
    waiting = TrialRecord("s", "cnn", 0, "waiting", None, {}, {})
    assert TrialRecord.from_json(json.loads(json.dumps(waiting.to_json()))) == waiting


def test_keys_of_a_newer_version_are_passed_over() -> None:
    newer = {**RECORD.to_json(), "carbon_grams": 12}
    newer["epochs"][0]["carbon_grams"] = 6
    assert TrialRecord.from_json(newer) == RECORD


def test_epochs_run_counts_what_was_reported() -> None:
    assert RECORD.epochs_run == 2
    assert TrialRecord("s", "cnn", 0, "waiting", None, {}, {}).epochs_run == 0


def test_reading_does_not_change_the_data_it_reads() -> None:
    plain = RECORD.to_json()
    before = json.dumps(plain)
    TrialRecord.from_json(plain)
    assert json.dumps(plain) == before
