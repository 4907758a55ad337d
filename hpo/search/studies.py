"""Studies in the storage: made, resumed, listed, read and deleted.

A study of the study file is one Optuna study per architecture, named ``<study>/<architecture>``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from hpo.search.options import stated
from hpo.search.storage import explained, open_storage, sqlite_path
from hpo.search.trials import LOST, SLOT, read_trial
from hpo.spec.errors import InputError, NotFoundError, SpecError, did_you_mean
from hpo.spec.records import TrialRecord
from hpo.spec.space import SearchSpace
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


def optuna_name(study: str, label: str) -> str:
    """Return Optuna's name of one architecture's study."""
    return f"{study}/{label}"


def check_study(storage_url: str, spec: StudySpec, *, resume: bool) -> None:
    """Check, before anything is written, that ``spec`` can be run in this storage.

    Raises:
        SpecError: the study exists with another space, fixed parameters or objective.
        InputError: the study exists, and ``resume`` is False.
        EnvironmentProblem: see ``open_storage``.
    """
    with _existing(storage_url) as storage:
        if storage is None:
            return
        known = _by_study(storage).get(spec.name, {})
        for label in spec.architectures:
            if label in known:
                _check_same(known[label].user_attrs, spec, label)
        if known and not resume:
            raise _exists(spec.name)


def create_or_load(storage: Any, spec: StudySpec, label: str, *, resume: bool) -> int:
    """Return the id of the Optuna study of architecture ``label``, made if it does not exist.

    Args:
        storage: what ``open_storage`` returned.
        spec: the study file.
        label: the architecture's name in it.
        resume: whether the study may exist.

    Raises:
        SpecError: it exists with another space, fixed parameters or objective.
        InputError: it exists, and ``resume`` is False.
    """
    from optuna.exceptions import DuplicatedStudyError
    from optuna.study import StudyDirection

    name = optuna_name(spec.name, label)
    attributes = _attributes(spec, label)
    maximize = spec.objective.direction == "maximize"
    direction = StudyDirection.MAXIMIZE if maximize else StudyDirection.MINIMIZE
    try:
        study_id: int = storage.create_new_study([direction], name)
    except DuplicatedStudyError:
        study_id = storage.get_study_id_from_name(name)
        present = storage.get_study_user_attrs(study_id)
        _check_same(present, spec, label)
        if not resume:
            raise _exists(spec.name) from None
        attributes = {**attributes, "created": present.get("created", attributes["created"])}
    else:
        present = {}
    for key, value in attributes.items():
        if present.get(key) != value:
            storage.set_study_user_attr(study_id, key, value)
    return study_id


def _attributes(spec: StudySpec, label: str) -> dict[str, Any]:
    return {
        "spec": _without_passwords(spec.to_plain()),
        "space": spec.architectures[label].space.to_plain(),
        "sampler": _plug_in("sampler", spec),
        "pruner": _plug_in("pruner", spec),
        "engine": _plug_in("engine", spec),
        "hpo_version": version("hpo"),
        "optuna_version": version("optuna"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _plug_in(kind: str, spec: StudySpec) -> dict[str, Any]:
    chosen = getattr(spec, kind)
    return {"name": chosen.name, "options": stated(kind, chosen.name, chosen.options)}


def _without_passwords(plain: dict[str, Any]) -> dict[str, Any]:
    # Where the study is stored is no property of it, and such URLs may hold passwords.
    tracking = {k: v for k, v in plain.get("tracking", {}).items() if k != "uri"}
    return {**plain, "storage": None, "tracking": tracking}


def _exists(study: str) -> InputError:
    return InputError(
        f"a study named '{study}' exists already",
        hint=f"Go on with it by --resume, remove it by `hpo delete {study}`, or change the name",
    )


def _check_same(attributes: dict[str, Any], spec: StudySpec, label: str) -> None:
    there = attributes.get("spec")
    if there is None:
        raise SpecError(
            f"a study named '{optuna_name(spec.name, label)}' exists that hpo did not make",
            hint="Change the name, or choose another storage",
        )
    differences = [
        f"architectures.{label}.{line}" for line in _space_lines(attributes, spec, label)
    ]
    old_fixed = there.get("architectures", {}).get(label, {}).get("fixed", {})
    new_fixed = spec.to_plain()["architectures"][label]["fixed"]
    for name in dict.fromkeys([*new_fixed, *old_fixed]):
        one, two = new_fixed.get(name, "absent"), old_fixed.get(name, "absent")
        if one != two:
            differences.append(f"architectures.{label}.fixed.{name}: {one}, there {two}")
    metric = there.get("objective", {}).get("metric")
    if metric != spec.objective.metric:
        differences.append(f"objective.metric: {spec.objective.metric}, there {metric}")
    if differences:
        raise SpecError(
            f"a study named '{spec.name}' exists with a different space",
            got="; ".join(differences),
            hint=f"Remove it by `hpo delete {spec.name}`, choose another name, or go on with the "
            "same file by --resume",
        )


def _space_lines(attributes: dict[str, Any], spec: StudySpec, label: str) -> list[str]:
    there = SearchSpace.from_plain(attributes.get("space", {}))
    return [f"space.{line}" for line in spec.architectures[label].space.differences(there)]


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
        attempts: include attempts that were killed, whose slots were or will be asked for again.

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
        read_trial(trial, study=study, architecture=label, space=space, maximize=maximize)
        for trial in storage.get_all_trials(frozen._study_id, deepcopy=False)
        if attempts or LOST not in trial.user_attrs
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


def slots(trials: list[Any]) -> dict[int, Any]:
    """Return Optuna's trials by the slot that each fills, lost attempts left out."""
    return {
        trial.user_attrs[SLOT]: trial
        for trial in trials
        if SLOT in trial.user_attrs and LOST not in trial.user_attrs
    }
