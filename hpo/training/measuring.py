"""What is measured of a checkpoint when its training has ended: latency, size, parameters."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PREDICTIONS = 50
"""Single faces predicted for a latency, after those that warm up."""
WARM_UP = 5
LEAST_PREDICTIONS = 10
LONGEST_SECONDS = 5.0
"""After so long a large model's latency rests on fewer predictions, 10 at the least."""
NOISY = 0.5
"""Share of the median from which the range between quartiles is told: undisturbed it is under a
fifth, and beside other work one network was measured at 2 ms and at 9 ms."""
_MIB = 2**20


def measure(
    names: Sequence[str], model: Any, checkpoint: str, shape: tuple[int, ...], parameters: int
) -> dict[str, float]:
    """Return the metrics asked for.

    Args:
        names: some of ``latency_ms``, ``size_mib`` and ``parameter_count``.
        model: as it is served.
        checkpoint: its file.
        shape: of one face, without the batch.
        parameters: weights in the model.
    """
    found: dict[str, float] = {}
    if "latency_ms" in names:
        found["latency_ms"], found["latency_ms_spread"] = latency_ms(model, shape)
    if "size_mib" in names:
        found["size_mib"] = Path(checkpoint).stat().st_size / _MIB
    if "parameter_count" in names:
        found["parameter_count"] = float(parameters)
    return found


def noise(measured: Mapping[str, float]) -> list[str]:
    """Return a sentence where a latency says as much of the machine as of the model."""
    median, spread = measured.get("latency_ms", 0.0), measured.get("latency_ms_spread", 0.0)
    if spread <= NOISY * median:
        return []
    return [
        f"latency_ms is uncertain: its median is {median:.3g} and its quartiles lie {spread:.3g} "
        "apart; other work on the machine disturbs it"
    ]


def latency_ms(model: Any, shape: tuple[int, ...]) -> tuple[float, float]:
    """Return the median and the interquartile range of a single face's prediction, in ms.

    One face at a time, in the trial's own process with the cores that it trained on, after the
    predictions that compile and warm up; preprocessing and test views are layers, and count.
    """
    import numpy as np

    face = np.full((1, *shape), 127.0, dtype="float32")
    for _ in range(WARM_UP):
        model.predict_on_batch(face)
    taken: list[float] = []
    began = time.perf_counter()
    while len(taken) < PREDICTIONS:
        if len(taken) >= LEAST_PREDICTIONS and time.perf_counter() - began > LONGEST_SECONDS:
            break
        start = time.perf_counter()
        model.predict_on_batch(face)
        taken.append(1000 * (time.perf_counter() - start))
    low, middle, high = statistics.quantiles(taken, n=4)
    return middle, high - low
