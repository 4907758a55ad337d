"""ResNet50 (He et al. 2016) under the thesis's head, with ImageNet weights or from scratch.

Its own preprocessing is caffe's: channels in the order blue, green, red, minus ImageNet's means.
Division by 255 before the pretrained network cripples it; ``preprocessing: rescale`` is there
because the thesis did so.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from hpo.architectures.architecture import PublishedWeights
from hpo.architectures.pretrained import (
    FINE_TUNING_DEFAULTS,
    THESIS_HEAD,
    PretrainedParameters,
    build_on,
)

BASE_LAYER = "resnet50"
STAGES = ("conv1_", "conv2_", "conv3_", "conv4_", "conv5_")

IMAGENET = PublishedWeights(
    url="https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
    "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
    md5="4d473c1dd8becc155b73f8504c6f6626",
    megabytes=95,
)


class Parameters(PretrainedParameters):
    """Parameters of ResNet50; its base takes images of 32 pixels and more."""

    input_size: int = Field(
        default=96, ge=32, le=224, description="Side in pixels to which faces are resized."
    )


THESIS: dict[str, Any] = {
    **THESIS_HEAD,
    # The thesis froze and unfroze; its 51.75 % after 50 epochs is what a frozen base gives. Ours.
    "unfreeze": "none",
    "epochs": 50,
}

DEFAULTS: dict[str, Any] = FINE_TUNING_DEFAULTS


def build(params: Parameters, input_shape: tuple[int, int, int], classes: int) -> Any:
    """Return the model for grey faces ``(n, height, width, 1)``, values 0-255.

    Raises:
        SpecError: the weights file does not fit the base.
    """
    import keras

    return build_on(
        keras.applications.ResNet50,
        BASE_LAYER,
        {"last_stage": "conv5_", "last_two": "conv4_"},
        _caffe,
        params,
        input_shape,
        classes,
    )


def _caffe(x: Any) -> Any:
    """Subtract ImageNet's means in blue, green, red; grey channels need no reordering."""
    import keras

    means = [-103.939, -116.779, -123.68]
    return keras.layers.Rescaling(1.0, means, name="preprocess", dtype="float32")(x)
