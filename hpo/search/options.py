"""Every option of every sampler, pruner and oracle, with its default: checked without a search.

The models here import nothing heavy, so that a study file is refused before anything is loaded.
What they hold after reading is what a study records: no option is left to a library's default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hpo.spec.errors import SpecError, did_you_mean
from hpo.spec.faults import demand, shown
from hpo.spec.numbers import Real, Whole


class Options(BaseModel):
    """Options of one plug-in; a name it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class NoOptions(Options):
    """For plug-ins that take none."""


class TpeOptions(Options):
    """Tree-structured Parzen estimator (Watanabe 2023, arXiv:2304.11127)."""

    n_startup_trials: Whole = Field(default=10, ge=0)
    multivariate: bool = True
    group: bool = True
    constant_liar: bool = True
    n_ei_candidates: Whole = Field(default=24, ge=1)

    @model_validator(mode="after")
    def _grouped(self) -> Self:
        if self.group and not self.multivariate:
            raise ValueError("group needs multivariate; set both or neither")
        return self


class QmcOptions(Options):
    """Quasi-Monte-Carlo points; scrambled, or else every seed gives the same ones."""

    qmc_type: Literal["sobol", "halton"] = "sobol"
    scramble: bool = True


class CmaesOptions(Options):
    """Covariance matrix adaptation (Hansen 2016, arXiv:1604.00772)."""

    n_startup_trials: Whole = Field(default=1, ge=0)
    popsize: Whole | None = Field(default=None, ge=2)
    use_separable_cma: bool = False
    with_margin: bool = False
    lr_adapt: bool = False
    consider_pruned_trials: bool = False

    @model_validator(mode="after")
    def _one_variant(self) -> Self:
        if sum([self.use_separable_cma, self.with_margin, self.lr_adapt]) > 1:
            raise ValueError(
                "use_separable_cma, with_margin and lr_adapt exclude each other; set at most one"
            )
        return self


class GridOptions(Options):
    """Every configuration once; shuffled, so that a small budget sees all of the space."""

    shuffle: bool = True


class MedianOptions(Options):
    """Stop what is below the median of completed trials at the same epoch."""

    startup_trials: Whole = Field(default=5, ge=0)
    warmup_epochs: Whole = Field(default=1, ge=0)
    interval: Whole = Field(default=1, ge=1)
    patience: Whole = Field(default=1, ge=0)


class HyperbandOptions(Options):
    """Successive halving over brackets (Li et al. 2018, JMLR 18:185)."""

    min_epochs: Whole = Field(default=1, ge=1)
    max_epochs: Whole | None = Field(default=None, ge=1)
    reduction_factor: Whole = Field(default=3, ge=2)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max_epochs is not None and self.max_epochs < self.min_epochs:
            raise ValueError("max_epochs lies below min_epochs; swap them")
        return self


class ThresholdOptions(Options):
    """Stop what leaves fixed bounds."""

    lower: Real | None = None
    upper: Real | None = None
    warmup_epochs: Whole = Field(default=0, ge=0)
    interval: Whole = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.lower is None and self.upper is None:
            raise ValueError("a threshold needs a bound; give lower, upper or both")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError("lower lies above upper; swap them")
        return self


class KerasTunerOptions(Options):
    """Keras-tuner's oracles: ``random``, ``bayesian`` (Gaussian process) or ``hyperband``."""

    oracle: Literal["random", "bayesian", "hyperband"] | None = None
    num_initial_points: Whole | None = Field(default=None, ge=1)
    alpha: Real = Field(default=1e-4, gt=0)
    beta: Real = Field(default=2.6, gt=0)
    max_epochs: Whole | None = Field(default=None, ge=1)
    factor: Whole = Field(default=3, ge=2)


class NsgaOptions(Options):
    """Genetic algorithm over several objectives (Deb et al. 2002; NSGA-III: Deb & Jain 2014)."""

    population_size: Whole = Field(default=50, ge=2)
    mutation_prob: Real | None = Field(default=None, ge=0, le=1)
    crossover_prob: Real = Field(default=0.9, ge=0, le=1)
    swapping_prob: Real = Field(default=0.5, ge=0, le=1)


class Nsga3Options(NsgaOptions):
    """NSGA-II's, and how finely the reference points divide each objective."""

    dividing_parameter: Whole = Field(default=3, ge=1)


OPTIONS: dict[str, dict[str, type[Options]]] = {
    "sampler": {
        "tpe": TpeOptions,
        "random": NoOptions,
        "qmc": QmcOptions,
        "cmaes": CmaesOptions,
        "grid": GridOptions,
        "nsgaii": NsgaOptions,
        "nsgaiii": Nsga3Options,
    },
    "pruner": {
        "median": MedianOptions,
        "hyperband": HyperbandOptions,
        "threshold": ThresholdOptions,
        "none": NoOptions,
    },
    "engine": {"optuna": NoOptions, "keras-tuner": KerasTunerOptions},
}

Read = TypeVar("Read", bound=Options)


def read_options(model: type[Read], options: Mapping[str, Any], where: str) -> Read:
    """Return ``options`` with every default filled in.

    Raises:
        SpecError: an option is unknown, or its value is none that it takes.
    """
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        place = f"{where}.{name}" if name else where
        if first["type"] == "extra_forbidden":
            raise _unknown(model, name, where) from error
        if first["type"] == "value_error":
            problem, _, hint = str(first["ctx"]["error"]).partition("; ")
            raise SpecError(
                problem, where=place, hint=(hint[:1].upper() + hint[1:]) or None
            ) from error
        raise SpecError(
            f"the {where}'s option '{name}' {demand(first)}", where=place, got=shown(first["input"])
        ) from error


def _unknown(model: type[Options], name: str, where: str) -> SpecError:
    if not model.model_fields:
        return SpecError(f"this {where} has no options", where=f"{where}.{name}", got=f"'{name}'")
    return SpecError(
        f"{where} has no option '{name}'",
        where=f"{where}.{name}",
        hint=did_you_mean(name, model.model_fields),
    )


def stated(kind: str, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options as a study records them; those of a user's own plug-in as they came.

    Raises:
        SpecError: see ``read_options``.
    """
    model = OPTIONS[kind].get(name)
    if model is None:
        return dict(options)
    return read_options(model, options, kind).model_dump()
