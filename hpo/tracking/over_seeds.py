"""What the runs of a configuration over seeds come to: what its run tells in place of a best.

The best of several seeds is the luckiest, and tells the configuration better than it is.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hpo.spec.confirmation import ORIGIN
from hpo.spec.records import TrialRecord
from hpo.tracking import names, run_texts


@dataclass(frozen=True)
class OverSeeds:
    """The objective over the seeds of a configuration.

    Args:
        mean: of the runs that are complete.
        low: the lowest of them.
        high: the highest.
        seeds: how many they are.
    """

    mean: float
    low: float
    high: float
    seeds: int

    @property
    def tag(self) -> str:
        """Return it as its tag holds it, ``0.5032 over 5 seeds``, to six significant digits."""
        return f"{run_texts.param_text(self.mean)} over {self._counted}"

    def metrics(self) -> dict[str, float]:
        """Return it as metrics of the configuration's run."""
        return {
            names.MEAN_OBJECTIVE: self.mean,
            names.LOWEST_OBJECTIVE: self.low,
            names.HIGHEST_OBJECTIVE: self.high,
            names.SEEDS: float(self.seeds),
        }

    def note(self, objective: str) -> str:
        """Return one Markdown sentence."""
        spread = f", from {self.low:.4f} to {self.high:.4f}" if self.seeds > 1 else ""
        return f"**{objective} {self.mean:.4f}**, mean of {self._counted}{spread}."

    @property
    def _counted(self) -> str:
        return f"{self.seeds} seed{'' if self.seeds == 1 else 's'}"


def over_seeds(values: Sequence[float]) -> OverSeeds | None:
    """Return what values come to, in any order; None of none."""
    if not values:
        return None
    return OverSeeds(statistics.fmean(values), min(values), max(values), len(values))


def of_records(records: Iterable[TrialRecord]) -> OverSeeds | None:
    """Return what the runs of one configuration come to; None where it has none that is complete.

    Args:
        records: of one label. Of a search, whose trials are no re-runs, nothing is known.
    """
    return over_seeds(
        [
            record.value
            for record in records
            if record.origin == ORIGIN and record.state == "complete" and record.value is not None
        ]
    )
