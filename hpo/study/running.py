"""``run``: a study from its plan to its outcome."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import hpo
from hpo.execution.children import ChildServer
from hpo.execution.interrupts import Interrupts
from hpo.execution.watch import Silence, Watcher
from hpo.execution.worker import Worker
from hpo.spec.errors import InputError
from hpo.spec.records import TrialJob
from hpo.spec.seeds import derive_seed
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.checkpoints import Keeper, folder_of
from hpo.study.outcome import StudyOutcome, summarise
from hpo.study.planning import Plan, PlannedArchitecture, plan

if TYPE_CHECKING:
    from hpo.search.engine import Proposal
    from hpo.tracking.mirror import MlflowMirror


def run(
    study: str | Path | StudySpec | Plan,
    *,
    workspace: Workspace | None = None,
    overrides: Iterable[str] = (),
    trials: int | None = None,
    resume: bool = False,
    watcher: Watcher | None = None,
) -> StudyOutcome:
    """Run a study to its budget.

    Args:
        study: a study file, a study, or what ``plan`` returned.
        workspace: where data, stores and reports are; the current directory by default.
        overrides: ``path.to.key=value``, for a study file.
        trials: trials per architecture in place of the study's.
        resume: go on with a study of this name.
        watcher: is told what happens.

    Raises:
        SpecError, NotFoundError, DataError: what was given is wrong; nothing was written.
        InputError: the study exists and ``resume`` is False.
        EnvironmentProblem: a store, weights or a folder cannot be had.
    """
    workspace = workspace or Workspace.at()
    planned = (
        study
        if isinstance(study, Plan)
        else plan(study, workspace=workspace, overrides=overrides, trials=trials, resume=resume)
    )
    return _Run(planned, workspace, watcher or Silence(), resume=resume).go()


class _Run:
    """One call of ``run``: what its steps share."""

    def __init__(
        self, planned: Plan, workspace: Workspace, watcher: Watcher, *, resume: bool
    ) -> None:
        from hpo.search.studies import check_study

        self.plan = planned
        self.spec = planned.spec
        self.workspace = workspace
        self.watcher = watcher
        self.resume = resume
        self.storage_url = workspace.storage_url(self.spec.storage)
        self.tracking_uri = workspace.tracking_uri(self.spec.tracking.uri)
        workspace.ensure(workspace.runs)
        check_study(
            self.storage_url, self.spec, resume=resume, dataset_digest=planned.dataset.digest
        )
        self.server = ChildServer()
        if planned.left:
            # Loads Keras while the stores are opened.
            self.server.warm()
        self.interrupts = Interrupts(watcher.note)
        keep = max(1, self.spec.tracking.keep_models)
        self.keeper = Keeper(workspace, self.spec.objective.direction, keep)

    def go(self) -> StudyOutcome:
        for note in self.plan.notes:
            self.watcher.note(note)
        mirror = open_mirror(self.plan, self.workspace)
        notes: list[str] = []
        with self.interrupts.installed():
            try:
                self._announce()
                for part in self.plan.parts.values():
                    if not self.interrupts.draining:
                        self._architecture(part, mirror)
            finally:
                notes += mirror.close()
            outcome = self._outcome()
            outcome.notes.extend(notes)
            if outcome.stopped_by is None and self.spec.promote:
                outcome = self._promoted(outcome)
        return outcome

    def _announce(self) -> None:
        if self.resume:
            from hpo.search.studies import read_trials
            from hpo.spec.errors import NotFoundError

            with contextlib.suppress(NotFoundError):  # There is none yet: the plan has said so.
                self.keeper.remember(read_trials(self.storage_url, self.spec.name))
        budget = {label: self.spec.trials_of(label) for label in self.plan.parts}
        self.watcher.study_started(
            self.spec.name,
            budget,
            {label: trials - len(self.plan.left_of(label)) for label, trials in budget.items()},
            self.spec.objective.metric,
            self.spec.objective.direction,
        )

    def _architecture(self, part: PlannedArchitecture, mirror: MlflowMirror) -> None:
        from hpo.search.engine import open_engine

        engine = open_engine(
            self.storage_url,
            self.spec,
            part.label,
            resume=self.resume,
            thesis=part.thesis,
            dataset_digest=self.plan.dataset.digest,
        )
        for note in engine.notes:
            self.watcher.note(note)
        if self.resume:
            self._close_lost_runs(part.label, mirror)
        trials = self.spec.trials_of(part.label)
        mirror.start_architecture(part.label, part.spec.space.to_plain(), trials)
        worker = Worker(
            label=part.label,
            engine=engine,
            mirror=mirror,
            server=self.server,
            watcher=self.watcher,
            interrupts=self.interrupts,
            make_job=functools.partial(self._job, part),
            keep=self.keeper.judge,
        )
        worker.work()
        if self.interrupts.draining:
            mirror.finish_architecture(part.label, "interrupted")
            return
        self._log_models(part.label, mirror)
        mirror.finish_architecture(part.label)

    def _close_lost_runs(self, label: str, mirror: MlflowMirror) -> None:
        """Tell MLflow of attempts whose worker was gone before it could."""
        from hpo.search.studies import read_trials

        known = {
            r.number for r in read_trials(self.storage_url, self.spec.name, architecture=label)
        }
        attempts = read_trials(self.storage_url, self.spec.name, architecture=label, attempts=True)
        for record in attempts:
            if record.number not in known and record.state == "failed":
                mirror.replay(record)

    def _job(self, part: PlannedArchitecture, proposal: Proposal) -> TrialJob:
        return make_job(
            self.plan,
            part,
            proposal.configuration(part.spec.fixed),
            number=proposal.number,
            seed=proposal.trial_seed,
            workspace=self.workspace,
        )

    def _log_models(self, label: str, mirror: MlflowMirror) -> None:
        from hpo.study.models import log_models
        from hpo.tracking.models import prune_models
        from hpo.tracking.store import open_client

        kept = self.keeper.kept(label)[: self.spec.tracking.keep_models]
        if not kept or not mirror.flush():
            return
        client = open_client(self.tracking_uri, self.workspace.runs / "artifacts")
        for problem in log_models(client, kept, self.plan.dataset):
            self.watcher.note(problem)
        # Every architecture's best so far: models of trials that fell behind are deleted.
        best = [r for name in self.plan.parts for r in self.keeper.kept(name)]
        prune_models(client, self.spec.name, {record.mlflow_run_id for record in best})

    def _outcome(self) -> StudyOutcome:
        from hpo.search.studies import read_trials

        records = read_trials(self.storage_url, self.spec.name)
        outcome = summarise(
            self.spec.name,
            self.spec.objective.metric,
            self.spec.objective.direction,
            {label: self.spec.trials_of(label) for label in self.plan.parts},
            records,
        )
        stopped = self.interrupts.signal_number if self.interrupts.draining else None
        return dataclasses.replace(outcome, stopped_by=stopped)

    def _promoted(self, outcome: StudyOutcome) -> StudyOutcome:
        from hpo.study.promoting import promote

        try:
            promotion = promote(
                self.spec.name,
                workspace=self.workspace,
                storage_url=self.storage_url,
                tracking_uri=self.tracking_uri,
            )
        except InputError as error:
            # A study in which nothing finished has no winner; its trials are there all the same.
            outcome.notes.append(str(error))
            return outcome
        return dataclasses.replace(outcome, champion=promotion.line())


def make_job(
    planned: Plan,
    part: PlannedArchitecture,
    params: dict[str, object],
    *,
    number: int,
    seed: int,
    workspace: Workspace,
) -> TrialJob:
    """Return the job of one configuration of a planned study."""
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
        data_seed=derive_seed(spec.seed, "data"),
        objective=spec.objective.metric,
        direction=spec.objective.direction,
        precision=spec.precision,
    )


def open_mirror(planned: Plan, workspace: Workspace) -> MlflowMirror:
    """Return the mirror of a planned study; it connects on a thread of its own."""
    from hpo.search.options import stated
    from hpo.spec.loading import dump_study
    from hpo.tracking.cards import DatasetCard, StudyCard, git_commit, user_name
    from hpo.tracking.mirror import MlflowMirror

    spec = planned.spec
    card = StudyCard(
        name=spec.name,
        objective=spec.objective.metric,
        direction=spec.objective.direction,
        seed=spec.seed,
        dataset=DatasetCard(
            name=planned.dataset.name,
            digest=planned.dataset.digest,
            source=str(planned.dataset.folder),
            sizes={"train": planned.train_size, "validation": planned.validation_size},
            image_shape=(*planned.dataset.image_shape, 1),
            classes=planned.dataset.classes,
        ),
        version=hpo.__version__,
        settings={
            kind: {
                "name": getattr(spec, kind).name,
                **stated(kind, getattr(spec, kind).name, getattr(spec, kind).options),
            }
            for kind in ("engine", "sampler", "pruner")
        },
        searched=tuple(
            dict.fromkeys(n for p in planned.parts.values() for n in p.spec.space.parameters)
        ),
        study_file=dump_study(_without_urls(spec)),
        commit=git_commit(Path.cwd()),
        user=user_name(),
    )
    uri = workspace.tracking_uri(spec.tracking.uri)
    return MlflowMirror(uri, card, workspace.runs / "artifacts")


def _without_urls(spec: StudySpec) -> StudySpec:
    # URLs may hold passwords, and where a study is stored is no property of it.
    tracking = spec.tracking.model_copy(update={"uri": None})
    return spec.model_copy(update={"storage": None, "tracking": tracking})
