"""From a seed and an emotion to a grey 48×48 face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpo.data.decoding import opencv
from hpo.data.drawn.canvas import Canvas
from hpo.data.drawn.capture import expose, occlude, sample_capture
from hpo.data.drawn.features import paint_brows, paint_eyes, paint_glasses, paint_mouth
from hpo.data.drawn.head import (
    paint_back_hair,
    paint_beard,
    paint_body,
    paint_front_hair,
    paint_nose,
    paint_skull,
)
from hpo.data.drawn.traits import (
    Expression,
    Identity,
    sample_expression,
    sample_identity,
    sample_pose,
)
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, did_you_mean

_SUPERSAMPLING = 4


def draw_face(seed: int, emotion: str, size: int = 48) -> NDArray[np.uint8]:
    """Draw a face of `emotion` as grey uint8 (size, size); one seed, emotion and size, one face.

    Seeds are non-negative. The same seed under another emotion is the same person, pose and
    light with another expression, as far as the expression leaves them alone.

    Raises `DataError` for an emotion that is not in `EMOTIONS`, a negative seed or a size
    outside 16 to 512.
    """
    cv2 = opencv()

    check_face(seed, emotion)
    if not 16 <= size <= 512:
        raise DataError(
            "faces are drawn 16 to 512 pixels wide", expected="16 to 512", got=str(size)
        )
    person, feeling, camera = (
        np.random.Generator(np.random.PCG64(stream))
        for stream in np.random.SeedSequence(seed).spawn(3)
    )
    who = sample_identity(person)
    pose = sample_pose(person)
    mood = sample_expression(feeling, emotion)
    capture = sample_capture(camera)
    side = size * _SUPERSAMPLING
    image = np.full((side, side), round(float(camera.uniform(10.0, 245.0))), dtype=np.uint8)
    canvas = Canvas(image, (side / 2, 0.46 * side), side / 2, pose)
    paint_person(canvas, who, mood, gaze=float(camera.uniform(-1.0, 1.0)))
    occlude(canvas, who, capture, camera)
    small = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    return expose(small, capture, camera)


def paint_person(canvas: Canvas, who: Identity, mood: Expression, gaze: float = 0.0) -> None:
    """Paint a person from the back to the front; the canvas knows where and in which pose."""
    paint_back_hair(canvas, who)
    paint_body(canvas, who)
    paint_skull(canvas, who, mood)
    paint_beard(canvas, who, mood)
    paint_eyes(canvas, who, mood, gaze)
    paint_nose(canvas, who, mood)
    paint_mouth(canvas, who, mood)
    paint_front_hair(canvas, who)
    paint_brows(canvas, who, mood)
    paint_glasses(canvas, who)


def check_face(seed: int, emotion: str) -> None:
    """Raise `DataError` unless the seed is zero or more and the emotion is in `EMOTIONS`."""
    if emotion not in EMOTIONS:
        raise DataError(
            f"there is no emotion {emotion!r} to draw",
            expected=f"one of {', '.join(EMOTIONS)}",
            got=repr(emotion),
            hint=did_you_mean(emotion, EMOTIONS, listed=True),
        )
    if seed < 0:
        raise DataError("a drawing needs a seed of zero or more", expected=">= 0", got=str(seed))
