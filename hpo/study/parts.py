"""One architecture of a study, checked before anything runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hpo.architectures.architecture import Architecture
from hpo.spec.errors import SpecError
from hpo.spec.loading import StudyFile
from hpo.spec.study import ArchitectureSpec

if TYPE_CHECKING:
    from hpo.search.configurations import Baselines, Enqueued
    from hpo.training.resolve import ParameterInfo


@dataclass(frozen=True)
class PlannedArchitecture:
    """One architecture, checked.

    Args:
        label: its label in the study.
        spec: its section; among the fixed parameters ``weights`` where it takes them, and
            ``epochs`` where the architecture has a default of its own for them.
        architecture: what ``build`` and its parameters are.
        baselines: the thesis's configuration, so far as it can run here, and the defaults of the
            searched parameters; without either where there is none.
        first: the configurations tried first.
        seconds_per_trial: a guess, pruning and early stopping left out.
    """

    label: str
    spec: ArchitectureSpec
    architecture: Architecture
    baselines: Baselines
    first: list[Enqueued]
    seconds_per_trial: float = 0.0


def plan_architecture(
    label: str, section: ArchitectureSpec, file: StudyFile
) -> PlannedArchitecture:
    """Check an architecture's section against the architecture, and its first configurations.

    Raises:
        SpecError: a parameter, a value or a configuration is wrong.
        NotFoundError: there is no such architecture.
    """
    from hpo.architectures.architecture import load
    from hpo.search.configurations import resolve_enqueue
    from hpo.training.backend import quietly
    from hpo.training.backend_choice import configure
    from hpo.training.resolve import resolve_parameters

    def at(*path: str | int) -> str:
        return file.locate(("architectures", label, *path))

    # A user's own module may import Keras where it begins.
    configure()
    with quietly():
        architecture = load(section.architecture, where=at("architecture"))
    if section.weights is not None and architecture.needs_weights:
        section = section.model_copy(
            update={"fixed": {**section.fixed, "weights": section.weights}}
        )
    _check_values(section, architecture, at)
    _check_required(section, architecture, at("space"))
    section = _with_own_epochs(section, architecture)
    baselines = _baselines(section, architecture)
    first = resolve_enqueue(section, baselines, label, locate=at)
    for trial in first:
        given = {**section.fixed, **trial.overrides, **trial.values}
        resolve_parameters(architecture, given, at("enqueue"))
    return PlannedArchitecture(label, section, architecture, baselines, first)


def _check_values(
    section: ArchitectureSpec, architecture: Architecture, at: Callable[..., str]
) -> None:
    """Refuse parameters and values that the architecture does not take.

    The first is told in full, the others by their lines, as where the file is no study at all.
    """
    from hpo.spec.complaints import briefly, with_others
    from hpo.training.resolve import check_value

    given: dict[tuple[str, str], Sequence[Any]] = {
        ("fixed", name): [value] for name, value in section.fixed.items()
    }
    for name, parameter in section.space.parameters.items():
        given["space", name] = (
            parameter.choices
            if parameter.type == "categorical"
            else (parameter.low, parameter.high)
        )
    wrong: dict[tuple[str, str], SpecError] = {}
    for path, values in given.items():
        for value in values:
            try:
                check_value(architecture, path[1], value, where=at(*path))
            except SpecError as error:
                wrong.setdefault(path, error)
    if not wrong:
        return
    (_, first), *others = wrong.items()
    also = [briefly(".".join(path), str(error.where)) for path, error in others]
    hint = with_others(first.hint, also)
    raise SpecError(
        first.problem, where=first.where, expected=first.expected, got=first.got, hint=hint
    )


def _check_required(section: ArchitectureSpec, architecture: Architecture, where: str) -> None:
    """Refuse a study in which a parameter that must be given is neither searched nor fixed."""
    if architecture.parameters is None:
        return
    for name, field in architecture.parameters.model_fields.items():
        if field.is_required() and name not in section.fixed | section.space.parameters:
            raise SpecError(
                f"parameter '{name}' of architecture '{architecture.name}' has no default, and the "
                "study gives it no value",
                where=where,
                hint=f"Search '{name}', put it under 'fixed', or give it a default",
            )


def _with_own_epochs(section: ArchitectureSpec, architecture: Architecture) -> ArchitectureSpec:
    """Return the section with the epochs that a trial has where the study file does not say.

    Budgets and Hyperband reckon with what is fixed and do not know the architecture.
    """
    from hpo.training.resolve import known_parameters

    if "epochs" not in architecture.defaults:
        return section
    epochs = known_parameters(architecture)["epochs"]
    if "epochs" in section.space.parameters or epochs.owner != "training":
        return section
    return section.model_copy(update={"fixed": {"epochs": epochs.default, **section.fixed}})


def _baselines(section: ArchitectureSpec, architecture: Architecture) -> Baselines:
    """Return what tuning is measured against: the thesis's configuration, and the defaults.

    What is searched and the thesis does not name has its default in the thesis's configuration:
    that is what not to name it means. There are no defaults where a searched parameter has none, as
    in a model that declares no ``Parameters``, or where they do not go with what is fixed, such as
    a frozen base without weights.
    """
    from hpo.training.resolve import known_parameters, resolve_parameters

    found: dict[Literal["thesis", "default"], dict[str, Any]] = {}
    known = known_parameters(architecture)
    thesis = _runnable_thesis(section, architecture)
    if thesis is not None:
        found["thesis"] = thesis | _defaults(section, known, thesis)[0]
    defaults, lacking = _defaults(section, known)
    if defaults and not lacking:
        with contextlib.suppress(SpecError):
            resolve_parameters(architecture, {**defaults, **section.fixed})
            found["default"] = defaults
    return found


def _defaults(
    section: ArchitectureSpec,
    known: Mapping[str, ParameterInfo],
    named: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """Return the defaults of the searched parameters that are in use, and names of those without.

    What hangs on a parameter that has none is passed over, and what ``named`` has is left out. A
    condition looks at the values that a trial would have, as the space and what is fixed allow.
    """
    values: dict[str, Any] = {}
    lacking: list[str] = []
    for name in section.space.order():
        if name in (named or {}):
            continue
        inside, outside, _ = section.space.fit({**(named or {}), **values})
        if not section.space.parameters[name].active({**outside, **inside, **section.fixed}):
            continue
        if name not in known or known[name].default is None:
            lacking.append(name)
            continue
        values[name] = known[name].default
    return values, lacking


def baseline_notes(part: PlannedArchitecture) -> list[str]:
    """Return what a person should know of the baselines that the file's ``enqueue`` names."""
    from hpo.training.resolve import known_parameters

    if "enqueue" not in part.spec.model_fields_set:
        return []
    asked, has = part.spec.enqueue, part.baselines
    notes = []
    if "thesis" in asked and "thesis" not in has:
        does = "stands for its defaults" if "default" in has else "is passed over"
        notes.append(
            f"{part.label} has no configuration of the thesis, so 'thesis' in its enqueue {does}."
        )
    if "default" in asked and "default" not in has:
        _, lacking = _defaults(part.spec, known_parameters(part.architecture))
        has_none = (
            f"has no default for {', '.join(lacking)}"
            if lacking
            else "has defaults that do not go with what is fixed, or searches nothing"
        )
        notes.append(f"{part.label} {has_none}, so 'default' in its enqueue is passed over.")
    return notes


def _runnable_thesis(
    section: ArchitectureSpec, architecture: Architecture
) -> dict[str, Any] | None:
    """Return the thesis's configuration; without weights its base is trained, not frozen.

    Layers frozen at their random start would be refused, and would measure nothing.
    """
    if not architecture.thesis:
        return None
    thesis = dict(architecture.thesis)
    if section.fixed.get("weights") == "none":
        thesis |= {k: v for k, v in {"unfreeze": "all", "head_epochs": 0}.items() if k in thesis}
    return thesis


def check_weights(part: PlannedArchitecture, file: StudyFile, *, probe: bool) -> list[str]:
    """Make sure that the weights can be had; return what a person should know of them.

    Args:
        part: the architecture.
        file: the study file.
        probe: look for ImageNet weights, which may download them; they are noted otherwise.

    Raises:
        EnvironmentProblem: weights cannot be had.
        SpecError: they do not fit.
    """
    from hpo.architectures.weights import check_weights as check

    where = file.locate(("architectures", part.label, "weights"))
    weights = part.spec.weights
    fixed = dict(part.spec.fixed)
    default = fixed.get("weights", "imagenet" if part.architecture.needs_weights else "none")
    if default == "imagenet" and not probe:
        return [f"{part.label} needs ImageNet weights; a run gets them before its first trial"]
    for variant in _frozen_variants(part):
        check(part.architecture, weights, {**fixed, **variant}, where=where)
    return []


def check_feature_room(part: PlannedArchitecture) -> None:
    """Refuse a room for kept features that is no size, before each trial that keeps some fails.

    Raises:
        InputError: ``HPO_FEATURES_GIB`` is no number of GiB.
    """
    name = "feature_views"
    if name in part.spec.space.parameters or part.spec.fixed.get(name):
        from hpo.training.features import room_bytes

        room_bytes()


def _frozen_variants(part: PlannedArchitecture) -> list[dict[str, Any]]:
    """Return what trials may choose that decides whether a base is frozen."""
    from hpo.search.configurations import fold_fixed

    variants: list[dict[str, Any]] = [{}]
    space = fold_fixed(part.spec.space, part.spec.fixed)
    for name in ("unfreeze", "head_epochs"):
        parameter = space.parameters.get(name)
        if parameter is not None:
            variants += [{name: value} for value in parameter.values() or []]
    return variants + [
        {k: v for k, v in {**t.overrides, **t.values}.items() if k in ("unfreeze", "head_epochs")}
        for t in part.first
    ]
