"""CNN: the thesis's network by default, and the two families that win at 48 pixels.

``family: thesis`` is three blocks of two 3×3 convolutions with batch normalisation, max-pooling and
dropout, then dense layers of 1024, 512, ... 32. ``vgg-bn`` and ``resnet`` (small, in the style of
ResNet18 for small images) trade the tower of dense layers for depth; width, stages, convolutions
per stage, head, crop, activation and preprocessing are parameters of all three.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from hpo.architectures.architecture import ArchitectureParameters
from hpo.architectures.layers import (
    NORM_MOMENTUM,
    Activation,
    Head,
    dense_head,
    grey_input,
    with_channels,
)
from hpo.spec.errors import SpecError


class Parameters(ArchitectureParameters):
    """Every layer choice of the CNN; the defaults are the thesis's layers."""

    family: Literal["thesis", "vgg-bn", "resnet"] = Field(
        default="thesis",
        description="thesis: widths double within a block. vgg-bn: they double per stage. "
        "resnet: vgg-bn with shortcuts and strides in place of pooling.",
    )
    width: int = Field(
        default=32, ge=4, le=128, description="Filters of the first convolution; later ones double."
    )
    stages: int = Field(
        default=3,
        ge=1,
        le=5,
        description="Stages; each halves the image's side (resnet: all but the first).",
    )
    convs_per_stage: int = Field(
        default=2, ge=1, le=6, description="3×3 convolutions per stage (two per resnet block)."
    )
    head: Head = Field(default="flatten", description="flatten, or gap: global average pooling.")
    dense: int = Field(
        default=1024, ge=0, le=4096, description="Units of the first dense layer; 0 for none."
    )
    dense_layers: int = Field(
        default=6, ge=1, le=8, description="Dense layers, each half as wide as the one before."
    )
    conv_dropout: float = Field(
        default=0.25, ge=0.0, le=0.7, description="Dropout rate after each stage."
    )
    dropout: float = Field(
        default=0.25, ge=0.0, le=0.9, description="Dropout rate after each dense layer."
    )
    activation: Activation = Field(default="relu", description="After every hidden layer.")
    norm_momentum: float = Field(
        default=NORM_MOMENTUM,
        ge=0.0,
        lt=1.0,
        description="Momentum of batch normalisation's moving statistics, per step.",
    )
    crop: int = Field(
        default=0,
        ge=0,
        le=256,
        description="Side of the centre crop in pixels; 0 keeps the image whole.",
    )
    channels: Literal[1, 3] = Field(
        default=1, description="1: grey. 3: the grey image three times, as in the thesis."
    )
    preprocessing: Literal["own", "rescale", "per_image"] = Field(
        default="own",
        description="own: about zero mean and unit deviation over FER-2013. rescale: divide by "
        "255. per_image: zero mean and unit deviation of each image.",
    )


THESIS: dict[str, Any] = {
    "family": "thesis",
    "width": 32,
    "stages": 3,
    "convs_per_stage": 2,
    "head": "flatten",
    "dense": 1024,
    "dense_layers": 6,
    "conv_dropout": 0.25,
    "dropout": 0.25,  # the thesis gives no rate for the dense layers; this one is ours
    "activation": "relu",
    "crop": 0,
    "channels": 3,
    "preprocessing": "rescale",
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "batch_size": 64,
    "epochs": 100,
    "schedule": "plateau",
    "plateau_monitor": "val_loss",
    "plateau_factor": 0.2,
    "plateau_patience": 5,
    "plateau_minimum": 5e-6,
    "early_stopping_monitor": "val_loss",
    "early_stopping_patience": 10,
    "rotation_degrees": 10.0,
    "zoom": 0.2,
    "shift": 0.1,
    "flip": True,
}

DEFAULTS: dict[str, Any] = {}

_FER_MEAN, _FER_DEVIATION = 129.5, 65.0
"""Mean and standard deviation of FER-2013's training pixels (0-255), measured: 129.47, 65.02."""


def build(params: Parameters, input_shape: tuple[int, int, int], classes: int) -> Any:
    """Return the model for grey faces ``(n, height, width, 1)``, values 0-255.

    Raises:
        SpecError: the crop is larger than the image, or the stages shrink it to nothing.
    """
    import keras

    _check_size(params, input_shape)
    faces = grey_input(input_shape)
    x = faces
    if params.crop and params.crop < min(input_shape[:2]):
        x = keras.layers.CenterCrop(params.crop, params.crop, name="crop")(x)
    x = _preprocess(x, params.preprocessing)
    x = with_channels(x, params.channels)
    if params.family == "resnet":
        x = _conv(x, params.width, params, "stem")
    for stage in range(params.stages):
        if params.family == "resnet":
            x = _residual_stage(x, stage, params)
        else:
            x = _plain_stage(x, stage, params)
        x = keras.layers.Dropout(params.conv_dropout, name=f"stage{stage + 1}_dropout")(x)
    if params.head == "gap":
        x = keras.layers.GlobalAveragePooling2D(name="gap")(x)
    else:
        x = keras.layers.Flatten(name="flatten")(x)
    x = dense_head(
        x,
        units=params.dense,
        layers=params.dense_layers,
        activation=params.activation,
        dropout=params.dropout,
        norm_momentum=params.norm_momentum,
        classes=classes,
    )
    return keras.Model(faces, x, name="cnn")


def _check_size(params: Parameters, input_shape: tuple[int, int, int]) -> None:
    side = min(input_shape[:2])
    if params.crop > side:
        raise SpecError(
            "parameter 'crop' is larger than the image",
            expected=f"at most {side} pixels",
            got=str(params.crop),
        )
    side = params.crop or side
    if side >> params.stages < 1:
        raise SpecError(
            "parameter 'stages' shrinks the image to nothing",
            expected=f"at most {side.bit_length() - 1} stages for {side} pixels",
            got=str(params.stages),
        )


def _preprocess(x: Any, how: str) -> Any:
    import keras

    if how == "rescale":
        return keras.layers.Rescaling(1 / 255, name="preprocess", dtype="float32")(x)
    if how == "own":
        return keras.layers.Rescaling(
            1 / _FER_DEVIATION, -_FER_MEAN / _FER_DEVIATION, name="preprocess", dtype="float32"
        )(x)
    # Epsilon is one grey level squared: a black image stays black, and noise is not blown up.
    return keras.layers.LayerNormalization(
        axis=(1, 2, 3), center=False, scale=False, epsilon=1.0, name="preprocess", dtype="float32"
    )(x)


def _conv(
    x: Any,
    filters: int,
    params: Parameters,
    name: str,
    *,
    active: bool = True,
    side: int = 3,
    stride: int = 1,
) -> Any:
    """Convolution, batch normalisation and, if ``active``, activation."""
    import keras

    x = keras.layers.Conv2D(
        filters, side, stride, padding="same", use_bias=False, name=f"{name}_conv"
    )(x)
    x = keras.layers.BatchNormalization(momentum=params.norm_momentum, name=f"{name}_norm")(x)
    return _activate(x, params.activation, name) if active else x


def _activate(x: Any, activation: str, name: str) -> Any:
    import keras

    return keras.layers.Activation(activation, name=f"{name}_{activation}")(x)


def _plain_stage(x: Any, stage: int, params: Parameters) -> Any:
    """Convolutions and max-pooling; the thesis doubles the filters at the last of each block."""
    import keras

    base = params.width << stage
    for k in range(params.convs_per_stage):
        last = k == params.convs_per_stage - 1
        filters = 2 * base if params.family == "thesis" and last else base
        x = _conv(x, filters, params, f"stage{stage + 1}_{k + 1}")
    return keras.layers.MaxPooling2D(name=f"stage{stage + 1}_pool")(x)


def _residual_stage(x: Any, stage: int, params: Parameters) -> Any:
    """Blocks of two convolutions around a shortcut (He et al. 2016, section 3.3).

    The first block of every stage but the first halves the image; an odd number of convolutions
    leaves the last block with one.
    """
    import keras

    filters = params.width << stage
    left, block = params.convs_per_stage, 0
    while left > 0:
        block += 1
        convs = min(2, left)
        left -= convs
        name = f"stage{stage + 1}_block{block}"
        stride = 2 if stage > 0 and block == 1 else 1
        shortcut = x
        if stride != 1 or x.shape[-1] != filters:
            if stride != 1:
                shortcut = _every_second(shortcut, f"{name}_shortcut_thinned")
            shortcut = _conv(shortcut, filters, params, f"{name}_shortcut", active=False, side=1)
        for k in range(convs):
            last = k == convs - 1
            x = _conv(
                x,
                filters,
                params,
                f"{name}_{k + 1}",
                active=not last,
                stride=stride if k == 0 else 1,
            )
        x = keras.layers.Add(name=f"{name}_add")([shortcut, x])
        x = _activate(x, params.activation, name)
    return x


def _every_second(x: Any, name: str) -> Any:
    """Every second pixel of every second row: what a 1x1 convolution of stride 2 looks at.

    With the stride in the convolution, the gradient of its kernel in oneDNN (TensorFlow 2.21,
    float32) writes past its memory where there are fewer than 16 channels: a crash, or wrong
    numbers. Done apart it is the same function with the same weights, and takes no longer.
    """
    import keras

    return keras.layers.AveragePooling2D(1, 2, name=name)(x)
