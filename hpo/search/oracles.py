"""keras-tuner's oracles by name: which one a study file asks for, and what goes with it.

Nothing of keras-tuner is imported, so that a study file is judged before any work starts.
"""

from __future__ import annotations

from collections.abc import Iterator

from hpo.search.options import KerasTunerOptions, read_options
from hpo.spec.errors import SpecError, did_you_mean
from hpo.spec.study import StudySpec

_OPTIONS: dict[str, frozenset[str]] = {
    "random": frozenset(),
    "bayesian": frozenset({"num_initial_points", "alpha", "beta"}),
    "hyperband": frozenset({"max_epochs", "factor"}),
}
ORACLES = tuple(_OPTIONS)


def oracle_name(spec: StudySpec) -> str:
    """Return which oracle ``spec`` asks for: it is the sampler of its engine.

    Raises:
        SpecError: the sampler is one that keras-tuner has no oracle for, the engine names another
            oracle, or an option is given that this oracle does not have.
    """
    name = spec.sampler.name
    if name not in ORACLES:
        close = did_you_mean(name, ORACLES, listed=True)
        raise SpecError(
            f"the engine keras-tuner has no sampler '{name}'",
            where="sampler",
            expected=f"one of {', '.join(ORACLES)}",
            hint=f"{close} Leave sampler out for bayesian, or set engine to optuna".strip(),
        )
    if spec.sampler.options:
        raise SpecError(
            "the options of keras-tuner's oracles stand beside the engine's name",
            where="sampler",
            got=", ".join(spec.sampler.options),
            hint=f"Write sampler: {name} and engine: {{name: keras-tuner, ...}}",
        )
    options = read_options(KerasTunerOptions, spec.engine.options, "engine")
    if options.oracle not in (None, name):
        raise SpecError(
            f"the engine's oracle is '{options.oracle}' and the sampler '{name}', and a search "
            "has one",
            where="sampler",
            hint="Leave out one of the two",
        )
    _check_options(spec, name)
    return name


def _check_options(spec: StudySpec, oracle: str) -> None:
    """Refuse an option that is another oracle's: it would change nothing."""
    for option in spec.engine.options:
        owner = next((name for name, options in _OPTIONS.items() if option in options), oracle)
        if owner != oracle:
            raise SpecError(
                f"keras-tuner's {oracle} oracle has no option '{option}'; {owner} has",
                where=f"engine.{option}",
                hint=f"Leave it out, or set sampler to {owner}",
            )


def oracle_warnings(spec: StudySpec) -> Iterator[str]:
    """Yield what a person should know of the oracle before the search.

    Raises:
        SpecError: Hyperband is not told how many epochs a full training has.
    """
    if oracle_name(spec) != "hyperband":
        return
    options = read_options(KerasTunerOptions, spec.engine.options, "engine")
    for label, architecture in spec.architectures.items():
        if options.max_epochs is None and not isinstance(architecture.fixed.get("epochs"), int):
            raise SpecError(
                "keras-tuner's Hyperband needs to know how many epochs a full training has",
                where=f"architectures.{label}",
                hint="Fix epochs, or give the engine max_epochs",
            )
    if spec.pruner.name != "none":
        yield (
            f"pruner '{spec.pruner.name}' stops trials inside the rounds of keras-tuner's "
            "Hyperband, which chooses among them itself; 'pruner: none' leaves that to it."
        )
