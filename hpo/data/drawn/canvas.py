"""A canvas in head units: shapes are given where they lie on a head and land where its pose puts
them. The head is treated as half an ellipsoid, so features slide when it turns.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.drawn.traits import Pose

Points = NDArray[np.float64]
Tint = Callable[[str, float], tuple[float, ...]]

_SUBPIXEL_BITS = 3


def grey(region: str, tone: float) -> tuple[float, ...]:
    """Tint of the data set: the tone itself, whatever the region."""
    return (min(255.0, max(0.0, float(round(tone)))),)


class Canvas:
    """An image (h, w) or (h, w, 3) uint8 with a pose, a place and a way of colouring tones."""

    def __init__(
        self,
        image: NDArray[np.uint8],
        centre: tuple[float, float],
        unit: float,
        pose: Pose,
        tint: Tint = grey,
    ) -> None:
        """Draw on `image` a head centred at `centre` (pixels) whose unit is `unit` pixels."""
        self.image = image
        self._tint = tint
        self._unit = unit * pose.scale
        self._origin = np.array(
            [centre[0] + pose.shift_x * unit, centre[1] + pose.shift_y * unit], dtype=np.float64
        )
        cos, sin = math.cos(pose.roll), math.sin(pose.roll)
        self._roll = np.array([[cos, sin], [-sin, cos]])
        self._yaw = math.sin(pose.yaw)
        self._pitch = math.sin(pose.pitch)
        self._narrow = math.cos(0.6 * pose.yaw)

    def place(self, points: Points, depth: float = 0.0, flat: bool = False) -> Points:
        """Points (n, 2) in pixels; `depth` lifts them off the head, `flat` leaves them unbent."""
        moved = points.copy()
        moved[:, 0] *= self._narrow
        if not flat:
            squared = (points[:, 0] / 0.85) ** 2 + 0.45 * points[:, 1] ** 2
            lifted = 0.55 * np.sqrt(np.clip(1.0 - squared, 0.0, 1.0)) + depth
            moved[:, 0] += self._yaw * lifted
            moved[:, 1] += self._pitch * lifted
        placed: Points = self._origin + self._unit * (moved @ self._roll)
        return placed

    def fill(
        self,
        points: Points,
        region: str,
        tone: float,
        *,
        depth: float = 0.0,
        flat: bool = False,
    ) -> None:
        """Fill a polygon."""
        import cv2

        cv2.fillPoly(
            self.image,
            [_fixed(self.place(points, depth, flat))],
            self._tint(region, tone),
            lineType=cv2.LINE_AA,
            shift=_SUBPIXEL_BITS,
        )

    def stroke(
        self,
        points: Points,
        width: float,
        region: str,
        tone: float,
        *,
        depth: float = 0.0,
        flat: bool = False,
        closed: bool = False,
    ) -> None:
        """Draw a line of `width` head units through the points."""
        import cv2

        cv2.polylines(
            self.image,
            [_fixed(self.place(points, depth, flat))],
            closed,
            self._tint(region, tone),
            thickness=max(1, round(width * self._unit)),
            lineType=cv2.LINE_AA,
            shift=_SUBPIXEL_BITS,
        )

    def shade(self, shapes: list[tuple[Points, int]], softness: float) -> None:
        """Lighten or darken soft-edged shapes, each by its own number of grey values."""
        import cv2

        step = 4
        height, width = self.image.shape[:2]
        layer = np.full((-(-height // step), -(-width // step)), 128, dtype=np.uint8)
        for points, change in shapes:
            small = _fixed(self.place(points) / step)
            cv2.fillPoly(layer, [small], (128 + change,), shift=_SUBPIXEL_BITS)
        radius = max(1, round(softness * self._unit / step))
        layer = cv2.blur(cv2.blur(layer, (2 * radius + 1,) * 2), (2 * radius + 1,) * 2)
        layer = cv2.resize(layer, (width, height), interpolation=cv2.INTER_LINEAR)
        other: Any = layer if self.image.ndim == 2 else cv2.merge([layer] * 3)
        cv2.addWeighted(self.image, 1.0, other, 1.0, -128.0, dst=self.image)


def _fixed(pixels: Points) -> NDArray[np.int32]:
    return np.rint(pixels * (1 << _SUBPIXEL_BITS)).astype(np.int32)


def ellipse(
    centre: tuple[float, float], radii: tuple[float, float], count: int = 20, tilt: float = 0.0
) -> Points:
    """Points (count, 2) of an ellipse, tilted by `tilt` radians."""
    angles = np.arange(count) * (2.0 * math.pi / count)
    x, y = radii[0] * np.cos(angles), radii[1] * np.sin(angles)
    cos, sin = math.cos(tilt), math.sin(tilt)
    return np.stack([centre[0] + cos * x - sin * y, centre[1] + sin * x + cos * y], axis=1)


def arc(
    start: tuple[float, float],
    middle: tuple[float, float],
    end: tuple[float, float],
    count: int = 9,
) -> Points:
    """Points (count, 2) of the parabola through three points, evenly spaced in its parameter."""
    t = np.linspace(0.0, 1.0, count)[:, None]
    a, m, b = (np.array(point, dtype=np.float64) for point in (start, middle, end))
    points: Points = a * (2 * t - 1) * (t - 1) + m * (4 * t * (1 - t)) + b * t * (2 * t - 1)
    return points
