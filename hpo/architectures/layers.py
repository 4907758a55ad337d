"""Layers that several architectures share: preprocessing, activation, the dense head.

Everything here is a standard Keras layer without user code, so that a saved model loads under
``safe_mode=True`` and without custom objects: what was trained is what is served.
"""

from __future__ import annotations

from typing import Any, Literal

Activation = Literal["relu", "elu", "gelu", "silu", "tanh", "leaky_relu"]
"""Names that ``keras.activations`` knows; ``leaky_relu`` has slope 0.2 on the negative side."""

Head = Literal["flatten", "gap"]

DenseNorm = Literal["before", "after"]

NORM_MOMENTUM = 0.9
"""Default momentum of batch normalisation's moving statistics. Keras's 0.99 needs some 300 steps to
forget its start, more than several epochs of a short trial have; validation then reads noise. With
0.9 it is 30 steps, and the limit is the same."""


def grey_input(input_shape: tuple[int, int, int]) -> Any:
    """Return the model's input, ``(n, height, width, channels)`` with values 0-255.

    Its dtype is float32: Keras casts what comes, so uint8 faces travel to the device as bytes.
    """
    import keras

    return keras.Input(input_shape, name="faces", dtype="float32")


def with_channels(x: Any, channels: int) -> Any:
    """Repeat a grey image ``channels`` times; leave an image that has them already."""
    import keras

    if x.shape[-1] == channels:
        return x
    return keras.layers.Concatenate(name="channels")([x] * channels)


def square(x: Any, size: int) -> Any:
    """Resize to ``size`` by ``size`` pixels, bilinearly, in float32; leave what has that size."""
    import keras

    if tuple(x.shape[1:3]) == (size, size):
        return x
    return keras.layers.Resizing(size, size, name="resize", dtype="float32")(x)


def dense_head(
    x: Any,
    *,
    units: int,
    layers: int,
    activation: str,
    dropout: float,
    norm_momentum: float,
    classes: int,
    norm: DenseNorm = "before",
) -> Any:
    """Return the softmax after ``layers`` dense layers, each half as wide as the one before.

    Args:
        x: features ``(n, width)``.
        units: units of the first dense layer; 0 for none at all.
        layers: how many dense layers; the narrowest has at least ``classes`` units.
        activation: a name of ``Activation``.
        dropout: rate after every dense layer, or before the softmax where there is none.
        norm_momentum: momentum of the moving statistics of batch normalisation.
        classes: units of the softmax, which computes in float32 whatever the precision.
        norm: whether batch normalisation comes before or after a dense layer's activation.
    """
    import keras

    widths = [max(classes, units >> k) for k in range(layers)] if units else []
    for k, width in enumerate(widths, start=1):
        # A normalisation right after it has a shift of its own, which makes a bias pointless.
        x = keras.layers.Dense(width, use_bias=norm == "after", name=f"dense{k}")(x)
        normalise = keras.layers.BatchNormalization(momentum=norm_momentum, name=f"dense{k}_norm")
        activate = keras.layers.Activation(activation, name=f"dense{k}_{activation}")
        x = activate(normalise(x)) if norm == "before" else normalise(activate(x))
        x = keras.layers.Dropout(dropout, name=f"dense{k}_dropout")(x)
    if not widths:
        x = keras.layers.Dropout(dropout, name="head_dropout")(x)
    # bfloat16 has 8 bits of mantissa: probabilities must not be computed in it.
    return keras.layers.Dense(classes, activation="softmax", dtype="float32", name="emotion")(x)
