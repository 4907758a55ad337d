"""Train on one backend and print what came of it: run as a program, for a process has one backend.

    KERAS_BACKEND=jax python -m tests.contract.on_a_backend DATASET WEIGHTS

``WEIGHTS`` is a ``.npz`` of initial weights: made if it is absent, taken if it is there. Standard
output gets one line of JSON: the backend, the metrics of two equal trials, the losses of the
first five steps from those weights with dropout off, the metrics of epochs from them, of epochs
whose faces are changed on the device as on an accelerator, and of trials that are trained so.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from hpo.architectures.architecture import load
from hpo.spec.records import EpochReport, TrialJob
from hpo.training import backend, backend_choice
from hpo.training.augmentation import Augmentation
from hpo.training.batches import epoch_batches, load_data
from hpo.training.course import Course
from hpo.training.fit import train
from hpo.training.frame import cut
from hpo.training.loop import EpochLoop
from hpo.training.optimizers import build_optimizer
from hpo.training.resolve import resolve_parameters
from tests.endtoend.bars import PLAIN, TINY

STEPS = 5
CHANGES: dict[str, Any] = {
    "flip": True, "rotation_degrees": 15.0, "zoom": 0.2, "shift": 0.1, "brightness": 0.2,
    "contrast": 0.2, "erasing": 0.5, "mixup": True, "mixup_alpha": 0.3,
}  # fmt: skip
"""All that can be done with a face; what is random in it is drawn by the host for every backend."""


def trained(job: TrialJob) -> list[dict[str, float]]:
    """Return the metrics of a trial's epochs."""
    epochs: list[EpochReport] = []
    with tempfile.TemporaryDirectory() as folder:
        result = train(dataclasses.replace(job, output=folder), epochs.append, lambda: False)
        assert result.state == "complete", result.reason
        assert result.environment["backend"] == backend_choice.backend_name()
    return [epoch.metrics for epoch in epochs]


def first_losses(job: TrialJob, weights: Path) -> list[float]:
    """Return the loss of each of the first steps, before its own update."""
    architecture = load(job.architecture)
    resolved = resolve_parameters(architecture, job.params)
    data = load_data(job)
    backend.prepare(seed=job.seed, precision="float32", threads=None)
    model: Any = architecture.build(resolved.architecture, data.input_shape, data.classes)
    if weights.exists():
        with np.load(weights) as stored:
            model.set_weights([stored[f"arr_{k}"] for k in range(len(stored.files))])
    else:
        np.savez(weights, *model.get_weights())
    optimizer = build_optimizer(resolved.training, model, average=False)
    model.compile(optimizer=optimizer, loss="categorical_crossentropy")
    batches = epoch_batches(data, resolved.training, job.seed)
    losses = []
    for step in range(STEPS):
        model.reset_metrics()
        losses.append(float(model.train_on_batch(*batches[step])))
    return losses


def epochs_from(job: TrialJob, weights: Path) -> list[dict[str, float]]:
    """Return the metrics of the epochs of a course from those weights."""
    architecture = load(job.architecture)
    resolved = resolve_parameters(architecture, job.params)
    data = load_data(job)
    backend.prepare(seed=job.seed, precision="float32", threads=None)
    model: Any = architecture.build(resolved.architecture, data.input_shape, data.classes)
    with np.load(weights) as stored:
        model.set_weights([stored[f"arr_{k}"] for k in range(len(stored.files))])
    epochs: list[EpochReport] = []
    steps = -(-len(data.train) // resolved.training.batch_size)
    training = resolved.training
    loop = EpochLoop(job, training, model, data.validation, steps, epochs.append, lambda: False)
    geometric = Augmentation.of(training).geometric
    frame, core = (cut(model) if geometric else None) or (None, None)
    course = Course(model, training, loop, None, core=core)
    course.run(epoch_batches(data, training, job.seed, frame))
    return [epoch.metrics for epoch in epochs]


def as_on_an_accelerator(train: Any, *arguments: Any) -> list[dict[str, float]]:
    """Return what ``train`` does where faces lie on the device and a call takes many steps."""
    with mock.patch.object(backend, "on_accelerator", return_value=True):
        found: list[dict[str, float]] = train(*arguments)
    return found


def main(dataset: str, weights: str) -> None:
    """Print the line."""
    params = {
        **TINY,
        "epochs": 2,
        "batch_size": 32,
        "flip": True,
        "rotation_degrees": 10.0,
        "crop": 20,
    }
    job = TrialJob("t/cnn/0", "cnn", params, dataset, "", "", seed=7)
    # The first: fit would leave its weights on the device in another order.
    plain = dataclasses.replace(job, params={**params, "conv_dropout": 0.0, "dropout": 0.0})
    # Everything that a step hangs on: its rate, the averaged weights, the decay, the last batch.
    course = {
        **plain.params, **PLAIN, "schedule": "cosine", "warmup_fraction": 0.2, "optimizer": "sgd",
        "weight_decay": 1e-3, "label_smoothing": 0.1, "ema": True, "one_minus_ema_decay": 0.1,
        "batch_size": 50, "class_weights": True,
    }  # fmt: skip
    found: dict[str, Any] = {
        "losses": first_losses(plain, Path(weights)),
        "epochs": epochs_from(dataclasses.replace(plain, params=course), Path(weights)),
        "resident": as_on_an_accelerator(
            epochs_from, dataclasses.replace(plain, params={**course, **CHANGES}), Path(weights)
        ),
        "backend": backend_choice.backend_name(),
    }
    # TensorFlow, whose trials other tests train, is only what others are compared with.
    if backend_choice.backend_name() != "tensorflow":
        found["trials"] = [trained(job), trained(job)]
        found["looped"] = [as_on_an_accelerator(trained, job) for _ in range(2)]
    print(json.dumps(found))


if __name__ == "__main__":
    backend_choice.configure()
    main(*sys.argv[1:])
