"""``run`` and ``join``: a study from its plan to its outcome, here and with workers elsewhere."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hpo.execution.children import ChildServer
from hpo.execution.devices import Share, shares, visible_gpus
from hpo.execution.interrupts import Interrupts
from hpo.execution.watch import Silence, Watcher
from hpo.execution.worker import Lane, Worker
from hpo.registry.promotion import rank_key
from hpo.spec.errors import InputError, NotFoundError
from hpo.spec.records import TrialJob, TrialRecord
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.checkpoints import Keeper
from hpo.study.jobs import make_job, open_mirror
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


def join(
    study: str | Path | StudySpec,
    *,
    workspace: Workspace | None = None,
    workers: int | None = None,
    watcher: Watcher | None = None,
) -> StudyOutcome:
    """Work on a study beside other workers, until its budget is used; it is begun if need be.

    Args:
        study: the name of a study in the storage, a study file, or a study.
        workspace: where its data are; the current directory by default.
        workers: trials at once, in place of the study's.
        watcher: is told what happens.

    Raises:
        NotFoundError: there is no such study, or its data are not here.
        SpecError: the data here are not those that the study is bound to.
        EnvironmentProblem: a store cannot be reached.
    """
    workspace = workspace or Workspace.at()
    planned = plan(_known(study, workspace), workspace=workspace, resume=True)
    if workers is not None:
        spec = planned.spec.model_copy(update={"workers": workers})
        planned = dataclasses.replace(planned, spec=spec)
    return _Run(planned, workspace, watcher or Silence(), resume=True, promotes=False).go()


def _known(study: str | Path | StudySpec, workspace: Workspace) -> str | Path | StudySpec:
    """Return the study of this name from the storage; a file or a study as it is."""
    if isinstance(study, StudySpec) or Path(study).is_file():
        return study
    from hpo.search.studies import read_spec

    return read_spec(workspace.storage_url(), str(study))


class _Run:
    """One call of ``run`` or ``join``: what its steps share."""

    def __init__(
        self,
        planned: Plan,
        workspace: Workspace,
        watcher: Watcher,
        *,
        resume: bool,
        promotes: bool = True,
    ) -> None:
        from hpo.search.studies import check_study

        self.plan = planned
        self.spec = planned.spec
        self.workspace = workspace
        self.watcher = watcher
        self.resume = resume
        self.promotes = promotes and self.spec.promote
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
            worker = self._worker(mirror)
            try:
                self._announce()
                worker.work()
            finally:
                for label in worker.unfinished:
                    mirror.finish_architecture(label, "interrupted")
                notes += mirror.close()
            outcome = self._outcome()
            outcome.notes.extend(notes)
            if outcome.stopped_by is None and self.promotes:
                outcome = self._promoted(outcome)
        return outcome

    def _announce(self) -> None:
        if self.resume:
            from hpo.search.studies import read_trials

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

    def _worker(self, mirror: MlflowMirror) -> Worker:
        from hpo.training.backend import cores

        return Worker(
            lanes=self._lanes(mirror),
            mirror=mirror,
            server=self.server,
            watcher=self.watcher,
            interrupts=self.interrupts,
            keep=self.keeper.judge,
            shares=shares(self.spec.workers, cores(), visible_gpus()),
            limits=self.spec.limits,
        )

    def _lanes(self, mirror: MlflowMirror) -> Iterator[Lane]:
        """Open the architectures one after the other, as the worker has places for them."""
        from hpo.search.engine import open_engine

        for part in self.plan.parts.values():
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
            yield Lane(
                label=part.label,
                engine=engine,
                make_job=functools.partial(self._job, part),
                done=functools.partial(self._finish, part.label, mirror),
            )

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

    def _job(self, part: PlannedArchitecture, proposal: Proposal, share: Share) -> TrialJob:
        return make_job(
            self.plan,
            part,
            proposal.configuration(part.spec.fixed),
            number=proposal.number,
            seed=proposal.trial_seed,
            workspace=self.workspace,
            share=share,
        )

    def _finish(self, label: str, mirror: MlflowMirror) -> None:
        """Log the best models of an architecture whose budget is used, and end its run."""
        try:
            self._log_models(label, mirror)
        except Exception as error:
            # Broad: MLflow, its server, the network and the disk each have errors of their own, and
            # the trials are all there. ``hpo promote`` logs the winner's model again.
            self.watcher.note(f"{label}: the best models are not in MLflow: {error}")
        mirror.finish_architecture(label)

    def _log_models(self, label: str, mirror: MlflowMirror) -> None:
        from hpo.search.studies import read_trials
        from hpo.study.models import log_models
        from hpo.tracking.models import prune_models
        from hpo.tracking.store import open_client

        # Trials of other workers count, and the runs that MLflow has named by now.
        records = read_trials(self.storage_url, self.spec.name)
        mine = {record.number for record in self.keeper.kept(label)}
        best = self._best(records)
        kept = [r for r in best if r.architecture == label and r.number in mine]
        if not best or not mirror.flush():
            return
        client = open_client(self.tracking_uri, self.workspace.runs / "artifacts")
        for problem in log_models(client, kept, self.plan.dataset):
            self.watcher.note(problem)
        # Every architecture's best so far: models of trials that fell behind are deleted.
        prune_models(client, self.spec.name, {record.mlflow_run_id for record in best})

    def _best(self, records: list[TrialRecord]) -> list[TrialRecord]:
        """Return the trials whose models are kept, of all architectures and workers."""
        best = []
        for label in self.plan.parts:
            complete = [
                r
                for r in records
                if r.architecture == label and r.state == "complete" and r.value is not None
            ]
            complete.sort(key=lambda r: rank_key(r, self.spec.objective.direction))
            best += complete[: self.spec.tracking.keep_models]
        return best

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
        except Exception as error:
            # Broad, as for the models: hours of trials are not to end in a registry's error.
            outcome.notes.append(
                f"The winner was not registered: {error} `hpo promote {self.spec.name}` tries again"
            )
            return outcome
        return dataclasses.replace(outcome, champion=promotion.line())
