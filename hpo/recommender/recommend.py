"""Photo → faces → emotions → moods → songs: the recommender, apart from where its parts come from.

A ``Recommender`` is given a classifier as a plain function, so it runs the same behind the command
line, in the served model, on a camera and in tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpo.recommender.faces import MARGIN, Box, FaceDetector, crop_face, may_be_crop
from hpo.recommender.moods import MoodTable
from hpo.recommender.photos import Photo
from hpo.recommender.rank import Song, check_songs, check_top, top_songs
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import IntegrityError
from hpo.training.answers import problem_with

if TYPE_CHECKING:
    import pandas as pd

Faces = NDArray[np.uint8]
"""Cropped faces: uint8 (n, 48, 48), grey, 0-255."""

Probabilities = NDArray[np.floating[Any]]
"""One row per face, one column per emotion: (n, 7), each row a distribution."""

Classifier = Callable[[Faces], Probabilities]


@dataclass(frozen=True)
class FaceAnswer:
    """What one face was answered.

    Args:
        box: left, top, width and height in pixels of the photo.
        emotion: the most probable one.
        probability: its probability, 0-1.
        probabilities: every emotion's; they sum to 1.
        mood: what the mood table answers the emotion with.
        songs: the most popular songs of the mood.
    """

    box: Box
    emotion: str
    probability: float
    probabilities: dict[str, float]
    mood: str
    songs: list[Song] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the answer as plain data."""
        return {
            "box": list(self.box),
            "emotion": self.emotion,
            "probability": self.probability,
            "probabilities": self.probabilities,
            "mood": self.mood,
            "songs": [song.to_json() for song in self.songs],
        }


@dataclass(frozen=True)
class Sighting:
    """The faces of one photo before anything is said about them.

    Args:
        boxes: the largest first.
        crops: uint8 (n, 48, 48), one per box.
        may_be_crop: whether a photo without a face may, by its sides, show little but one.
    """

    boxes: list[Box]
    crops: Faces
    may_be_crop: bool = False


class Recommender:
    """Answers faces with songs.

    Args:
        classify: uint8 (n, 48, 48) → probabilities (n, number of classes).
        songs: columns ``name, artist, album, popularity, mood, id``.
        moods: emotion → mood.
        detector: finds the faces.
        classes: emotions in the order of the classifier's columns.
        margin: around a detected box, as a share of its side.

    Raises:
        DataError: the songs lack a column or a mood that the table needs.
    """

    def __init__(
        self,
        classify: Classifier,
        songs: pd.DataFrame,
        moods: MoodTable,
        *,
        detector: FaceDetector | None = None,
        classes: Sequence[str] = EMOTIONS,
        margin: float = MARGIN,
    ) -> None:
        check_songs(songs, [])
        self.moods = moods.matched(songs["mood"].astype(str).unique(), "songs")
        self.songs = songs
        self.classes = tuple(classes)
        self._classify = classify
        self._detector = detector or FaceDetector()
        self._margin = margin

    def see(self, photo: Photo) -> Sighting:
        """Find and crop the faces of a photo, the largest first."""
        return see_faces(self._detector, photo, self._margin)

    def recommend(self, photo: Photo, top: int = 5) -> list[FaceAnswer]:
        """Answer every face of a photo, the largest first; no face gives an empty list.

        Args:
            photo: uint8 (height, width, 3), blue-green-red.
            top: songs per face, at least 1.

        Raises:
            InputError: ``top`` is under 1.
            IntegrityError: the classifier gave no distribution over its classes.
        """
        return self.answer(self.see(photo), top)

    def answer(self, sighting: Sighting, top: int = 5) -> list[FaceAnswer]:
        """Answer faces that were found before; the classifier is not called where there are none.

        Raises:
            InputError, IntegrityError: as ``recommend``.
        """
        check_top(top)
        if not sighting.boxes:
            return []
        probabilities = self.classify(sighting.crops)
        return [
            self.explain(box, row, top)
            for box, row in zip(sighting.boxes, probabilities, strict=True)
        ]

    def classify(self, crops: Faces) -> Probabilities:
        """Return the classifier's probabilities for cropped faces, checked.

        Raises:
            IntegrityError: wrong shape, or numbers that are no probabilities.
        """
        rows = np.asarray(self._classify(crops))
        problem = problem_with(rows, (len(crops), len(self.classes)))
        if problem is not None:
            raise IntegrityError(
                "the classifier's answers are no probabilities; its last layer must be a softmax",
                expected=f"for each face {len(self.classes)} numbers from 0 to 1 that sum to 1",
                got=problem,
                hint="Serve another version with --model, or promote another study",
            )
        return rows

    def explain(self, box: Box, probabilities: Probabilities, top: int = 5) -> FaceAnswer:
        """Turn one row of probabilities into an emotion, a mood and songs."""
        by_class = {
            name: float(share) for name, share in zip(self.classes, probabilities, strict=True)
        }
        emotion = max(by_class, key=lambda name: by_class[name])
        mood = self.moods[emotion]
        return FaceAnswer(
            box, emotion, by_class[emotion], by_class, mood, top_songs(self.songs, mood, top)
        )


def see_faces(detector: FaceDetector, photo: Photo, margin: float = MARGIN) -> Sighting:
    """Find and crop the faces of a photo, the largest first."""
    boxes = detector.find(photo)
    if not boxes:
        return Sighting([], np.empty((0, 48, 48), np.uint8), may_be_crop(*photo.shape[:2]))
    return Sighting(boxes, np.stack([crop_face(photo, box, margin) for box in boxes]))


def classifier_from_keras(path: str | Path, batch_size: int = 64) -> Classifier:
    """Load a ``.keras`` file as a classifier; preprocessing is inside the model.

    Loads Keras, which takes seconds. Lambdas and other code in the file are refused.

    Args:
        path: a model whose input is (n, 48, 48, 1), values 0-255, ending in a softmax.
        batch_size: faces per prediction.

    Raises:
        DataError: the file cannot be loaded, or its input or output has another shape.
    """
    from hpo.recommender.keras_model import load_classifier

    return load_classifier(Path(path), batch_size)


def classifier_from_packed(folder: Path, batch_size: int = 64) -> Classifier:
    """Load a packed model as a classifier; loads Keras, which takes seconds.

    Args:
        folder: with ``model.json`` and its weights, as ``hpo.training.packed`` writes it.
        batch_size: faces per prediction.

    Raises:
        NotFoundError: there is none.
        DataError: its input or output has another shape.
        IntegrityError: it is damaged.
    """
    from hpo.recommender.keras_model import load_packed_classifier

    return load_packed_classifier(folder, batch_size)
