"""Before anything runs: the study file against architectures, data and weights, and the time.

Whatever can be wrong is found here, with file and line, before the first trial and without Keras.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.spec.errors import EnvironmentProblem, InputError, NotFoundError, SpecError, did_you_mean
from hpo.spec.loading import StudyFile
from hpo.spec.sections import FIRST_FILLING_SLOT
from hpo.spec.study import ArchitectureSpec, StudySpec
from hpo.spec.workspace import Workspace, shown_url
from hpo.study.faces import During, silently
from hpo.study.launchers.options import check_launcher, trials_at_once
from hpo.study.naming import open_study
from hpo.study.parts import (
    PlannedArchitecture,
    baseline_notes,
    check_feature_room,
    check_weights,
    plan_architecture,
)
from hpo.study.scratch import with_ways_on

if TYPE_CHECKING:
    from hpo.data.store import FaceDataset

__all__ = ["Plan", "PlannedArchitecture", "plan"]


@dataclass(frozen=True)
class Plan:
    """A study that may start.

    Args:
        spec: the study.
        parts: its architectures.
        dataset: the faces; before the embedded ones are drawn, their sizes without a digest.
        notes: what the person should know before it starts.
        basis: what the time is estimated from.
        filled: by architecture, the places of its budget that ended trials fill; for a study that
            is to go on.
        spent: by architecture, the seconds in which any of its trials ran, and those of all added
            up; likewise.
        leaked: training faces that are left out as duplicates of held-out ones; 0 where the study
            keeps them, and before the embedded faces are drawn.
        evolve: whether the space of the study that goes on is to grow into this one.
        copy_search_seconds: the guessed seconds that looking for copies among the faces takes
            before the first trial, once per dataset; 0 where they are known.
        over: whether nothing more will be claimed, whatever the budget: a race that is decided.
    """

    spec: StudySpec
    parts: dict[str, PlannedArchitecture]
    dataset: FaceDataset
    notes: list[str]
    basis: str
    filled: dict[str, frozenset[int]] = dataclasses.field(default_factory=dict)
    spent: dict[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    leaked: int = 0
    evolve: bool = False
    copy_search_seconds: float = 0.0
    over: bool = False

    @property
    def train_size(self) -> int:
        """Return how many faces are trained on, where an architecture does not say otherwise."""
        return _limited(self.dataset, "train", self.spec.data.train_limit, self.leaked)

    def train_size_of(self, label: str) -> int:
        """Return how many faces an architecture is trained on."""
        return _limited(self.dataset, "train", self.spec.train_limit_of(label), self.leaked)

    @property
    def validation_size(self) -> int:
        """Return how many faces are validated on."""
        return _limited(self.dataset, "validation", self.spec.data.validation_limit)

    def left_of(self, label: str) -> list[int]:
        """Return the places of an architecture that are left, from 0, space-filling ones last."""
        filled = self.filled.get(label, frozenset())
        return (
            [] if self.over else [slot for slot in self.spec.slots_of(label) if slot not in filled]
        )

    def done_of(self, label: str) -> int:
        """Return how many places of an architecture's budget are filled; it may be over budget."""
        return len(self.filled.get(label, ()))

    def likely_of(self, label: str, *, timed: bool = True) -> int:
        """Return how many of the places left are likely to be claimed, by the budget's limits.

        A limit of epochs or of time ends an architecture before its trials do; pruning and early
        stopping, which are not foreseen here, make room for more. Space-filling trials are beyond
        all limits. Without ``timed`` the limits of time are passed over.
        """
        budget, places = self.spec.budget, self.left_of(label)
        beyond = sum(slot >= FIRST_FILLING_SLOT for slot in places)
        left = len(places) - beyond
        epochs: float | None = None
        fixed = self.spec.architectures[label].fixed.get("epochs")
        if isinstance(fixed, int) or self.spec.fidelity is not None:
            from hpo.search.fidelity_checks import mean_epochs

            epochs = mean_epochs(self.spec, label, self.spec.architectures[label].fixed)
        if budget.epochs is not None and epochs is not None:
            done = sum(slot < FIRST_FILLING_SLOT for slot in self.filled.get(label, ()))
            left = min(left, max(0, int(budget.epochs // epochs) - done))
        seconds = self.parts[label].seconds_per_trial
        at_once = (trials_at_once(self.spec), 1)
        for rest, times in zip(self.seconds_left_of(label), at_once, strict=True):
            if timed and rest is not None and seconds > 0:
                left = min(left, math.ceil(rest * times / seconds))
        return left + beyond

    def seconds_left_of(self, label: str) -> tuple[float | None, float | None]:
        """Return what an architecture's limits of hours and of device-hours leave, in seconds.

        None of one that the budget has not.
        """
        busy, added = self.spent.get(label, (0.0, 0.0))
        return _rest(self.spec.budget.hours, busy), _rest(self.spec.budget.device_hours, added)

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
        """Return the guessed seconds of what is left of the study, with the search for copies."""
        if not self.left:
            return 0.0
        return self.copy_search_seconds + sum(
            self.likely_of(label) * seconds for label, seconds in self.seconds_per_trial.items()
        )

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        study = self.spec.to_plain()
        study["storage"] = shown_url(study["storage"] or "") or None
        study["tracking"]["uri"] = shown_url(study["tracking"]["uri"] or "") or None
        return {
            "study": study,
            "data": {
                "dataset": self.dataset.name,
                "digest": self.dataset.digest or None,
                "train": self.train_size,
                "validation": self.validation_size,
                "copies_left_out": self.leaked,
            },
            "architectures": {
                label: {
                    "trials": len(self.spec.slots_of(label)),
                    "finished": self.done_of(label),
                    "train": self.train_size_of(label),
                    "space_size": part.spec.space.size(part.spec.fixed),
                    "first_trials": [
                        {"slot": slot, **dataclasses.asdict(part.first[slot])}
                        for slot in self.left_of(label)
                        if slot < len(part.first)
                    ],
                    "likely": self.likely_of(label),
                    "seconds_per_trial": round(part.seconds_per_trial, 1),
                }
                for label, part in self.parts.items()
            },
            "copy_search_seconds": round(self.copy_search_seconds, 1),
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
    evolve: bool = False,
    only: str | None = None,
    digest: str = "",
    probe: bool = True,
    during: During = silently,
    before: Callable[[StudySpec], object] = lambda spec: None,
) -> Plan:
    """Check a study against everything it needs.

    Args:
        study: a study file, or a study.
        workspace: where data and stores are; the current directory by default.
        overrides: ``path.to.key=value``, for a study file.
        trials: trials per architecture in place of the study's.
        resume: whether a study of this name is to go on: then what is done of it is counted, else
            a name that is taken is noted; None looks for neither.
        evolve: let the space of a study that is to go on grow into this one, where it only adds.
        only: the one architecture to plan for, by its label; None for all.
        digest: of the faces that are to be used, as a study recorded it; by default what the study
            of this name did, where ``resume`` looks for it.
        probe: also make sure that weights can be had (it may download them), and draw the embedded
            faces if they are to be trained on. Without, nothing is written, and the plan is there
            to be looked at.
        during: is entered for as long as copies are looked for among faces that were not searched
            yet, told what is done.
        before: is told the study before weights and faces are looked for; what it raises ends it.

    Raises:
        SpecError: the study is wrong.
        InputError: ``evolve`` without ``resume``.
        NotFoundError: no such file, dataset, architecture, or study to start from.
        EnvironmentProblem: weights cannot be had.
    """
    from hpo.data.audit.leakage import search_seconds
    from hpo.data.recorded import as_recorded, digests_of
    from hpo.search.compatibility import check_compatibility
    from hpo.search.studies import check_study
    from hpo.search.warm_start import warm_lines
    from hpo.study.estimate import timed
    from hpo.study.faces import count_leaked, drawn, find_dataset
    from hpo.study.progress import recorded_digest, with_progress

    workspace = workspace or Workspace.at()
    if evolve and not resume:
        raise InputError(
            "only a study that goes on has a space that can evolve",
            expected="--resume --evolve",
            hint="Give both, or leave out --evolve: a new study begins with the space of its file",
        )
    overrides = tuple(overrides)
    file, opened = open_study(study, overrides)
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
        label: plan_architecture(label, section, file)
        for label, section in spec.architectures.items()
    }
    spec = spec.model_copy(update={"architectures": {k: p.spec for k, p in parts.items()}})
    _check_plug_ins(spec, file)
    try:
        notes = [
            *opened,
            *check_compatibility(
                spec,
                defaults={label: part.architecture.defaults for label, part in parts.items()},
                first={label: part.first for label, part in parts.items()},
            ),
        ]
        check_launcher(spec)
    except SpecError as error:
        path = tuple((error.where or "").replace("[", ".").replace("]", "").split("."))
        raise _at(error, file.locate(path)) from None
    notes += [note for part in parts.values() for note in baseline_notes(part)]
    url = workspace.storage_url(spec.storage)
    if resume:
        # Before weights are looked for: without the --set of its beginning they may be others.
        check_study(url, spec, resume=True, evolve=evolve)
    before(spec)
    for part in parts.values():
        try:
            notes += check_weights(part, file, probe=probe)
        except EnvironmentProblem as error:
            raise with_ways_on(error, study, overrides, part, parts) from error
        check_feature_room(part)
    try:
        dataset = find_dataset(workspace, spec.data.dataset)
    except NotFoundError as error:
        raise _at(error, file.locate(("data", "dataset"))) from None
    recorded = digest or ("" if resume is None else recorded_digest(url, spec.name, resume=resume))
    dataset = as_recorded(dataset, recorded) or dataset
    if resume:
        # Before copies are looked for, which takes a minute.
        check_study(url, spec, resume=True, dataset_digest=dataset.digest, evolve=evolve)
    leaked = count_leaked(spec, dataset, remember=probe, during=during)
    planned = timed(Plan(spec, parts, dataset, notes, "", leaked=leaked, evolve=evolve), workspace)
    if resume is not None:
        planned = with_progress(planned, workspace, resume=resume)
    taken = warm_lines(url, spec, digests_of(dataset))
    planned = dataclasses.replace(planned, notes=[*planned.notes, *taken])
    if not probe:
        planned = dataclasses.replace(planned, notes=[*planned.notes, *_not_built(spec)])
        return dataclasses.replace(planned, copy_search_seconds=search_seconds(dataset))
    # Drawing takes seconds and writes, so it comes after all that may be refused.
    there = drawn(dataset, workspace)
    return dataclasses.replace(
        planned, dataset=there, leaked=count_leaked(spec, there, during=during)
    )


def _not_built(spec: StudySpec) -> list[str]:
    """Return what a dry run, which loads no Keras, leaves unknown of a person's architectures."""
    return [
        f"{label}: {section.architecture} was loaded and not called; what it builds is seen when "
        "its first trial starts."
        for label, section in spec.architectures.items()
        if ":" in section.architecture
    ]


def _at(error: InputError, where: str) -> InputError:
    """Return the error at a place of the study file."""
    return type(error)(
        error.problem, expected=error.expected, got=error.got, where=where, hint=error.hint
    )


def _check_plug_ins(spec: StudySpec, file: StudyFile) -> None:
    """Check the names of engine, sampler, pruner and launcher, before a store is opened."""
    from hpo.spec.catalogue import resolve

    for kind in ("engine", "sampler", "pruner", "launcher"):
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


def _rest(hours: float | None, spent_seconds: float) -> float | None:
    return None if hours is None else max(0.0, 3600 * hours - spent_seconds)


def _limited(dataset: FaceDataset, split: str, limit: int | None, left_out: int = 0) -> int:
    size = sum(dataset.counts()[split].values()) - left_out
    return size if limit is None else min(limit, size)
