"""What a promotion registered, as data and in a sentence."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from hpo.spec.confirmation import confirmation_name
from hpo.spec.errors import HpoError
from hpo.spec.reruns import who_serves
from hpo.study.champions import Replaced
from hpo.study.decision import Decision


@dataclass(frozen=True)
class Promotion:
    """What was registered.

    Args:
        outcome: ``promoted``; ``unchanged``: it was the champion already; or ``refused``: the gate
            kept the champion, and it is registered as ``challenger``.
        study: whose winner it is.
        architecture: its label there.
        trial: its number.
        objective: name of the objective.
        value: the objective on validation.
        classifier_version: of ``emotion-classifier``.
        recommender_version: of ``song-recommender``, now ``champion``; "" if it was refused.
        catalogue: the songs that it recommends.
        members: trials of an ensemble, such as ``cnn/7``, the best first; architecture and trial
            are then the best member's. () where the winner was registered alone.
        over_seeds: what a confirmation said of its configuration, or of its members', as
            ``hpo.spec.reruns`` has it; {} without one.
        single: of an ensemble, what its best member alone reached; None otherwise.
        faces: how many validation faces the value is from; 0 where that was not recorded.
        replaced: the champion before it, which it did not replace if it was refused; None if there
            was none, or it is the same.
        gate: what the gate said, with its numbers; None of a version that was registered without.
        warnings: what speaks against it, a sentence each.
    """

    outcome: Literal["promoted", "unchanged", "refused"]
    study: str
    architecture: str
    trial: int
    objective: str
    value: float
    classifier_version: str
    recommender_version: str
    catalogue: str
    members: tuple[str, ...] = ()
    over_seeds: dict[str, Any] = field(default_factory=dict)
    single: float | None = None
    faces: int = 0
    replaced: Replaced | None = None
    gate: Decision | None = None
    warnings: tuple[str, ...] = ()

    def line(self) -> str:
        """Return it in a sentence."""
        of = (self.study, self.architecture, self.trial)
        if self.over_seeds:
            of = (confirmation_name(self.study), *of[1:])
        who = who_serves(*of, standing=self.over_seeds)
        value = f"{self.objective} {self.value:.4f}"
        if self.members:
            value += f" on {self.faces} validation faces; {who} alone {self.single:.4f}"
            who = who_serves(*of, self.members, self.over_seeds)
        elif self.over_seeds:
            (run,) = self.over_seeds["runs"].values()
            value += f", mean over {run['seeds']} seeds {run['mean']:.4f}"
        version = (
            f"emotion-classifier {self.classifier_version} ({who} of study {self.study}, {value})"
        )
        if self.outcome == "refused":
            failed = ", ".join(self.gate.failed) if self.gate else ""
            stays = (
                f"the champion stays {self.replaced.line(self.objective)}"
                if self.replaced
                else "there is still no champion"
            )
            return f"{version} did not pass the gate ({failed}); {stays}"
        answers = (
            f"{version}, answering in song-recommender {self.recommender_version} with "
            f"{self.catalogue}"
        )
        if self.outcome == "unchanged":
            return f"{answers}; it was the champion already"
        return answers + (
            f"; it replaces {self.replaced.line(self.objective)}" if self.replaced else ""
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dataclasses.asdict(self)


def answered_before() -> str:
    """Say what a first champion replaces, the model in the box; "" of a box that is empty.

    The gate asks a first champion for no more than to beat the most frequent class.
    """
    from hpo.evidence.intervals import wilson
    from hpo.recommender.box import open_box

    try:
        box = open_box()
    except HpoError:
        return ""
    facts = box.described.facts
    own = wilson(box.accuracy, int(facts["validation_faces"]))
    return (
        "It takes the place of the model in the box, with which it was not compared: by its card "
        f"that one is right on {100 * own.point:.1f} % [{100 * own.low:.1f}, {100 * own.high:.1f}] "
        f"of the {own.n:,} validation faces of {facts['dataset']}. `hpo recommend --model boxed` "
        "asks it, `hpo champion --rollback` lets it answer again."
    )
