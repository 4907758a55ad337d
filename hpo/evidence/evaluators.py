"""The three evaluators of importance on trials, and on resamples of them.

Conditional parameters are the difficulty: ``fanova`` and ``mdi`` need every parameter in every
trial, so one that was inactive in some is assessed among the trials that had it, beside those that
all had; ``pedanova`` compares what is there.
"""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hpo.evidence.optuna_study import Observation, in_memory_study

Evaluator = Literal["fanova", "pedanova", "mdi"]

FEWEST_ACTIVE = 10
"""Trials under which a parameter is not assessed: a forest on fewer ranks noise."""

FULL_FOREST = 64
"""Trees behind an importance, Optuna's default."""
RESAMPLED_FOREST = 16
"""Trees on a resample, to bound the time: the interval then also holds the smaller forest's noise,
so it errs on the wide side."""

MEANING: dict[str, str] = {
    "fanova": "share of the variance over the space that the parameter explains alone",
    "mdi": "share of the decrease in impurity over the splits of a random forest",
    "pedanova": "share of what separates the best tenth of the trials from the rest",
}


@dataclass(frozen=True)
class Problem:
    """What stays the same over the resamples."""

    domains: Mapping[str, Any]
    names: Sequence[str]
    evaluator: str
    direction: str
    seed: int

    def evaluate(self, chosen: Sequence[Observation], forest_trees: int) -> dict[str, float]:
        """Return importances by name; conditional parameters rest on the trials that had them."""
        if self.evaluator == "pedanova":
            values = self._ask(chosen, list(self.names), forest_trees)
            total = sum(values.values())
            return {name: value / total if total > 0 else 0.0 for name, value in values.items()}
        always = [n for n in self.names if all(n in o.params for o in chosen)]
        values = self._ask(chosen, always, forest_trees) if always else {}
        for name in self.names:
            if name in always:
                continue
            active = [o for o in chosen if name in o.params]
            if len(active) >= FEWEST_ACTIVE:
                values[name] = self._ask(active, [*always, name], forest_trees)[name]
        return values

    def _ask(
        self, chosen: Sequence[Observation], names: Sequence[str], forest_trees: int
    ) -> dict[str, float]:
        # Sorted: the impurity evaluator of Optuna 5.0 hands out its values in the order asked, but
        # computes them in the order of the sorted names.
        asked = sorted(n for n in names if any(n in o.params for o in chosen))
        study = in_memory_study(chosen, self.domains, asked, self.direction)
        with warnings.catch_warnings():
            # PED-ANOVA warns of every small regime of a conditional; the table says the counts.
            warnings.simplefilter("ignore")
            found = _optuna_evaluator(self.evaluator, self.seed, forest_trees).evaluate(
                study, params=asked
            )
        return {n: float(v) if math.isfinite(v) else 0.0 for n, v in found.items()}


def _optuna_evaluator(name: str, seed: int, forest_trees: int) -> Any:
    from optuna.importance import (
        FanovaImportanceEvaluator,
        MeanDecreaseImpurityImportanceEvaluator,
        PedAnovaImportanceEvaluator,
    )

    if name == "fanova":
        return FanovaImportanceEvaluator(n_trees=forest_trees, max_depth=64, seed=seed)
    if name == "mdi":
        return MeanDecreaseImpurityImportanceEvaluator(
            n_trees=forest_trees, max_depth=64, seed=seed
        )
    return PedAnovaImportanceEvaluator(
        target_quantile=0.1, region_quantile=1.0, evaluate_on_local=True
    )


def resampled(
    problem: Problem, chosen: Sequence[Observation], resamples: int, seed: int
) -> list[dict[str, float]]:
    """Return the importances of resampled trials; forests are smaller there to bound the time."""
    generator = random.Random(seed)
    samples = []
    for _ in range(resamples):
        drawn = generator.choices(chosen, k=len(chosen))
        if len({o.value for o in drawn}) > 1:
            samples.append(problem.evaluate(drawn, forest_trees=RESAMPLED_FOREST))
    return samples
