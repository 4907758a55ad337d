"""What a person may watch while a study runs; the display itself belongs to the command line."""

from __future__ import annotations

from typing import Any, Protocol

from hpo.spec.records import EpochReport, TrialResult


class Watcher(Protocol):
    """Is told what happens, in order, from one thread; ``note`` may come from others."""

    def study_started(
        self,
        study: str,
        trials: dict[str, int],
        done: dict[str, int],
        objective: str,
        direction: str,
    ) -> None:
        """Hear of what is to be expected and what is done already, in trials per architecture."""
        ...

    def trial_started(
        self, label: str, number: int, params: dict[str, Any], epochs: int, origin: str
    ) -> None:
        """Hear of a trial; ``params`` are the searched ones."""
        ...

    def epoch_finished(self, label: str, number: int, report: EpochReport) -> None:
        """Hear of an epoch."""
        ...

    def trial_finished(self, label: str, number: int, result: TrialResult, seconds: float) -> None:
        """Hear of a result."""
        ...

    def trial_released(self, label: str, number: int, why: str) -> None:
        """Hear of a trial that ended without using up its place; ``why`` is half a sentence."""
        ...

    def note(self, text: str) -> None:
        """Hear of anything else worth a line."""
        ...


class Silence:
    """Watches nothing."""

    def study_started(
        self,
        study: str,
        trials: dict[str, int],
        done: dict[str, int],
        objective: str,
        direction: str,
    ) -> None:
        """Pass over it."""

    def trial_started(
        self, label: str, number: int, params: dict[str, Any], epochs: int, origin: str
    ) -> None:
        """Pass over it."""

    def epoch_finished(self, label: str, number: int, report: EpochReport) -> None:
        """Pass over it."""

    def trial_finished(self, label: str, number: int, result: TrialResult, seconds: float) -> None:
        """Pass over it."""

    def trial_released(self, label: str, number: int, why: str) -> None:
        """Pass over it."""

    def note(self, text: str) -> None:
        """Pass over it."""
