"""Studies for reports: trial records from a seeded analytic objective, in milliseconds."""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from hpo.spec.emotions import EMOTIONS
from hpo.spec.records import EpochReport, TrialRecord, TrialResult

SPACE: dict[str, Any] = {
    "learning_rate": {"type": "float", "low": 1e-5, "high": 1e-1, "log": True, "when": {}},
    "optimizer": {"type": "categorical", "choices": ["adam", "sgd", "rmsprop"], "when": {}},
    "momentum": {
        "type": "float",
        "low": 0.5,
        "high": 0.99,
        "log": False,
        "when": {"optimizer": ["sgd"]},
    },
    "batch_size": {"type": "categorical", "choices": [32, 64, 128], "when": {}},
    "dropout": {"type": "float", "low": 0.0, "high": 0.6, "log": False, "when": {}},
    "dense_units": {"type": "int", "low": 32, "high": 1024, "log": True, "when": {}},
    "activation": {"type": "categorical", "choices": ["relu", "elu", "gelu"], "when": {}},
}
THESIS = {
    "learning_rate": 1e-3,
    "optimizer": "adam",
    "batch_size": 64,
    "dropout": 0.25,
    "dense_units": 512,
    "activation": "relu",
}
CLASS_COUNTS = (467, 56, 496, 895, 607, 653, 415)
LEVELS = {"cnn": 0.62, "resnet50": 0.46, "xception": 0.30}
SECONDS = {"cnn": 9.0, "resnet50": 14.0, "xception": 21.0}


def draw(generator: random.Random) -> dict[str, Any]:
    params: dict[str, Any] = {
        "learning_rate": 10 ** generator.uniform(-5, -1),
        "optimizer": generator.choice(SPACE["optimizer"]["choices"]),
        "batch_size": generator.choice(SPACE["batch_size"]["choices"]),
        "dropout": generator.uniform(0, 0.6),
        "dense_units": int(2 ** generator.uniform(5, 10)),
        "activation": generator.choice(SPACE["activation"]["choices"]),
    }
    if params["optimizer"] == "sgd":
        params["momentum"] = generator.uniform(0.5, 0.99)
    return params


def ceiling(architecture: str, params: dict[str, Any], generator: random.Random) -> float:
    """The accuracy that a configuration tends to: a ridge in learning rate and dropout."""
    log_rate = math.log10(params["learning_rate"])
    wanted = -2.2 if params["optimizer"] == "sgd" else -3.2
    value = LEVELS.get(architecture, 0.5) - 0.05 * (log_rate - wanted) ** 2
    value -= 0.25 * (params["dropout"] - 0.3 - 0.05 * (log_rate + 3)) ** 2
    value += 0.02 * params.get("momentum", 0.75) + generator.gauss(0, 0.008)
    return min(max(value, 0.14), 0.95)


def curves(top: float, epochs: int, seconds: float, generator: random.Random) -> list[EpochReport]:
    reports = []
    for epoch in range(1, epochs + 1):
        rise = 1 - math.exp(-epoch / 3.5)
        noisy = 0.16 + (top - 0.16) * rise + generator.gauss(0, 0.006)
        train = 0.16 + (top + 0.12 - 0.16) * (1 - math.exp(-epoch / 4.5))
        metrics = {
            "accuracy": train,
            "val_accuracy": noisy,
            "loss": -math.log(max(train, 0.02)) * 1.4,
            "val_loss": -math.log(max(noisy, 0.02)) * 1.5 + 0.01 * max(0, epoch - 8),
            "learning_rate": 1e-3,
        }
        reports.append(EpochReport(epoch, metrics, seconds * generator.uniform(0.9, 1.1)))
    return reports


def confusion(accuracy: float) -> list[list[int]]:
    """A matrix with the official class counts and about this accuracy; errors go to neighbours."""
    matrix = []
    for true, count in enumerate(CLASS_COUNTS):
        right = round(count * accuracy)
        line = [0] * 7
        line[true] = right
        for place in range(count - right):
            line[(true + 1 + place % 3) % 7] += 1
        matrix.append(line)
    return matrix


def trial(
    architecture: str,
    number: int,
    generator: random.Random,
    *,
    state: str = "complete",
    thesis: bool = False,
    epochs: int = 14,
    study: str = "demo",
) -> TrialRecord:
    params = dict(THESIS) if thesis else draw(generator)
    if state == "pruned":
        params["learning_rate"] = 10 ** generator.uniform(-1.6, -1)
        epochs = generator.randint(2, 5)
    top = ceiling(architecture, params, generator)
    reports = (
        [] if state == "failed" else curves(top, epochs, SECONDS.get(architecture, 5.0), generator)
    )
    best = max(reports, key=lambda e: e.metrics["val_accuracy"], default=None)
    done = state == "complete" and best is not None
    value = best.metrics["val_accuracy"] if best else None
    result = TrialResult(
        state=state,  # type: ignore[arg-type]
        value=value,
        reason="nan_loss: the loss was not a number in epoch 1" if state == "failed" else "",
        best_epoch=best.epoch if best else 0,
        epochs_run=len(reports),
        metrics=best.metrics if best else {},
        final_metrics=reports[-1].metrics if reports else {},
        confusion=confusion(value) if done and value is not None else [],
        parameter_count=4_321_000,
        params=params,
        environment={"python": "3.11.9", "keras": "3.15.1", "device": "cpu", "hpo": "0.1.0"},
        train_size=6000 if architecture == "cnn" else 3000,
        validation_size=sum(CLASS_COUNTS),
        images_per_second=114.0,
    )
    hour, minute = divmod(number % 1440, 60)
    return TrialRecord(
        study=study,
        architecture=architecture,
        number=number,
        state=state,  # type: ignore[arg-type]
        value=value,
        params={**params, "augment": True},
        searched=params,
        slot=number,
        epochs=reports,
        result=result,
        seconds=sum(e.seconds for e in reports) + 3.0,
        started=f"2026-03-01T{hour:02d}:{minute:02d}:00+00:00",
        finished=f"2026-03-01T{hour:02d}:{minute:02d}:59+00:00",
        mlflow_run_id=f"{number:032x}",
        origin="thesis" if thesis else "sampler",
        space=SPACE,
    )


def study_records(
    architectures: tuple[str, ...] = ("cnn", "resnet50", "xception"),
    trials: int = 40,
    seed: int = 0,
    pruned_share: float = 0.2,
    failed_share: float = 0.05,
    epochs: int = 14,
) -> list[TrialRecord]:
    generator = random.Random(seed)
    records = []
    for architecture in architectures:
        for number in range(trials):
            chance = generator.random() if number else 1.0
            state = (
                "failed"
                if chance < failed_share
                else "pruned"
                if chance < failed_share + pruned_share
                else "complete"
            )
            records.append(
                trial(
                    architecture,
                    number,
                    generator,
                    state=state,
                    thesis=number == 0,
                    epochs=epochs,
                )
            )
    return records


def by_loss(records: list[TrialRecord]) -> list[TrialRecord]:
    """The same trials as of a study that searched for the lowest validation loss."""
    return [
        dataclasses.replace(
            record,
            value=metrics["val_loss"]
            if record.result and (metrics := record.result.metrics)
            else None,
        )
        for record in records
    ]


def loss_spec(architectures: tuple[str, ...] = ("cnn", "resnet50", "xception")) -> dict[str, Any]:
    return {**study_spec(architectures), "objective": {"metric": "val_loss"}}


def study_spec(architectures: tuple[str, ...] = ("cnn", "resnet50", "xception")) -> dict[str, Any]:
    return {
        "name": "demo",
        "description": "Records of an analytic objective, for looking at the page.",
        "seed": 7,
        "data": {"dataset": "fer2013", "train_limit": 6000},
        "objective": {"metric": "val_accuracy"},
        "sampler": {"name": "tpe", "options": {"multivariate": True}},
        "pruner": {"name": "median", "options": {}},
        "architectures": {label: {"architecture": label} for label in architectures},
    }


@pytest.fixture
def spec() -> dict[str, Any]:
    return study_spec()


@pytest.fixture
def records() -> Callable[..., list[TrialRecord]]:
    return study_records


@pytest.fixture
def one_trial() -> Callable[..., TrialRecord]:
    def make(architecture: str = "cnn", number: int = 0, **options: Any) -> TrialRecord:
        return trial(architecture, number, random.Random(number), **options)

    return make


@pytest.fixture
def emotions() -> tuple[str, ...]:
    return EMOTIONS
