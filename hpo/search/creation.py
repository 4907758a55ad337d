"""Making an architecture's Optuna study, or finding that the one there is the same.

What a study was made with lies with it as user attributes: the study file, the space, and sampler,
pruner and engine with every option stated.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from hpo.search.evolution import SPACE, judge, stored_space, version_of
from hpo.search.goals import Goals
from hpo.search.options import stated
from hpo.search.warm_start import WARM, taken
from hpo.spec.errors import InputError, SpecError
from hpo.spec.evolving import Growth, arranged
from hpo.spec.faults import written
from hpo.spec.sections import WarmStartSpec
from hpo.spec.space import SearchSpace
from hpo.spec.study import StudySpec

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

_METRIC_NAMES = "study:metric_names"
"""System attribute of a study: Optuna's names of its objectives."""

SPEC = "spec"
"""User attribute: the study file, without URLs; only studies of hpo's have it."""
DATASET_DIGEST = "dataset_digest"
"""User attribute: the digest of the data that the study is bound to."""


def optuna_name(study: str, label: str) -> str:
    """Return Optuna's name of one architecture's study."""
    return f"{study}/{label}"


def create_or_load(
    storage: Any,
    spec: StudySpec,
    label: str,
    *,
    resume: bool,
    dataset_digest: str = "",
    digests: Collection[str] = (),
) -> int:
    """Return the id of the Optuna study of architecture ``label``, made if it does not exist.

    Args:
        storage: what ``open_storage`` returned.
        spec: the study file.
        label: the architecture's name in it.
        resume: whether the study may exist.
        dataset_digest: of the data that the study is bound to; "" binds it to none.
        digests: others that an earlier study may have recorded of the same faces.

    Raises:
        SpecError: it exists with another space, other settings or other data.
        InputError: it exists, and ``resume`` is False.
    """
    from optuna.exceptions import DuplicatedStudyError
    from optuna.study import StudyDirection

    name = optuna_name(spec.name, label)
    attributes = _attributes(spec, label)
    if dataset_digest:
        attributes[DATASET_DIGEST] = dataset_digest
    goals = Goals.of(spec)
    directions = [
        StudyDirection.MAXIMIZE if maximize else StudyDirection.MINIMIZE
        for maximize in goals.maximize
    ]
    try:
        study_id: int = storage.create_new_study(directions, name)
    except DuplicatedStudyError:
        study_id = storage.get_study_id_from_name(name)
        present = storage.get_study_user_attrs(study_id)
        check_same(
            present,
            spec,
            label,
            dataset_digest,
            trials=lambda: storage.get_all_trials(study_id, deepcopy=False),
        )
        if not resume:
            raise already_exists(spec.name) from None
        # The space lies there in the order that choices are stored in.
        kept = {key: present[key] for key in ("created", SPACE) if key in present}
        attributes = {**attributes, **kept}
    else:
        present = {}
    if spec.warm_start is not None:
        # Once, when the study is made: the other study may go on, or be deleted.
        known = (dataset_digest, *digests)
        attributes[WARM] = present.get(WARM) or taken(storage, spec, label, known).to_plain()
    for key, value in attributes.items():
        if present.get(key) != value:
            storage.set_study_user_attr(study_id, key, value)
    if len(goals.metrics) > 1 and not present:
        # As Study.set_metric_names does, so that Optuna's own tools name them.
        storage.set_study_system_attr(study_id, _METRIC_NAMES, list(goals.metrics))
    return study_id


def _attributes(spec: StudySpec, label: str) -> dict[str, Any]:
    return {
        SPEC: without_passwords(spec),
        SPACE: spec.architectures[label].space.to_plain(),
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


def without_passwords(spec: StudySpec) -> dict[str, Any]:
    """Return a study file as plain data without its URLs, which may hold passwords.

    Where a study is stored is no property of it.
    """
    plain = spec.to_plain()
    tracking = {k: v for k, v in plain.get("tracking", {}).items() if k != "uri"}
    return {**plain, "storage": None, "tracking": tracking}


def already_exists(study: str) -> InputError:
    """Return the error for a study that is there and should not be."""
    return InputError(
        f"a study named '{study}' exists already",
        hint=f"Go on with it by --resume, remove it by `hpo delete {study}`, or change the name",
    )


def check_same(
    attributes: dict[str, Any],
    spec: StudySpec,
    label: str,
    dataset_digest: str = "",
    *,
    evolve: bool = False,
    trials: Callable[[], Iterable[FrozenTrial]] = tuple,
) -> Growth:
    """Check that the study with these user attributes is ``spec``'s; return how its space grows.

    Args:
        attributes: of the Optuna study.
        spec: the study file.
        label: the architecture's name in it.
        dataset_digest: of the data at hand; "" where it is not to be compared.
        evolve: whether its space may grow into that of the study file.
        trials: returns those of the Optuna study; asked only if its space differs.

    Raises:
        SpecError: its space, fixed parameters, data, seed or search settings differ (each
            difference is named) by more than what may grow, or the dataset of that name holds
            other faces now.
    """
    there = attributes.get(SPEC)
    if there is None:
        raise SpecError(
            f"a study named '{optuna_name(spec.name, label)}' exists that hpo did not make",
            hint="Change the name, or choose another storage",
        )
    path = f"architectures.{label}"
    fixed_before = there.get("architectures", {}).get(label, {}).get("fixed", {})
    space = [f"{path}.{line}" for line in _space_lines(attributes, spec, label)]
    space += [f"{path}.{line}" for line in _fixed_lines(fixed_before, spec, label)]
    settings = _setting_lines(there, spec, label)
    grown = Growth()
    if space:
        grown = judge(attributes, fixed_before, spec, label, trials())
    if settings or (space and (grown.refused or not evolve)):
        differences, version = [*space, *settings], version_of(attributes)
        raise _another(spec, there, differences, grown, bool(settings), evolve, version)
    began_with = attributes.get(DATASET_DIGEST, "")
    if began_with and dataset_digest and began_with != dataset_digest:
        raise SpecError(
            f"dataset '{spec.data.dataset}' has changed since study '{spec.name}' began, and "
            "trials on other faces cannot be compared",
            where="data.dataset",
            expected=_short_digest(began_with),
            got=_short_digest(dataset_digest),
            hint="Import the faces that it began with again, or give the study another name",
        )
    return grown


def _another(
    spec: StudySpec,
    there: dict[str, Any],
    differences: list[str],
    grown: Growth,
    resettled: bool,
    evolve: bool,
    version: int,
) -> SpecError:
    """Return the error for a study that is there with another space or other settings."""
    study, warm = spec.name, there.get("warm_start")
    option = WarmStartSpec.model_validate(warm).option if warm and not spec.warm_start else ""
    others = f"choose another name, or remove it by `hpo delete {study}`"
    last = "it was begun with" if version == 1 else f"made version {version} of its space"
    same = (
        f"To go on with it, give --resume and the file and every --set that {last}"
        f"{f' ({option})' if option else ''}; else {others}"
    )
    if not resettled and not grown.refused:
        hint = (
            "The space only grows: --resume --evolve goes on with the study and keeps its trials, "
            f"under the next version of the space; else {others}"
        )
    elif grown.refused and evolve:
        hint = f"A space may only grow, and here {'; '.join(grown.refused)}. {same}"
    else:
        hint = same
    return SpecError(
        f"a study named '{study}' exists with a different space or different settings",
        got="; ".join(differences),
        hint=hint,
    )


def _fixed_lines(before: dict[str, Any], spec: StudySpec, label: str) -> list[str]:
    fixed = spec.to_plain()["architectures"][label]["fixed"]
    lines = []
    for name in dict.fromkeys([*fixed, *before]):
        one, two = fixed.get(name, "absent"), before.get(name, "absent")
        if one != two:
            lines.append(f"fixed.{name}: {written(one)}, there {written(two)}")
    return lines


def _short_digest(digest: str) -> str:
    return f"digest {digest.removeprefix('sha256:')[:12]}"


_SETTINGS = (
    "data",
    "seed",
    "objective",
    "objectives",
    "constraints",
    "engine",
    "sampler",
    "pruner",
    "fidelity",
    "repeats",
    "precision",
    "warm_start",
)
"""Sections without which trials cannot be compared; the budget may grow."""


_ADDED_LATER = ("warm_start", "objectives", "constraints")
"""Sections that studies of before had no key for, and did without."""


def _setting_lines(there: dict[str, Any], spec: StudySpec, label: str) -> list[str]:
    here = spec.to_plain()
    lines = []
    for name in _SETTINGS:
        if name in there or name in _ADDED_LATER:
            lines += _differences(name, here[name], _with_later_keys(name, there.get(name)))
    mine, theirs = here["architectures"][label], there.get("architectures", {}).get(label, {})
    # Enqueued configurations come first, so another one would move all that were drawn since.
    for name in ("architecture", "weights", "train_limit", "enqueue"):
        if name in theirs:
            lines += _differences(f"architectures.{label}.{name}", mine[name], theirs[name])
    return lines


def _with_later_keys(section: str, there: Any) -> Any:
    """Return a section that was stored before a key was added, with what it did without it."""
    if section == "constraints":
        return there or {}
    return {"leakage": "keep", **there} if section == "data" and isinstance(there, dict) else there


def _differences(path: str, here: Any, there: Any) -> list[str]:
    if isinstance(here, dict) and isinstance(there, dict):
        return [
            line
            for key in dict.fromkeys([*here, *there])
            for line in _differences(f"{path}.{key}", here.get(key), there.get(key))
        ]
    return [] if here == there else [f"{path}: {written(here)}, there {written(there)}"]


def _space_lines(attributes: dict[str, Any], spec: StudySpec, label: str) -> list[str]:
    there = stored_space(attributes)
    own = spec.architectures[label].space
    # Another order is no difference, and what differs is told in the file's.
    here = {
        name: parameter if parameter == there.parameters.get(name) else own.parameters[name]
        for name, parameter in arranged(own, there).parameters.items()
    }
    return [f"space.{line}" for line in SearchSpace(here).differences(there)]
