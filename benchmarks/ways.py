"""The ways of training one tiny CNN that ``overhead.py`` compares, as they run in child processes.

Each takes the same job, and trains the same layers on the same arrays for as many epochs.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

EPOCHS = 3
BATCH_SIZE = 20
FIXED = {
    "family": "vgg-bn",
    "width": 4,
    "stages": 2,
    "dense": 16,
    "dense_layers": 1,
    "rotation_degrees": 0.0,  # no augmentation: every way feeds the same plain arrays
    "zoom": 0.0,
    "shift": 0.0,
    "flip": False,
    "schedule": "constant",
    "batch_size": BATCH_SIZE,
    "epochs": EPOCHS,
}
"""The parameters of the tiny CNN; the learning rate is searched."""
Seconds = dict[str, float]
"""Wall seconds by name, and CPU seconds by name with ``_cpu`` after it."""


@contextmanager
def clocked(into: Seconds, name: str) -> Iterator[None]:
    """Add the block's wall and CPU seconds (all threads of this process) to ``into``."""
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        yield
    finally:
        into[name] = into.get(name, 0.0) + time.perf_counter() - wall
        into[f"{name}_cpu"] = into.get(f"{name}_cpu", 0.0) + time.process_time() - cpu


def clocking(function: Callable[..., Any], into: Seconds, name: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with clocked(into, name):
            return function(*args, **kwargs)

    return call


def bare_fit(job: dict[str, Any], callbacks: tuple[Any, ...] = (), rate: float = 1e-3) -> Any:
    """Build, compile and fit as one would by hand, validation included."""
    data = _data(json.dumps(job))
    model = _model(json.dumps(job), rate)
    return _fit(model, data, list(callbacks))


@functools.cache
def _data(job: str) -> Any:
    from hpo.spec.records import TrialJob
    from hpo.training.batches import load_data, targets

    data = load_data(TrialJob.from_json(json.loads(job)))
    return [(s.faces, targets(s.labels, data.classes)) for s in (data.train, data.validation)]


def _model(job: str, rate: float) -> Any:
    import keras

    from hpo.architectures.architecture import load
    from hpo.training.resolve import resolve_parameters

    cnn = load("cnn")
    params = resolve_parameters(cnn, json.loads(job)["params"]).architecture
    model = cnn.build(params, (48, 48, 1), 7)
    model.compile(keras.optimizers.Adam(rate), "categorical_crossentropy", metrics=["accuracy"])
    return model


def _fit(model: Any, data: Any, callbacks: list[Any]) -> Any:
    (x, y), validation = data
    return model.fit(
        x, y, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0, validation_data=validation,
        validation_batch_size=64, callbacks=callbacks,
    )  # fmt: skip


def prepared(report: Any, should_stop: Any, job: dict[str, Any]) -> Seconds:
    """A bare fit in a process forked for it."""
    from hpo.training import backend

    backend.prepare(seed=0, precision="float32", threads=None)
    seconds: Seconds = {}
    _data(json.dumps(job))
    with clocked(seconds, "bare"):
        bare_fit(job)
    return seconds


def trial(report: Any, should_stop: Any, job: dict[str, Any], notes: str) -> dict[str, Any]:
    """The framework's own trial, with a clock on what it does between Keras's steps."""
    from hpo.execution.trial import train
    from hpo.training import fit
    from hpo.training.loop import EpochLoop

    seconds: Seconds = {}
    # By reference, so that a type checker notices a name that is gone.
    loop = (EpochLoop.begin_step, EpochLoop.end_steps, EpochLoop.end_epoch, EpochLoop._judge)
    watched: list[tuple[Any, Callable[..., Any]]] = [(fit, fit._build), (fit, fit._fit)]
    watched += [(EpochLoop, method) for method in loop]
    for owner, function in watched:
        name = function.__name__
        setattr(owner, name, clocking(function, seconds, name))
    with clocked(seconds, "child"):
        result = train(clocking(report, seconds, "report"), should_stop, job)
    Path(notes).write_text(json.dumps(seconds))
    return result


def warm(report: Any, should_stop: Any, job: dict[str, Any], folder: str, tuner: bool) -> Seconds:
    """The ways that share one interpreter; each runs once before it counts."""
    ways: dict[str, Callable[..., Any]] = {"bare_warm": bare_fit, "by_hand": by_hand}
    if tuner:
        ways["keras_tuner"] = keras_tuner
    seconds: Seconds = {}
    for count in range(2):
        for name, way in ways.items():
            arguments = () if way is bare_fit else (Path(folder) / f"{name}-{count}",)
            with clocked({} if count == 0 else seconds, name):
                way(job, *arguments)
    return seconds


def by_hand(job: dict[str, Any], folder: Path) -> None:
    """The loop that tutorials show: a run per trial, a metric and a report per epoch."""
    import keras
    import mlflow
    import optuna

    folder.parent.mkdir(parents=True, exist_ok=True)
    stem = folder.parent
    mlflow.set_tracking_uri(f"sqlite:///{stem}/by-hand-mlflow.db")
    mlflow.set_experiment("by-hand")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=f"sqlite:///{stem}/by-hand-optuna.db", study_name="by-hand",
        direction="maximize", load_if_exists=True,
    )  # fmt: skip

    def objective(attempt: Any) -> float:
        rate = attempt.suggest_float("learning_rate", 1e-4, 1e-2, log=True)

        class Report(keras.callbacks.Callback):  # type: ignore[misc]
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                mlflow.log_metrics(logs, step=epoch)
                attempt.report(logs["val_accuracy"], epoch)
                attempt.should_prune()

        best = keras.callbacks.ModelCheckpoint(
            f"{stem}/by-hand.keras", monitor="val_accuracy", save_best_only=True
        )
        with mlflow.start_run():
            mlflow.log_params({**job["params"], "learning_rate": rate})
            history = bare_fit(job, (Report(), best), rate)
        return float(max(history.history["val_accuracy"]))

    study.optimize(objective, n_trials=1)


def keras_tuner(job: dict[str, Any], folder: Path) -> None:
    """One trial of keras-tuner's random search."""
    import keras_tuner as kt

    def build(hp: Any) -> Any:
        rate = hp.Float("learning_rate", 1e-4, 1e-2, sampling="log")
        return _model(json.dumps(job), rate)

    tuner = kt.RandomSearch(
        build, objective="val_accuracy", max_trials=1, directory=str(folder), overwrite=True
    )
    (x, y), validation = _data(json.dumps(job))
    tuner.search(
        x, y, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0, validation_data=validation,
        validation_batch_size=64,
    )  # fmt: skip
