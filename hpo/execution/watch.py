"""What a person may watch while a study runs; the display itself belongs to the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from hpo.spec.confirmation import ORIGIN as CONFIRMATION
from hpo.spec.records import EpochReport, TrialResult

CONTINUES = "continues #"
SEED = "seed "
"""How the origin of a trial begins that takes a configuration one rung further, or that runs one
again in a confirmation."""


def told_origin(origin: str, slot: int, continues: int | None) -> str:
    """Return the origin of a trial as watchers hear of it.

    Args:
        origin: the record's.
        slot: its place of the budget.
        continues: number of the trial at the rung below; None if there is none.
    """
    if continues is not None:
        return f"{CONTINUES}{continues}"
    return f"{SEED}{slot + 1}" if origin == CONFIRMATION else origin


@dataclass(frozen=True)
class StudyStart:
    """What is to be expected of a study that starts.

    Args:
        study: its name.
        trials: how many each architecture may have, those that are done included.
        done: how many of them are done already; architectures that are left out have none.
        objective: the metric by which trials are judged.
        direction: ``maximize`` or ``minimize`` of it.
        workers: how many trials are to run at once.
        seconds: that one trial may take, by architecture, where that is known.
        limit: in words, what each architecture may spend, where that is likely to end it before
            its trials do; "" where it is not.
        left: by architecture, the seconds that are left of its limits: of those in which any of its
            trials runs, and of those of its trials added up; None of one without such a limit.
    """

    study: str
    trials: dict[str, int]
    done: dict[str, int]
    objective: str
    direction: Literal["maximize", "minimize"]
    workers: int = 1
    seconds: dict[str, float] = field(default_factory=dict)
    limit: str = ""
    left: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)


class Watcher(Protocol):
    """Is told what happens, in order, from one thread; ``note`` may come from others."""

    # Each body says that it returns: as `...` it would be abstract, and not for Silence to inherit.

    def study_started(self, start: StudyStart) -> None:
        """Hear of what is to be expected."""
        return

    def trial_started(
        self, label: str, number: int, params: dict[str, Any], epochs: int, origin: str
    ) -> None:
        """Hear of a trial; ``params`` are the searched ones.

        ``origin`` is the record's, or names the trial that this one continues (``CONTINUES``), or
        the seed of a confirmation's run (``SEED``).
        """
        return

    def epoch_finished(self, label: str, number: int, report: EpochReport) -> None:
        """Hear of an epoch."""
        return

    def trials_done(self, label: str, done: int) -> None:
        """Hear, before ``trial_finished``, how many places of the budget are done, by all workers.

        The trial that finishes is among them. Who never hears it counts by ``trial_finished``.
        """
        return

    def trial_finished(self, label: str, number: int, result: TrialResult, seconds: float) -> None:
        """Hear of a result."""
        return

    def trial_released(self, label: str, number: int, why: str) -> None:
        """Hear of a trial that ended without using up its place; ``why`` is half a sentence."""
        return

    def waits(self, text: str) -> None:
        """Hear, in a sentence, for whose trials is waited while none runs here."""
        return

    def note(self, text: str) -> None:
        """Hear of anything else worth a line."""
        return


class Silence(Watcher):
    """Watches nothing; a watcher of some things inherits from it to pass over the others."""
