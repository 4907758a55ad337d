"""``run``: a study from its plan to its outcome, alone or beside workers elsewhere."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.execution.children import ChildServer
from hpo.execution.devices import Share, shares, visible_gpus
from hpo.execution.interrupts import Interrupts
from hpo.execution.watch import Silence, Watcher
from hpo.execution.worker import Lane, Worker
from hpo.spec.errors import InputError, NotFoundError
from hpo.spec.records import TrialJob
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
    return StudyRun(planned, workspace, watcher or Silence(), resume=resume).go()


class StudyRun:
    """One call of ``run`` or ``worker``: what its steps share.

    Args:
        planned: the study.
        workspace: where data, stores and reports are.
        watcher: is told what happens.
        resume: whether the study may exist.
        joining: whether others see to its beginning and end: that MLflow answers, and promotion.
    """

    def __init__(
        self,
        planned: Plan,
        workspace: Workspace,
        watcher: Watcher,
        *,
        resume: bool,
        joining: bool = False,
    ) -> None:
        from hpo.search.studies import check_study

        self.plan = planned
        self.spec = planned.spec
        self.workspace = workspace
        self.watcher = watcher
        self.resume = resume
        self.joining = joining
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
        self.keep = max(1, self.spec.tracking.keep_models)
        self.keeper = Keeper(workspace, self.spec.objective.direction, self.keep)

    def go(self) -> StudyOutcome:
        """Work until the budget is used or someone says stop; see ``run``."""
        for note in self.plan.notes:
            self.watcher.note(note)
        mirror = open_mirror(self.plan, self.workspace, self.watcher.note)
        notes: list[str] = []
        with self.interrupts.installed():
            worker = self._worker(mirror)
            try:
                if not self.joining:
                    # Whoever begins a study sees to it that it will be tracked: an address that is
                    # wrong is told now and not after the first trial. Keras loads meanwhile.
                    mirror.wait_ready()
                self._announce()
                worker.work()
            finally:
                for label in worker.unfinished:
                    mirror.finish_architecture(label, "interrupted")
                notes += mirror.close(hurry=lambda: self.interrupts.now)
            if not worker.unfinished and not self.interrupts.draining:
                notes += self._settle()
            outcome = self._outcome()
            outcome.notes.extend(notes)
            if outcome.stopped_by is None and self.spec.promote and not self.joining:
                outcome = self._promoted(outcome)
        return outcome

    def _announce(self) -> None:
        if self.resume:
            from hpo.search.studies import read_trials

            with contextlib.suppress(NotFoundError):  # There is none yet: the plan has said so.
                self.keeper.remember(read_trials(self.storage_url, self.spec.name))
        done = {label: self.plan.done_of(label) for label in self.plan.parts}
        self.watcher.study_started(
            self.spec.name,
            {label: done[label] + self.plan.likely_of(label) for label in done},
            done,
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
                # That the study may be new was checked at the start; since then another worker may
                # have come to this architecture first.
                resume=True,
                thesis=part.thesis,
                dataset_digest=self.plan.dataset.digest,
            )
            for note in engine.notes:
                self.watcher.note(note)
            trials = self.spec.trials_of(part.label)
            mirror.start_architecture(part.label, part.spec.space.to_plain(), trials)
            yield Lane(
                label=part.label,
                engine=engine,
                make_job=functools.partial(self._job, part),
                done=functools.partial(self._finish, part.label, mirror),
            )

    def _job(self, part: PlannedArchitecture, proposal: Proposal, share: Share) -> TrialJob:
        return make_job(
            self.plan,
            part,
            proposal.configuration(part.spec.fixed),
            number=proposal.number,
            seed=proposal.trial_seed,
            workspace=self.workspace,
            share=share,
            earlier=proposal.earlier,
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
        from hpo.study.models import best_records, log_models
        from hpo.tracking.models import prune_models

        # Trials of other workers count, and the runs that MLflow has named by now.
        best = best_records(read_trials(self.storage_url, self.spec.name), self.spec)
        mine = {record.number for record in self.keeper.kept(label)}
        kept = [r for r in best if r.architecture == label and r.number in mine]
        if not best or not mirror.flush():
            return
        client = self._client()
        for problem in log_models(client, kept, self.plan.dataset):
            self.watcher.note(problem)
        # Every architecture's best so far: models of trials that fell behind are deleted.
        prune_models(client, self.spec.name, {record.mlflow_run_id for record in best})

    def _client(self) -> Any:
        from hpo.tracking.store import open_client

        return open_client(self.tracking_uri, self.workspace.runs / "artifacts")

    def _settle(self) -> list[str]:
        """Bring MLflow and the disk to what the storage holds; return what that could not mend."""
        from hpo.search.studies import read_trials
        from hpo.study.disk_check import leftovers
        from hpo.study.models import log_models, missing_models
        from hpo.study.reconciling import reconcile

        records = read_trials(self.storage_url, self.spec.name, attempts=True)
        for leftover in leftovers(
            self.workspace, self.spec.name, records, self.spec.objective.direction, self.keep
        ):
            leftover.mend()
        try:
            client = self._client()
            artifacts = self.workspace.runs / "artifacts"
            left = reconcile(client, self.storage_url, self.spec, artifacts)
            records = read_trials(self.storage_url, self.spec.name)
            missing = missing_models(client, records, self.spec)
            notes = log_models(client, missing, self.plan.dataset)
        except Exception as error:
            # Broad: MLflow, its server, the network and the disk each have errors of their own, and
            # the trials are all there.
            return [f"MLflow may lack some of this: {error} `hpo doctor {self.spec.name} --fix`"]
        return [*notes, *(difference.what for difference in left)]

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
        outcome.notes.extend(promotion.warnings)
        return dataclasses.replace(
            outcome, champion=promotion.line(), promotion=promotion.to_json()
        )
