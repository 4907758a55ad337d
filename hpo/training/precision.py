"""``precision: auto``: which precision trains faster on this machine, by a few steps of each.

Half the bits are no gain everywhere: on processors with native bfloat16 the thesis's CNN trained
twice as fast as in float32, ResNet50 at 48 pixels about as fast, and a processor without it may
take many times as long. It depends on the width too: one CNN gained 1.4 times with 8 filters and
3.4 times with 32. So it is measured, once per architecture, family, side of the input and size on
a machine, and remembered: networks of about the same arithmetic then compute alike, and a search
over widths measures a few times.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from hpo.spec.file_lock import locked
from hpo.spec.workspace import machine_cache
from hpo.training import backend, backend_choice
from hpo.training.throughput import cnn_multiplications

AUTO = "auto"
PRECISIONS = ("float32", "mixed_bfloat16")

GAIN = 1.05
"""bfloat16 must be faster by this factor; less is within the noise of so few steps."""
BATCH = 64
STEP = 4
"""A size is told to the nearest power of it: of a CNN a step is about twice the width."""
_METHOD = 3
"""How networks train here; another number after a change makes every machine measure again."""
_STEPS = 7
_WARM_UP_STEPS = 2
_MOST_SECONDS = 16.0
"""For the steps of both; a slow network takes fewer of them."""


@dataclass(frozen=True)
class Choice:
    """What was chosen, and why.

    Args:
        precision: ``float32`` or ``mixed_bfloat16``.
        images_per_second: in training, by precision; empty where it could not be measured.
        note: a sentence for people.
    """

    precision: str
    images_per_second: Mapping[str, float]
    note: str


def choose(
    name: str,
    params: Mapping[str, Any],
    build: Callable[[], Any],
    input_shape: tuple[int, int, int],
    classes: int,
    threads: int | None,
) -> Choice:
    """Return the faster precision of a network, measured now or earlier on this machine.

    The measurement builds and trains networks in this process; call it before ``backend.prepare``
    seeds the trial. What is remembered lies in ``file()``, and is measured again for another
    backend, another version of it, another device or another number of cores.

    Args:
        name: of the architecture.
        params: its parameters; of these the side of the input, the family and what the size hangs
            on tell cases apart.
        build: builds the network under the precision that is set.
        input_shape: height, width and channels of the faces.
        classes: units of its softmax.
        threads: cores of the trial; None for all.
    """
    size = _size(name, params, build, input_shape, threads)
    key = _key(name, params, size, input_shape, threads)
    try:
        with locked(file().with_suffix(".lock")):
            found = _read().get(key)
            if found is None:
                found = _images_per_second(build, input_shape, classes, threads)
                _write({**_read(), key: found})
    except OSError as error:
        return Choice("float32", {}, f"precision float32: {file()}: {error.strerror or error}")
    return _chosen(found)


def file() -> Path:
    """Return where this machine's measurements are kept."""
    return machine_cache() / "precision.json"


def _chosen(rates: Mapping[str, float]) -> Choice:
    plain, half = rates["float32"], rates["mixed_bfloat16"]
    precision = "mixed_bfloat16" if half > GAIN * plain else "float32"
    note = f"precision {precision}: {half:.0f} faces/s in bfloat16, {plain:.0f} in float32"
    return Choice(precision, dict(rates), note)


def _size(
    name: str,
    params: Mapping[str, Any],
    build: Callable[[], Any],
    shape: tuple[int, int, int],
    threads: int | None,
) -> str:
    """Return how large a network is, in steps; "" where its name and side say that.

    The CNN's multiplications follow from its parameters. Of a network of the user's own nothing is
    known before it is built, which costs what building it once more does.
    """
    if name in ("resnet50", "xception"):
        return ""
    if name == "cnn":
        return f"{_step(cnn_multiplications(params, min(shape[:2])))} multiplications"
    backend.prepare(seed=0, precision="float32", threads=threads)
    weights = getattr(build(), "weights", ())
    return f"{_step(sum(math.prod(weight.shape) for weight in weights))} weights"


def _step(count: float) -> str:
    return f"{STEP}^{round(math.log(max(1.0, count), STEP))}"


def _key(
    name: str,
    params: Mapping[str, Any],
    size: str,
    shape: tuple[int, int, int],
    threads: int | None,
) -> str:
    versions = backend.versions()
    side = params.get("input_size") or params.get("crop") or shape[0]
    parts = (
        name,
        str(params.get("family", "")),
        f"{side} px",
        size,
        versions["backend"],
        versions[versions["backend"]],
        backend.device_name(),
        f"{threads or backend.cores()} cores",
        f"method {_METHOD}",
        "without oneDNN" if backend_choice.onednn() == "off" else "",
    )
    return " | ".join(part for part in parts if part)


def _images_per_second(
    build: Callable[[], Any], shape: tuple[int, int, int], classes: int, threads: int | None
) -> dict[str, float]:
    """Return the images per second of each precision.

    Their steps take turns, so that a machine that is busy for a moment is so for both.
    """
    step = {p: _stepper(p, build, shape, classes, threads) for p in PRECISIONS}
    seconds: dict[str, list[float]] = {precision: [] for precision in PRECISIONS}
    for _ in range(_STEPS):
        for precision in PRECISIONS:
            seconds[precision].append(step[precision]())
        if sum(map(sum, seconds.values())) > _MOST_SECONDS:
            break
    return {precision: BATCH / median(taken) for precision, taken in seconds.items()}


def _stepper(
    precision: str,
    build: Callable[[], Any],
    shape: tuple[int, int, int],
    classes: int,
    threads: int | None,
) -> Callable[[], float]:
    """Return what takes one step of training, warmed up, and tells its seconds."""
    backend.prepare(seed=0, precision=precision, threads=threads)
    model = build()
    model.compile(optimizer="adam", loss="categorical_crossentropy")
    generator = np.random.default_rng(0)
    faces = generator.integers(0, 256, (BATCH, *shape), dtype=np.uint8)
    labels = np.eye(classes, dtype=np.float32)[generator.integers(0, classes, BATCH)]

    def step() -> float:
        began = time.perf_counter()
        model.train_on_batch(faces, labels)
        return time.perf_counter() - began

    for _ in range(_WARM_UP_STEPS):
        step()
    return step


def _read() -> dict[str, dict[str, float]]:
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(file().read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return {key: rates for key, rates in found.items() if _are_rates(rates)}
    return {}


def _are_rates(rates: Any) -> bool:
    return isinstance(rates, dict) and all(
        isinstance(rates.get(precision), float) and rates[precision] > 0 for precision in PRECISIONS
    )


def _write(found: Mapping[str, Mapping[str, float]]) -> None:
    part = file().with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(found, indent=1, sort_keys=True), encoding="utf-8")
    part.replace(file())
