"""Which trial of a study is served: a rule over its records."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from hpo.spec.errors import NotFoundError
from hpo.spec.ranking import rank, rank_key
from hpo.spec.records import TrialRecord

__all__ = ["choose_winner", "is_eligible", "rank", "rank_key"]


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
                got=f"{_counted(complete, 'complete trial')}, of which {broken} "
                f"{'breaks' if broken == 1 else 'break'} a constraint",
                hint="Loosen the constraints in a study of another name, or run this one further",
            )
        raise NotFoundError(
            "no trial can be promoted",
            expected="a complete trial with a value and a checkpoint",
            got=f"{_counted(len(records), 'trial')}, {complete} of them complete",
            hint="Run the study further (`hpo run STUDY.yaml --resume`)",
        )
    return min(eligible, key=lambda record: rank_key(record, direction))


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


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
