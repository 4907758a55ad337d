"""What a camera and the world do to a drawn face: things in front of it, light, blur and noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpo.data.decoding import opencv
from hpo.data.drawn.canvas import Canvas, arc, ellipse
from hpo.data.drawn.traits import Identity

OCCLUDERS = ("none", "hand", "lock", "bar", "scarf", "edge")
_OCCLUDER_SHARES = (0.74, 0.07, 0.07, 0.05, 0.04, 0.03)


@dataclass(frozen=True)
class Capture:
    """Light and lens: slopes in grey values over half the image, blur radius in pixels of 48."""

    slope_x: float
    slope_y: float
    gain: float
    offset: float
    shadow: float
    shadow_angle: float
    blur: float
    noise: float
    occluder: str


def sample_capture(rng: np.random.Generator) -> Capture:
    """Draw the circumstances of one picture."""
    return Capture(
        slope_x=float(rng.normal(0.0, 17.0)),
        slope_y=float(rng.normal(0.0, 13.0)),
        gain=float(rng.uniform(0.7, 1.2)),
        offset=float(np.clip(rng.normal(0.0, 15.0), -30.0, 30.0)),
        shadow=float(rng.uniform(0.4, 0.8)) if rng.random() < 0.2 else 1.0,
        shadow_angle=float(rng.uniform(0.0, 2.0 * np.pi)),
        blur=float(rng.uniform(0.3, 0.95)) if rng.random() < 0.45 else 0.0,
        noise=float(rng.uniform(1.0, 8.0)),
        occluder=OCCLUDERS[int(np.searchsorted(np.cumsum(_OCCLUDER_SHARES)[:-1], rng.random()))],
    )


def occlude(canvas: Canvas, who: Identity, capture: Capture, rng: np.random.Generator) -> None:
    """Paint what stands between the camera and the face."""
    side = float(rng.choice((-1.0, 1.0)))
    spot, tone = float(rng.uniform(-0.2, 0.25)), float(rng.uniform(10.0, 245.0))
    if capture.occluder == "hand":
        for finger in range(4):
            y = 0.35 + spot + 0.17 * finger
            tip = side * (0.12 + 0.06 * abs(finger - 1.5))
            line = np.array([[tip, y], [side * 1.3, y + 0.25]])
            canvas.stroke(line, 0.19, "skin", 0.6 * who.skin, flat=True)
            canvas.stroke(line, 0.15, "skin", 0.95 * who.skin, flat=True)
    elif capture.occluder == "lock":
        for strand in range(4):
            x = side * (0.2 + 0.11 * strand)
            line = arc((side * 0.1, -0.95), (x, -0.5), (x + side * 0.12, 0.1 + spot + 0.1 * strand))
            canvas.stroke(line, 0.11, "hair", who.hair, flat=True)
    elif capture.occluder == "bar":
        start = (side * 1.4, -1.2 + 2.0 * spot)
        line = np.array([start, (-start[0] + spot, 1.1)])
        canvas.stroke(line, 0.16, "thing", tone, flat=True)
    elif capture.occluder == "scarf":
        scarf = np.array(
            [[-1.3, 0.75 + spot], [0.0, 0.62 + spot], [1.3, 0.75 + spot], [1.3, 2.0], [-1.3, 2.0]]
        )
        canvas.fill(scarf, "thing", tone, flat=True)
    elif capture.occluder == "edge":
        canvas.fill(ellipse((side * 1.15, 2 * spot), (0.75, 2.0), 20), "thing", tone, flat=True)


def expose(
    image: NDArray[np.uint8], capture: Capture, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Light, blur and noise on a finished (n, n) picture; the result has its shape and dtype."""
    cv2 = opencv()

    size = image.shape[0]
    axis = np.linspace(-1.0, 1.0, size)
    x, y = axis[None, :], axis[:, None]
    light = image.astype(np.float64)
    if capture.shadow < 1.0:
        # The edge of a cast shadow, a few pixels soft.
        across = x * np.cos(capture.shadow_angle) + y * np.sin(capture.shadow_angle)
        light = light * (1.0 - (1.0 - capture.shadow) * np.clip(4.0 * across + 0.5, 0.0, 1.0))
    light = (light - 128.0) * capture.gain + 128.0 + capture.offset
    light = light + capture.slope_x * x + capture.slope_y * y
    if capture.blur > 0.0:
        sigma = capture.blur * size / 48.0
        light = cv2.GaussianBlur(light, (0, 0), sigma)
    noisy = light + capture.noise * rng.standard_normal(image.shape)
    exposed: NDArray[np.uint8] = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return exposed
