"""``run``: a study from its plan to its outcome, alone or beside workers elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from hpo.execution.devices import Share
from hpo.execution.interrupts import Interrupts
from hpo.execution.running_job import TRAIN
from hpo.execution.watch import Silence, Watcher
from hpo.spec.catalogue import resolve
from hpo.spec.errors import InputError, NotFoundError
from hpo.spec.limits import OTHER_LIMITS
from hpo.spec.records import TrialRecord
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.launchers.launch import Launch, Launcher
from hpo.study.outcome import StudyOutcome, judgement, summarise
from hpo.study.planned import Plan
from hpo.study.planning import plan
from hpo.tracking.failures import in_a_sentence


def run(
    study: str | Path | StudySpec | Plan,
    *,
    workspace: Workspace | None = None,
    overrides: Iterable[str] = (),
    trials: int | None = None,
    resume: bool = False,
    evolve: bool = False,
    watcher: Watcher | None = None,
) -> StudyOutcome:
    """Run a study to its budget.

    Ctrl-C and SIGTERM let the trials at hand end, twice they stop them; what is returned then names
    the signal (``stopped_by``), and ``raise_if_stopped()`` ends the program by it.

    Args:
        study: a study file, a study, or what ``plan`` returned.
        workspace: where data, stores and reports are; the current directory by default.
        overrides: ``path.to.key=value``, for a study file.
        trials: trials per architecture in place of the study's.
        resume: go on with a study of this name.
        evolve: let its space grow into that of the study file, where it only adds.
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
        else plan(
            study,
            workspace=workspace,
            overrides=overrides,
            trials=trials,
            resume=resume,
            evolve=evolve,
        )
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
            Trials then run here, whichever launcher the study names.
        target: what runs in a trial's process; tests put an analytic objective in training's place.
        interrupts: when to stop; by default at this process's signals.
        shares: what each of the trials at once may use of this machine.
    """

    def __init__(
        self,
        planned: Plan,
        workspace: Workspace,
        watcher: Watcher,
        *,
        resume: bool,
        joining: bool = False,
        target: str = TRAIN,
        interrupts: Interrupts | None = None,
        shares: Sequence[Share] | None = None,
    ) -> None:
        from hpo.search.studies import check_study

        self.plan = planned
        self.spec = planned.spec
        self.workspace = workspace
        self.watcher = watcher
        self.joining = joining
        self.interrupts = interrupts or Interrupts(watcher.note)
        self.launch = Launch(
            planned,
            workspace,
            watcher,
            self.interrupts,
            resume=resume,
            joining=joining,
            target=target,
            shares=shares,
        )
        self.storage_url = self.launch.storage_url
        self.tracking_uri = self.launch.tracking_uri
        name = "local" if joining else self.spec.launcher.name
        self.launcher: Launcher = resolve("launcher", name, "launcher")(self.launch)
        workspace.ensure(workspace.runs)
        check_study(
            self.storage_url,
            self.spec,
            resume=resume,
            dataset_digest=planned.dataset.digest,
            evolve=planned.evolve,
        )
        if planned.evolve:
            # Before any worker, here or elsewhere, opens the study; the plan has told what is new.
            from hpo.search.next_version import evolve_study

            evolve_study(self.storage_url, self.spec)

    def go(self) -> StudyOutcome:
        """Work until the budget is used or someone says stop; see ``run``."""
        with self.interrupts.installed():
            for note in self.plan.notes:
                self.watcher.note(note)
            ended = self.launcher.work()
            self.interrupts.trials_done = ended.used_up
            notes = list(ended.notes)
            if ended.used_up and not self.interrupts.draining:
                notes += self._settle()
            outcome = self._outcome()
            outcome.notes.extend([*self._limits_reached(ended.used_up), *notes])
        if self.joining:
            return outcome
        if outcome.stopped_by is None and self.spec.confirmation is not None:
            outcome = self._confirmed(outcome)
        if outcome.stopped_by is None and self.spec.promote:
            with self.interrupts.installed():
                outcome = self._promoted(outcome)
        if outcome.stopped_by is not None and ended.used_up:
            outcome = dataclasses.replace(outcome, begun="budget", left=self._after_trials())
        return outcome

    def _limits_reached(self, used_up: bool) -> list[str]:
        """Return that the trials are over by another limit than their number, where they are."""
        from hpo.search.studies import read_trials
        from hpo.study.progress import limits_reached

        if not used_up or not any(getattr(self.spec.budget, name) for name in OTHER_LIMITS):
            return []
        return limits_reached(
            self.spec, read_trials(self.storage_url, self.spec.name, attempts=True)
        )

    def _after_trials(self) -> list[str]:
        """Return what a study that is stopped after its last trial has left to do."""
        confirmed = [] if self.spec.confirmation is None else ["the confirmation"]
        promoted = ["the promotion of its winner"] if self.spec.promote else []
        return [*confirmed, *promoted] or ["what MLflow may lack"]

    def _confirmed(self, outcome: StudyOutcome) -> StudyOutcome:
        """Run the best again; what comes of it is the outcome's notes."""
        from hpo.study.confirming import confirm

        try:
            told = confirm(self.spec, workspace=self.workspace, watcher=self.watcher)
        except InputError as error:
            # A study in which nothing finished has nothing to confirm.
            outcome.notes.append(str(error))
            return outcome
        outcome.notes.extend([*told.notes, *told.sentences])
        return dataclasses.replace(outcome, stopped_by=told.stopped_by)

    def _settle(self) -> list[str]:
        """Bring MLflow and the disk to what the storage holds; return what that could not mend."""
        from hpo.search.studies import read_trials
        from hpo.study.models import log_models, missing_models
        from hpo.study.reconciling import alone_with_mlflow, reconcile
        from hpo.tracking.pareto import tag_front
        from hpo.tracking.store import open_client

        notes = self._tidy()
        artifacts = self.workspace.runs / "artifacts"
        try:
            client = open_client(self.tracking_uri, artifacts)
            left = reconcile(client, self.storage_url, self.spec, artifacts)
            records = read_trials(self.storage_url, self.spec.name)
            tag_front(client, records)
            with alone_with_mlflow(self.storage_url, self.spec):
                missing = missing_models(client, records, self.spec)
                notes += log_models(client, missing, self.plan.dataset)
        except Exception as error:
            # Broad: MLflow, its server, the network and the disk each have errors of their own, and
            # the trials are all there.
            notes.append(
                f"MLflow may lack some of this: {in_a_sentence(error)} "
                f"`hpo doctor {self.spec.name} --fix` writes it"
            )
            return notes
        return [*notes, *(difference.what for difference in left)]

    def _tidy(self) -> list[str]:
        """Bring the disk to what the storage holds; return what a person should know of it."""
        from hpo.search.inspection import inspecting
        from hpo.search.studies import read_trials
        from hpo.study.disk_check import leftovers
        from hpo.study.models import logged_copy
        from hpo.tracking.store import open_existing

        def copy_of(record: TrialRecord) -> Path | None:
            client = open_existing(self.tracking_uri, self.workspace.runs / "artifacts")
            return None if client is None else logged_copy(client, record)

        notes = []
        with inspecting(self.storage_url, self.spec) as inspection:
            try:
                for leftover in leftovers(
                    self.workspace,
                    self.spec.name,
                    lambda: read_trials(self.storage_url, self.spec.name, attempts=True),
                    self.spec.objective.direction,
                    max(1, self.spec.models_kept),
                    unless_known=inspection.unless_known,
                    copies=copy_of,
                    over=True,
                ):
                    leftover.mend()
                    if leftover.kind == "wrong checksum":
                        notes.append(leftover.what)
            except Exception as error:
                # Broad, as for the models: a copy is asked for in MLflow.
                notes.append(
                    f"The checkpoints may not be in order: {in_a_sentence(error)} "
                    f"`hpo doctor {self.spec.name} --fix` looks at them again"
                )
        return notes

    def _outcome(self) -> StudyOutcome:
        from hpo.search.studies import read_trials
        from hpo.study.confirmed import searched_after

        records: list[TrialRecord] = []
        begun: Literal["trials", "study", "nothing"] = "trials"
        try:
            records = read_trials(self.storage_url, self.spec.name)
            if not records and not read_trials(self.storage_url, self.spec.name, attempts=True):
                begun = "study"
        except NotFoundError:
            begun = "nothing"  # Stopped before a worker had begun it.
        outcome = summarise(
            self.spec.name,
            self.spec.objective.metric,
            self.spec.objective.direction,
            {label: len(self.spec.slots_of(label)) for label in self.plan.parts},
            records,
        )
        outcome.notes.extend(judgement(records))
        if records and (late := searched_after(self.storage_url, self.spec.name, records)):
            outcome.notes.append(late)
        stopped = self.interrupts.signal_number if self.interrupts.draining else None
        return dataclasses.replace(outcome, stopped_by=stopped, begun=begun)

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
                f"The winner was not registered: {in_a_sentence(error)} "
                f"`hpo promote {self.spec.name}` tries again"
            )
            return outcome
        outcome.say(promotion.warnings)
        if promotion.outcome == "refused":
            # No failure of the study: its winner is no better than what answers already.
            outcome.notes.append(f"{promotion.line()}.")
            return dataclasses.replace(outcome, promotion=promotion.to_json())
        return dataclasses.replace(
            outcome, champion=promotion.line(), promotion=promotion.to_json()
        )
