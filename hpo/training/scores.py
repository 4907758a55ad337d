"""What else is told of a model's answers, beside loss, accuracy and F1. No Keras.

All are shares or nats, of probabilities ``(n, classes)`` and the labels of the same faces.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.data.audit.votes import COLUMN_OF_EMOTION, NO_MAJORITY, emotion_majorities
from hpo.spec.emotions import EMOTIONS
from hpo.training.temperature import fit_temperature, tempered

Floats = npt.NDArray[np.floating[Any]]
Labels = npt.NDArray[np.integer[Any]]

BINS = 15
"""Of the calibration error: those of Guo et al. (2017), section 3 and table 1."""

_SMALLEST_PROBABILITY = 1e-7
"""As in ``validation.judge``, so that the loss before and after is the same measure."""


def scores(probabilities: Floats, labels: Labels, votes: Labels | None = None) -> dict[str, float]:
    """Return the scores of a model's answers by name.

    ``val_balanced_accuracy``: the mean recall of the classes that have faces (Brodersen et al.
    2010, "The balanced accuracy and its posterior distribution"). ``val_ece``: see
    ``calibration_error``. ``val_loss_tempered`` and ``val_ece_tempered``: loss and calibration
    error after temperature scaling; see ``cross_tempered``. ``val_temperature``: the temperature
    that fits all the faces. ``val_majority_share``: the share of the most frequent class among the
    faces, which always answering it would score; an accuracy says little without it. With votes,
    ``val_votes_majority`` and ``val_votes_share``: see ``vote_agreement``.

    Args:
        probabilities: ``(n, classes)``, each row sums to 1.
        labels: ``(n,)``, the true classes.
        votes: ``(n, 10)``, annotators' votes in ``VOTE_COLUMNS``'s order; None where there are
            none.
    """
    predictions = probabilities.argmax(axis=1)
    after = cross_tempered(probabilities, labels)
    own = after[np.arange(len(labels)), labels]
    return {
        "val_balanced_accuracy": balanced_accuracy(predictions, labels),
        "val_ece": calibration_error(probabilities, labels),
        "val_loss_tempered": float(-np.log(np.maximum(own, _SMALLEST_PROBABILITY)).mean()),
        "val_ece_tempered": calibration_error(after, labels),
        "val_temperature": fit_temperature(probabilities, labels),
        "val_majority_share": float(np.bincount(labels).max() / len(labels)),
        **(vote_agreement(predictions, votes) if votes is not None else {}),
    }


def balanced_accuracy(predictions: Labels, labels: Labels) -> float:
    """Return the mean recall of the classes that have faces."""
    counts = np.bincount(labels)
    hits = np.bincount(labels[predictions == labels], minlength=len(counts))
    return float((hits[counts > 0] / counts[counts > 0]).mean())


def calibration_error(probabilities: Floats, labels: Labels, bins: int = BINS) -> float:
    """Return the expected calibration error of the predicted class, in [0, 1].

    The mean distance of confidence and accuracy over bins of equal width, weighted by their faces
    (Naeini, Cooper and Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian
    binning"; Guo et al. 2017, "On calibration of modern neural networks", equation 3). With few
    faces in a bin it is above 0 for a perfect model too.

    Args:
        probabilities: ``(n, classes)``.
        labels: ``(n,)``.
        bins: how many.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    # A bin holds its upper end, as in Guo et al.
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def cross_tempered(probabilities: Floats, labels: Labels) -> npt.NDArray[np.float64]:
    """Return the probabilities after temperature scaling, ``(n, classes)``.

    Were the temperature fitted on the faces that it is judged on, it would flatter itself. So the
    faces at even places are scaled by the temperature that fits those at odd places, and the other
    way round. A single face is left as it is.
    """
    scaled = probabilities.astype(np.float64)
    if len(labels) < 2:
        return scaled
    for fold in (0, 1):
        here, there = slice(fold, None, 2), slice(1 - fold, None, 2)
        found = fit_temperature(probabilities[there], labels[there])
        scaled[here] = tempered(probabilities[here], found)
    return scaled


def vote_agreement(predictions: Labels, votes: Labels) -> dict[str, float]:
    """Return how far predictions agree with the annotators of FER+.

    ``val_votes_majority``: the share of faces whose predicted emotion is the one that more than
    half of the votes are for, of the faces that have such an emotion (contempt, which is no class
    here, counts as missed); left out where there is none. ``val_votes_share``: the mean share of a
    face's votes that are for the predicted emotion, over the faces that were voted on: partly
    right where annotators differ. Faces without votes, which FER+ left out, are in neither.

    Args:
        predictions: ``(n,)``, indices into ``EMOTIONS``.
        votes: ``(n, 10)``, counts in ``VOTE_COLUMNS``'s order.
    """
    columns = np.array([COLUMN_OF_EMOTION[emotion] for emotion in EMOTIONS])[predictions]
    majority = emotion_majorities(votes)
    decided = majority != NO_MAJORITY
    total = votes.sum(axis=1)
    voted = total > 0
    found = {}
    if decided.any():
        found["val_votes_majority"] = float((columns == majority)[decided].mean())
    if voted.any():
        own = votes[np.arange(len(votes)), columns][voted]
        found["val_votes_share"] = float((own / total[voted]).mean())
    return found


def per_class(confusion: npt.ArrayLike) -> list[dict[str, float | int | None]]:
    """Return ``precision, recall, f1, faces`` of each class; None where it has no denominator.

    Args:
        confusion: ``(classes, classes)``, rows true, columns predicted.
    """
    matrix = np.asarray(confusion, dtype=np.int64)
    found: list[dict[str, float | int | None]] = []
    for label in range(len(matrix)):
        hits, true, told = (
            int(matrix[label, label]),
            int(matrix[label].sum()),
            int(matrix[:, label].sum()),
        )
        found.append(
            {
                "precision": hits / told if told else None,
                "recall": hits / true if true else None,
                "f1": 2 * hits / (true + told) if true + told else None,
                "faces": true,
            }
        )
    return found
