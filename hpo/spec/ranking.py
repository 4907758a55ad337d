"""Which of several results is the best: one rule for whatever is kept, shown and served."""

from __future__ import annotations

import math
from typing import Literal

from hpo.spec.pareto import losses
from hpo.spec.records import TrialRecord


def rank_key(
    record: TrialRecord, direction: Literal["maximize", "minimize"]
) -> tuple[bool, float, tuple[float, ...], int, str]:
    """Return what to sort trials by, the best first, as ``rank`` says.

    Those that break a constraint come last; of equals in the first objective, further ones decide.
    """
    value, number, architecture = rank(record.value, record.number, record.architecture, direction)
    return (not record.feasible, value, losses(record.values)[1:], number, architecture)


def rank(
    value: float | None, number: int, architecture: str, direction: Literal["maximize", "minimize"]
) -> tuple[float, int, str]:
    """Return what to sort results by, the best first: value, then number, then architecture.

    Everything that calls a trial the best uses this, so that the checkpoint that is kept, the
    trial that is shown and the model that is served are one. Of equals the earlier number is first;
    seconds do not count, since a run again takes others. No value, or NaN, is the worst there is.
    """
    if value is None or math.isnan(value):
        return (math.inf, number, architecture)
    return (-value if direction == "maximize" else value, number, architecture)
