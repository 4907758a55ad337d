"""A head that only pools a frozen base's maps is trained on two numbers of each map.

``batch norm, global average pooling`` behind a base reads each map, normalises it and averages it.
An average of scaled and shifted values is the scaled and shifted average, and the variance of all
places of a batch is that within its maps plus that between their means (the law of total variance).
So the mean and variance of each map say all that such a head can learn from: of 7 x 7 places 2
numbers, computed once. The layers and weights stay the model's own; what comes out is the same but
for rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

NUMBERS = 2
"""Of each map: its mean and its variance."""


def numbers_of(maps: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """Return what a pooled head takes, ``(n, 2, channels)``, of maps ``(n, height, width, c)``."""
    exact = maps.astype(np.float32)
    mean = exact.mean(axis=(1, 2), dtype=np.float64)
    variance = exact.var(axis=(1, 2), mean=mean[:, None, None, :])
    return np.stack([mean, variance], axis=1).astype(np.float32)


def pooled_head(model: Any, base_layer: str) -> Any:
    """Return the layers behind a base as a model of ``numbers_of`` its maps, sharing their weights.

    Args:
        model: built.
        base_layer: the name of the base.

    Returns:
        A model of inputs ``(n, 2, channels)``; None where what is behind the base does not begin
        with a batch norm over channels and their average: where it flattens maps, or drops parts.
    """
    import keras

    behind = iter(model.layers[[layer.name for layer in model.layers].index(base_layer) + 1 :])
    norm: Any = next(behind, None)
    maps: Any = norm.input if norm is not None else None
    read = maps
    while isinstance(norm, keras.layers.Dropout) and not norm.rate and norm.input is read:
        norm, read = next(behind, None), norm.output
    pool: Any = next(behind, None)
    if not (_normalises(norm) and norm.input is read and _averages(pool)):
        return None
    if pool.input is not norm.output:
        return None
    try:
        rest = keras.Model(pool.output, model.outputs[0])
    except ValueError:  # Something further behind reads the maps themselves.
        return None
    numbers = keras.Input((NUMBERS, int(maps.shape[-1])), dtype="float32")
    return keras.Model(numbers, rest(_norm_of_means(norm)(numbers)), name=model.name)


def _normalises(layer: Any) -> bool:
    import keras

    return (
        type(layer) is keras.layers.BatchNormalization
        and layer.built
        and layer.axis in (3, -1)
        and not (layer.renorm or layer.synchronized)
    )


def _averages(layer: Any) -> bool:
    import keras

    return (
        type(layer) is keras.layers.GlobalAveragePooling2D
        and layer.data_format == "channels_last"
        and not layer.keepdims
    )


def _norm_of_means(norm: Any) -> Any:
    import keras
    from keras import ops

    class NormOfMeans(keras.layers.Layer):  # type: ignore[misc]
        """The maps' means under a batch norm of all their places."""

        def __init__(self) -> None:
            super().__init__(dtype="float32", name="norm_of_means")
            self.norm = norm

        def call(self, numbers: Any, training: bool | None = None) -> Any:
            means, within = numbers[:, 0], numbers[:, 1]
            if training and norm.trainable:
                mean = ops.mean(means, axis=0)
                variance = ops.mean(within + ops.square(means - mean), axis=0)
                for moving, new in ((norm.moving_mean, mean), (norm.moving_variance, variance)):
                    moving.assign(moving * norm.momentum + new * (1.0 - norm.momentum))
            else:
                mean, variance = norm.moving_mean, norm.moving_variance
            answer = (means - mean) * ops.rsqrt(variance + norm.epsilon)
            if norm.gamma is not None:
                answer = answer * norm.gamma
            if norm.beta is not None:
                answer = answer + norm.beta
            return ops.cast(answer, norm.compute_dtype)

        def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
            return shape[0], shape[2]

    return NormOfMeans()
