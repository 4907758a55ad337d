"""Which trial of a study is served: a pure rule over its records."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from hpo.spec.errors import NotFoundError
from hpo.spec.records import TrialRecord


def choose_winner(
    records: Iterable[TrialRecord], direction: Literal["maximize", "minimize"]
) -> TrialRecord:
    """Return the best complete trial that has a checkpoint, over all architectures.

    Ties go to the trial that took fewer seconds, then by architecture and number, so that the same
    records always give the same winner.

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
        raise NotFoundError(
            "no trial can be promoted",
            expected="a complete trial with a checkpoint",
            got=f"{len(records)} trials, {complete} of them complete, none with a checkpoint",
            hint="Run the study further (hpo run --resume)",
        )
    sign = -1.0 if direction == "maximize" else 1.0
    return min(eligible, key=lambda r: (sign * _value(r), r.seconds, r.architecture, r.number))


def is_eligible(record: TrialRecord) -> bool:
    """Return whether a trial may be served: complete, with a finite value and a checkpoint."""
    return (
        record.state == "complete"
        and record.value is not None
        and math.isfinite(record.value)
        and record.result is not None
        and bool(record.result.checkpoint)
        and bool(record.result.checkpoint_sha256)
    )


def _value(record: TrialRecord) -> float:
    assert record.value is not None  # is_eligible has seen to it.
    return record.value
