"""The part of a face that a network looks at, and in how many pixels.

A network may begin by cropping or resizing. In training faces are sampled anew anyway (rotation,
zoom, shift, flip), so all of it is one affine map from the pixels that the first computing layer
takes to those of the stored face, sampled once: one after another, each interpolation would blur
what the one before has blurred, and validation sees faces that were interpolated once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Matrices = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """A grid of places in a face.

    Args:
        height, width: rows and columns of the grid.
        top, left: where its first place is, in pixels of the face.
        step_y, step_x: how far places are apart, in pixels of the face.
    """

    height: int
    width: int
    top: float = 0.0
    left: float = 0.0
    step_y: float = 1.0
    step_x: float = 1.0

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.height, self.width

    def cropped(self, height: int, width: int) -> Self:
        """Return the grid in the middle of this one, as ``keras.layers.CenterCrop`` takes it."""
        top, left = (self.height - height) // 2, (self.width - width) // 2
        return type(self)(
            height,
            width,
            self.top + top * self.step_y,
            self.left + left * self.step_x,
            self.step_y,
            self.step_x,
        )

    def resized(self, height: int, width: int) -> Self:
        """Return a grid over the same area, as bilinear ``keras.layers.Resizing`` has it.

        Places are the middles of pixels, whatever their size.
        """
        share_y, share_x = self.height / height, self.width / width
        return type(self)(
            height,
            width,
            self.top + (0.5 * share_y - 0.5) * self.step_y,
            self.left + (0.5 * share_x - 0.5) * self.step_x,
            self.step_y * share_y,
            self.step_x * share_x,
        )

    def composed(self, transforms: Matrices) -> Matrices:
        """Return maps from this grid to where faces are sampled.

        Args:
            transforms: ``(n, 2, 3)``, from the pixels of a changed face to those of the stored one.
        """
        out = np.empty_like(transforms)
        out[:, :, 0] = transforms[:, :, 0] * self.step_x
        out[:, :, 1] = transforms[:, :, 1] * self.step_y
        shift = transforms[:, :, 0] * self.left + transforms[:, :, 1] * self.top
        out[:, :, 2] = transforms[:, :, 2] + shift
        return out


def cut(model: Any) -> tuple[Frame, Any] | None:
    """Return what the model's first layers sample, and the model behind them; None if nothing.

    The model behind shares all layers and weights.

    Args:
        model: built, with one input of faces ``(n, height, width, 1)``.
    """
    import keras

    inputs = getattr(model, "inputs", None)
    if not inputs or len(inputs) != 1:
        return None
    _, height, width, _ = inputs[0].shape
    if height is None or width is None:
        return None
    frame, end = Frame(int(height), int(width)), inputs[0]
    while (found := _sampled_next(model, end, frame)) is not None:
        frame, end = found
    if end is inputs[0]:
        return None
    return frame, keras.Model(end, model.outputs[0], name=f"{model.name}_behind_frame")


def _sampled_next(model: Any, tensor: Any, frame: Frame) -> tuple[Frame, Any] | None:
    """Return the frame behind the only layer that takes ``tensor``, if that samples pixels."""
    import keras

    takers = [
        layer
        for layer in model.layers
        if any(tensor is given for given in _inputs_of(layer)) and layer.output is not tensor
    ]
    if len(takers) != 1:
        return None
    layer = takers[0]
    if isinstance(layer, keras.layers.CenterCrop):
        if layer.height <= frame.height and layer.width <= frame.width:
            return frame.cropped(layer.height, layer.width), layer.output
    elif isinstance(layer, keras.layers.Resizing):
        plain = not (layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio or layer.antialias)
        if plain and layer.interpolation == "bilinear":
            return frame.resized(layer.height, layer.width), layer.output
    return None


def _inputs_of(layer: Any) -> list[Any]:
    taken = layer.input
    return list(taken) if isinstance(taken, list | tuple) else [taken]
