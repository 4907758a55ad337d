"""What goes with several objectives or with constraints, and what does not."""

from __future__ import annotations

from collections.abc import Iterator

from hpo.search.options import stated
from hpo.spec.errors import SpecError
from hpo.spec.study import StudySpec


def check_objectives(spec: StudySpec) -> Iterator[str]:
    """Yield what is odd about a study's objectives and constraints.

    Raises:
        SpecError: they exclude another part.
    """
    several = spec.objectives is not None
    bounded = bool(spec.constraints.bounds)
    if spec.engine.name == "optuna" and spec.sampler.name in ("nsgaii", "nsgaiii"):
        options = stated("sampler", spec.sampler.name, spec.sampler.options)
        most = max(spec.trials_of(label) for label in spec.architectures)
        if most <= options["population_size"]:
            yield (
                f"the first {options['population_size']} trials of {spec.sampler.name} are drawn "
                f"at random and the budget is {most}, so it will search nothing; lower "
                "sampler.population_size."
            )
    if not several and not bounded:
        return
    what = "several objectives" if several else "constraints"
    key = "objectives" if several else "constraints"
    if spec.engine.name == "keras-tuner":
        raise SpecError(
            f"keras-tuner's oracles follow one value, and {what} are more",
            where="engine",
            hint=f"Leave {key} out, or take engine: optuna",
        )
    if spec.sampler.name == "cmaes":
        raise SpecError(
            f"CMA-ES follows one value, and {what} are more",
            where="sampler",
            hint="Take tpe, nsgaii or nsgaiii; random, qmc and grid follow none",
        )
    if several and spec.pruner.name != "none":
        raise SpecError(
            "a pruner compares one value before the end, and Optuna stops no trial of several "
            "objectives",
            where="pruner",
            expected="none, or no pruner",
            got=f"'{spec.pruner.name}'",
            hint="Leave out the pruner, or turn the further objectives into constraints",
        )
    if spec.fidelity is not None:
        raise SpecError(
            f"rungs rank by one value, and {what} are more",
            where="fidelity",
            hint=f"Leave out fidelity or {key}",
        )
    if spec.ensemble > 1:
        raise SpecError(
            f"an ensemble is as slow and as large as its members together, which {what} do not "
            "judge",
            where="ensemble",
            hint="Leave out ensemble: the winner alone is registered",
        )
    if "latency_ms" in spec.measures and spec.workers > 1:
        yield (
            f"latency_ms is measured while up to {spec.workers - 1} other trials train; on one "
            "machine they make it longer and noisier. workers: 1 measures it undisturbed."
        )
