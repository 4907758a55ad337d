"""Which trials stand on the Pareto front, and which break a constraint, as a tag of their runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hpo.spec.pareto import pareto_front
from hpo.spec.records import TrialRecord
from hpo.tracking import names


def standing(record: TrialRecord, front: set[tuple[str, int]]) -> str | None:
    """Return how a trial stands to the front; None where that is no question.

    Args:
        record: of the trial.
        front: architecture and number of the trials on it.
    """
    if record.state != "complete" or not (record.values or record.excess):
        return None
    if not record.feasible:
        return names.INFEASIBLE
    if not record.values:
        return names.FEASIBLE
    on_front = (record.architecture, record.number) in front
    return names.FRONT if on_front else names.DOMINATED


def tag_front(client: Any, records: Iterable[TrialRecord]) -> None:
    """Say in each run how its trial stands; done twice is done once.

    Args:
        client: of MLflow.
        records: all trials of a study.
    """
    records = list(records)
    front = pareto_front(records)
    for record in records:
        told = standing(record, front)
        if told is not None and record.mlflow_run_id:
            client.set_tag(record.mlflow_run_id, names.PARETO, told)
