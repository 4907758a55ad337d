"""Before anything runs: the study file against architectures, data and weights, and the time.

Whatever can be wrong is found here, with file and line, before the first trial and without Keras.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path

from hpo.spec.errors import EnvironmentProblem, InputError, NotFoundError, SpecError, did_you_mean
from hpo.spec.loading import StudyFile
from hpo.spec.study import ArchitectureSpec, StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.faces import During, silently
from hpo.study.launchers.options import check_launcher
from hpo.study.naming import open_study
from hpo.study.parts import (
    baseline_notes,
    check_feature_room,
    check_weights,
    plan_architecture,
)
from hpo.study.planned import Plan
from hpo.study.scratch import with_ways_on


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
