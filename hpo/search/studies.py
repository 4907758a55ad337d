"""Studies in the storage: checked, listed, read and deleted.

A study of the study file is one Optuna study per architecture, named ``<study>/<architecture>``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hpo.search.creation import already_exists, check_same
from hpo.search.storage import explained, open_storage, sqlite_path
from hpo.search.trials import LATE_RUN_ID, is_lost, read_trial
from hpo.spec.errors import NotFoundError, did_you_mean
from hpo.spec.records import TrialRecord
from hpo.spec.study import StudySpec


@dataclass(frozen=True)
class StudySummary:
    """A study at a glance.

    Args:
        name: of the study.
        architectures: labels, in the order in which they were made.
        states: number of trials by state; lost attempts are not counted.
        best_value: best objective of a completed trial; None if there is none.
        best_architecture: whose trial that was; "" if there is none.
        best_number: that trial's number; None if there is none.
        metric: the objective's name.
        direction: ``maximize`` or ``minimize``.
        trials: the budget, trials per architecture.
        created: ISO 8601 time (UTC).
    """

    name: str
    architectures: list[str]
    states: dict[str, int]
    best_value: float | None
    best_architecture: str
    best_number: int | None
    metric: str
    direction: str
    trials: int
    created: str


def check_study(
    storage_url: str, spec: StudySpec, *, resume: bool, dataset_digest: str = ""
) -> None:
    """Check, before anything is written, that ``spec`` can be run in this storage.

    Args:
        storage_url: of the storage.
        spec: the study file.
        resume: whether the study may exist.
        dataset_digest: of the data at hand; "" where it is not to be compared.

    Raises:
        SpecError: the study exists with another space, other settings or other data.
        InputError: the study exists, and ``resume`` is False.
        EnvironmentProblem: see ``open_storage``.
    """
    with _existing(storage_url) as storage:
        if storage is None:
            return
        known = _by_study(storage).get(spec.name, {})
        for label in spec.architectures:
            if label in known:
                check_same(known[label].user_attrs, spec, label, dataset_digest)
        if known and not resume:
            raise already_exists(spec.name)


# Reading


@contextmanager
def _existing(storage_url: str) -> Iterator[Any]:
    """Yield the storage, or None where no SQLite file is; nothing is created."""
    path = sqlite_path(storage_url)
    if path is not None and not path.exists():
        yield None
        return
    storage = open_storage(storage_url, create=False)
    try:
        with explained(storage_url):
            yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _by_study(storage: Any) -> dict[str, dict[str, Any]]:
    """Return Optuna's ``FrozenStudy`` by study and label, those that hpo made."""
    found: dict[str, dict[str, Any]] = {}
    for frozen in storage.get_all_studies():
        study, slash, label = frozen.study_name.partition("/")
        if slash:
            found.setdefault(study, {})[label] = frozen
    return found


def _missing(study: str, known: dict[str, Any]) -> NotFoundError:
    return NotFoundError(
        f"there is no study named '{study}'",
        hint=did_you_mean(study, known) if known else "`hpo run STUDY.yaml` makes one",
    )


def read_trials(
    storage_url: str, study: str, *, architecture: str | None = None, attempts: bool = False
) -> list[TrialRecord]:
    """Return the trials of a study, architecture by architecture, in the order of their numbers.

    Args:
        storage_url: of the storage.
        study: its name.
        architecture: only this label's.
        attempts: include attempts that were lost, whose slots were or will be asked for again.

    Raises:
        NotFoundError: there is no such study, or no such architecture in it.
        EnvironmentProblem: see ``open_storage``.
    """
    with _existing(storage_url) as storage:
        known = _by_study(storage) if storage is not None else {}
        if study not in known:
            raise _missing(study, known)
        labels = known[study]
        if architecture is not None and architecture not in labels:
            raise NotFoundError(
                f"study '{study}' has no architecture '{architecture}'",
                hint=did_you_mean(architecture, labels),
            )
        records = []
        for label, frozen in labels.items():
            if architecture in (None, label):
                records += _read_label(storage, study, label, frozen, attempts)
        return records


def _read_label(
    storage: Any, study: str, label: str, frozen: Any, attempts: bool
) -> list[TrialRecord]:
    space = frozen.user_attrs.get("space", {})
    maximize = frozen.direction.name == "MAXIMIZE"
    return [
        read_trial(
            trial,
            study=study,
            architecture=label,
            space=space,
            maximize=maximize,
            run_id=frozen.user_attrs.get(f"{LATE_RUN_ID}{trial.number}", ""),
        )
        for trial in storage.get_all_trials(frozen._study_id, deepcopy=False)
        if attempts or not is_lost(trial)
    ]


def read_spec(storage_url: str, study: str) -> StudySpec:
    """Return the study file that a study was last run with (without its URLs).

    Raises:
        NotFoundError: there is no such study.
    """
    with _existing(storage_url) as storage:
        known = _by_study(storage) if storage is not None else {}
        for frozen in known.get(study, {}).values():
            if "spec" in frozen.user_attrs:
                return StudySpec.model_validate(frozen.user_attrs["spec"])
        raise _missing(study, known)


def list_studies(storage_url: str) -> list[StudySummary]:
    """Return a summary of each study, the oldest first; an absent database has none."""
    with _existing(storage_url) as storage:
        if storage is None:
            return []
        found = [_summary(storage, n, labels) for n, labels in _by_study(storage).items()]
        return sorted(found, key=lambda summary: summary.created)


def _summary(storage: Any, name: str, labels: dict[str, Any]) -> StudySummary:
    states: dict[str, int] = {}
    best: TrialRecord | None = None
    attributes: dict[str, Any] = {}
    direction = "maximize"
    for label, frozen in labels.items():
        attributes = attributes or frozen.user_attrs
        direction = frozen.direction.name.lower()
        for record in _read_label(storage, name, label, frozen, attempts=False):
            states[record.state] = states.get(record.state, 0) + 1
            if record.state == "complete" and _better(record, best, direction):
                best = record
    spec = attributes.get("spec") or {}
    return StudySummary(
        name=name,
        architectures=list(labels),
        states=states,
        best_value=best.value if best else None,
        best_architecture=best.architecture if best else "",
        best_number=best.number if best else None,
        metric=spec.get("objective", {}).get("metric", ""),
        direction=direction,
        trials=spec.get("budget", {}).get("trials", 0),
        created=attributes.get("created", ""),
    )


def _better(record: TrialRecord, best: TrialRecord | None, direction: str) -> bool:
    if record.value is None:
        return False
    if best is None or best.value is None:
        return True
    if direction == "maximize":
        return record.value > best.value
    return record.value < best.value


def delete_study(storage_url: str, study: str) -> int:
    """Delete a study's trials from Optuna's storage; return how many there were.

    Raises:
        NotFoundError: there is no such study.
        EnvironmentProblem: see ``open_storage``.
    """
    with _existing(storage_url) as storage:
        known = _by_study(storage) if storage is not None else {}
        if study not in known:
            raise _missing(study, known)
        count = 0
        for frozen in known[study].values():
            count += storage.get_n_trials(frozen._study_id)
            storage.delete_study(frozen._study_id)
        return count
