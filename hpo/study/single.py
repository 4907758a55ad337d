"""``train``: one configuration of a study, or one of its trials again, outside of the search."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hpo.execution.children import ChildServer
from hpo.execution.interrupts import Interrupted, Interrupts
from hpo.execution.running_job import follow
from hpo.execution.watch import Silence, StudyStart, Watcher
from hpo.spec.errors import InputError, NotFoundError, SpecError, TrainingError
from hpo.spec.records import SINGLE, EpochReport, TrialRecord, TrialResult
from hpo.spec.seeds import derive_seed
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.checkpoints import folder_of
from hpo.study.faces import told_to
from hpo.study.jobs import make_job, open_mirror
from hpo.study.naming import known_study, open_study
from hpo.study.parts import PlannedArchitecture
from hpo.study.planned import Plan
from hpo.study.planning import plan
from hpo.study.progress import recorded_digest

_ALWAYS_SHOWN = ("optimizer", "learning_rate", "batch_size", "epochs")


@dataclass(frozen=True)
class Trained:
    """How one configuration went.

    Args:
        record: the run, as a trial that belongs to no budget.
        checkpoint: its model.
        stopped_by: the signal that stopped it; None if none did.
    """

    record: TrialRecord
    checkpoint: Path | None
    stopped_by: int | None = None

    def line(self) -> str:
        """Return the outcome in a sentence."""
        result = self.record.result
        if result is None or result.value is None:
            return f"{self.record.architecture}: {result.reason if result else 'no result'}"
        where = f"; model {self.checkpoint}" if self.checkpoint else ""
        return (
            f"{self.record.architecture}: {result.value:.4f} in epoch {result.best_epoch} of "
            f"{result.epochs_run}{where}; MLflow run {self.record.mlflow_run_id or 'not tracked'}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain data."""
        return {**self.record.to_json(), "checkpoint": self.checkpoint}

    def raise_if_failed(self) -> None:
        """End the call with an error if there is no model.

        Raises:
            Interrupted: a signal stopped it.
            TrainingError: the training failed.
        """
        if self.stopped_by is not None:
            raise Interrupted(self.stopped_by, "A single training has nothing to resume")
        if self.record.state == "failed" and self.record.result is not None:
            raise TrainingError(f"the training failed: {self.record.result.reason}")


def train(
    study: str | Path | StudySpec,
    *,
    workspace: Workspace | None = None,
    architecture: str | None = None,
    params: Mapping[str, Any] | None = None,
    trial: int | None = None,
    overrides: Iterable[str] = (),
    seed: int | None = None,
    watcher: Watcher | None = None,
) -> Trained:
    """Train one configuration; it is tracked in MLflow but is no trial of the study.

    Args:
        study: a study file, the name of a study in the storage, or a study.
        workspace: where data and stores are; the current directory by default.
        architecture: a label of the study; may be left out if there is one.
        params: parameters; those left out are the study's fixed ones or defaults.
        trial: take parameters and seed from this trial of the study, whose settings must be those
            that ``study`` says; ``params`` and ``seed`` change single values of it.
        overrides: ``path.to.key=value``, for a study file.
        seed: in place of the one derived from the study's.
        watcher: is told what happens.

    Raises:
        SpecError, NotFoundError, DataError, EnvironmentProblem: as for ``run``. SpecError also
            where ``trial`` was run with other settings or other faces.
    """
    workspace = workspace or Workspace.at()
    watcher = watcher or Silence()
    overrides = tuple(overrides)
    study = known_study(study, workspace)
    if overrides and isinstance(study, StudySpec):
        raise InputError(
            f"study '{study.name}' is taken as it was run, and --set changes a study file",
            hint="Give the study file with it; --params and --seed change single values",
        )
    label = architecture if architecture is not None else _only_label(study, overrides)
    digest = ""
    if trial is not None:
        spec = open_study(study, overrides)[0].spec
        digest = recorded_digest(workspace.storage_url(spec.storage), spec.name, resume=True)
    planned = plan(
        study,
        workspace=workspace,
        overrides=overrides,
        only=label,
        digest=digest,
        during=told_to(watcher),
        before=lambda spec: _check_same(spec, label, trial, workspace),
    )
    part = planned.parts[label]
    for note in planned.notes:
        watcher.note(note)
    source = _source(planned, part, trial, workspace)
    given = {**part.spec.fixed, **(source.params if source else {}), **(params or {})}
    _check(part, given)
    number = _own_number(workspace, planned.spec.name, part.label)
    chosen_seed = seed if seed is not None else _seed(planned, part, source)
    job = make_job(
        planned,
        part,
        given,
        number=number,
        seed=chosen_seed,
        workspace=workspace,
        rungs=source.rungs if source else (),
    )
    server = ChildServer()
    server.warm()
    record = TrialRecord(
        study=planned.spec.name,
        architecture=part.label,
        number=number,
        state="running",
        value=None,
        params=job.params,
        searched={**(source.searched if source else {}), **(params or {})},
        slot=-1,
        started=_now(),
        origin=SINGLE,
        seed=chosen_seed,
    )
    mirror = open_mirror(planned, workspace)
    interrupts = Interrupts(watcher.note)
    try:
        mirror.start_trial(record, job)
        name = planned.spec.name
        watcher.study_started(StudyStart(name, {part.label: 1}, {}, job.objective, job.direction))
        told = {**record.searched, **_beside(part, job.params)}
        shown = _main_parameters(part, job.params, told)
        watcher.trial_started(part.label, number, shown, job.params["epochs"], SINGLE)
        epochs: list[EpochReport] = []

        def on_epoch(report: EpochReport) -> bool:
            epochs.append(report)
            mirror.log_epoch(part.label, number, report)
            watcher.epoch_finished(part.label, number, report)
            return interrupts.draining

        started = time.monotonic()
        with interrupts.installed():
            result = follow(server, job, interrupts, on_epoch, planned.spec.limits)
        record = _finished(record, result, epochs, time.monotonic() - started)
        run_id = mirror.run_id(part.label, number, timeout_seconds=30)
        record = dataclasses.replace(record, mlflow_run_id=run_id)
        mirror.finish_trial(record)
        watcher.trial_finished(part.label, number, result, record.seconds)
    finally:
        for problem in mirror.close():
            watcher.note(problem)
    checkpoint = Path(result.checkpoint) if result.checkpoint else None
    stopped = interrupts.signal_number if interrupts.draining else None
    return Trained(record, checkpoint, stopped)


def _main_parameters(
    part: PlannedArchitecture, params: Mapping[str, Any], chosen: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what tells this run from others: what was chosen, may be searched, or always matters.

    Args:
        part: the architecture.
        params: every parameter of the run.
        chosen: what was asked for.
    """
    space = part.spec.space.active(params)
    names = dict.fromkeys([*chosen, *space, *part.spec.fixed, *_ALWAYS_SHOWN])
    return {name: params[name] for name in names if name in params}


def _beside(part: PlannedArchitecture, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run has otherwise than the study's section and the defaults alone would.

    A trial's configuration may set much beside the space, as the thesis's does.

    Args:
        part: the architecture.
        params: every parameter of the run.
    """
    from hpo.training.resolve import resolve_parameters

    try:
        usual = resolve_parameters(part.architecture, part.spec.fixed).params
    except SpecError:  # What is fixed needs what is searched.
        return dict(params)
    return {name: v for name, v in params.items() if name not in usual or usual[name] != v}


def _own_number(workspace: Workspace, study: str, label: str) -> int:
    """Claim a number that no other single run has: the Unix time in seconds, or the next free."""
    workspace.ensure(workspace.runs)
    number = int(time.time())
    while True:
        folder = folder_of(workspace, study, label, number)
        workspace.ensure(folder.parent)
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return number


def _only_label(study: str | Path | StudySpec, overrides: tuple[str, ...]) -> str:
    spec = open_study(study, overrides)[0].spec
    if len(spec.architectures) > 1:
        raise InputError(
            f"study '{spec.name}' has several architectures",
            expected="--architecture and one of " + ", ".join(spec.architectures),
        )
    return next(iter(spec.architectures))


def _source(
    planned: Plan, part: PlannedArchitecture, trial: int | None, workspace: Workspace
) -> TrialRecord | None:
    if trial is None:
        return None
    from hpo.search.studies import read_trials

    url = workspace.storage_url(planned.spec.storage)
    _check_same(planned.spec, part.label, trial, workspace, planned.dataset.digest)
    records = read_trials(url, planned.spec.name, architecture=part.label)
    found = next((r for r in records if r.number == trial), None)
    if found is None:
        numbers = ", ".join(str(r.number) for r in records) or "none"
        raise NotFoundError(
            f"study '{planned.spec.name}' has no trial {trial} of {part.label}",
            expected=f"one of {numbers}",
        )
    return found


def _check_same(
    spec: StudySpec, label: str, trial: int | None, workspace: Workspace, digest: str = ""
) -> None:
    """Check that a trial, if one is to be trained again, was run with these settings.

    Parameters and seed alone do not make it the same trial: faces, limits, weights and precision
    do as well, and those are the study file's.
    """
    from hpo.search.studies import check_study

    if trial is None:
        return
    try:
        check_study(workspace.storage_url(spec.storage), spec, resume=True, dataset_digest=digest)
    except SpecError as error:
        raise SpecError(
            f"trial {trial} cannot be trained again as it was: {error.problem}",
            expected=error.expected,
            got=error.got,
            where=error.where,
            hint="Give the study file and the --set that it was run with, or its name, as in "
            f"`hpo train {spec.name} -a {label} --trial {trial}`; --params and --seed change "
            "single values of the trial",
        ) from None


def _seed(planned: Plan, part: PlannedArchitecture, source: TrialRecord | None) -> int:
    if source is not None and source.seed is not None:
        return source.seed
    return derive_seed(planned.spec.seed, part.label, SINGLE)


def _check(part: PlannedArchitecture, given: Mapping[str, Any]) -> None:
    from hpo.training.resolve import resolve_parameters

    resolve_parameters(part.architecture, given, "--params")


def _finished(
    record: TrialRecord, result: TrialResult, epochs: list[EpochReport], seconds: float
) -> TrialRecord:
    return dataclasses.replace(
        record,
        state=result.state,
        value=result.value,
        params=result.params or record.params,
        epochs=epochs,
        result=result,
        seconds=seconds,
        finished=_now(),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat()
