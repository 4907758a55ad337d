"""What the annotators of FER+ say about a face, beside its label."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpo.data.splits import VOTE_COLUMNS

Votes = npt.NDArray[np.integer]

NO_MAJORITY = -1
NOT_A_FACE = VOTE_COLUMNS.index("NF")
COLUMN_OF_EMOTION = {
    "angry": VOTE_COLUMNS.index("anger"),
    "disgust": VOTE_COLUMNS.index("disgust"),
    "fear": VOTE_COLUMNS.index("fear"),
    "happy": VOTE_COLUMNS.index("happiness"),
    "neutral": VOTE_COLUMNS.index("neutral"),
    "sad": VOTE_COLUMNS.index("sadness"),
    "surprise": VOTE_COLUMNS.index("surprise"),
}
_EMOTIONS_VOTED_ON = VOTE_COLUMNS.index("unknown")
"""The columns before this one are emotions: the seven, and contempt."""


def majorities(votes: Votes) -> npt.NDArray[np.int64]:
    """Return the column that more than half of the votes are for, or ``NO_MAJORITY``: ``(n,)``.

    The strict majority of Barsoum et al. (2016), "Training deep networks for facial expression
    recognition with crowd-sourced label distribution", section 4.1; without their removal of
    single votes, so that a face on which the annotators differ has no majority.

    Args:
        votes: ``(n, 10)``, counts in ``VOTE_COLUMNS``'s order.
    """
    most = votes.max(axis=1, initial=0)
    decided = 2 * most.astype(np.int64) > votes.sum(axis=1, dtype=np.int64)
    return np.where(decided, votes.argmax(axis=1), NO_MAJORITY).astype(np.int64)


def emotion_majorities(votes: Votes) -> npt.NDArray[np.int64]:
    """Return ``majorities`` where these are for an emotion, ``NO_MAJORITY`` elsewhere: ``(n,)``."""
    found = majorities(votes)
    return np.where(found < _EMOTIONS_VOTED_ON, found, NO_MAJORITY)


def not_faces(votes: Votes) -> npt.NDArray[np.bool_]:
    """Tell which images FER+ left out (no votes at all), or a majority calls no face: ``(n,)``."""
    return np.asarray((votes.sum(axis=1) == 0) | (majorities(votes) == NOT_A_FACE), dtype=np.bool_)
