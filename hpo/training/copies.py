"""The same scores over the validation faces of which training has no copy. No Keras.

A classifier that has trained on a copy of a face may remember its label, and a score on such faces
is partly memory. So every score of a checkpoint is told a second time without them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.data.audit.unseen import Unseen
from hpo.spec.bits import pack_bits
from hpo.spec.records import WITHOUT_COPIES
from hpo.training.scores import scores
from hpo.training.validation import confused, judge


def without_copies(
    probabilities: npt.NDArray[np.floating[Any]] | None,
    labels: npt.NDArray[np.int64],
    unseen: Unseen,
    votes: npt.NDArray[np.integer[Any]] | None = None,
) -> dict[str, float]:
    """Return the scores over the unseen faces, each under its name with ``WITHOUT_COPIES``.

    Args:
        probabilities: of all the faces that are validated on, ``(n, classes)``; None where they
            are not known any more.
        labels: ``(n,)``, their classes.
        unseen: which of them have no copy in training.
        votes: ``(n, 10)``, as for ``scores``.

    Returns:
        One entry per metric of ``judge`` and ``scores``; {} where the probabilities are not known,
        or every face has a copy.
    """
    if probabilities is None or not len(unseen):
        return {}
    places = unseen.places
    own, true = probabilities[places], labels[places]
    told = None if votes is None else votes[places]
    metrics = {**judge(own, true).metrics, **scores(own, true, told)}
    return {name + WITHOUT_COPIES: value for name, value in metrics.items()}


def confusion_without_copies(
    predictions: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    unseen: Unseen,
    classes: int,
) -> dict[str, Any]:
    """Return ``confusion_without_copies`` and ``unseen`` of a ``TrialResult``.

    {} where no face has a copy, so that the matrix is that of all faces, or every one has.

    Args:
        predictions: the classes that all the faces are given, ``(n,)``.
        labels: ``(n,)``, their own.
        unseen: which of them have no copy in training.
        classes: how many there are.
    """
    if not 0 < len(unseen) < unseen.faces:
        return {}
    places = unseen.places
    flags = np.zeros(unseen.faces, dtype=bool)
    flags[places] = True
    return {
        "confusion_without_copies": confused(labels[places], predictions[places], classes).tolist(),
        "unseen": pack_bits(flags.tolist()),
    }
