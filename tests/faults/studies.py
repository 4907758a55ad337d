"""Whole studies, planned, run, mirrored and promoted as a person's, on an analytic objective.

Only what needs Keras is not the real thing: a trial's child computes a value and writes a small
file in a checkpoint's place, and the winner is taken to be right on every face
(``tests/endtoend`` does both). Everything else is what ``hpo run`` does.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hpo.study.gated
import hpo.study.running
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.decision import Measured
from tests.faults.workers import OBJECTIVE
from tests.stores import make_mlflow_tables

Patch = Callable[[], None]


def study_of(trials: int = 3, **changes: Any) -> StudySpec:
    """Return a study of one architecture on the drawn faces."""
    return StudySpec.model_validate(
        {
            "name": "study",
            "seed": 3,
            "data": {"dataset": "drawn-faces", "train_limit": 70, "validation_limit": 70},
            "budget": {"trials": trials},
            "sampler": "random",
            "pruner": "none",
            "promote": True,
            "architectures": {
                "cnn": {
                    "fixed": {"epochs": 2},
                    "space": {
                        "learning_rate": {"type": "float", "low": 1e-5, "high": 1e-1, "log": True}
                    },
                    "enqueue": [],
                }
            },
            **changes,
        }
    )


@contextlib.contextmanager
def on_the_objective() -> Iterator[None]:
    """Let trials compute the analytic objective, and winners pass the gate unasked."""
    running: Any = hpo.study.running
    gated: Any = hpo.study.gated
    before = running.StudyRun, gated.examine
    running.StudyRun = functools.partial(before[0], target=OBJECTIVE)
    perfect = list(range(7)) * 10
    measured = Measured(perfect, 0.0, 20.0, 1.0)
    gated.examine = lambda file, dataset, spec: gated.Examined(perfect, measured)
    try:
        yield
    finally:
        running.StudyRun, gated.examine = before


def run_here(spec: StudySpec, workspace: Workspace, *, resume: bool = True) -> Any:
    """Run a study to its end in this process, on the analytic objective."""
    with on_the_objective():
        return hpo.study.running.run(spec, workspace=workspace, resume=resume)


def run_elsewhere(spec: StudySpec, workspace: Workspace, patch: Patch = lambda: None) -> Any:
    """Start a study in a process forked from this one, which ``patch`` may prepare to die."""
    process = multiprocessing.get_context("fork").Process(
        target=_run, args=(spec, workspace, patch)
    )
    process.start()
    return process


def _run(spec: StudySpec, workspace: Workspace, patch: Patch) -> None:
    os.setpgrp()
    patch()
    run_here(spec, workspace)


def elsewhere(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Call a function in a process forked from this one, and return what it returns.

    So that nothing is open here: a connection or a fork server is not to be shared with forks.
    """
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(
        target=lambda: sender.send(function(*arguments, **keywords))
    )
    process.start()
    sender.close()
    answer = receiver.recv()
    process.join(60)
    return answer


def die() -> None:
    """End this process as ``kill -9`` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def prepared(home: Path) -> Path:
    """Make a workspace to copy: the drawn faces, a model that trials hand out as theirs, and
    MLflow's tables; return it.

    Bytes behind a zip archive's end are no part of it: the model can be loaded whatever a trial
    adds there to make it its own.
    """
    import keras

    from hpo.data.drawn import dataset

    workspace = Workspace.at(home)
    # As many as the studies take: to draw thousands takes ten seconds. In a process of its own.
    dataset.SPLIT_SIZES = {"train": 70, "validation": 70, "test": 7}
    dataset.write_dataset(workspace.data / dataset.DATASET_NAME)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((48, 48, 1)),
            layers.Rescaling(1 / 255),
            layers.GlobalAveragePooling2D(),
            layers.Dense(7, activation="softmax"),
        ]
    )
    model.save(workspace.data / "model.keras")
    make_mlflow_tables(workspace.runs / "mlflow.db")
    return home


def copied(template: Path, home: Path) -> Workspace:
    """Return the workspace ``home``, a copy of what ``prepared`` made."""
    shutil.copytree(template, home, dirs_exist_ok=True)
    return Workspace.at(home)
