"""What a classifier does on faces whose emotions are known, asked the way it is served."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from hpo.recommender.keras_model import load_classifier
from hpo.spec.emotions import EMOTIONS
from hpo.training.answers import problem_with
from hpo.training.scores import calibration_error

_WARM_CALLS = 5
_TIMED_CALLS = 30
_MOST_SECONDS = 5.0
"""Of timing: a large model on a slow machine is timed fewer times."""


def gauge(
    report: Callable[[Any], None],
    should_stop: Callable[[], bool],
    *,
    model: str,
    dataset: str,
    validation_limit: int | None,
    data_seed: int,
) -> dict[str, Any]:
    """Load a ``.keras`` file and ask it about a study's validation faces.

    It is what runs in a child before a promotion; ``report`` and ``should_stop`` are part of that
    call.

    Args:
        model: path of the file, checked before.
        dataset: folder of the canonical store.
        validation_limit: the study's, and
        data_seed: the seed of its subset, so that the faces are those of its trials.

    Returns:
        ``problem`` (what keeps its answers from being probabilities; None if nothing does),
        ``labels`` and ``predictions`` (of each face its class and the answered one),
        ``calibration_error`` (the expected one), ``latency_ms`` (median of one face at a time,
        warm) and ``size_mib`` (of the file).

    Raises:
        NotFoundError, DataError, EnvironmentProblem: as ``load_classifier``.
    """
    from hpo.data.store import open_faces, subset

    faces = subset(open_faces(Path(dataset)).split("validation"), validation_limit, data_seed)
    images, labels = np.asarray(faces.images), np.asarray(faces.labels)
    classify = load_classifier(Path(model))
    rows = classify(images)
    return {
        "problem": problem_with(rows, (len(images), len(EMOTIONS))),
        "labels": labels.tolist(),
        "predictions": rows.argmax(axis=1).tolist(),
        "calibration_error": calibration_error(rows, labels),
        "latency_ms": _latency(lambda: classify(images[:1])),
        "size_mib": Path(model).stat().st_size / 2**20,
    }


def _latency(ask: Callable[[], Any]) -> float:
    """Return the median time of a call in milliseconds, once it is warm."""
    for _ in range(_WARM_CALLS):
        ask()
    began = time.perf_counter()
    taken: list[float] = []
    while len(taken) < _TIMED_CALLS and time.perf_counter() - began < _MOST_SECONDS:
        start = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - start)
    return 1000 * median(taken)
