"""Xception (Chollet 2017) under the thesis's head, with ImageNet weights or from scratch.

Its own preprocessing maps 0-255 to [-1, 1]. Its stages are the paper's flows: entry (blocks 1-4),
middle (5-12), exit (13-14).
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

BASE_LAYER = "xception"
STAGES = ("block1_", "block5_", "block13_")

IMAGENET = PublishedWeights(
    url="https://storage.googleapis.com/tensorflow/keras-applications/xception/"
    "xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
    md5="b0042744bf5b25fce3cb969f33bebb97",
    megabytes=84,
)


class Parameters(PretrainedParameters):
    """Parameters of Xception; its base takes images of 71 pixels and more."""

    input_size: int = Field(
        default=96, ge=71, le=224, description="Side in pixels to which faces are resized."
    )


THESIS: dict[str, Any] = {
    **THESIS_HEAD,
    # The thesis froze and unfroze; 70 % after 25 epochs needs a trained base. Ours: two epochs of
    # the head alone, then everything at a tenth of the rate.
    "unfreeze": "all",
    "head_epochs": 2,
    "unfrozen_rate_factor": 0.1,
    "epochs": 25,
}

DEFAULTS: dict[str, Any] = FINE_TUNING_DEFAULTS


def build(params: Parameters, input_shape: tuple[int, int, int], classes: int) -> Any:
    """Return the model for grey faces ``(n, height, width, 1)``, values 0-255.

    Raises:
        SpecError: the weights file does not fit the base.
    """
    import keras

    return build_on(
        keras.applications.Xception,
        BASE_LAYER,
        {"last_stage": "block13_", "last_two": "block5_"},
        _symmetric,
        params,
        input_shape,
        classes,
    )


def _symmetric(x: Any) -> Any:
    """Map 0-255 to [-1, 1]."""
    import keras

    return keras.layers.Rescaling(1 / 127.5, -1.0, name="preprocess", dtype="float32")(x)
