"""What ResNet50 and Xception share: a nested base from keras.applications under a head of ours.

The base is one layer of the model (``BASE_LAYER``), so that training can freeze it for the first
epochs and a weights file can be read into it alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from hpo.architectures.architecture import ArchitectureParameters
from hpo.architectures.layers import (
    NORM_MOMENTUM,
    Activation,
    DenseNorm,
    Head,
    dense_head,
    grey_input,
    square,
    with_channels,
)
from hpo.architectures.stand_ins import stand_in
from hpo.architectures.weights import read_into

Unfreeze = Literal["none", "last_stage", "last_two", "all"]


class PretrainedParameters(ArchitectureParameters):
    """Parameters of a pretrained architecture; each file narrows ``input_size`` to its base."""

    weights: str = Field(
        default="imagenet", description="imagenet, none, or a file of weights for the base."
    )
    unfreeze: Unfreeze = Field(
        default="all", description="Which of the base's stages are trained; the rest is frozen."
    )
    batch_norm_mode: Literal["train", "inference"] = Field(
        default="train",
        description="train: batch norms of unfrozen stages learn and use the batch's statistics. "
        "inference: they stay as the weights brought them.",
    )
    preprocessing: Literal["own", "rescale"] = Field(
        default="own",
        description="own: what the base was trained with. rescale: divide by 255, as the thesis.",
    )
    head: Head = Field(default="gap", description="gap: global average pooling. flatten.")
    base_dropout: float = Field(
        default=0.25, ge=0.0, le=0.9, description="Dropout rate on the base's features."
    )
    dense: int = Field(
        default=64, ge=0, le=4096, description="Units of the first dense layer; 0 for none."
    )
    dense_layers: int = Field(
        default=1, ge=1, le=6, description="Dense layers, each half as wide as the one before."
    )
    dropout: float = Field(
        default=0.5, ge=0.0, le=0.9, description="Dropout rate after each dense layer."
    )
    activation: Activation = Field(default="relu", description="Of the head's dense layers.")
    dense_norm: DenseNorm = Field(
        default="before",
        description="Batch normalisation before or after a dense layer's activation. after, as "
        "the thesis.",
    )
    norm_momentum: float = Field(
        default=NORM_MOMENTUM,
        ge=0.0,
        lt=1.0,
        description="Momentum of batch normalisation's moving statistics, per step.",
    )

    @model_validator(mode="after")
    def _no_frozen_noise(self) -> Self:
        if self.weights == "none" and self.unfreeze != "all":
            raise ValueError(
                f"weights: none with unfreeze: {self.unfreeze} would freeze stages at their random "
                "start; set unfreeze: all, or give weights"
            )
        return self


HEAD_PARAMETERS = (
    "head", "base_dropout", "dense", "dense_layers", "dropout", "activation", "dense_norm",
)  # fmt: skip
"""What the base does not hang on."""

THESIS_HEAD: dict[str, Any] = {
    "batch_norm_mode": "train",
    "preprocessing": "rescale",
    "input_size": 224,
    "head": "flatten",
    "base_dropout": 0.25,
    "dense": 64,
    "dense_layers": 1,
    "dropout": 0.5,
    "activation": "relu",
    "dense_norm": "after",
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "batch_size": 64,
    "schedule": "plateau",
    "plateau_monitor": "val_loss",
    "plateau_factor": 0.5,
    "plateau_patience": 5,
    "plateau_minimum": 5e-5,
    "early_stopping_monitor": "val_accuracy",
    "early_stopping_patience": 7,
    "rotation_degrees": 10.0,
    "zoom": 0.2,
    "shift": 0.1,
    "flip": True,
}
"""What the thesis's two pretrained networks have in common."""


FINE_TUNING_DEFAULTS: dict[str, Any] = {
    "learning_rate": 1e-4,
    "plateau_factor": 0.5,
    "plateau_minimum": 1e-6,
    "early_stopping_monitor": "val_accuracy",
    "early_stopping_patience": 7,
}
"""Training parameters for a base that is trained throughout: a tenth of the rate of a head."""


def build_on(
    base: Callable[..., Any],
    name: str,
    first_layers: dict[str, str],
    own_preprocessing: Callable[[Any], Any],
    params: Any,
    input_shape: tuple[int, int, int],
    classes: int,
) -> Any:
    """Return base, head and preprocessing as one model.

    Args:
        base: a constructor of keras.applications.
        name: name of the nested layer.
        first_layers: per value of ``unfreeze`` but none and all, the prefix of the first layer
            that is trained.
        own_preprocessing: from ``(n, s, s, 3)`` with values 0-255 to what the base expects.
        params: ``PretrainedParameters`` with ``input_size``.
        input_shape: ``(height, width, 1)`` of the faces.
        classes: units of the softmax.
    """
    import keras

    faces = grey_input(input_shape)
    x = with_channels(square(faces, params.input_size), 3)
    if params.preprocessing == "own":
        x = own_preprocessing(x)
    else:
        x = keras.layers.Rescaling(1 / 255, name="preprocess", dtype="float32")(x)
    side = params.input_size
    # A head's first weights are the same whether the base or a stand-in was built before it: Keras
    # takes the seeds of both from here.
    draws = random.getstate()
    network = stand_in(name, (side, side, 3))
    if network is None:
        network = base(
            include_top=False,
            weights="imagenet" if params.weights == "imagenet" else None,
            input_shape=(side, side, 3),
            name=name,
        )
        if params.weights not in ("imagenet", "none"):
            read_into(network, params.weights)
        _set_norm_momentum(network, params.norm_momentum)
        set_trainable(network, params.unfreeze, params.batch_norm_mode, first_layers)
    random.setstate(draws)
    x = network(x)
    x = keras.layers.Dropout(params.base_dropout, name="base_dropout")(x)
    x = keras.layers.BatchNormalization(momentum=params.norm_momentum, name="base_norm")(x)
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
        norm=params.dense_norm,
    )
    return keras.Model(faces, x, name=f"{name}_faces")


def _set_norm_momentum(network: Any, momentum: float) -> None:
    import keras

    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum


def set_trainable(
    network: Any, unfreeze: str, batch_norm_mode: str, first_layers: dict[str, str]
) -> None:
    """Freeze the layers before the first that ``unfreeze`` names.

    A frozen batch normalisation runs in inference mode in Keras, so ``batch_norm_mode: inference``
    is the same switch.
    """
    import keras

    network.trainable = unfreeze != "none"
    if unfreeze == "none":
        return
    training = unfreeze == "all"
    for layer in network.layers:
        training = training or layer.name.startswith(first_layers.get(unfreeze, ""))
        norm = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = training and not (norm and batch_norm_mode == "inference")
