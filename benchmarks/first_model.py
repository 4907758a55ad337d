"""Keras ready and a first tiny model built: what ``isolation.py`` times in two kinds of process."""

from __future__ import annotations

import json
import time
from typing import Any


def reached() -> dict[str, float]:
    """Return the clock (the same for all processes) and the CPU seconds at both points."""
    import keras

    found = {"ready": time.monotonic(), "ready_cpu": time.process_time()}
    layers = keras.layers
    keras.Sequential(
        [
            keras.Input((48, 48, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(7, activation="softmax"),
        ]
    )
    return {**found, "built": time.monotonic(), "built_cpu": time.process_time()}


def in_child(report: Any, should_stop: Any) -> dict[str, float]:
    """The same as an isolated call."""
    return reached()


if __name__ == "__main__":
    print(json.dumps(reached()))
