"""Faces that stay on the device, and their augmentation there: the host sends draws, not pixels.

The same changes as in ``augmentation``, in the same order and from the same distributions, written
with ``keras.ops`` so that they can be compiled into the training step of any backend. What is
random is drawn on the host, for a whole epoch at once, so that an epoch is a function of its seed
whatever the device. Two things differ from the host's way: faces are not rounded to bytes after
each change, and the noise of erased rectangles comes from a bank of noise images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.training.augmentation import Augmentation, matrices, rectangles
from hpo.training.frame import Frame

NOISE_IMAGES = 128
"""In the bank; with 48 pixels a side 0.3 MiB."""

Draws = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class EpochDraws:
    """Draws one epoch at a time.

    Args:
        count: training faces.
        size: height and width of a face in pixels; of features, which nothing changes, any.
        augmentation: the ranges.
        batch_size: faces per step.
        seed: of everything drawn.
        frame: what is sampled of each changed face; all of it by default.
    """

    count: int
    size: tuple[int, int]
    augmentation: Augmentation
    batch_size: int
    seed: int
    frame: Frame | None = None

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return -(-self.count // self.batch_size)

    def epoch(self, number: int) -> Draws:
        """Return what the steps of an epoch need; every array begins ``(steps, batch_size)``.

        ``index`` says which face is where, int32, and ``weight`` how much it counts, float32: the
        last batch is filled up with the epoch's first faces, which count nothing, and those in it
        that count do so as if they were alone. The others are there if the augmentation asks for
        them: ``transform`` (..., 6), ``light`` (..., 2), ``box`` (..., 4) with ``noise``, ``other``
        and ``own``.
        """
        steps, size, wish = self.steps, self.batch_size, self.augmentation
        generator = np.random.default_rng([self.seed, number, 0])
        shape, places = (steps, size), steps * size
        order = np.random.default_rng([self.seed, number]).permutation(self.count)
        weight = np.ones(places, np.float32)
        last = self.count - (steps - 1) * size
        weight[self.count :] = 0.0
        weight[(steps - 1) * size : self.count] = size / last
        draws: Draws = {
            "index": np.resize(order, places).astype(np.int32).reshape(shape),
            "weight": weight.reshape(shape),
        }
        if wish.geometric or wish.flip:
            drawn = matrices(places, self.size, wish, generator)
            if self.frame is not None:
                drawn = self.frame.composed(drawn)
            draws["transform"] = drawn.astype(np.float32).reshape(*shape, 6)
        if wish.brightness or wish.contrast:
            draws["light"] = generator.uniform(-1, 1, (*shape, 2)).astype(np.float32)
        if wish.erasing:
            chosen = generator.random(places) < wish.erasing
            boxes = np.zeros((places, 4), np.int32)
            size_out = self.frame.size if self.frame is not None else self.size
            boxes[chosen] = rectangles(int(chosen.sum()), size_out, generator)
            draws["box"] = boxes.reshape(*shape, 4)
            noise = generator.integers(0, NOISE_IMAGES, places)
            draws["noise"] = noise.astype(np.int32).reshape(shape)
        if wish.mixup_alpha:
            others = generator.permuted(np.tile(np.arange(size), (steps, 1)), axis=1)
            draws["other"] = others.astype(np.int32)
            own = generator.beta(wish.mixup_alpha, wish.mixup_alpha, shape)
            draws["own"] = own.astype(np.float32)
        return draws


def noise_bank(size: tuple[int, int], seed: int) -> npt.NDArray[np.uint8]:
    """Return ``(NOISE_IMAGES, height, width)`` of noise."""
    return np.random.default_rng(seed).integers(0, 256, (NOISE_IMAGES, *size), dtype=np.uint8)


def changed(
    faces: Any,
    draws: dict[str, Any],
    augmentation: Augmentation,
    noise: Any,
    size: tuple[int, int] | None = None,
) -> Any:
    """Return changed faces; mixup is left to ``mixed``.

    Args:
        faces: float32, ``(n, height, width)``, 0-255.
        draws: of one step.
        augmentation: the ranges that were drawn from.
        noise: the bank, uint8; None if nothing is erased.
        size: height and width of what comes out; by default as what goes in.
    """
    from keras import ops

    if "transform" in draws:
        faces = warped(faces, draws["transform"], size)
    if "light" in draws:
        light = draws["light"][:, :, None, None]
        means = ops.mean(faces, axis=(1, 2), keepdims=True)
        brighter = 255.0 * augmentation.brightness * light[:, 0]
        faces = (faces - means) * (1.0 + augmentation.contrast * light[:, 1]) + means + brighter
        faces = ops.clip(faces, 0.0, 255.0)
    if "box" in draws:
        faces = erased(faces, draws["box"], ops.cast(ops.take(noise, draws["noise"], 0), "float32"))
    return faces


def warped(faces: Any, transforms: Any, size: tuple[int, int] | None = None) -> Any:
    """Sample each face, linearly, where its matrix maps to; the border's pixels repeat.

    Args:
        faces: float32, ``(n, height, width)``.
        transforms: ``(n, 6)``, the rows of the matrices of ``augmentation.compose``.
        size: height and width of what comes out; by default as what goes in.
    """
    from keras import ops

    count, height, width = faces.shape
    tall, wide = size or (height, width)
    rows, columns = np.mgrid[0:tall, 0:wide].astype(np.float32)
    x = ops.convert_to_tensor(columns.reshape(1, -1))
    y = ops.convert_to_tensor(rows.reshape(1, -1))
    m = [transforms[:, k : k + 1] for k in range(6)]
    # Where the border repeats, a place beyond it has the value of the nearest place on it.
    from_x = ops.clip(m[0] * x + m[1] * y + m[2], 0.0, width - 1.0)
    from_y = ops.clip(m[3] * x + m[4] * y + m[5], 0.0, height - 1.0)
    left, top = ops.floor(from_x), ops.floor(from_y)
    right_share, low_share = from_x - left, from_y - top
    left, top = ops.cast(left, "int32"), ops.cast(top, "int32")
    right, low = ops.minimum(left + 1, width - 1), ops.minimum(top + 1, height - 1)
    flat = ops.reshape(faces, (count, height * width))

    def at(row: Any, column: Any) -> Any:
        return ops.take_along_axis(flat, row * width + column, axis=1)

    upper = at(top, left) * (1.0 - right_share) + at(top, right) * right_share
    lower = at(low, left) * (1.0 - right_share) + at(low, right) * right_share
    sampled = upper * (1.0 - low_share) + lower * low_share
    return ops.reshape(sampled, (count, tall, wide))


def erased(faces: Any, boxes: Any, noise: Any) -> Any:
    """Put ``noise`` where ``boxes`` are.

    Args:
        faces, noise: ``(n, height, width)``.
        boxes: int32, ``(n, 4)``: top, left, height, width; an empty one erases nothing.
    """
    from keras import ops

    _, height, width = faces.shape
    rows = ops.convert_to_tensor(np.arange(height, dtype=np.int32).reshape(1, -1, 1))
    columns = ops.convert_to_tensor(np.arange(width, dtype=np.int32).reshape(1, 1, -1))
    top, left, tall, wide = (boxes[:, k][:, None, None] for k in range(4))
    inside = ops.logical_and(
        ops.logical_and(rows >= top, rows < top + tall),
        ops.logical_and(columns >= left, columns < left + wide),
    )
    return ops.where(inside, noise, faces)


def mixed(rows: Any, draws: dict[str, Any]) -> Any:
    """Blend each of ``rows`` ``(n, ...)`` with another of the batch, as mixup does."""
    from keras import ops

    own = ops.reshape(draws["own"], (-1, *([1] * (len(rows.shape) - 1))))
    return own * rows + (1.0 - own) * ops.take(rows, draws["other"], axis=0)
