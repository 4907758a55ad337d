"""What the doctor finds: problems, and a diagnosis of one or several studies."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

REWORDED = "note reworded"
"""The kind of what is right and only told in the words of an earlier version."""

Place = Literal["optuna", "mlflow", "disk", "registry"]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Args:
        study: whose.
        place: where it was seen.
        kind: a few words, the same for all of its kind.
        architecture: label; "" where it belongs to none.
        number: of the trial; None where it belongs to none.
        what: one sentence for people.
        fixable: whether ``--fix`` can mend it.
    """

    study: str
    place: Place
    kind: str
    architecture: str
    number: int | None
    what: str
    fixable: bool


@dataclass(frozen=True)
class Diagnosis:
    """What was found, and what was mended.

    Args:
        problems: what is wrong now.
        fixed: what was wrong and is no more.
        notes: what a person should know of the look itself.
        studies: whose stores were compared.
        reworded: what is right, and told in the words of an earlier version; not wrong.
    """

    problems: list[Problem]
    fixed: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    studies: list[str] = field(default_factory=list)
    reworded: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Return whether nothing is wrong now."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, ``{"ok": ..., "problems": [...], ...}``."""
        return {"ok": self.ok, **dataclasses.asdict(self)}
