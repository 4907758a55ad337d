"""Bringing MLflow to what Optuna's storage holds: at the end of a run, and for the doctor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.spec.records import TrialRecord
from hpo.spec.study import StudySpec

if TYPE_CHECKING:
    from hpo.search.inspection import Inspection
    from hpo.tracking.difference import Difference

_ROUNDS = 3
"""Mending one thing may bring another to light."""


def reconcile(
    client: Any,
    storage_url: str,
    spec: StudySpec,
    artifact_root: Path,
) -> list[Difference]:
    """Repair what differs in MLflow, and return what could not be.

    What other living workers mirror is theirs; of several processes one at a time does this.

    Args:
        client: of MLflow, from ``tracking.store.open_client``.
        storage_url: of Optuna's storage.
        spec: the study.
        artifact_root: for artifacts where no server keeps them.
    """
    from hpo.search.inspection import inspecting
    from hpo.search.studies import read_dataset_digest
    from hpo.study.findings import write_notes
    from hpo.study.jobs import study_card
    from hpo.tracking.cards import DatasetCard
    from hpo.tracking.repair import repair
    from hpo.tracking.runs import StudyRuns

    digest = read_dataset_digest(storage_url, spec.name)
    card = study_card(spec, DatasetCard(spec.data.dataset, digest, spec.data.dataset))
    left: list[Difference] = []
    with inspecting(storage_url, spec) as inspection, inspection.alone("mlflow"):
        for _ in range(_ROUNDS):
            found, records = look(client, storage_url, spec, inspection)
            left = [difference for difference in found if not difference.fixable]
            if len(left) == len(found):
                break
            runs = StudyRuns(client, card, artifact_root)
            repair(runs, found, records, inspection.set_run_id)
            # After the runs, whose notes are written anew.
            write_notes(client, storage_url, spec.name)
    return left


@contextmanager
def alone_with_mlflow(storage_url: str, spec: StudySpec) -> Iterator[None]:
    """Let one process at a time log a study's models, or repair what MLflow has of it.

    Two that log the same model at once each take the other's for one that was cut off, and delete
    it under its hands.

    Args:
        storage_url: of Optuna's storage.
        spec: the study.
    """
    from hpo.search.inspection import inspecting

    with inspecting(storage_url, spec) as inspection, inspection.alone("mlflow"):
        yield


@contextmanager
def alone_with_registry(storage_url: str) -> Iterator[None]:
    """Let one process at a time promote, or look whether a promotion was cut off.

    A promotion that is under way looks like one that was cut off, and whoever finishes it meanwhile
    registers its models a second time; of two that end at once each may move one of the aliases.

    Args:
        storage_url: of Optuna's storage.
    """
    from hpo.search.inspection import alone_in

    with alone_in(storage_url, "registry"):
        yield


def _known(inspection: Inspection, difference: Difference) -> bool:
    number = difference.number
    return number is not None and inspection.knows(difference.architecture, number)


def _confirmed_by_others(storage_url: str, spec: StudySpec) -> bool:
    """Tell whether other workers run a study's best again, or have just done so."""
    from hpo.search.inspection import inspecting
    from hpo.search.studies import read_spec
    from hpo.spec.confirmation import confirmation_name
    from hpo.spec.errors import NotFoundError, SpecError

    try:
        again = read_spec(storage_url, confirmation_name(spec.name))
    except (NotFoundError, SpecError):
        return False
    with inspecting(storage_url, again) as inspection:
        return bool(inspection.with_others())


def look(
    client: Any, storage_url: str, spec: StudySpec, inspection: Inspection
) -> tuple[list[Difference], list[TrialRecord]]:
    """Return where MLflow differs, but for what other workers mirror, and every attempt.

    Args:
        client: of MLflow.
        storage_url: of Optuna's storage.
        spec: the study.
        inspection: of the study.
    """
    from hpo.search.studies import read_trials
    from hpo.study.findings import missing_notes
    from hpo.tracking.audit import differences

    began = datetime.now(UTC)
    others = inspection.with_others()
    records = read_trials(storage_url, spec.name, attempts=True)
    found = differences(client, spec.name, records, as_of=began if others else None)
    # Trials that were begun, or ended, since the records were read; and a worker's clock that goes
    # behind ours makes a run that began just now look older.
    others |= inspection.with_others(since=began.timestamp())
    found = [d for d in found if d.kind != "run orphaned" or not _known(inspection, d)]
    if others:
        busy = {label for label, _ in others}
        found = [
            d
            for d in found
            if (d.architecture, d.number) not in others
            and not (d.number is None and d.architecture in busy)
        ]
    elif not _confirmed_by_others(storage_url, spec):
        # Of a study that is worked on, or run again, notes are written by and by.
        found += missing_notes(client, storage_url, spec.name)
    return found, records
