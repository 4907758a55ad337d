"""Validation: one compiled prediction per batch, then metrics in numpy.

Keras's own ``evaluate`` would give loss and accuracy alone, and the predictions of the best epoch
would need a second compiled function at the end (about 0.4 s for a tiny model). Here every epoch
predicts, so the best epoch's confusion matrix and predictions are there already, and the value of a
trial is by construction that of the checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.training.batches import Labelled
from hpo.training.views import mean_probabilities, views

_SMALLEST_PROBABILITY = 1e-7
"""Keras's epsilon: the loss of one face is at most 16.1."""


@dataclass(frozen=True)
class Judgement:
    """A model's answers on the validation faces.

    Args:
        metrics: ``val_loss`` (plain cross-entropy, nats), ``val_accuracy``, ``val_macro_f1``.
        predictions: int64, ``(n,)``, the most probable class of each face.
        confusion: int64, ``(classes, classes)``, rows true, columns predicted.
        probabilities: ``(n, classes)``; None where they are not known any more.
    """

    metrics: dict[str, float]
    predictions: npt.NDArray[np.int64]
    confusion: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.floating[Any]] | None = None


def predict(model: Any, faces: npt.NDArray[Any], batch_size: int) -> npt.NDArray[np.float32]:
    """Return the probabilities ``(n, classes)``; the last batch is filled up to the others' size.

    Keras's ``predict`` makes a pipeline and callbacks at each call, 20 ms and more per epoch; a
    batch of another size would make it compile again.
    """
    size = min(batch_size, len(faces))
    answers = []
    for start in range(0, len(faces), size):
        batch = faces[start : start + size]
        if batch.dtype == np.float16:  # Features as they are kept; few processors compute in it.
            batch = batch.astype(np.float32)
        missing = size - len(batch)
        if missing:
            batch = np.concatenate([batch, np.repeat(batch[-1:], missing, axis=0)])
        answers.append(np.asarray(model.predict_on_batch(batch))[: size - missing])
    return np.concatenate(answers)


def judge(probabilities: npt.NDArray[np.floating[Any]], labels: npt.NDArray[np.int64]) -> Judgement:
    """Return metrics, predictions and confusion of probabilities ``(n, classes)``.

    A class that has neither faces nor predictions is left out of the macro F1.
    """
    classes = probabilities.shape[1]
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    totals = probabilities.sum(axis=1, dtype=np.float64)
    # np.maximum hands a NaN on, as it should: such a model has failed.
    loss = -np.log(np.maximum(own / totals, _SMALLEST_PROBABILITY)).mean()
    predictions = probabilities.argmax(axis=1).astype(np.int64)
    confusion = confused(labels, predictions, classes)
    hits = np.diag(confusion)
    involved = confusion.sum(axis=0) + confusion.sum(axis=1)
    f1 = 2.0 * hits[involved > 0] / involved[involved > 0]
    return Judgement(
        metrics={
            "val_loss": float(loss),
            "val_accuracy": float(hits.sum() / len(labels)),
            "val_macro_f1": float(f1.mean()),
        },
        predictions=predictions,
        confusion=confusion,
        probabilities=probabilities,
    )


def confused(
    labels: npt.NDArray[np.int64], predictions: npt.NDArray[np.int64], classes: int
) -> npt.NDArray[np.int64]:
    """Return the confusion matrix, ``(classes, classes)``: rows true, columns predicted."""
    counts = np.bincount(labels * classes + predictions, minlength=classes * classes)
    return counts.reshape(classes, classes)


def predict_views(
    model: Any, faces: npt.NDArray[Any], which: str, batch_size: int
) -> npt.NDArray[np.float32]:
    """Return the probabilities of each view, ``(views, n, classes)``; see ``views.choices``."""
    return np.stack([predict(model, view, batch_size) for view in views(faces, which)])


def judge_model(
    model: Any, validation: Labelled, batch_size: int, which: str = "none"
) -> Judgement:
    """Predict ``validation``, averaged over views, and judge the answers."""
    if which == "none":
        return judge(predict(model, validation.faces, batch_size), validation.labels)
    answers = predict_views(model, validation.faces, which, batch_size)
    return judge(mean_probabilities(list(answers)), validation.labels)
