"""The sections of a study file: data, objective, budget, limits, tracking, plug-ins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from hpo.spec.faults import shown, written
from hpo.spec.numbers import Real, Whole

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
MOST_TRIALS = 100_000
"""More than any storage or sampler is used for: a slip of the finger, told at once."""
MOST_MEMBERS = 32
"""Members of an ensemble, each of which must answer for every face: a slip beyond that, too."""
FIRST_FILLING_SLOT = MOST_TRIALS
"""Where the places of space-filling trials begin: above those of any budget."""
UNCOUNTED_TRIALS = 1000
"""The budget's trials where only another limit is given: the other one ends the study."""


class Section(BaseModel):
    """Base of all sections: unknown keys and NaN are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataSpec(Section):
    """Which faces are trained and validated on; no study trains or judges by the test split."""

    dataset: str = Field(default="drawn-faces", description="A name that `hpo data list` shows.")
    train_limit: Whole | None = Field(
        default=None, ge=1, description="Train on a stratified subset of this many faces."
    )
    validation_limit: Whole | None = Field(
        default=None, ge=1, description="Validate on a stratified subset of this many faces."
    )
    leakage: Literal["keep", "drop"] = Field(
        default="keep", description="Whether to train on duplicates of held-out faces."
    )

    @field_validator("dataset")
    @classmethod
    def _plain_name(cls, dataset: str) -> str:
        if not NAME.fullmatch(dataset):
            raise ValueError(f"takes a name that hpo data list shows, got {shown(dataset)}")
        return dataset


class ObjectiveSpec(Section):
    """What a trial is judged by: a metric of the checkpoint that would be served."""

    metric: Literal["val_accuracy", "val_loss"] = "val_accuracy"

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        """Return which way is better."""
        return "minimize" if self.metric == "val_loss" else "maximize"


class BudgetSpec(Section):
    """How much each architecture may spend; of several limits the first that is reached holds.

    All are counted in the storage when a place of the budget is claimed, over all workers and
    restarts.
    """

    trials: Whole = Field(
        default=20,
        ge=1,
        le=MOST_TRIALS,
        description="Trials per architecture; with rungs, configurations.",
    )
    epochs: Whole | None = Field(
        default=None,
        ge=1,
        description="Epochs per architecture. A trial is claimed only if all of its epochs fit; "
        "what pruning and early stopping save goes to later trials.",
    )
    hours: Real | None = Field(
        default=None,
        gt=0,
        description="Hours per architecture in which at least one of its trials ran; no trial is "
        "claimed after them.",
    )
    device_hours: Real | None = Field(
        default=None,
        gt=0,
        description="Hours of all trials per architecture added up; no trial is claimed after "
        "them.",
    )
    importance_trials: Whole = Field(
        default=0,
        ge=0,
        le=MOST_TRIALS,
        description="Space-filling trials per architecture, beyond all of these limits, for the "
        "importance of parameters.",
    )

    @model_validator(mode="after")
    def _only_another_limit(self) -> Self:
        others = (self.epochs, self.hours, self.device_hours)
        if "trials" not in self.model_fields_set and any(o is not None for o in others):
            object.__setattr__(self, "trials", UNCOUNTED_TRIALS)
        return self


class LimitsSpec(Section):
    """What one trial may take, and what happens to one that breaks."""

    trial_minutes: Real | None = Field(
        default=None,
        gt=0,
        description="Wall-clock minutes; a trial that takes longer fails with time_limit.",
    )
    memory_gib: Real | None = Field(
        default=None,
        gt=0,
        description="Resident memory of a trial's process in GiB; more counts as out of memory.",
    )
    crash_retries: Whole = Field(
        default=1,
        ge=0,
        le=10,
        description="How often a trial whose process crashed is run again.",
    )
    lease_seconds: Real = Field(
        default=60.0,
        ge=1,
        le=86400,
        description="A worker that gives no sign of life for so long is taken for dead, and its "
        "trials are run again; it gives one every quarter of that.",
    )


class WarmStartSpec(Section):
    """What is taken of an earlier study, written ``NAME`` or ``{study: NAME, ...}``."""

    study: str = Field(description="Its name; it lies in the same storage.")
    trials: Whole | None = Field(
        default=None, ge=1, description="Only its last so many complete trials."
    )
    enqueue: Whole | None = Field(
        default=None,
        ge=0,
        description="How many of its best configurations are tried first. By default none, or 3 "
        "where its values are not comparable.",
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, data: Any) -> Any:
        return {"study": data} if isinstance(data, str) else data

    @field_validator("study")
    @classmethod
    def _plain_name(cls, study: str) -> str:
        if not NAME.fullmatch(study):
            raise ValueError(f"takes a study's name that hpo studies shows, got {shown(study)}")
        return study

    @property
    def option(self) -> str:
        """Return the option of ``hpo run`` that says the same."""
        if self.trials is None and self.enqueue is None:
            return f"--warm-start {self.study}"
        return f"--set 'warm_start={written(self.model_dump())}'"


class PlugIn(Section):
    """A name of the catalogue and its options, written ``name`` or ``{name: ..., option: ...}``."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"name": data}
        if isinstance(data, Mapping) and "options" not in data:
            if "name" not in data:
                beside = f" beside {', '.join(map(str, data))}" if data else ""
                raise ValueError(f"a name is needed{beside}")
            return {"name": data["name"], "options": {k: v for k, v in data.items() if k != "name"}}
        return data


class TrackingSpec(Section):
    """Where the mirror for people is, and how many models it keeps."""

    uri: str | None = Field(default=None, description="An MLflow tracking URI.")
    keep_models: Whole = Field(
        default=1, ge=0, description="Models kept per architecture: the best so many."
    )


class ConfirmationSpec(Section):
    """How the best of a search are run again before one is called the winner."""

    top: Whole = Field(
        default=3, ge=1, le=20, description="How many of the best configurations are run again."
    )
    seeds: Whole = Field(
        default=5,
        ge=2,
        le=100,
        description="With how many seeds each, unless it is stopped as worse beyond doubt.",
    )
