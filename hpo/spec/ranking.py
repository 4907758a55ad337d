"""Which of several results is the best: one rule for whatever is kept, shown and served."""

from __future__ import annotations

import math
from typing import Literal

from hpo.spec.pareto import losses
from hpo.spec.records import TrialRecord


def rank_key(
    record: TrialRecord, direction: Literal["maximize", "minimize"]
) -> tuple[bool, float, tuple[float, ...], int, int, str]:
    """Return what to sort trials by, the best first, as ``rank`` says.

    Those that break a constraint come last; of equals in the first objective, further ones decide.
    """
    value, rung, number, architecture = rank(
        record.value, record.number, record.architecture, direction, rung=record.rung
    )
    return (not record.feasible, value, losses(record.values)[1:], rung, number, architecture)


def rank(
    value: float | None,
    number: int,
    architecture: str,
    direction: Literal["maximize", "minimize"],
    *,
    rung: int | None = None,
) -> tuple[float, int, int, str]:
    """Return what to sort results by, the best first: value, rung, number, architecture.

    Everything that calls a trial the best uses this, so that the checkpoint that is kept, the
    trial that is shown and the model that is served are one. Of equals the one at the highest rung
    is first, since values are the best so far: a configuration that went on is the trial that it
    came to, though its first epoch stayed its best. Then the earlier number is; seconds do not
    count, since a run again takes others. No value, or NaN, is the worst there is.
    """
    if value is None or math.isnan(value):
        loss = math.inf
    else:
        loss = -value if direction == "maximize" else value
    return (loss, -(rung or 0), number, architecture)
