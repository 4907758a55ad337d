"""The study file as a schema: what is searched, on which data, for how long, and what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from hpo.spec.addresses import is_url
from hpo.spec.errors import OTHER_NAMES, close_to, did_you_mean
from hpo.spec.faults import Fault, shown
from hpo.spec.fidelity import FidelitySpec
from hpo.spec.gate import GateSpec
from hpo.spec.numbers import Whole
from hpo.spec.objectives import MEASURED, TRAINED, ConstraintsSpec, GoalSpec
from hpo.spec.sections import (
    FIRST_FILLING_SLOT,
    MOST_MEMBERS,
    MOST_TRIALS,
    NAME,
    BudgetSpec,
    ConfirmationSpec,
    DataSpec,
    LimitsSpec,
    ObjectiveSpec,
    PlugIn,
    Section,
    TrackingSpec,
    WarmStartSpec,
)
from hpo.spec.space import Scalar, SearchSpace


class ArchitectureSpec(Section):
    """One architecture of a study: what is fixed, what is searched, what is tried first."""

    architecture: str = Field(description="A catalogue name or package.module:build.")
    weights: str | None = Field(
        default=None, description="imagenet, none or a file, for pretrained architectures."
    )
    trials: Whole | None = Field(
        default=None,
        ge=1,
        le=MOST_TRIALS,
        description="In place of budget.trials; unequal budgets compare unequally.",
    )
    train_limit: Whole | None = Field(
        default=None, ge=1, description="In place of data.train_limit."
    )
    fixed: dict[str, Scalar | list[Scalar]] = Field(default_factory=dict)
    space: SearchSpace = Field(default_factory=lambda: SearchSpace({}))
    enqueue: list[str | dict[str, Scalar | list[Scalar]]] = Field(
        default=["thesis"],
        description="Configurations tried first; `thesis` is the thesis's own, and where it has "
        "none of this architecture, or by `default`, the defaults of the searched parameters.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _check_one_role(self.space.parameters, self.fixed)
        known = {*self.space.parameters, *self.fixed}
        if self.weights is not None:  # It stands among what is fixed once a study is planned.
            known.add("weights")
        for name, parameter in self.space.parameters.items():
            for parent in parameter.when:
                if parent not in known:
                    raise self._nobody(name, parent)
        for position, entry in enumerate(self.enqueue):
            if isinstance(entry, str) and entry not in ("thesis", "default"):
                raise Fault(
                    f"enqueue takes 'thesis', 'default' or a mapping of parameters, got '{entry}'",
                    *("enqueue", position),
                )
        return self

    def _nobody(self, name: str, parent: str) -> Fault:
        """Return what is wrong where ``name`` waits for a parameter that is not there."""
        known = [n for n in (*self.space.parameters, *self.fixed) if n != name]
        familiar = set(OTHER_NAMES.values()) - {name}
        if parent not in familiar:
            # A parameter of training that keeps its default here may be meant all the same.
            known += close_to(parent, familiar)
        close = did_you_mean(parent, known)
        return Fault(
            f"'{name}' hangs on '{parent}', which is neither searched nor fixed",
            *("space", name, "when", parent),
            hint=(f"{close} If not, add" if close.endswith("?") else f"{close}. Add")
            + " it to 'space' or 'fixed'",
        )


def _own_sampler(study: dict[str, Any]) -> PlugIn:
    """Return the sampler of an engine whose study file names none.

    Args:
        study: what was validated of it before its sampler.
    """
    engine: PlugIn = study["engine"]
    if engine.name != "keras-tuner":
        return PlugIn(name="tpe")
    oracle = engine.options.get("oracle")
    return PlugIn(name=oracle if isinstance(oracle, str) else "bayesian")


def _own_pruner(study: dict[str, Any]) -> PlugIn:
    """Return the pruner of a study file that names none: "none" with rungs or several objectives.

    Args:
        study: what was validated of it before its pruner.
    """
    several = study.get("objectives") is not None or study.get("fidelity") is not None
    return PlugIn(name="none" if several else "median")


class StudySpec(Section):
    """A whole study file.

    ``space`` and ``fixed`` at the top hold for every architecture that does not say otherwise;
    after loading they are merged into each architecture and empty here.
    """

    name: str
    description: str = ""
    seed: Whole = Field(default=0, ge=0, lt=2**31)
    data: DataSpec = DataSpec()
    objective: ObjectiveSpec = ObjectiveSpec()
    objectives: list[GoalSpec] | None = Field(
        default=None,
        min_length=2,
        description="Several in place of one; the first chooses the checkpoint and the winner.",
    )
    constraints: ConstraintsSpec = Field(
        default=ConstraintsSpec(), description="Bounds that a winner keeps to."
    )
    budget: BudgetSpec = BudgetSpec()
    engine: PlugIn = PlugIn(name="optuna")
    sampler: PlugIn = Field(
        default_factory=_own_sampler, description="By default the engine's own choice."
    )
    warm_start: WarmStartSpec | None = Field(
        default=None, description="An earlier study whose trials the sampler learns from."
    )
    fidelity: FidelitySpec | None = Field(
        default=None, description="Few epochs for many configurations, more for the best."
    )
    pruner: PlugIn = Field(
        default_factory=_own_pruner,
        description="By default median; none beside fidelity or objectives.",
    )
    repeats: Literal["reuse", "retrain"] = Field(
        default="reuse",
        description="What becomes of a configuration that the sampler proposes again although it "
        "was tried to its end: reuse takes its value and trains nothing, retrain trains it with "
        "another seed, which measures noise.",
    )
    precision: Literal["float32", "mixed_bfloat16", "auto"] = "float32"
    workers: Whole = Field(
        default=1,
        ge=1,
        le=1024,
        description="Trials that run at once; each has its share of the cores, or a GPU.",
    )
    launcher: PlugIn = PlugIn(name="local")
    limits: LimitsSpec = LimitsSpec()
    continue_trials: bool = Field(
        default=False,
        description="Whether a trial that was cut off goes on from its last epoch; it begins "
        "again otherwise.",
    )
    storage: str | None = Field(default=None, description="An Optuna storage URL.")
    tracking: TrackingSpec = TrackingSpec()
    confirmation: ConfirmationSpec | None = Field(
        default=None,
        description="The best are run again over seeds before one is called the winner.",
    )
    promote: bool = Field(default=False, description="Register the winner when the study ends.")
    gate: GateSpec = Field(
        default=GateSpec(), description="What the winner must show before it becomes the champion."
    )
    ensemble: Whole = Field(
        default=1,
        ge=1,
        le=MOST_MEMBERS,
        description="How many of the best trials answer together, by the mean of their "
        "probabilities, once promoted; their models are kept. 1: the winner alone.",
    )
    architectures: dict[str, ArchitectureSpec] = Field(min_length=1)

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not NAME.fullmatch(name):
            raise ValueError(
                "a study's name is made of letters, digits, '.', '_' and '-', begins with a letter "
                "or digit, and has at most 100 characters"
            )
        return name

    @model_validator(mode="before")
    @classmethod
    def _merge_shared(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        # A key with nothing after it (its lines commented out, say) is a key left out.
        data = _filled(data)
        shared_space, shared_fixed = data.pop("space", None), data.pop("fixed", None)
        _check_shared(shared_space, shared_fixed)
        architectures = data.get("architectures")
        if not isinstance(architectures, Mapping):
            return data
        merged = {}
        for label, section in architectures.items():
            if section is None:
                section = {}
            if isinstance(section, Mapping):
                section = {"architecture": label, **_filled(section)}
                _inherit(section, "space", shared_space, without=section.get("fixed"))
                _inherit(section, "fixed", shared_fixed, without=section.get("space"))
            merged[label] = section
        return {**data, "architectures": merged}

    @field_validator("storage")
    @classmethod
    def _a_url(cls, storage: str | None) -> str | None:
        if storage is not None and not is_url(storage):
            # One that was meant for a server may hold a password, which is not to be shown.
            got = "" if "@" in storage else f", got {shown(storage)}"
            raise ValueError(f"takes a URL such as sqlite:///optuna.db{got}")
        return storage

    @field_validator("architectures")
    @classmethod
    def _plain_labels(cls, architectures: dict[str, Any]) -> dict[str, Any]:
        for label in architectures:
            if not NAME.fullmatch(label):
                raise Fault(f"'{label}' is no plain label (letters, digits, '.', '_', '-')", label)
        return architectures

    @model_validator(mode="after")
    def _first_objective(self) -> Self:
        if self.objectives is None:
            return self
        metrics = [goal.metric for goal in self.objectives]
        if len(set(metrics)) < len(metrics):
            raise Fault("an objective stands twice", "objectives")
        if metrics[0] not in TRAINED:
            raise Fault(
                f"the first objective chooses the checkpoint within a trial, so it is one that "
                f"every epoch has ({', '.join(TRAINED)}), got {metrics[0]}",
                *("objectives", 0),
            )
        first = ObjectiveSpec.model_validate({"metric": metrics[0]})
        if "objective" in self.model_fields_set and self.objective != first:
            raise Fault(
                f"objective says {self.objective.metric} and the first of the objectives "
                f"{metrics[0]}",
                "objective",
                hint="Leave objective out: the first of the objectives is it",
            )
        object.__setattr__(self, "objective", first)
        return self

    @property
    def goals(self) -> list[GoalSpec]:
        """Return the objectives, one or several."""
        return self.objectives or [GoalSpec.model_validate(self.objective.metric)]

    @property
    def measures(self) -> list[str]:
        """Return what is measured of each trial's checkpoint for objectives and constraints."""
        asked = {*(goal.metric for goal in self.goals), *self.constraints.bounds}
        return [metric for metric in MEASURED if metric in asked]

    def trials_of(self, label: str) -> int:
        """Return the budget of an architecture, in trials."""
        return self.architectures[label].trials or self.budget.trials

    def slots_of(self, label: str) -> list[int]:
        """Return an architecture's places: those of its budget, then the space-filling trials'."""
        extra = self.budget.importance_trials
        filling = range(FIRST_FILLING_SLOT, FIRST_FILLING_SLOT + extra)
        return [*range(self.trials_of(label)), *filling]

    @property
    def models_kept(self) -> int:
        """Return how many models per architecture are kept: all that an ensemble may need.

        Its members are the best over all architectures, and may all be of one.
        """
        return max(self.tracking.keep_models, self.ensemble if self.ensemble > 1 else 0)

    def train_limit_of(self, label: str) -> int | None:
        """Return how many faces an architecture trains on at the most; None for all."""
        return self.architectures[label].train_limit or self.data.train_limit

    def to_plain(self) -> dict[str, Any]:
        """Return JSON-able data; ``model_validate`` reverses it."""
        return self.model_dump(mode="json")


def _filled(section: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in section.items() if value is not None}


def _check_shared(space: Any, fixed: Any) -> None:
    for key, shared in (("space", space), ("fixed", fixed)):
        if shared is not None and not isinstance(shared, Mapping):
            raise Fault(f"'{key}' takes parameters by name, got {shown(shared)}", key)
    _check_one_role(space or {}, fixed or {})


def _check_one_role(space: Mapping[str, Any], fixed: Mapping[str, Any]) -> None:
    for name in space:
        if name in fixed:
            raise Fault(f"'{name}' stands under both 'fixed' and 'space'; keep one", "space", name)


def _inherit(section: dict[str, Any], key: str, shared: Any, *, without: Any) -> None:
    """Add ``shared``'s entries to ``section[key]`` where the section itself does not decide."""
    own = section.get(key) or {}
    if isinstance(shared, Mapping) and isinstance(own, Mapping):
        decided = set(without) if isinstance(without, Mapping) else set()
        section[key] = {**{k: v for k, v in shared.items() if k not in decided}, **own}
