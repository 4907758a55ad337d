"""How long a study may take: random configurations, a table of arithmetic, and earlier trials."""

from __future__ import annotations

import dataclasses
import os
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hpo.spec.errors import SpecError
from hpo.spec.seeds import derive_seed
from hpo.spec.space import Scalar
from hpo.spec.workspace import Workspace

if TYPE_CHECKING:
    from hpo.study.parts import PlannedArchitecture
    from hpo.study.planned import Plan
    from hpo.study.throughput import Measured

_START_SECONDS = 12.0
"""What a trial costs beside its epochs, roughly: fork, build, first step."""
_SAMPLES = 64


class _Dice:
    """Chooses at random: how much a trial costs on average, before any was tried."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        return self._random.uniform(low, high)

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        return low + step * self._random.randrange((high - low) // step + 1)

    def suggest_categorical(self, name: str, choices: Sequence[Scalar]) -> Scalar:
        return self._random.choice(list(choices))


def timed(planned: Plan, workspace: Workspace) -> Plan:
    """Fill in the seconds that a trial may take, and what that is estimated from."""
    from hpo.study.throughput import recorded

    measured, unread = recorded(planned.spec, workspace)
    notes = [
        f"Study '{study}' was stored by another version of hpo; the time is estimated without it."
        for study in unread
    ]
    parts, known = {}, []
    for label, part in planned.parts.items():
        seconds, from_records = _seconds_per_trial(planned, part, measured.get(label, []))
        parts[label] = dataclasses.replace(part, seconds_per_trial=seconds)
        if from_records:
            known.append(label)
    if len(known) == len(parts):
        basis = "from the throughput of earlier trials in this workspace"
    elif known:
        basis = f"from earlier trials for {', '.join(known)}, else a guess from arithmetic"
    else:
        basis = "a guess from a table of arithmetic, good to a factor of about 3"
    return dataclasses.replace(planned, parts=parts, basis=basis, notes=[*planned.notes, *notes])


def _seconds_per_trial(
    planned: Plan, part: PlannedArchitecture, measured: list[Measured]
) -> tuple[float, bool]:
    """Return the mean over random configurations, and whether earlier trials back most of them."""
    from hpo.search.fidelity_checks import mean_epochs
    from hpo.study.throughput import told
    from hpo.training.resolve import resolve_parameters
    from hpo.training.throughput import estimate_images_per_second
    from hpo.training.views import choices

    dice = _Dice(derive_seed(planned.spec.seed, part.label, "estimate"))
    total, backed = 0.0, 0
    for _ in range(_SAMPLES):
        given = {**part.spec.fixed, **part.spec.space.suggest(dice, part.spec.fixed)}
        try:
            params = resolve_parameters(part.architecture, given).params
        except SpecError:
            # Values that do not go together: such a trial fails at once and costs nothing.
            continue
        training, inference = estimate_images_per_second(
            part.spec.architecture, params, os.cpu_count() or 1
        )
        known = told(measured, training)
        backed += known is not None
        speed, beside = known or (1.0, _START_SECONDS)
        # Each epoch is judged as the checkpoint would be served: over all views of each face.
        views = len(choices(params["test_views"], *planned.dataset.image_shape))
        validated = views * planned.validation_size
        epoch = planned.train_size_of(part.label) / training + validated / inference
        epochs = mean_epochs(planned.spec, part.label, params)
        total += beside + epochs * epoch / speed
    return total / _SAMPLES, backed > _SAMPLES // 2
