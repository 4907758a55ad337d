"""``worker``: one of many workers on a study, which join, leave and die as they like."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from hpo.execution.devices import Share
from hpo.execution.interrupts import Interrupts
from hpo.execution.running_job import TRAIN
from hpo.execution.watch import Silence, Watcher
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.faces import told_to
from hpo.study.naming import known_study
from hpo.study.outcome import StudyOutcome
from hpo.study.planning import plan
from hpo.study.running import StudyRun


def worker(
    study: str | Path | StudySpec,
    *,
    workspace: Workspace | None = None,
    workers: int | None = None,
    watcher: Watcher | None = None,
    target: str = TRAIN,
    interrupts: Interrupts | None = None,
    shares: Sequence[Share] | None = None,
) -> StudyOutcome:
    """Work on a study beside other workers, until its budget is used; it is begun if need be.

    Args:
        study: the name of a study in the storage, a study file, or a study.
        workspace: where its data are; the current directory by default.
        workers: trials at once, in place of the study's.
        watcher: is told what happens.
        target: for launchers: what runs in a trial's process.
        interrupts: for launchers: when to stop; by default at this process's signals.
        shares: for launchers: what each of the trials at once may use of this machine.

    Raises:
        NotFoundError: there is no such study, or its data are not here.
        SpecError: the data here are not those that the study is bound to.
        EnvironmentProblem: a store cannot be reached.
    """
    workspace = workspace or Workspace.at()
    watcher = watcher or Silence()
    planned = plan(
        known_study(study, workspace), workspace=workspace, resume=True, during=told_to(watcher)
    )
    if workers is not None:
        spec = planned.spec.model_copy(update={"workers": workers})
        planned = dataclasses.replace(planned, spec=spec)
    return StudyRun(
        planned,
        workspace,
        watcher,
        resume=True,
        joining=True,
        target=target,
        interrupts=interrupts,
        shares=shares,
    ).go()
