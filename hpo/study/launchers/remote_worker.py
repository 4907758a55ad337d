"""A worker as a launcher starts it on another node: ``hpo worker``, told to stop by a call."""

from __future__ import annotations

import os
import signal
import socket
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpo.execution.devices import Share
from hpo.execution.interrupts import Interrupts
from hpo.execution.watch import Silence, StudyStart
from hpo.spec.errors import EnvironmentProblem, HpoError, TrainingError
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace

_MOST_NOTES = 20
_VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Assignment:
    """What a worker is to work on; plain data.

    Args:
        study: the study file, as ``StudySpec.to_plain`` gives it.
        home: the workspace; the same path on every node.
        storage: URL of Optuna's storage.
        tracking: MLflow's tracking URI.
        target: what runs in a trial's process.
        cores: that a trial may use; 0 for all.
        gpus: GPUs that the worker was given, or a part of one; 0 for none.
        path: where the coordinator finds modules, for what the study file names beside itself.
    """

    study: dict[str, Any]
    home: str
    # Out of the repr: URLs may hold passwords, and a repr ends up in tracebacks and logs.
    storage: str = field(repr=False)
    tracking: str = field(repr=False)
    target: str
    cores: int
    gpus: float
    path: list[str]


@dataclass(frozen=True)
class Report:
    """How a worker ended.

    Args:
        used_up: whether it saw the end of the budget.
        notes: what the person should know.
        error: what kept it from working; None if nothing did.
    """

    used_up: bool
    notes: list[str]
    error: HpoError | None = None


class _Notes(Silence):
    """Keeps the notes; what happens to trials is read in the storage."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def study_started(self, start: StudyStart) -> None:
        """Forget what was said of the plan: the coordinator has told it."""
        self.lines.clear()

    def note(self, text: str) -> None:
        """Keep the note if it is new and there are not too many."""
        if text not in self.lines and len(self.lines) < _MOST_NOTES:
            self.lines.append(text)


class RemoteWorker:
    """One worker in a process of the cluster's; ``stop`` is called while ``work`` runs."""

    def __init__(self) -> None:
        self._interrupts = Interrupts()

    def where(self) -> str:
        """Return the name of the machine."""
        return socket.gethostname()

    def stop(self) -> None:
        """Finish the trial at hand; called again, give it up at once."""
        self._interrupts.handle(signal.SIGTERM)

    def work(self, assignment: Assignment) -> Report:
        """Work on the study until its budget is used or ``stop`` is called; never raises."""
        from hpo.study.joining import worker

        if not assignment.gpus:
            # A cluster leaves the GPUs of a node in sight of workers that were given none.
            os.environ[_VISIBLE] = ""
        elif not os.environ.get(_VISIBLE):
            return Report(False, [], self._which_gpu())
        sys.path += [entry for entry in assignment.path if entry not in sys.path]
        notes = _Notes()
        try:
            outcome = worker(
                StudySpec.model_validate(assignment.study),
                workspace=Workspace(Path(assignment.home), assignment.storage, assignment.tracking),
                watcher=notes,
                target=assignment.target,
                interrupts=self._interrupts,
                shares=[Share(assignment.cores or None, None)],
            )
        except HpoError as error:
            return Report(False, notes.lines, error)
        except Exception as error:
            # Broad: whatever it was is told where the person sits, in words; what it carries may
            # not be readable there. The whole of it is in the worker's log.
            traceback.print_exc()
            told = TrainingError(f"a worker on {self.where()} ended by an error", got=_line(error))
            return Report(False, notes.lines, told)
        return Report(outcome.stopped_by is None, [*notes.lines, *outcome.notes])

    def _which_gpu(self) -> HpoError:
        return EnvironmentProblem(
            "a worker was given a GPU and cannot tell which, so that two might use the same",
            where=self.where(),
            expected=f"the cluster to set {_VISIBLE}",
            hint="Start Ray's nodes without RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES",
        )


def _line(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0][:300]
    return f"{type(error).__name__}: {text}".rstrip(": ")
