"""The launcher ``local``: trials run in processes of this machine, several at once."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from hpo.execution.children import ChildServer
from hpo.execution.devices import Share, crowded, shares, visible_gpus
from hpo.execution.lanes import Lane
from hpo.execution.running_job import TRAIN
from hpo.execution.worker import Worker
from hpo.search.storage import sqlite_path
from hpo.spec.errors import NotFoundError
from hpo.spec.records import TrialJob, TrialRecord
from hpo.study.checkpoints import Keeper, folder_of
from hpo.study.jobs import make_job, open_mirror
from hpo.study.launchers.launch import Ended, Launch
from hpo.study.parts import PlannedArchitecture
from hpo.tracking.failures import in_a_sentence
from hpo.training.state import remove_state

if TYPE_CHECKING:
    from hpo.search.engine import Engine, Proposal
    from hpo.tracking.mirror import MlflowMirror


_PATIENCE_SECONDS = 10.0
"""How long trials wait for MLflow to take a model that may be logged later."""


class LocalLauncher:
    """Runs trials here, ``workers`` of the study at once."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        spec = launch.spec
        training = launch.target == TRAIN
        self._server = (
            ChildServer() if training else ChildServer((launch.target.partition(":")[0],))
        )
        keep = max(1, spec.models_kept)
        self._keeper = Keeper(launch.workspace, spec.objective.direction, keep)

    def work(self) -> Ended:
        """Run trials until the budget is used; see ``Launcher.work``."""
        launch = self._launch
        launch.interrupts.starting = True
        if launch.plan.left:
            # Loads Keras while the stores are opened.
            self._server.warm()
        mirror = open_mirror(launch.plan, launch.workspace, launch.watcher.note)
        worker = self._worker(mirror)
        notes: list[str] = []
        try:
            if not launch.joining:
                # Whoever begins a study sees to it that it will be tracked: an address that is
                # wrong is told now and not after the first trial. Keras loads meanwhile.
                mirror.wait_ready(give_up=lambda: launch.interrupts.draining)
            self._remember()
            launch.announce()
            worker.work()
        finally:
            for label in worker.unfinished:
                mirror.finish_architecture(label, "interrupted")
            notes += mirror.close(hurry=lambda: launch.interrupts.now)
        return Ended(worker.used_up, notes)

    def _remember(self) -> None:
        if self._launch.resume:
            from hpo.search.studies import read_trials

            with contextlib.suppress(NotFoundError):  # There is none yet: the plan has said so.
                self._keeper.remember(read_trials(self._launch.storage_url, self._launch.spec.name))

    def _worker(self, mirror: MlflowMirror) -> Worker:
        from hpo.training.backend import cores

        launch, gpus = self._launch, visible_gpus()
        warning = crowded(launch.spec.workers, cores(), gpus)
        if warning is not None and launch.target == TRAIN:
            launch.watcher.note(warning)
        return Worker(
            lanes=self._lanes(mirror),
            mirror=mirror,
            server=self._server,
            watcher=launch.watcher,
            interrupts=launch.interrupts,
            keep=functools.partial(self._keep, mirror),
            shares=launch.shares or shares(launch.spec.workers, cores(), gpus),
            limits=launch.spec.limits,
            target=launch.target,
            unfilled=self._unfilled,
        )

    def _unfilled(self) -> int:
        from hpo.search.climbing import filled_slots
        from hpo.search.studies import read_trials

        spec = self._launch.spec
        records = read_trials(self._launch.storage_url, spec.name)
        places = {label: set(spec.slots_of(label)) for label in self._launch.plan.parts}
        return sum(
            len(slots - filled_slots(spec, label, records)) for label, slots in places.items()
        )

    def _keep(self, mirror: MlflowMirror, record: TrialRecord) -> None:
        """Keep a trial's checkpoint if it is among the best."""
        self._keeper.judge(record)
        # Where other machines may work on the study, this one may be gone before its end.
        if sqlite_path(self._launch.storage_url) is None and record.state == "complete":
            with contextlib.suppress(Exception):  # Broad, as in _finish, which tries again.
                self._log_early(record, mirror)

    def _log_early(self, record: TrialRecord, mirror: MlflowMirror) -> None:
        """Log a model that is among the study's best so far: this machine alone has it."""
        from hpo.search.studies import read_trials
        from hpo.study.models import best_records, log_model
        from hpo.study.reconciling import alone_with_mlflow
        from hpo.tracking.models import prune_models
        from hpo.tracking.store import open_client

        launch = self._launch
        best = best_records(read_trials(launch.storage_url, launch.spec.name), launch.spec)
        trial = (record.architecture, record.number)
        if trial not in {(r.architecture, r.number) for r in best}:
            return
        if not mirror.flush(_PATIENCE_SECONDS):
            return
        run_id = record.mlflow_run_id or mirror.run_id(*trial)
        client = open_client(launch.tracking_uri, launch.workspace.runs / "artifacts")
        with alone_with_mlflow(launch.storage_url, launch.spec):
            log_model(client, replace(record, mlflow_run_id=run_id), launch.plan.dataset)
            prune_models(client, launch.spec.name, {run_id, *(r.mlflow_run_id for r in best)})

    def _lanes(self, mirror: MlflowMirror) -> Iterator[Lane]:
        """Open the architectures one after the other, as the worker has places for them."""
        from hpo.search.reconnecting import Reconnecting

        launch = self._launch
        steadily = Reconnecting(
            local=sqlite_path(launch.storage_url) is not None,
            tell=launch.watcher.note,
            give_up=lambda: launch.interrupts.now,
        )
        for place, part in enumerate(launch.plan.parts.values()):
            # That the study is new was checked at the start. Whoever began it since is another
            # call like this one, and its name is its own, unless this one is to go on with it.
            new = not place and not (launch.resume or launch.joining)
            open_it = functools.partial(self._engine, part, resume=not new)
            # A database that cannot be reached at the start is told of at once; one that goes away
            # between two architectures is waited for, as it is between two trials.
            engine = steadily(open_it) if place else open_it()
            for note in engine.notes:
                launch.watcher.note(note)
            trials = len(launch.spec.slots_of(part.label))
            mirror.start_architecture(part.label, part.spec.space.to_plain(), trials)
            yield Lane(
                label=part.label,
                engine=engine,
                make_job=functools.partial(self._job, part),
                done=functools.partial(self._finish, part.label, mirror),
                settle=functools.partial(self._settle, part.label),
            )

    def _engine(self, part: PlannedArchitecture, *, resume: bool) -> Engine:
        from hpo.data.recorded import digests_of
        from hpo.search.engine import open_engine

        return open_engine(
            self._launch.storage_url,
            self._launch.spec,
            part.label,
            # To all but the first architecture another worker may have come before.
            resume=resume,
            baselines=part.baselines,
            dataset_digest=self._launch.plan.dataset.digest,
            digests=digests_of(self._launch.plan.dataset),
        )

    def _job(self, part: PlannedArchitecture, proposal: Proposal, share: Share) -> TrialJob:
        return make_job(
            self._launch.plan,
            part,
            proposal.configuration(part.spec.fixed),
            number=proposal.number,
            seed=proposal.trial_seed,
            workspace=self._launch.workspace,
            share=share,
            earlier=proposal.earlier,
            rungs=proposal.rungs,
            continues=proposal.continues,
            to_be_continued=proposal.to_be_continued,
        )

    def _settle(self, label: str, number: int) -> None:
        """Delete the state that a trial has left for its next rung, if it lies here."""
        launch = self._launch
        remove_state(str(folder_of(launch.workspace, launch.spec.name, label, number)))

    def _finish(self, label: str, mirror: MlflowMirror) -> None:
        """Log the best models of an architecture whose budget is used, and end its run."""
        try:
            self._log_models(label, mirror)
        except Exception as error:
            # Broad: MLflow, its server, the network and the disk each have errors of their own, and
            # the trials are all there. ``hpo promote`` logs the winner's model again.
            self._launch.watcher.note(
                f"{label}: the best models are not in MLflow: {in_a_sentence(error)} "
                f"`hpo doctor {self._launch.spec.name} --fix` logs them"
            )
        self._tell_ranks(label, mirror)
        mirror.finish_architecture(label)

    def _tell_ranks(self, label: str, mirror: MlflowMirror) -> None:
        """Say, where there are rungs, how well each has foretold the next."""
        from hpo.search.climbing import agreements_of
        from hpo.search.ranks import sentence
        from hpo.search.studies import read_trials

        launch = self._launch
        if launch.spec.fidelity is None:
            return
        records = read_trials(launch.storage_url, launch.spec.name, architecture=label)
        ranks = agreements_of(records, launch.spec.objective.metric)
        mirror.log_ranks(label, ranks)
        for pair in ranks:
            if pair.corrected is not None:
                least = launch.spec.fidelity.min_rank_correlation
                launch.watcher.note(f"{label}: {sentence(pair, least)}.")

    def _log_models(self, label: str, mirror: MlflowMirror) -> None:
        from hpo.search.studies import read_trials
        from hpo.study.models import best_records, log_models
        from hpo.study.reconciling import alone_with_mlflow
        from hpo.tracking.models import prune_models
        from hpo.tracking.store import open_client

        launch = self._launch
        # Trials of other workers count, and the runs that MLflow has named by now.
        best = best_records(read_trials(launch.storage_url, launch.spec.name), launch.spec)
        mine = {record.number for record in self._keeper.kept(label)}
        kept = [r for r in best if r.architecture == label and r.number in mine]
        if not best or not mirror.flush():
            return
        client = open_client(launch.tracking_uri, launch.workspace.runs / "artifacts")
        with alone_with_mlflow(launch.storage_url, launch.spec):
            problems = log_models(client, kept, launch.plan.dataset)
            # Every architecture's best so far: models of trials that fell behind are deleted.
            prune_models(client, launch.spec.name, {record.mlflow_run_id for record in best})
        for problem in problems:
            launch.watcher.note(problem)
