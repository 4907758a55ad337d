"""What a drawn face is made of, before a pixel is set: who it is, how it feels, how it is held.

All numbers come from one `numpy.random.Generator`, so a seed fixes the face. Lengths are in head
units: the head's centre is (0, 0), x grows to the right, y downwards, chin and crown lie near
y = 1 and y = -1. Tones are grey values, 0 to 255.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpo.spec.emotions import EMOTIONS

MUSCLES = (
    "brow_raise",
    "brow_slant",
    "brow_squeeze",
    "eye_open",
    "squint",
    "mouth_curve",
    "mouth_open",
    "mouth_width",
    "upper_lip",
    "teeth",
    "nose_wrinkle",
)
"""What an expression moves, each at rest at 0 and at full stretch at 1 (or -1)."""

# One row per emotion, in the order of MUSCLES; the directions follow the common textbook
# descriptions of the basic expressions, the sizes were chosen by eye.
_EXPRESSIONS: dict[str, tuple[float, ...]] = {
    "angry": (-0.7, 1.0, 1.0, 0.05, 0.35, -0.35, 0.05, -0.05, 0.0, 0.1, 0.3),
    "disgust": (-0.45, 0.45, 0.5, -0.45, 0.8, -0.55, 0.12, 0.0, 1.0, 0.5, 1.0),
    "fear": (0.65, -0.7, 0.6, 0.75, 0.0, -0.3, 0.4, 0.35, 0.1, 0.5, 0.0),
    "happy": (0.1, 0.0, 0.0, -0.2, 0.6, 1.0, 0.3, 0.5, 0.0, 1.0, 0.0),
    "neutral": (0.0,) * 11,
    "sad": (0.1, -1.0, 0.45, -0.35, 0.0, -0.9, 0.0, -0.15, 0.0, 0.0, 0.0),
    "surprise": (1.0, -0.05, 0.0, 0.95, 0.0, 0.0, 0.95, -0.4, 0.0, 0.1, 0.0),
}
# People show one emotion in more than one way: (share of faces, what it replaces).
_VARIANTS: dict[str, tuple[float, dict[str, float]]] = {
    "angry": (0.35, {"mouth_open": 0.6, "teeth": 1.0, "mouth_width": 0.2, "upper_lip": 0.3}),
    "disgust": (0.3, {"mouth_open": 0.35, "teeth": 0.2, "mouth_width": -0.2}),
    "fear": (0.35, {"mouth_open": 0.08, "mouth_width": 0.5, "teeth": 0.9}),
    "happy": (0.4, {"mouth_open": 0.0, "teeth": 0.0, "mouth_width": 0.35}),
    "sad": (0.25, {"mouth_open": 0.2, "teeth": 0.1}),
    "surprise": (0.25, {"mouth_open": 0.45, "brow_raise": 0.8}),
}


@dataclass(frozen=True)
class Expression:
    """How far each muscle group is moved (-1.3 to 1.3), and how lopsided the mouth is (-1 to 1)."""

    brow_raise: float
    brow_slant: float
    brow_squeeze: float
    eye_open: float
    squint: float
    mouth_curve: float
    mouth_open: float
    mouth_width: float
    upper_lip: float
    teeth: float
    nose_wrinkle: float
    skew: float


@dataclass(frozen=True)
class Identity:
    """The person: proportions as factors or head units, tones as grey values."""

    skin: float
    hair: float
    iris: float
    cloth: float
    head_width: float
    jaw: float
    eye_gap: float
    eye_size: float
    eye_height: float
    brow_weight: float
    nose_length: float
    nose_width: float
    mouth_height: float
    mouth_size: float
    lip: float
    hair_style: str
    hairline: float
    beard: float
    moustache: bool
    glasses: str
    wrinkles: float


@dataclass(frozen=True)
class Pose:
    """How the head is held: angles in radians, shift in head units, scale as a factor."""

    roll: float
    yaw: float
    pitch: float
    shift_x: float
    shift_y: float
    scale: float


def sample_expression(rng: np.random.Generator, emotion: str, clarity: float = 0.0) -> Expression:
    """Draw an expression of `emotion` with random strength, a trace of another one, and jitter.

    `clarity` from 0 (as in the data set: some faces are ambiguous) to 1 (the textbook expression).
    """
    target = _muscles(rng, emotion)
    other = _muscles(rng, EMOTIONS[int(rng.integers(len(EMOTIONS)))])
    strength = rng.uniform(0.58, 1.12)
    trace = 0.42 * rng.random() ** 1.8
    strength += clarity * (1.0 - strength)
    trace *= 1.0 - clarity
    mixed = (1.0 - trace) * strength * target + trace * other
    mixed = mixed + rng.normal(0.0, 0.09, len(MUSCLES)) * (1.0 - clarity)
    skew = rng.normal(0.0, 0.25) + (0.5 * rng.choice((-1.0, 1.0)) if emotion == "disgust" else 0.0)
    values = np.clip(mixed, -1.3, 1.3)
    moved = {name: float(value) for name, value in zip(MUSCLES, values, strict=True)}
    return Expression(**moved, skew=float(np.clip(skew, -1.0, 1.0)))


def _muscles(rng: np.random.Generator, emotion: str) -> NDArray[np.float64]:
    values = dict(zip(MUSCLES, _EXPRESSIONS[emotion], strict=True))
    roll = rng.random()
    if emotion in _VARIANTS and roll < _VARIANTS[emotion][0]:
        values.update(_VARIANTS[emotion][1])
    return np.array([values[name] for name in MUSCLES])


def sample_identity(rng: np.random.Generator) -> Identity:
    """Draw a person."""
    skin = rng.uniform(95.0, 220.0)
    hair = rng.uniform(18.0, 205.0)
    if hair > skin - 40.0 and (skin < 150.0 or hair < skin + 40.0):  # else the head looks bald
        hair = skin - 40.0
    style = ("short", "fringe", "long", "bald", "curly", "side")[int(rng.integers(6))]
    return Identity(
        skin=skin,
        hair=hair,
        iris=rng.uniform(15.0, 70.0),
        cloth=rng.uniform(20.0, 235.0),
        head_width=rng.uniform(0.70, 0.84),
        jaw=rng.uniform(0.55, 0.9),
        eye_gap=rng.uniform(0.30, 0.37),
        eye_size=rng.uniform(0.85, 1.15),
        eye_height=rng.uniform(-0.16, -0.06),
        brow_weight=rng.uniform(0.6, 1.4),
        nose_length=rng.uniform(0.26, 0.38),
        nose_width=rng.uniform(0.10, 0.17),
        mouth_height=rng.uniform(0.50, 0.58),
        mouth_size=rng.uniform(0.85, 1.15),
        lip=rng.uniform(0.6, 0.85),
        hair_style=style,
        hairline=rng.uniform(-0.72, -0.52),
        beard=float(rng.uniform(0.3, 0.9)) if rng.random() < 0.16 else 0.0,
        moustache=bool(rng.random() < 0.12),
        glasses=("none", "thin", "thick", "dark")[
            int(np.searchsorted((0.74, 0.88, 0.97), rng.random()))
        ],
        wrinkles=rng.uniform(0.0, 1.0),
    )


def sample_pose(rng: np.random.Generator, freedom: float = 1.0) -> Pose:
    """Draw a pose; `freedom` scales how far it may leave the frontal, upright, centred one."""
    return Pose(
        roll=freedom * float(np.clip(rng.normal(0.0, 0.09), -0.3, 0.3)),
        yaw=freedom * float(np.clip(rng.normal(0.0, 0.14), -0.4, 0.4)),
        pitch=freedom * float(np.clip(rng.normal(0.0, 0.07), -0.2, 0.2)),
        shift_x=freedom * float(rng.uniform(-0.06, 0.06)),
        shift_y=freedom * float(rng.uniform(-0.06, 0.06)),
        scale=0.97 + freedom * float(rng.uniform(-0.12, 0.12)),
    )
