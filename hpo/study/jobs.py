"""From a plan to what the rooms below take: a trial's job, and the mirror of a study."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import hpo
from hpo.execution.devices import Share
from hpo.spec.confirmation import SUFFIX
from hpo.spec.errors import InputError
from hpo.spec.records import TrialJob
from hpo.spec.seeds import derive_seed
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.checkpoints import folder_of
from hpo.study.parts import PlannedArchitecture
from hpo.study.planned import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hpo.tracking.cards import DatasetCard, StudyCard
    from hpo.tracking.mirror import MlflowMirror

_WHOLE_MACHINE = Share(None, None)


def make_job(
    planned: Plan,
    part: PlannedArchitecture,
    params: dict[str, object],
    *,
    number: int,
    seed: int,
    workspace: Workspace,
    share: Share = _WHOLE_MACHINE,
    earlier: Sequence[int] = (),
    rungs: Sequence[int] = (),
    continues: int | None = None,
    to_be_continued: bool = False,
) -> TrialJob:
    """Return the job of one configuration of a planned study.

    Args:
        planned: the study.
        part: the architecture.
        params: the configuration; what it leaves out is filled in.
        number: of the trial.
        seed: of the training.
        workspace: where the checkpoint goes.
        share: what the trial may use of the machine.
        earlier: numbers of lost attempts at the same place, of which the last one that left its
            state is gone on with, if the study says so.
        rungs: epochs at which earlier rungs of the configuration ended.
        continues: number of the trial at the rung below; its state is gone on with where no lost
            attempt left one.
        to_be_continued: whether there is a rung above.
    """
    from hpo.training.resolve import resolve_parameters

    spec = planned.spec
    try:
        resolved = resolve_parameters(part.architecture, params).params
    except InputError:
        # Values that do not go together fail as a trial, with the reason, when they are built.
        resolved = dict(params)
    return TrialJob(
        job_id=f"{spec.name}/{part.label}/{number}",
        architecture=part.spec.architecture,
        params=resolved,
        dataset=str(planned.dataset.folder),
        dataset_digest=planned.dataset.digest,
        output=str(folder_of(workspace, spec.name, part.label, number)),
        seed=seed,
        weights=part.spec.weights,
        train_limit=spec.train_limit_of(part.label),
        validation_limit=spec.data.validation_limit,
        leakage=spec.data.leakage,
        data_seed=derive_seed(spec.seed, "data"),
        objective=spec.objective.metric,
        direction=spec.objective.direction,
        precision=spec.precision,
        threads=share.threads,
        gpu=share.gpu,
        keep_state=spec.continue_trials,
        continue_from=_state_of(workspace, spec, part.label, earlier, continues),
        rungs=list(rungs),
        leave_state=to_be_continued,
        measure=spec.measures,
    )


def _state_of(
    workspace: Workspace,
    spec: StudySpec,
    label: str,
    earlier: Sequence[int],
    continues: int | None,
) -> str | None:
    from hpo.training.state import StateUnusable, finished_epochs

    numbers = list(reversed(earlier)) if spec.continue_trials else []
    for number in numbers:
        folder = str(folder_of(workspace, spec.name, label, number))
        with contextlib.suppress(StateUnusable):
            if finished_epochs(folder):
                return folder
    if continues is None:
        return None
    # Given whatever becomes of it: training notes on the result that a state was of no use.
    return str(folder_of(workspace, spec.name, label, continues))


def open_mirror(
    planned: Plan, workspace: Workspace, notify: Callable[[str], object] = lambda text: None
) -> MlflowMirror:
    """Return the mirror of a planned study; it connects on a thread of its own.

    Args:
        planned: the study.
        workspace: where MLflow's store is.
        notify: hears that MLflow went away or came back.
    """
    from hpo.tracking.cards import DatasetCard
    from hpo.tracking.mirror import MlflowMirror

    dataset = DatasetCard(
        name=planned.dataset.name,
        digest=planned.dataset.digest,
        source=str(planned.dataset.folder),
        sizes={"train": planned.train_size, "validation": planned.validation_size},
        image_shape=(*planned.dataset.image_shape, 1),
        classes=planned.dataset.classes,
    )
    uri = workspace.tracking_uri(planned.spec.tracking.uri)
    card = study_card(planned.spec, dataset)
    return MlflowMirror(uri, card, workspace.runs / "artifacts", notify)


def study_card(spec: StudySpec, dataset: DatasetCard) -> StudyCard:
    """Return what MLflow is told of a study.

    Args:
        spec: the study.
        dataset: what it trains on.
    """
    from hpo.search.options import stated
    from hpo.spec.loading import dump_study
    from hpo.tracking.cards import StudyCard, git_commit, user_name

    confirms = spec.name.removesuffix(SUFFIX) if spec.name.endswith(SUFFIX) else ""
    return StudyCard(
        name=spec.name,
        objective=spec.objective.metric,
        direction=spec.objective.direction,
        seed=spec.seed,
        dataset=dataset,
        version=hpo.__version__,
        settings={
            kind: {
                "name": getattr(spec, kind).name,
                **stated(kind, getattr(spec, kind).name, getattr(spec, kind).options),
            }
            for kind in ("engine", "sampler", "pruner")
        },
        searched=_apart(spec)
        if confirms
        else tuple(
            dict.fromkeys(n for a in spec.architectures.values() for n in a.space.parameters)
        ),
        study_file=dump_study(_without_urls(spec)),
        commit=git_commit(Path.cwd()),
        user=user_name(),
        confirms=confirms,
        description=spec.description,
        goals=tuple((goal.metric, goal.direction) for goal in spec.goals),
        bounds={metric: bound.words() for metric, bound in spec.constraints.bounds.items()},
        seeds=spec.budget.trials if confirms else 0,
        configurations=len(spec.architectures) if confirms else 0,
    )


def _apart(spec: StudySpec) -> tuple[str, ...]:
    """Return the parameters that not all configurations of a confirmation have alike."""
    fixed = [section.fixed for section in spec.architectures.values()]
    known = dict.fromkeys(name for values in fixed for name in values)
    return tuple(n for n in known if any(v.get(n) != fixed[0].get(n) for v in fixed))


def _without_urls(spec: StudySpec) -> StudySpec:
    # URLs may hold passwords, and where a study is stored is no property of it.
    tracking = spec.tracking.model_copy(update={"uri": None})
    return spec.model_copy(update={"storage": None, "tracking": tracking})
