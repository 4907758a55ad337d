"""What a launcher is: it runs the trials of a study, here or elsewhere, and holds nothing of it.

Everything that must outlive a launcher is in Optuna's storage, so that any launcher goes on where
another one was killed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hpo.execution.devices import Share
from hpo.execution.interrupts import Interrupts
from hpo.execution.running_job import TRAIN
from hpo.execution.watch import StudyStart, Watcher
from hpo.spec.limits import other_limits
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.launchers.options import trials_at_once
from hpo.study.planned import Plan


@dataclass(frozen=True)
class Launch:
    """A study whose trials are to run, and who watches and stops it.

    Args:
        plan: the study.
        workspace: where data, stores and reports are.
        watcher: is told what happens.
        interrupts: when to stop.
        resume: whether the study may exist.
        joining: whether others see to its beginning and end.
        target: what runs in a trial's process; tests put an analytic objective in training's place.
        shares: what each of the trials at once may use of this machine; None leaves it to the
            launcher.
    """

    plan: Plan
    workspace: Workspace
    watcher: Watcher
    interrupts: Interrupts
    resume: bool = False
    joining: bool = False
    target: str = TRAIN
    shares: Sequence[Share] | None = None

    @property
    def spec(self) -> StudySpec:
        """Return the study."""
        return self.plan.spec

    @property
    def storage_url(self) -> str:
        """Return the URL of Optuna's storage; it may hold a password."""
        return self.workspace.storage_url(self.spec.storage)

    @property
    def tracking_uri(self) -> str:
        """Return MLflow's tracking URI; it may hold a password."""
        return self.workspace.tracking_uri(self.spec.tracking.uri)

    def announce(self) -> None:
        """Tell the watcher of what is to be expected and of what is done already."""
        plan = self.plan
        done = {label: plan.done_of(label) for label in plan.parts}
        # How many trials fit into a limit of time is a guess, and nothing to count towards.
        ends = any(plan.likely_of(label) < len(plan.left_of(label)) for label in done)
        self.watcher.study_started(
            StudyStart(
                study=self.spec.name,
                trials={label: done[label] + plan.likely_of(label, timed=False) for label in done},
                done=done,
                objective=self.spec.objective.metric,
                direction=self.spec.objective.direction,
                # A launcher's workers elsewhere are not those of whoever joins by hand.
                workers=self.spec.workers if self.joining else trials_at_once(self.spec),
                seconds={k: s for k, s in plan.seconds_per_trial.items() if s > 0},
                limit=other_limits(self.spec.budget.model_dump()) if ends else "",
                left={label: plan.seconds_left_of(label) for label in done},
            )
        )


@dataclass(frozen=True)
class Ended:
    """How the work on a study's trials ended.

    Args:
        used_up: whether nothing is left of the budget, here or with other workers.
        notes: what the person should know.
    """

    used_up: bool
    notes: list[str] = field(default_factory=list)


class Launcher(Protocol):
    """Runs a study's trials.

    It is made before anything is written, and then raises what keeps it from working: an
    ``EnvironmentProblem`` where the machine lacks something.
    """

    def __init__(self, launch: Launch) -> None: ...

    def work(self) -> Ended:
        """Run trials until the budget is used or ``interrupts`` say stop.

        See first that MLflow answers, unless others do, and tell the watcher that the study starts.
        """
        ...
