"""Studies in the storage: checked, read and deleted.

A study of the study file is one Optuna study per architecture, named ``<study>/<architecture>``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

from pydantic import ValidationError

from hpo.search.creation import (
    DATASET_DIGEST,
    SPEC,
    already_exists,
    check_same,
    optuna_name,
)
from hpo.search.evolution import evolution_line, space_at, version_of
from hpo.search.filesystems import refuse_network
from hpo.search.goals import Goals
from hpo.search.moved import beside
from hpo.search.storage import explained, open_storage, sqlite_path
from hpo.search.trials import LATE_RUN_ID, SPACE_VERSION, is_lost, read_trial
from hpo.spec.errors import NotFoundError, SpecError, did_you_mean
from hpo.spec.records import TrialRecord
from hpo.spec.study import StudySpec


def check_study(
    storage_url: str,
    spec: StudySpec,
    *,
    resume: bool,
    dataset_digest: str = "",
    evolve: bool = False,
) -> list[str]:
    """Check, before anything is written, that ``spec`` can be run in this storage.

    Returns a line for each architecture whose space is to grow, with what is added.

    Args:
        storage_url: of the storage.
        spec: the study file.
        resume: whether the study may exist.
        dataset_digest: of the data at hand; "" where it is not to be compared.
        evolve: whether the study's space may grow into that of the study file.

    Raises:
        SpecError: the study exists with another space, other settings or other data.
        InputError: the study exists, and ``resume`` is False.
        EnvironmentProblem: see ``open_storage``.
    """
    lines: list[str] = []
    with existing(storage_url) as storage:
        if storage is None:
            return lines
        taken = {frozen.study_name: frozen for frozen in storage.get_all_studies()}
        for label in spec.architectures:
            frozen = taken.get(optuna_name(spec.name, label))
            if frozen is None:
                continue
            with _readable(spec.name, frozen.user_attrs):
                grown = check_same(
                    frozen.user_attrs,
                    spec,
                    label,
                    dataset_digest,
                    evolve=evolve,
                    trials=partial(storage.get_all_trials, frozen._study_id, deepcopy=False),
                )
            if grown.added:
                version = version_of(frozen.user_attrs) + 1
                lines.append(evolution_line(label, version, grown))
        if spec.name in by_study(storage) and not resume:
            raise already_exists(spec.name)
    return lines


@contextmanager
def existing(storage_url: str) -> Iterator[Any]:
    """Yield the storage, or None where no SQLite file is; nothing is created."""
    path = sqlite_path(storage_url)
    if path is not None and not path.exists():
        # Told before anything is written, and not when the first trial is.
        refuse_network(path)
        yield None
        return
    storage = open_storage(storage_url, create=False)
    try:
        with explained(storage_url):
            yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def by_study(storage: Any) -> dict[str, dict[str, Any]]:
    """Return Optuna's ``FrozenStudy`` by study and label, those that hpo made.

    A storage may be shared, and ``team/llm`` be anybody's name: only the study file among the user
    attributes tells that a study is one of ours, to be listed and deleted.
    """
    found: dict[str, dict[str, Any]] = {}
    for frozen in storage.get_all_studies():
        study, slash, label = frozen.study_name.partition("/")
        if slash and isinstance(frozen.user_attrs.get(SPEC), dict):
            found.setdefault(study, {})[label] = frozen
    return found


@contextmanager
def _readable(study: str, attributes: dict[str, Any]) -> Iterator[None]:
    """Turn what pydantic says of a stored study file into an error that tells what to do.

    Raises:
        SpecError: this version does not understand the study file.
    """
    try:
        yield
    except ValueError as error:  # pydantic's is one; spaces have their own
        reason = str(error)
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            reason = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
        raise SpecError(
            f"study '{study}' was stored with settings that this version does not understand",
            expected=f"those of hpo {version('hpo')}",
            got=f"those of hpo {attributes.get('hpo_version', 'unknown')} ({reason})",
            hint=f"Use that version for it, or remove it by `hpo delete {study}`; "
            f"`hpo trials {study}` still shows its trials",
        ) from None


def missing(study: str, known: dict[str, Any]) -> NotFoundError:
    """Return the error for a study that is not among the known ones."""
    return NotFoundError(
        f"there is no study named '{study}'",
        hint=did_you_mean(study, known) if known else "`hpo run STUDY.yaml` makes one",
    )


def has_study(storage_url: str, study: str) -> bool:
    """Tell whether there is a study of this name."""
    with existing(storage_url) as storage:
        return storage is not None and study in by_study(storage)


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
    with existing(storage_url) as storage:
        known = by_study(storage) if storage is not None else {}
        if study not in known:
            raise missing(study, known)
        labels = known[study]
        if architecture is not None and architecture not in labels:
            raise NotFoundError(
                f"study '{study}' has no architecture '{architecture}'",
                hint=did_you_mean(architecture, labels),
            )
        records = []
        for label, frozen in labels.items():
            if architecture in (None, label):
                records += read_label(storage, study, label, frozen, attempts)
        database = sqlite_path(storage_url)
        return records if database is None else [beside(database, record) for record in records]


def read_label(
    storage: Any, study: str, label: str, frozen: Any, attempts: bool
) -> list[TrialRecord]:
    """Return the trials of one architecture, whose study Optuna calls ``frozen``."""
    plain = frozen.user_attrs.get(SPEC, {})
    goals = Goals.stored(plain, frozen.directions[0].name == "MAXIMIZE")
    return [
        read_trial(
            trial,
            study=study,
            architecture=label,
            space=space_at(frozen.user_attrs, trial.user_attrs.get(SPACE_VERSION, 1)),
            goals=goals,
            run_id=frozen.user_attrs.get(f"{LATE_RUN_ID}{trial.number}", ""),
        )
        for trial in storage.get_all_trials(frozen._study_id, deepcopy=False)
        if attempts or not is_lost(trial)
    ]


def read_spec(storage_url: str, study: str, *, architecture: str | None = None) -> StudySpec:
    """Return the study file that a study was last run with (without its URLs).

    Args:
        storage_url: of the storage.
        study: its name.
        architecture: a label of it: the one that this architecture was last run with.

    Raises:
        NotFoundError: there is no such study.
        SpecError: this version does not understand it.
    """
    with existing(storage_url) as storage:
        known = by_study(storage) if storage is not None else {}
        labels = known.get(study, {})
        if not labels:
            raise missing(study, known)
        frozen = last_run(labels) if architecture is None else labels[architecture]
        return stored_spec(study, frozen.user_attrs)


def read_widest_spec(storage_url: str, study: str) -> StudySpec:
    """Return the study file that asked for most, of a study that only grows, as confirmations do.

    A run writes its file to an architecture when that one's turn comes, so the architectures of a
    study that is being enlarged hold files of both.

    Raises:
        NotFoundError, SpecError: as ``read_spec``.
    """
    with existing(storage_url) as storage:
        known = by_study(storage) if storage is not None else {}
        if study not in known:
            raise missing(study, known)
        files = [stored_spec(study, frozen.user_attrs) for frozen in known[study].values()]
        return max(files, key=lambda spec: (len(spec.architectures), spec.budget.trials or 0))


def last_run(labels: dict[str, Any]) -> Any:
    """Return which of a study's ``FrozenStudy``, by label, holds the study file of its last run.

    A run writes its study file to the architectures that this lists. Where it has left out one, the
    file that lies with that one is an earlier run's.
    """
    listed = [frozen.user_attrs[SPEC].get("architectures") or {} for frozen in labels.values()]
    kept = [f for label, f in labels.items() if all(label in names for names in listed)]
    return kept[0] if kept else list(labels.values())[-1]


def stored_spec(study: str, attributes: dict[str, Any]) -> StudySpec:
    """Return the study file among the user attributes of a study.

    Raises:
        SpecError: this version does not understand it.
    """
    with _readable(study, attributes):
        return StudySpec.model_validate(attributes[SPEC])


def read_attribute(storage_url: str, study: str, key: str) -> Any:
    """Return a user attribute of a study, the first that an architecture of it has; else None.

    Raises:
        NotFoundError: there is no such study.
    """
    with existing(storage_url) as storage:
        known = by_study(storage) if storage is not None else {}
        if study not in known:
            raise missing(study, known)
        values = (frozen.user_attrs.get(key) for frozen in known[study].values())
        return next((value for value in values if value is not None), None)


def read_dataset_digest(storage_url: str, study: str) -> str:
    """Return the digest of the faces that a study is bound to; "" if it is bound to none.

    Raises:
        NotFoundError: there is no such study.
    """
    return str(read_attribute(storage_url, study, DATASET_DIGEST) or "")


def set_attribute(storage_url: str, study: str, key: str, value: Any) -> None:
    """Set a user attribute on every architecture of a study that is there; none is no error."""
    with existing(storage_url) as storage:
        known = by_study(storage) if storage is not None else {}
        for frozen in known.get(study, {}).values():
            if frozen.user_attrs.get(key) != value:
                storage.set_study_user_attr(frozen._study_id, key, value)


def delete_study(storage_url: str, study: str) -> int:
    """Delete a study's trials from Optuna's storage; return how many there were.

    Raises:
        NotFoundError: there is no such study.
        EnvironmentProblem: see ``open_storage``.
    """
    with existing(storage_url) as storage:
        known = by_study(storage) if storage is not None else {}
        if study not in known:
            raise missing(study, known)
        count = 0
        for frozen in known[study].values():
            count += storage.get_n_trials(frozen._study_id)
            storage.delete_study(frozen._study_id)
        return count
