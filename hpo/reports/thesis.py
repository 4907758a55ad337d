"""The thesis's own results, which every report on its three architectures sets beside ours.

Validation accuracy in percent and validation loss as printed there: single runs, tuned on the data
that they report.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hpo.architectures.architecture import load
from hpo.spec.errors import HpoError
from hpo.training.resolve import known_parameters


@dataclass(frozen=True)
class ThesisRun:
    """One published run.

    Args:
        architecture: catalogue name.
        epochs: epochs asked for.
        accuracy: validation accuracy, in [0, 1].
        loss: validation cross-entropy, in nats.
        note: what the thesis adds.
    """

    architecture: str
    epochs: int
    accuracy: float
    loss: float
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the run as plain data."""
        return asdict(self)


THESIS_RUNS: tuple[ThesisRun, ...] = (
    ThesisRun("cnn", 40, 0.6346, 0.98),
    ThesisRun("cnn", 100, 0.6497, 0.95, "stopped at about 60 to 64 epochs"),
    ThesisRun("resnet50", 5, 0.2722, 2.05),
    ThesisRun("resnet50", 50, 0.5175, 1.25),
    ThesisRun("xception", 5, 0.63, 0.98, "accuracy given as about 63 %"),
    ThesisRun("xception", 25, 0.70, 1.15),
)

CONDITIONS: dict[str, dict[str, Any]] = {
    "cnn": {"input_size": 48, "weights": "none"},
    "resnet50": {"input_size": 224, "weights": "imagenet"},
    "xception": {"input_size": 224, "weights": "imagenet"},
}
"""Side of the input in pixels and initial weights of its networks, as far as they are known here;
it gives no numbers of runs or faces, and no intervals."""

PROVENANCE = "Single runs, tuned on the data that they report."


IDLE: dict[str, tuple[str, tuple[Any, ...]]] = {
    "dense_layers": ("dense", (0,)),
    "mixup_alpha": ("mixup", (False,)),
    "one_minus_ema_decay": ("ema", (False,)),
    "one_minus_momentum": ("optimizer", ("adam", "adamw", "rmsprop", "lion")),
}
"""Parameters that do nothing where another one has certain values: that one, and those."""


def is_idle(name: str, params: Mapping[str, Any]) -> bool:
    """Tell whether a parameter of a trial does nothing, such as how many dense layers of none."""
    other, values = IDLE.get(name, ("", ()))
    return other in params and params[other] in values


def departures(architecture: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return ``name, thesis, here`` of each parameter that a trial has not as the thesis had it.

    A study yields to nobody in what it fixes, and a value of the thesis beyond a range is brought
    to its end; of such a trial nobody may say that it is what the thesis trained. What the thesis
    does not name it has as its default. How long it trained comes first, then what the thesis
    names, then the rest.

    Args:
        architecture: name in the catalogue. Of one that cannot be loaded, such as a module that is
            elsewhere now, and of one that the thesis has not there are none.
        params: of the trial, all of them.
    """
    try:
        loaded = load(architecture)
    except HpoError:
        return []
    if not loaded.thesis:
        return []
    known = known_parameters(loaded)
    defaults = {name: info.default for name, info in known.items() if info.default is not None}
    own = {**loaded.thesis, **{k: v for k, v in defaults.items() if k not in loaded.thesis}}
    found = [
        {"name": name, "thesis": value, "here": params[name]}
        for name, value in own.items()
        if name in params and not _same(value, params[name]) and not is_idle(name, params)
    ]
    # Nothing else says so much of what it can reach.
    return sorted(found, key=lambda changed: changed["name"] != "epochs")


def _same(first: Any, second: Any) -> bool:
    numbers = isinstance(first, int | float) and isinstance(second, int | float)
    return math.isclose(first, second, rel_tol=1e-9) if numbers else bool(first == second)
