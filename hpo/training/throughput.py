"""A guess at speed before anything has run: measured rates scaled by arithmetic. No Keras.

``hpo run --dry-run`` uses it where no throughput has been recorded. It is a guess: within a factor
of two on processors like the measured one, and far too low for a GPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.training.resolve import resolve_parameters

MEASURED_CORES = 2
"""Cores of the machine on which the rates below were measured."""

_CNN_RATES = 114.0, 486.0
_RESNET50_RATES_48 = 73.0, 263.0
_XCEPTION_RATES_71 = 31.0, 110.0
"""Images per second in training and in inference, float32, batch 64, TensorFlow 2.21."""


def estimate_images_per_second(
    architecture: str, params: Mapping[str, Any], cores: int
) -> tuple[float, float]:
    """Return a guess at images per second in training and in inference.

    Args:
        architecture: a catalogue name; any other is taken for a network of the thesis's CNN's
            size.
        params: parameters by name; those left out take their defaults.
        cores: processor cores that the trial may use.

    Raises:
        SpecError, NotFoundError: the parameters are wrong, or there is no such architecture.
    """
    params = resolve_parameters(architecture, params).params
    if architecture == "cnn":
        share = cnn_multiplications({}) / cnn_multiplications(params)
        train, inference = (rate * share for rate in _CNN_RATES)
    elif architecture in ("resnet50", "xception"):
        rates, side = (
            (_RESNET50_RATES_48, 48) if architecture == "resnet50" else (_XCEPTION_RATES_71, 71)
        )
        # Convolutions cost by the pixel; under its measured size a network is bound by its layers.
        share = min(1.0, (side / params["input_size"]) ** 2)
        train, inference = (rate * share for rate in rates)
        train = _with_frozen_stages(train, inference, str(params["unfreeze"]))
    else:
        train, inference = _CNN_RATES
    speed_up = (max(1, cores) / MEASURED_CORES) ** 0.85
    return train * speed_up, inference * speed_up


def _with_frozen_stages(train: float, inference: float, unfreeze: str) -> float:
    """Return the training rate when only the share of the base behind the frozen stages learns.

    A step costs a forward pass and, for what learns, two more (one for each gradient).
    """
    learning = {"none": 0.0, "last_stage": 0.2, "last_two": 0.55}.get(unfreeze, 1.0)
    forward = 1.0 / inference
    return 1.0 / (forward + learning * max(0.0, 1.0 / train - forward))


def cnn_multiplications(params: Mapping[str, Any], side: int = 48) -> float:
    """Return the multiplications of one face's forward pass through the CNN.

    Args:
        params: the CNN's parameters; those left out are the thesis's.
        side: of the faces, in pixels, if they are not cropped.
    """
    family = params.get("family", "thesis")
    side = params.get("crop", 0) or side
    width, convs = params.get("width", 32), params.get("convs_per_stage", 2)
    channels, total = params.get("channels", 1), 0.0
    if family == "resnet":
        total += side * side * 9 * channels * width
        channels = width
    for stage in range(params.get("stages", 3)):
        base = width << stage
        if family == "resnet" and stage > 0:
            side = -(-side // 2)
        for k in range(convs):
            filters = 2 * base if family == "thesis" and k == convs - 1 else base
            total += side * side * 9 * channels * filters
            channels = filters
        if family != "resnet":
            side //= 2
    features = channels if params.get("head", "flatten") == "gap" else side * side * channels
    dense = params.get("dense", 1024)
    for k in range(params.get("dense_layers", 6) if dense else 0):
        units = max(1, dense >> k)
        total += features * units
        features = units
    return total
