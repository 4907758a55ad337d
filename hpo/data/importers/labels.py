"""What the sources call emotions and splits, and the one order that a store uses.

Kaggle's CSV numbers the emotions in another order than the dataset hubs and Keras's directory
readers do. Each importer turns its source's labels into indices of ``EMOTIONS`` through this file.
"""

from __future__ import annotations

from hpo.spec.emotions import EMOTIONS

KAGGLE_ORDER: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The order of the column ``emotion`` in ``fer2013.csv`` and ``icml_face_data.csv``."""

_SYNONYMS: dict[str, str] = {
    **{emotion: emotion for emotion in EMOTIONS},
    **dict.fromkeys(("anger", "angriness"), "angry"),
    **dict.fromkeys(("disgusted", "disgusting"), "disgust"),
    **dict.fromkeys(("fearful", "afraid", "scared"), "fear"),
    **dict.fromkeys(("happiness", "joy", "joyful"), "happy"),
    "neutrality": "neutral",
    **dict.fromkeys(("sadness", "unhappy"), "sad"),
    **dict.fromkeys(("surprised", "surprising", "surprize", "suprise"), "surprise"),
}

_SPLITS: dict[str, str] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "publictest"), "validation"),
    **dict.fromkeys(("test", "testing", "privatetest"), "test"),
}


def emotion_index(text: str) -> int | None:
    """Return the index into ``EMOTIONS`` of an emotion's name in any usual spelling."""
    emotion = _SYNONYMS.get(_plain(text))
    return None if emotion is None else EMOTIONS.index(emotion)


def split_named(text: str) -> str | None:
    """Return ``train``, ``validation`` or ``test`` for a folder's, file's or ``Usage``'s word.

    ``PublicTest`` is the validation split and ``PrivateTest`` the test split, as in the contest.
    """
    return _SPLITS.get(_plain(text))


def _plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalpha())
