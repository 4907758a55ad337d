"""The section ``fidelity``: at which epochs configurations are compared, and which go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from hpo.spec.numbers import Real, Whole
from hpo.spec.sections import Section


class FidelitySpec(Section):
    """How long configurations are trained before the best of them are trained on."""

    name: Literal["successive_halving", "hyperband", "first_epoch"]
    rungs: list[Whole] | None = Field(
        default=None,
        min_length=2,
        description="Epochs at which configurations are compared, the last in full; by default "
        "from the fixed epochs downwards.",
    )
    min_epochs: Whole = Field(default=1, ge=1, description="No rung by default is shorter.")
    reduction_factor: Whole = Field(
        default=3, ge=2, description="One of so many goes on to the next rung."
    )
    keep: Whole | None = Field(
        default=None, ge=1, description="first_epoch: how many are trained in full."
    )
    min_rank_correlation: Real = Field(
        default=0.5,
        ge=-1,
        le=1,
        description="Under this rank correlation between a rung and the next nothing is stopped "
        "at the rung any more; -1: whatever it is.",
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, data: Any) -> Any:
        return {"name": data} if isinstance(data, str) else data

    @field_validator("rungs")
    @classmethod
    def _ascending(cls, rungs: list[int] | None) -> list[int] | None:
        if rungs is not None and (rungs[0] < 1 or sorted(set(rungs)) != rungs):
            raise ValueError(f"takes numbers of epochs, each above the one before, got {rungs}")
        return rungs

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        first_epoch = self.name == "first_epoch"
        if first_epoch and self.keep is None:
            raise ValueError("first_epoch needs to know how many it keeps; give 'keep'")
        if not first_epoch and self.keep is not None:
            raise ValueError(f"'keep' is first_epoch's; {self.name} keeps 1 in reduction_factor")
        if first_epoch and self.rungs is not None and len(self.rungs) > 2:
            raise ValueError("first_epoch has two rungs: the first look, and the full training")
        if self.rungs is not None and self.min_epochs != 1:
            raise ValueError("'rungs' and 'min_epochs' say the same; keep one")
        return self

    def rungs_of(self, epochs: int) -> tuple[int, ...]:
        """Return the rungs, in epochs, of an architecture whose full training has ``epochs``.

        By default these divided by the reduction factor again and again, rounded down, as in
        Hyperband (Li et al. 2018, JMLR 18:185), for as long as ``min_epochs`` allows.
        """
        if self.rungs is not None:
            return tuple(self.rungs)
        if self.name == "first_epoch":
            return (self.min_epochs, epochs) if self.min_epochs < epochs else (epochs,)
        found = [epochs]
        while found[0] // self.reduction_factor >= self.min_epochs:
            found.insert(0, found[0] // self.reduction_factor)
        return tuple(found)

    def goes_on(self) -> str:
        """Return in words what is done: ``successive halving, one of 3 goes on``."""
        share = f"one of {self.reduction_factor} goes on"
        share = f"the best {self.keep} go on" if self.keep else share
        return f"{self.name.replace('_', ' ')}, {share}"


def listed_epochs(rungs: Sequence[int]) -> str:
    """Return rungs in words: ``1, 2 and 4 epochs``."""
    *earlier, last = map(str, rungs)
    listed = f"{', '.join(earlier)} and {last}" if earlier else last
    return f"{listed} epoch{'' if last == '1' else 's'}"
