"""Batch normalisation in one pass under bfloat16, where TensorFlow trains on a processor.

Keras normalises a batch in some twenty operations, each of which reads and writes all activations,
and casts them to float32 first: under bfloat16, whose convolutions are fast, that is half of the
step of a small CNN. TensorFlow has one operation for it, which Keras left when it was made to run
on other backends. The layers stay Keras's own, and so does what is saved: only their instances are
called differently while they train. In float32, and in inference, nothing was gained, so nothing is
changed. ``benchmarks/training.py --only norms`` has the ratio.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hpo.training import backend, backend_choice

_CHANNELS_LAST = 3
_HALF = "bfloat16"


def fuse_norms(model: Any) -> int:
    """Let the model's batch norms over images train in one pass, nested ones included.

    Norms that do something more (masks, several devices, renormalisation, other axes, no scale or
    offset) stay as they are, as do those of classes derived from Keras's.

    Args:
        model: built.

    Returns:
        How many norms it changed: 0 on other backends, other devices and in other precisions.
    """
    if backend_choice.backend_name() != "tensorflow" or backend.on_accelerator():
        return 0
    found = [layer for layer in model._flatten_layers() if _fits(layer)]
    for layer in found:
        # On the instance: its class, and with it what is saved and loaded, stays Keras's.
        layer.call = _one_pass(layer, layer.call)
    return len(found)


def _fits(layer: Any) -> bool:
    import keras

    return (
        type(layer) is keras.layers.BatchNormalization
        and "call" not in vars(layer)
        and layer.built
        and layer.compute_dtype == _HALF
        and layer.axis in (_CHANNELS_LAST, -1)
        and layer.gamma is not None
        and layer.beta is not None
        and not (layer.renorm or layer.synchronized)
    )


def _one_pass(layer: Any, stock: Callable[..., Any]) -> Callable[..., Any]:
    def call(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        images = len(inputs.shape) == 4 and inputs.dtype == _HALF
        if not (training and layer.trainable and images and mask is None):
            return stock(inputs, training=training, mask=mask)
        outputs, mean, variance = backend.normalised(inputs, layer.gamma, layer.beta, layer.epsilon)
        for moving, new in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            moving.assign(moving * layer.momentum + new * (1.0 - layer.momentum))
        return outputs

    return call
