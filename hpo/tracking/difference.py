"""One thing that MLflow holds otherwise than Optuna's storage, or than its own records say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "run missing",
    "run doubled",
    "run orphaned",
    "run id differs",
    "state differs",
    "value differs",
    "parameter differs",
    "epochs differ",
    "file broken",
    "parent missing",
    "parent differs",
    "parent open",
    "best differs",
    "mean differs",
    "model broken",
    "version broken",
    "note differs",
    "note reworded",
    "test differs",
]

Remedy = Literal[
    "replay", "rewrite", "delete run", "delete model", "parent", "best", "run id", "note", "none"
]


ENDED = ("complete", "pruned", "failed")
"""States that a trial does not leave."""


@dataclass(frozen=True)
class Difference:
    """What differs, and what mends it.

    Args:
        kind: for programs.
        architecture: label; "" where none is known.
        number: the trial's; None for what belongs to no trial.
        what: one sentence for people.
        remedy: ``replay`` tells the record again, which adds what is missing; ``rewrite`` deletes
            the run first, because MLflow lets no parameter or point be changed.
        run_id: the run that differs; for a trial whose run is to be replaced, its present one.
        model_id: the logged model that is to be deleted.
        study: whose note it is, where it may be another's than the one that was looked at.
    """

    kind: Kind
    architecture: str
    number: int | None
    what: str
    remedy: Remedy
    run_id: str = ""
    model_id: str = ""
    study: str = ""

    @property
    def fixable(self) -> bool:
        """Return whether ``repair`` can mend it."""
        return self.remedy != "none"
