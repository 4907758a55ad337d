"""What the gate of promotion said of a challenger, as data: its checks and their numbers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from hpo.registry.gate_tags import TAG_NUMBERS
from hpo.registry.models import TAG_GATE

Verdict = Literal["promoted", "refused", "forced"]


@dataclass(frozen=True)
class Measured:
    """What a classifier does on the validation faces.

    Args:
        predictions: the class that it answers for each face.
        calibration_error: the expected one, 0 to 1 (``training.scores``).
        latency_ms: median milliseconds for one face, warm.
        size_mib: of its file.
    """

    predictions: Sequence[int]
    calibration_error: float
    latency_ms: float
    size_mib: float


@dataclass(frozen=True)
class Check:
    """One condition of the rule.

    Args:
        name: ``accuracy``, ``gain``, ``recall``, ``calibration``, ``latency``, ``size`` or
            ``rollback``.
        passed: whether it holds.
        value: what is compared with the bound.
        bound: the rule's, or the majority rate.
        challenger: in words, with its interval.
        champion: likewise; "" where there is nothing to say.
        needs: the condition in words.
        details: further numbers, such as the ends of the interval (``low``, ``high``) and ``p``.
    """

    name: str
    passed: bool
    value: float
    bound: float
    challenger: str
    champion: str
    needs: str
    details: Mapping[str, float] = field(default_factory=dict)

    def line(self) -> str:
        """Return it as a tag of the version holds it."""
        beside = f"; champion {self.champion}" if self.champion else ""
        verdict = "passed" if self.passed else "failed"
        return f"{verdict}: {self.challenger}{beside}; needs {self.needs}"


@dataclass(frozen=True)
class Decision:
    """What the gate said of a challenger.

    Args:
        verdict: ``promoted``; ``refused``: it stays a challenger; ``forced``: promoted by a person
            whatever the checks said.
        against: version of the champion that it was compared with; "" if there was none.
        at: when, in UTC.
        faces: how many validation faces both were asked about.
        dataset_digest: of their dataset.
        selected_on: names these faces: two decisions with the same one are of the same faces.
        selected_from: of how many runs the challenger is the best on them: the search's trials,
            and a confirmation's re-runs where one of these is the challenger.
        reruns: how many of those were re-runs.
        rule: the study file's ``gate``.
        checks: in the order in which they are shown.
        notes: what to keep in mind, a sentence each.
    """

    verdict: Verdict
    against: str
    at: str
    faces: int = 0
    dataset_digest: str = ""
    selected_on: str = ""
    selected_from: int = 1
    reruns: int = 0
    rule: Mapping[str, float] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[str, ...]:
        """Return the names of the checks that do not hold."""
        return tuple(check.name for check in self.checks if not check.passed)

    def tags(self) -> dict[str, str]:
        """Return it as tags of the version; ``decision_of`` reverses it.

        The verdict, a line per check for people, and every number as JSON.
        """
        return {
            TAG_GATE: self.verdict,
            **{f"{TAG_GATE}.{check.name}": check.line() for check in self.checks},
            TAG_NUMBERS: json.dumps(self.to_json()),
        }

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data; ``from_plain`` reverses it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Decision:
        """Return the decision that ``to_json`` described."""
        checks = tuple(Check(**check) for check in plain["checks"])
        return cls(**{**plain, "checks": checks, "notes": tuple(plain["notes"])})


def decision_of(tags: Mapping[str, str]) -> Decision | None:
    """Return the decision that a version's tags hold; None if it was registered without one."""
    if TAG_NUMBERS not in tags:
        return None
    return Decision.from_plain(json.loads(tags[TAG_NUMBERS]))
