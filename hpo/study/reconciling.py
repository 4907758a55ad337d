"""Bringing MLflow to what Optuna's storage holds: at the end of a run, and for the doctor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hpo.spec.records import TrialRecord
from hpo.spec.study import StudySpec

_ROUNDS = 3
"""Mending one thing may bring another to light."""


def reconcile(
    client: Any,
    storage_url: str,
    spec: StudySpec,
    artifact_root: Path,
    look: Callable[[list[TrialRecord]], list[Any]] | None = None,
) -> list[Any]:
    """Repair what differs in MLflow, and return what could not be.

    Args:
        client: of MLflow, from ``tracking.store.open_client``.
        storage_url: of Optuna's storage.
        spec: the study.
        artifact_root: for artifacts where no server keeps them.
        look: finds the differences, given every attempt; ``tracking.audit.differences`` by default.
    """
    from hpo.search.inspection import inspecting
    from hpo.search.studies import read_dataset_digest, read_trials
    from hpo.study.jobs import study_card
    from hpo.tracking.audit import differences
    from hpo.tracking.cards import DatasetCard
    from hpo.tracking.repair import repair
    from hpo.tracking.runs import StudyRuns

    left: list[Any] = []
    for _ in range(_ROUNDS):
        records = read_trials(storage_url, spec.name, attempts=True)
        found = look(records) if look else differences(client, spec.name, records)
        left = [difference for difference in found if not difference.fixable]
        if len(left) == len(found):
            return left
        digest = read_dataset_digest(storage_url, spec.name)
        card = study_card(spec, DatasetCard(spec.data.dataset, digest, spec.data.dataset))
        runs = StudyRuns(client, card, artifact_root)
        with inspecting(storage_url, spec) as inspection:
            repair(runs, found, records, inspection.set_run_id)
    return left
