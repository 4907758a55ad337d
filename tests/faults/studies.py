"""Whole studies, planned, run, mirrored and promoted as a person's, on an analytic objective.

Only training is not the real thing: a trial's child computes a value and writes a small file in a
checkpoint's place. Everything else is what ``hpo run`` does.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hpo.study.running
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from tests.faults.workers import OBJECTIVE

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
    """Let trials compute the analytic objective instead of training."""
    running: Any = hpo.study.running
    before = running.StudyRun
    running.StudyRun = functools.partial(before, target=OBJECTIVE)
    try:
        yield
    finally:
        running.StudyRun = before


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
    """Make the drawn faces in ``home``, and a model that trials hand out as theirs; return data/.

    Bytes behind a zip archive's end are no part of it: the model can be loaded whatever a trial
    adds there to make it its own.
    """
    import keras

    from hpo.data.library import find_faces

    workspace = Workspace.at(home)
    find_faces(workspace, "drawn-faces")
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
    return workspace.data
