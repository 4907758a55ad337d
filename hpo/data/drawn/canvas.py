"""A canvas in head units: shapes are given where they lie on a head and land where its pose puts
them. The head is treated as half an ellipsoid, so features slide when it turns.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.decoding import opencv
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
        self._origin = (centre[0] + pose.shift_x * unit, centre[1] + pose.shift_y * unit)
        self._cos, self._sin = math.cos(pose.roll), math.sin(pose.roll)
        self._yaw = math.sin(pose.yaw)
        self._pitch = math.sin(pose.pitch)
        self._narrow = math.cos(0.6 * pose.yaw)

    def place(self, points: Points, depth: float = 0.0, flat: bool = False) -> Points:
        """Points (n, 2) in pixels; `depth` lifts them off the head, `flat` leaves them unbent."""
        x, y = points[:, 0] * self._narrow, points[:, 1]
        if not flat:
            squared = (points[:, 0] / 0.85) ** 2 + 0.45 * y * y
            lifted = 0.55 * np.sqrt(np.maximum(1.0 - squared, 0.0)) + depth
            x, y = x + self._yaw * lifted, y + self._pitch * lifted
        placed = np.empty_like(points)
        # Written out, not a matrix product: that may round differently from machine to machine.
        placed[:, 0] = self._origin[0] + self._unit * (self._cos * x - self._sin * y)
        placed[:, 1] = self._origin[1] + self._unit * (self._sin * x + self._cos * y)
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
        cv2 = opencv()

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
        cv2 = opencv()

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
        cv2 = opencv()

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


def ellipse(centre: tuple[float, float], radii: tuple[float, float], count: int = 20) -> Points:
    """Points (count, 2) of an upright ellipse."""
    points: Points = _circle(count) * np.array(radii) + np.array(centre)
    return points


def arc(
    start: tuple[float, float],
    middle: tuple[float, float],
    end: tuple[float, float],
    count: int = 9,
) -> Points:
    """Points (count, 2) of the parabola through three points, evenly spaced in its parameter."""
    first, second, third = _parabola(count)
    points: Points = first * np.array(start) + second * np.array(middle) + third * np.array(end)
    return points


@lru_cache
def _circle(count: int) -> Points:
    angles = np.arange(count) * (2.0 * math.pi / count)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@lru_cache
def _parabola(count: int) -> tuple[Points, Points, Points]:
    """The weights (count, 1) of the three points that a parabola goes through."""
    t = np.linspace(0.0, 1.0, count)[:, None]
    return (2 * t - 1) * (t - 1), 4 * t * (1 - t), t * (2 * t - 1)
