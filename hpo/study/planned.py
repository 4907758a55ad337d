"""What comes of planning: a study that may start, what is left of it, and the time it may take."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpo.spec.sections import FIRST_FILLING_SLOT
from hpo.spec.study import StudySpec
from hpo.spec.workspace import shown_url
from hpo.study.launchers.options import trials_at_once
from hpo.study.parts import PlannedArchitecture

if TYPE_CHECKING:
    from hpo.data.store import FaceDataset


@dataclass(frozen=True)
class Plan:
    """A study that may start.

    Args:
        spec: the study.
        parts: its architectures.
        dataset: the faces; before the embedded ones are drawn, their sizes without a digest.
        notes: what the person should know before it starts.
        basis: what the time is estimated from.
        filled: by architecture, the places of its budget that ended trials fill; for a study that
            is to go on.
        spent: by architecture, the seconds in which any of its trials ran, and those of all added
            up; likewise.
        leaked: training faces that are left out as duplicates of held-out ones; 0 where the study
            keeps them, and before the embedded faces are drawn.
        evolve: whether the space of the study that goes on is to grow into this one.
        copy_search_seconds: the guessed seconds that looking for copies among the faces takes
            before the first trial, once per dataset; 0 where they are known.
        over: whether nothing more will be claimed, whatever the budget: a race that is decided.
    """

    spec: StudySpec
    parts: dict[str, PlannedArchitecture]
    dataset: FaceDataset
    notes: list[str]
    basis: str
    filled: dict[str, frozenset[int]] = dataclasses.field(default_factory=dict)
    spent: dict[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    leaked: int = 0
    evolve: bool = False
    copy_search_seconds: float = 0.0
    over: bool = False

    @property
    def train_size(self) -> int:
        """Return how many faces are trained on, where an architecture does not say otherwise."""
        return _limited(self.dataset, "train", self.spec.data.train_limit, self.leaked)

    def train_size_of(self, label: str) -> int:
        """Return how many faces an architecture is trained on."""
        return _limited(self.dataset, "train", self.spec.train_limit_of(label), self.leaked)

    @property
    def validation_size(self) -> int:
        """Return how many faces are validated on."""
        return _limited(self.dataset, "validation", self.spec.data.validation_limit)

    def left_of(self, label: str) -> list[int]:
        """Return the places of an architecture that are left, from 0, space-filling ones last."""
        filled = self.filled.get(label, frozenset())
        return (
            [] if self.over else [slot for slot in self.spec.slots_of(label) if slot not in filled]
        )

    def done_of(self, label: str) -> int:
        """Return how many places of an architecture's budget are filled; it may be over budget."""
        return len(self.filled.get(label, ()))

    def likely_of(self, label: str, *, timed: bool = True) -> int:
        """Return how many of the places left are likely to be claimed, by the budget's limits.

        A limit of epochs or of time ends an architecture before its trials do; pruning and early
        stopping, which are not foreseen here, make room for more. Space-filling trials are beyond
        all limits. Without ``timed`` the limits of time are passed over.
        """
        budget, places = self.spec.budget, self.left_of(label)
        beyond = sum(slot >= FIRST_FILLING_SLOT for slot in places)
        left = len(places) - beyond
        epochs: float | None = None
        fixed = self.spec.architectures[label].fixed.get("epochs")
        if isinstance(fixed, int) or self.spec.fidelity is not None:
            from hpo.search.fidelity_checks import mean_epochs

            epochs = mean_epochs(self.spec, label, self.spec.architectures[label].fixed)
        if budget.epochs is not None and epochs is not None:
            done = sum(slot < FIRST_FILLING_SLOT for slot in self.filled.get(label, ()))
            left = min(left, max(0, int(budget.epochs // epochs) - done))
        seconds = self.parts[label].seconds_per_trial
        at_once = (trials_at_once(self.spec), 1)
        for rest, times in zip(self.seconds_left_of(label), at_once, strict=True):
            if timed and rest is not None and seconds > 0:
                left = min(left, math.ceil(rest * times / seconds))
        return left + beyond

    def seconds_left_of(self, label: str) -> tuple[float | None, float | None]:
        """Return what an architecture's limits of hours and of device-hours leave, in seconds.

        None of one that the budget has not.
        """
        busy, added = self.spent.get(label, (0.0, 0.0))
        return _rest(self.spec.budget.hours, busy), _rest(self.spec.budget.device_hours, added)

    @property
    def left(self) -> int:
        """Return how many trials are left in all."""
        return sum(len(self.left_of(label)) for label in self.parts)

    @property
    def seconds_per_trial(self) -> dict[str, float]:
        """Return the guessed seconds of a trial by architecture."""
        return {label: part.seconds_per_trial for label, part in self.parts.items()}

    @property
    def seconds(self) -> float:
        """Return the guessed seconds of what is left of the study, with the search for copies."""
        if not self.left:
            return 0.0
        return self.copy_search_seconds + sum(
            self.likely_of(label) * seconds for label, seconds in self.seconds_per_trial.items()
        )

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        study = self.spec.to_plain()
        study["storage"] = shown_url(study["storage"] or "") or None
        study["tracking"]["uri"] = shown_url(study["tracking"]["uri"] or "") or None
        return {
            "study": study,
            "data": {
                "dataset": self.dataset.name,
                "digest": self.dataset.digest or None,
                "train": self.train_size,
                "validation": self.validation_size,
                "copies_left_out": self.leaked,
            },
            "architectures": {
                label: {
                    "trials": len(self.spec.slots_of(label)),
                    "finished": self.done_of(label),
                    "train": self.train_size_of(label),
                    "space_size": part.spec.space.size(part.spec.fixed),
                    "first_trials": [
                        {"slot": slot, **dataclasses.asdict(part.first[slot])}
                        for slot in self.left_of(label)
                        if slot < len(part.first)
                    ],
                    "likely": self.likely_of(label),
                    "seconds_per_trial": round(part.seconds_per_trial, 1),
                }
                for label, part in self.parts.items()
            },
            "copy_search_seconds": round(self.copy_search_seconds, 1),
            "seconds": round(self.seconds, 1),
            "basis": self.basis,
            "notes": self.notes,
        }


def _rest(hours: float | None, spent_seconds: float) -> float | None:
    return None if hours is None else max(0.0, 3600 * hours - spent_seconds)


def _limited(dataset: FaceDataset, split: str, limit: int | None, left_out: int = 0) -> int:
    size = sum(dataset.counts()[split].values()) - left_out
    return size if limit is None else min(limit, size)
