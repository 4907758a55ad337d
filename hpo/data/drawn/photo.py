"""A drawn photo: one or two drawn people in a room, large enough for a face detector to find them.

The people come from the same drawer as the dataset, with seeds that no split uses, so a classifier
trained on the drawn faces has never seen them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpo.data.decoding import opencv
from hpo.data.drawn.canvas import Canvas
from hpo.data.drawn.face import check_face, paint_person
from hpo.data.drawn.traits import sample_expression, sample_identity, sample_pose
from hpo.spec.errors import DataError, EnvironmentProblem

FIRST_PHOTO_SEED = 9_000_000
"""Seeds from here on are for photos; the dataset's all lie below."""

DEFAULT_PHOTO_SEED = 9_000_002
"""One happy face, found by the Haar cascade over a wide range of its settings."""

TWO_FACES_SEED = 9_000_005
"""With two emotions, two faces that the Haar cascade finds."""

PHOTO_SHAPE = (480, 640, 3)

# How a tone becomes blue, green and red; scaled so that the grey of the colour is near the tone.
_TINTS: dict[str, tuple[float, float, float]] = {
    "skin": (0.78, 0.95, 1.13),
    "lip": (0.82, 0.84, 1.3),
    "hair": (0.72, 0.95, 1.17),
    "mouth": (0.8, 0.75, 1.4),
    "wall": (1.06, 1.03, 0.94),
    "frame": (0.7, 0.95, 1.2),
    "sky": (1.22, 1.02, 0.88),
    "leaf": (0.75, 1.15, 0.85),
}
_CLOTHS = ((1.4, 0.95, 0.85), (0.8, 0.85, 1.4), (0.85, 1.12, 0.85), (1.1, 0.85, 1.25))
_PLAIN = (1.0, 1.0, 1.0)


def drawn_photo(
    seed: int = DEFAULT_PHOTO_SEED, emotions: Sequence[str] = ("happy",)
) -> NDArray[np.uint8]:
    """Draw a photo of one or two people, one per emotion, from the left: BGR uint8 (480, 640, 3).

    The default is one happy face. OpenCV's frontal-face Haar cascade (scale factor 1.1, five
    neighbours, 48 pixels at least) finds exactly the faces of the default photo and of
    `drawn_photo(TWO_FACES_SEED, ("sad", "surprise"))`; other seeds are as hard as they fall.

    Raises `DataError` for an unknown emotion, a negative seed, or other than one or two emotions.
    """
    if len(emotions) not in (1, 2):
        raise DataError(
            "a drawn photo shows one or two people",
            expected="one or two emotions",
            got=str(len(emotions)),
        )
    for emotion in emotions:
        check_face(seed, emotion)
    room, *people = (
        np.random.Generator(np.random.PCG64(stream))
        for stream in np.random.SeedSequence(seed).spawn(1 + len(emotions))
    )
    height, width, _ = PHOTO_SHAPE
    image = _room(room)
    places = ((0.52, 120.0),) if len(emotions) == 1 else ((0.29, 92.0), (0.71, 96.0))
    for (across, unit), emotion, rng in zip(places, emotions, people, strict=True):
        _seat(image, (across * width, 0.47 * height), unit, emotion, rng)
    grain = np.rint(room.normal(0.0, 2.0, PHOTO_SHAPE)).astype(np.int16)
    photo: NDArray[np.uint8] = np.clip(image.astype(np.int16) + grain, 0, 255).astype(np.uint8)
    return photo


def write_photo(
    path: Path, seed: int = DEFAULT_PHOTO_SEED, emotions: Sequence[str] = ("happy",)
) -> None:
    """Save `drawn_photo(seed, emotions)` as a PNG at `path`, whose folder must exist.

    Raises `EnvironmentProblem` where the file can't be written; then nothing is left behind.
    """
    cv2 = opencv()

    _, encoded = cv2.imencode(".png", drawn_photo(seed, emotions))
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(encoded.tobytes())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise EnvironmentProblem(
            "the drawn photo can't be written",
            where=str(path),
            got=error.strerror or str(error),
            hint="Choose a folder that exists and that you may write to",
        ) from error


def _tint(region: str, tone: float, cloth: tuple[float, float, float]) -> tuple[float, ...]:
    if region == "cloth":
        tone = 40.0 + 0.5 * tone
    factors = cloth if region == "cloth" else _TINTS.get(region, _PLAIN)
    return tuple(min(255.0, max(0.0, float(round(tone * factor)))) for factor in factors)


def _seat(
    image: NDArray[np.uint8],
    centre: tuple[float, float],
    unit: float,
    emotion: str,
    rng: np.random.Generator,
) -> None:
    """Paint one person into the room, well lit and turned to the camera."""
    who = sample_identity(rng)
    cloth = _CLOTHS[int(rng.integers(len(_CLOTHS)))]
    pose = sample_pose(rng, freedom=0.3)
    mood = sample_expression(rng, emotion, clarity=1.0)
    canvas = Canvas(image, centre, unit, pose, lambda region, tone: _tint(region, tone, cloth))
    paint_person(canvas, who, mood)


def _room(rng: np.random.Generator) -> NDArray[np.uint8]:
    """A wall lit from a window, with a picture and a plant."""
    cv2 = opencv()

    height, width, _ = PHOTO_SHAPE
    light = np.linspace(1.0, 0.8, width)[None, :] * np.linspace(1.02, 0.9, height)[:, None]
    tone = rng.uniform(150.0, 185.0)
    wall = tone * light[..., None] * np.array(_TINTS["wall"])
    image: NDArray[np.uint8] = np.clip(np.rint(wall), 0, 255).astype(np.uint8)

    def box(corner: tuple[int, int], other: tuple[int, int], region: str, grey: float) -> None:
        cv2.rectangle(image, corner, other, _tint(region, grey, _PLAIN), -1, cv2.LINE_AA)

    box((28, 40), (188, 250), "wall", 225.0)
    box((38, 50), (178, 240), "sky", 215.0)
    box((104, 50), (112, 240), "wall", 225.0)
    box((38, 138), (178, 146), "wall", 225.0)
    box((500, 60), (610, 170), "frame", 95.0)
    box((508, 68), (602, 162), "sky", 190.0)
    hill = np.array([[508, 162], [508, 130], [545, 100], [575, 128], [602, 112], [602, 162]])
    cv2.fillPoly(image, [hill.astype(np.int32)], _tint("leaf", 120.0, _PLAIN), cv2.LINE_AA)
    for leaf in range(7):
        angle = -90.0 + 22.0 * (leaf - 3) + float(rng.uniform(-6.0, 6.0))
        tip = np.deg2rad(angle)
        middle = (round(560 + 45 * float(np.cos(tip))), round(350 + 45 * float(np.sin(tip))))
        colour = _tint("leaf", 80.0 + 8.0 * leaf, _PLAIN)
        cv2.ellipse(image, middle, (45, 11), angle, 0.0, 360.0, colour, -1, cv2.LINE_AA)
    pot = np.array([[530, 345], [590, 345], [580, 420], [540, 420]], dtype=np.int32)
    cv2.fillPoly(image, [pot], _tint("frame", 120.0, _PLAIN), cv2.LINE_AA)
    room: NDArray[np.uint8] = cv2.GaussianBlur(image, (0, 0), 1.6)  # a little out of focus
    return room
