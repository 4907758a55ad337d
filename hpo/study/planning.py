"""Before anything runs: the study file against architectures, data and weights, and the time.

Whatever can be wrong is found here, with file and line, before the first trial and without Keras.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.architectures.architecture import Architecture
from hpo.spec.errors import InputError, NotFoundError, SpecError, did_you_mean
from hpo.spec.loading import StudyFile, read_study_file
from hpo.spec.study import ArchitectureSpec, StudySpec
from hpo.spec.workspace import Workspace

if TYPE_CHECKING:
    from hpo.data.store import FaceDataset
    from hpo.search.configurations import Enqueued


@dataclass(frozen=True)
class PlannedArchitecture:
    """One architecture, checked.

    Args:
        label: its label in the study.
        spec: its section, ``weights`` among the fixed parameters where it takes them.
        architecture: what ``build`` and its parameters are.
        thesis: the thesis's configuration, so far as it can run here; None if there is none.
        first: the configurations tried first.
        seconds_per_trial: a guess, pruning and early stopping left out.
    """

    label: str
    spec: ArchitectureSpec
    architecture: Architecture
    thesis: dict[str, Any] | None
    first: list[Enqueued]
    seconds_per_trial: float = 0.0


@dataclass(frozen=True)
class Plan:
    """A study that may start.

    Args:
        spec: the study.
        parts: its architectures.
        dataset: the faces.
        notes: what the person should know before it starts.
        basis: what the time is estimated from.
        filled: by architecture, the places of its budget that ended trials fill; for a study that
            is to go on.
    """

    spec: StudySpec
    parts: dict[str, PlannedArchitecture]
    dataset: FaceDataset
    notes: list[str]
    basis: str
    filled: dict[str, frozenset[int]] = dataclasses.field(default_factory=dict)

    @property
    def train_size(self) -> int:
        """Return how many faces are trained on, where an architecture does not say otherwise."""
        return _limited(self.dataset, "train", self.spec.data.train_limit)

    def train_size_of(self, label: str) -> int:
        """Return how many faces an architecture is trained on."""
        return _limited(self.dataset, "train", self.spec.train_limit_of(label))

    @property
    def validation_size(self) -> int:
        """Return how many faces are validated on."""
        return _limited(self.dataset, "validation", self.spec.data.validation_limit)

    def left_of(self, label: str) -> list[int]:
        """Return the places of an architecture's budget that are left, from 0."""
        filled = self.filled.get(label, frozenset())
        return [slot for slot in range(self.spec.trials_of(label)) if slot not in filled]

    @property
    def left(self) -> int:
        """Return how many trials are left in all."""
        return sum(len(self.left_of(label)) for label in self.parts)

    @property
    def seconds_per_trial(self) -> dict[str, float]:
        """Return the guessed seconds of a trial by architecture."""
        return {label: part.seconds_per_trial for label, part in self.parts.items()}

    @property
    def seconds(self) -> float:
        """Return the guessed seconds of what is left of the study."""
        return sum(
            len(self.left_of(label)) * seconds for label, seconds in self.seconds_per_trial.items()
        )

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return {
            "study": self.spec.to_plain(),
            "data": {
                "dataset": self.dataset.name,
                "digest": self.dataset.digest,
                "train": self.train_size,
                "validation": self.validation_size,
            },
            "architectures": {
                label: {
                    "trials": self.spec.trials_of(label),
                    "finished": self.spec.trials_of(label) - len(self.left_of(label)),
                    "train": self.train_size_of(label),
                    "space_size": part.spec.space.size(part.spec.fixed),
                    "first_trials": [
                        {"slot": slot, **dataclasses.asdict(part.first[slot])}
                        for slot in self.left_of(label)
                        if slot < len(part.first)
                    ],
                    "seconds_per_trial": round(part.seconds_per_trial, 1),
                }
                for label, part in self.parts.items()
            },
            "seconds": round(self.seconds, 1),
            "basis": self.basis,
            "notes": self.notes,
        }


def plan(
    study: str | Path | StudySpec,
    *,
    workspace: Workspace | None = None,
    overrides: Iterable[str] = (),
    trials: int | None = None,
    resume: bool | None = None,
    only: str | None = None,
    probe: bool = True,
) -> Plan:
    """Check a study against everything it needs.

    Args:
        study: a study file, or a study.
        workspace: where data and stores are; the current directory by default.
        overrides: ``path.to.key=value``, for a study file.
        trials: trials per architecture in place of the study's.
        resume: whether a study of this name is to go on: then what is done of it is counted, else
            a name that is taken is noted; None looks for neither.
        only: the one architecture to plan for, by its label; None for all.
        probe: also make sure that weights can be had (it may download them).

    Raises:
        SpecError: the study is wrong.
        NotFoundError: no such file, dataset, architecture.
        EnvironmentProblem: weights cannot be had.
    """
    from hpo.data import library, store
    from hpo.search.compatibility import check_compatibility
    from hpo.study.estimate import timed
    from hpo.study.progress import with_progress

    workspace = workspace or Workspace.at()
    file = _opened(study, overrides)
    spec = file.spec
    if only is not None:
        spec = spec.model_copy(update={"architectures": {only: _section(spec, only)}})
    if trials is not None:
        # For all architectures alike, whatever the file says of one of them.
        spec = spec.model_copy(
            update={
                "budget": spec.budget.model_copy(update={"trials": trials}),
                "architectures": {
                    label: section.model_copy(update={"trials": None})
                    for label, section in spec.architectures.items()
                },
            }
        )
    parts = {
        label: _plan_architecture(label, section, file)
        for label, section in spec.architectures.items()
    }
    spec = spec.model_copy(update={"architectures": {k: p.spec for k, p in parts.items()}})
    _check_plug_ins(spec, file)
    try:
        notes = list(check_compatibility(spec))
    except SpecError as error:
        path = tuple((error.where or "").replace("[", ".").replace("]", "").split("."))
        raise _at(error, file.locate(path)) from None
    for part in parts.values():
        notes += _check_weights(part, file, probe=probe)
    try:
        folder = library.find_faces(workspace, spec.data.dataset)
    except NotFoundError as error:
        raise _at(error, file.locate(("data", "dataset"))) from None
    dataset = store.open_faces(folder)
    for split in ("train", "validation"):
        dataset.split(split)
    planned = timed(Plan(spec, parts, dataset, notes, ""), workspace)
    return planned if resume is None else with_progress(planned, workspace, resume=resume)


def _at(error: InputError, where: str) -> InputError:
    """Return the error at a place of the study file."""
    return type(error)(
        error.problem, expected=error.expected, got=error.got, where=where, hint=error.hint
    )


def _check_plug_ins(spec: StudySpec, file: StudyFile) -> None:
    """Check the names of engine, sampler and pruner, before a store is opened."""
    from hpo.spec.catalogue import resolve

    for kind in ("engine", "sampler", "pruner"):
        # Under keras-tuner the sampler is an oracle, which its engine's options know.
        if kind != "sampler" or spec.engine.name == "optuna":
            resolve(kind, getattr(spec, kind).name, where=file.locate((kind,)))


def _section(spec: StudySpec, label: str) -> ArchitectureSpec:
    if label not in spec.architectures:
        raise NotFoundError(
            f"study '{spec.name}' has no architecture '{label}'",
            hint=did_you_mean(label, spec.architectures),
        )
    return spec.architectures[label]


def _opened(study: str | Path | StudySpec, overrides: Iterable[str]) -> StudyFile:
    if not isinstance(study, StudySpec):
        return read_study_file(study, overrides)
    if tuple(overrides):
        raise SpecError("overrides go with a study file", got="a StudySpec")
    return StudyFile(study, lambda path: ".".join(str(p) for p in path))


def _plan_architecture(
    label: str, section: ArchitectureSpec, file: StudyFile
) -> PlannedArchitecture:
    from hpo.architectures.architecture import load
    from hpo.search.configurations import resolve_enqueue
    from hpo.training.resolve import check_value, resolve_parameters

    def at(*path: str | int) -> str:
        return file.locate(("architectures", label, *path))

    architecture = load(section.architecture, where=at("architecture"))
    if section.weights is not None and architecture.needs_weights:
        section = section.model_copy(
            update={"fixed": {**section.fixed, "weights": section.weights}}
        )
    for name, value in section.fixed.items():
        check_value(architecture, name, value, where=at("fixed", name))
    for name, parameter in section.space.parameters.items():
        ends: Sequence[Any] = (
            parameter.choices
            if parameter.type == "categorical"
            else (parameter.low, parameter.high)
        )
        for value in ends:
            check_value(architecture, name, value, where=at("space", name))
    thesis = _runnable_thesis(section, architecture)
    first = resolve_enqueue(section, thesis, label, locate=at)
    for trial in first:
        given = {**section.fixed, **trial.overrides, **trial.values}
        resolve_parameters(architecture, given, at("enqueue"))
    return PlannedArchitecture(label, section, architecture, thesis, first)


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


def _check_weights(part: PlannedArchitecture, file: StudyFile, *, probe: bool) -> list[str]:
    from hpo.architectures.weights import check_weights

    where = file.locate(("architectures", part.label, "weights"))
    weights = part.spec.weights
    fixed = dict(part.spec.fixed)
    default = fixed.get("weights", "imagenet" if part.architecture.needs_weights else "none")
    if default == "imagenet" and not probe:
        return [f"{part.label} needs ImageNet weights; a run gets them before its first trial"]
    for variant in _frozen_variants(part):
        check_weights(part.architecture, weights, {**fixed, **variant}, where=where)
    return []


def _frozen_variants(part: PlannedArchitecture) -> list[dict[str, Any]]:
    """Return what trials may choose that decides whether a base is frozen."""
    variants: list[dict[str, Any]] = [{}]
    for name in ("unfreeze", "head_epochs"):
        parameter = part.spec.space.parameters.get(name)
        if parameter is not None:
            variants += [{name: value} for value in parameter.values() or []]
    return variants + [
        {k: v for k, v in {**t.overrides, **t.values}.items() if k in ("unfreeze", "head_epochs")}
        for t in part.first
    ]


def _limited(dataset: FaceDataset, split: str, limit: int | None) -> int:
    size = sum(dataset.counts()[split].values())
    return size if limit is None else min(limit, size)
