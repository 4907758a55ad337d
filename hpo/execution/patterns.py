"""When the rest of a budget would fail as the trials before it did, and is spared."""

from __future__ import annotations

import re
from collections.abc import Callable

from hpo.execution.retrying import name_of
from hpo.spec.errors import EnvironmentProblem, HpoError, TrainingError
from hpo.spec.records import TrialResult

FAILURES_ALIKE = 3
"""After so many trials in a row with one and the same error a study stops."""


class Patterns:
    """Looks at how trials end, one after the other; ``hopeless`` says why to go no further."""

    def __init__(self) -> None:
        self.hopeless: HpoError | None = None
        self._alike: dict[str, tuple[str, int]] = {}
        self._unstarted = 0

    def started(self) -> None:
        """See that a trial's process could be started."""
        self._unstarted = 0

    def not_started(self, error: Exception) -> None:
        """See that it could not; often in a row, the machine starts none."""
        self._unstarted += 1
        if self._unstarted >= FAILURES_ALIKE:
            self.hopeless = EnvironmentProblem(
                f"{self._unstarted} times in a row no process could be started for a trial",
                got=str(error) or type(error).__name__,
                hint="Look at the limits on processes and memory, then give the same command, "
                "hpo run with --resume",
            )

    def ended(self, label: str, result: TrialResult, left: Callable[[], int]) -> None:
        """See a trial of an architecture that has used up its place.

        Args:
            label: the architecture.
            result: how the trial ended.
            left: returns how many places of the study's budget nothing has been begun at: without
                any there is nothing to spare.
        """
        if result.state != "failed" or name_of(result.reason) != "error":
            self._alike.pop(label, None)
            return
        # Errors may name the trial's own folder.
        reason = re.sub(r"\d+", "0", result.reason)
        before, count = self._alike.get(label, ("", 0))
        count = count + 1 if reason == before else 1
        self._alike[label] = (reason, count)
        if count >= FAILURES_ALIKE and left() > 0:
            self.hopeless = TrainingError(
                f"{FAILURES_ALIKE} trials of {label} in a row failed by the same error, and "
                "the rest of the budget is spared",
                got=result.reason.removeprefix("error: "),
                hint="Mend it and give the same command, hpo run with --resume, for what is left; "
                "failed trials keep their places, so where all failed, `hpo delete STUDY` and a "
                "new start cost nothing",
            )
