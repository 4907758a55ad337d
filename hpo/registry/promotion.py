"""Which trial of a study is served: a rule over its records."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from hpo.spec.errors import NotFoundError
from hpo.spec.pareto import losses
from hpo.spec.records import TrialRecord


def choose_winner(
    records: Iterable[TrialRecord], direction: Literal["maximize", "minimize"]
) -> TrialRecord:
    """Return the best complete trial over all architectures, of those that keep the constraints.

    Of several objectives the first decides, and of equals the next, so that no other trial is
    better in all of them: the winner stands on the Pareto front.

    Whether its checkpoint is still there is not asked: were it lost, the next best trial would be
    served in silence as the best. Who needs the file says that it is gone.

    Ties are broken as ``rank_key`` says, so that the same records always give the same winner.

    Args:
        records: of one study.
        direction: of its objective.

    Raises:
        NotFoundError: there is no such trial; the message counts what there is instead.
    """
    records = list(records)
    eligible = [r for r in records if is_eligible(r)]
    if not eligible:
        complete = sum(r.state == "complete" for r in records)
        broken = sum(not r.feasible for r in records)
        if broken:
            raise NotFoundError(
                "no trial can be promoted",
                expected="a complete trial that keeps the constraints",
                got=f"{complete} complete trials, of which {broken} break a constraint",
                hint="Loosen the constraints in a study of another name, or run this one further",
            )
        raise NotFoundError(
            "no trial can be promoted",
            expected="a complete trial with a value and a checkpoint",
            got=f"{len(records)} trials, {complete} of them complete",
            hint="Run the study further (hpo run --resume)",
        )
    return min(eligible, key=lambda record: rank_key(record, direction))


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


def is_eligible(record: TrialRecord) -> bool:
    """Return whether a trial may be served.

    It is complete, breaks no constraint, and has a finite value and a checkpoint.
    """
    return (
        record.state == "complete"
        and record.value is not None
        and math.isfinite(record.value)
        and record.feasible
        and record.result is not None
        and bool(record.result.checkpoint)
        and bool(record.result.checkpoint_sha256)
    )
