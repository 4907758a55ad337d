"""How a study ended, in a few numbers."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hpo.execution.interrupts import Interrupted
from hpo.registry.promotion import rank_key
from hpo.spec.errors import TrainingError
from hpo.spec.objectives import metric_text
from hpo.spec.parameters import as_written
from hpo.spec.pareto import losses, pareto_front
from hpo.spec.records import TrialRecord
from hpo.spec.workspace import Workspace
from hpo.study.checkpoints import LOG

_MOST_NAMED = 5
"""Trials of a front that are named; `hpo trials` marks them all."""


NOTHING_BEGUN = "Nothing was begun; the same command runs it"
"""What is said to whoever stops a study before it is in the storage."""


@dataclass(frozen=True)
class ArchitectureOutcome:
    """One architecture's trials, counted, and its best.

    Args:
        label: its label in the study.
        complete: trials that ran to their end.
        pruned: trials that the pruner stopped.
        failed: trials that failed.
        best: the (first) objective of the best complete trial that keeps the constraints; None if
            there is none.
        best_trial: its number.
        params: its searched parameters on one line.
    """

    label: str
    complete: int
    pruned: int
    failed: int
    best: float | None
    best_trial: int | None
    params: str


@dataclass(frozen=True)
class StudyOutcome:
    """How a study ended.

    Args:
        study: its name.
        objective: name of the objective.
        budget: trials by architecture.
        rows: its architectures.
        champion: the champion in words; "" if the winner did not become it.
        notes: what the person should know.
        stopped_by: the signal that stopped it; None if it came to its end.
        promotion: what came of the winner's registration as data, with the gate's numbers; None if
            none was registered.
        begun: what the storage holds of it: ``trials``, all of its ``budget``, the ``study`` alone,
            or ``nothing``.
        left: of a study that was stopped with all of its budget, what comes after the trials.
    """

    study: str
    objective: str
    budget: dict[str, int]
    rows: list[ArchitectureOutcome]
    champion: str = ""
    notes: list[str] = field(default_factory=list)
    stopped_by: int | None = None
    promotion: dict[str, Any] | None = None
    begun: Literal["trials", "budget", "study", "nothing"] = "trials"
    left: list[str] = field(default_factory=list)

    def say(self, notes: Iterable[str]) -> None:
        """Add what a person should know and was not told: a promotion repeats its reasons."""
        self.notes.extend(note for note in notes if note not in self.notes)

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as plain data."""
        return dataclasses.asdict(self)

    def raise_if_all_failed(self, workspace: Workspace | None = None) -> None:
        """End the call with 1 if no trial of any architecture came to anything.

        Args:
            workspace: where the logs of their processes are.

        Raises:
            TrainingError: all trials failed.
        """
        if self.rows and all(row.failed and not row.complete + row.pruned for row in self.rows):
            logs = workspace.checkpoints / self.study if workspace else None
            kept = f"; what their processes said is in {logs}/ARCHITECTURE/NUMBER/{LOG}"
            raise TrainingError(
                "all trials failed",
                hint=f"Failed trials keep their places, and none is left: mend it, then "
                f"`hpo delete {self.study}` and start anew. `hpo trials {self.study}` tells why "
                "each failed" + (kept if logs else ""),
            )

    def raise_if_stopped(self, again: str = "the same command with --resume") -> None:
        """End the call with 130 or 143 if a signal stopped the study.

        Args:
            again: what goes on with it.

        Raises:
            Interrupted: a signal stopped it.
        """
        if self.stopped_by is None:
            return
        if self.begun == "nothing":
            raise Interrupted(self.stopped_by, NOTHING_BEGUN)
        if self.begun == "study":
            raise Interrupted(self.stopped_by, f"No trial was begun; {again} runs them")
        if self.begun == "budget":
            left = " and ".join(self.left)
            raise Interrupted(
                self.stopped_by, f"All trials of the budget are done; {again} goes on with {left}"
            )
        raise Interrupted(self.stopped_by, f"Everything finished is kept; {again} goes on")


def summarise(
    study: str,
    objective: str,
    direction: Literal["maximize", "minimize"],
    budget: Mapping[str, int],
    records: list[TrialRecord],
) -> StudyOutcome:
    """Count the trials of each architecture and find its best."""
    rows = []
    for label in budget:
        own = [r for r in records if r.architecture == label]
        complete = [r for r in own if r.state == "complete" and r.value is not None and r.feasible]
        best = min(complete, key=lambda r: rank_key(r, direction), default=None)
        rows.append(
            ArchitectureOutcome(
                label,
                complete=sum(r.state == "complete" for r in own),
                pruned=sum(r.state == "pruned" for r in own),
                failed=sum(r.state == "failed" for r in own),
                best=best.value if best else None,
                best_trial=best.number if best else None,
                params=" ".join(f"{k}={_short(v)}" for k, v in best.searched.items())
                if best
                else "",
            )
        )
    return StudyOutcome(study, objective, dict(budget), rows)


def judgement(records: list[TrialRecord]) -> list[str]:
    """Return what several objectives and constraints make of the trials, a sentence each."""
    said = []
    judged = [r for r in records if r.state == "complete" and r.excess]
    broken = sum(not r.feasible for r in judged)
    if broken:
        counts = Counter(metric for r in judged for metric in r.broken)
        listed = ", ".join(
            f"{metric}: {count} trial{'' if count == 1 else 's'}"
            for metric, count in counts.items()
        )
        said.append(f"{broken} of {len(judged)} complete trials break a constraint ({listed}).")
    on_it = pareto_front(records)
    front = [r for r in records if (r.architecture, r.number) in on_it]
    front.sort(key=lambda r: losses(r.values))
    if front:
        named = "; ".join(
            f"{r.architecture} #{r.number} ("
            + ", ".join(
                f"{metric} {metric_text(metric, value)}" for metric, value in r.values.items()
            )
            + ")"
            for r in front[:_MOST_NAMED]
        )
        more = "" if len(front) <= _MOST_NAMED else f"; and {len(front) - _MOST_NAMED} more"
        said.append(f"On the Pareto front: {named}{more}.")
    return said


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else as_written(value)
