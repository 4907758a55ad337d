"""Drawn bars, and a network so small that it learns them in seconds."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpo.data.store import RawSplit

PLAIN = {"rotation_degrees": 0.0, "zoom": 0.0, "shift": 0.0, "flip": False}
TINY: dict[str, Any] = {
    **PLAIN,
    "family": "vgg-bn",
    "width": 8,
    "stages": 2,
    "convs_per_stage": 1,
    "head": "gap",
    "dense": 0,
    "dropout": 0.0,
    "conv_dropout": 0.0,
    "learning_rate": 0.01,
    "batch_size": 32,
    "epochs": 3,
}


def bars(count: int, seed: int) -> RawSplit:
    """Noise under a bar whose tilt or thickness is the class."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 7
    rows, columns = np.mgrid[0:24, 0:24]
    images = generator.integers(0, 120, (count, 24, 24))
    for k, label in enumerate(labels):
        shift = generator.integers(-3, 4)
        angle = np.pi * label / 7
        distance = np.abs((rows - 12) * np.cos(angle) + (columns - 12) * np.sin(angle) + shift)
        images[k][distance < 3] += 130
    names = [f"{seed}-{k}" for k in range(count)]
    return RawSplit(images.astype(np.uint8), labels.astype(np.uint8), names)
