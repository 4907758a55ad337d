"""Asking all evaluators: about all trials, about halves of them, and about shuffled copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpo.evidence.chance import DIVERGENCE_SHUFFLES, FINER_BANDWIDTH, FOREST_SHUFFLES, chance_level
from hpo.evidence.evaluators import FEWEST_ACTIVE, FULL_FOREST, SMALL_FOREST, Problem
from hpo.evidence.forests import Array

_FOREMOST = 4
"""Parameters among which interactions are looked for."""
_INTERACTIONS = 3
"""Interactions that are told, the strongest."""


@dataclass(frozen=True)
class Answer:
    """One evaluator's answer on all trials, on halves, and what chance gives.

    Args:
        values: (parameters,).
        halves: (halves, parameters).
        against: (parameters,) values to be set against chance.
        chance: (parameters,) what they must exceed; None where that was not asked.
        finer: (parameters,) the values with the bandwidth of many more trials; None where there is
            no bandwidth.
    """

    values: Array
    halves: Array
    against: Array
    chance: Array | None
    finer: Array | None = None


@dataclass(frozen=True)
class Measured:
    """What all evaluators say.

    Args:
        answers: by evaluator.
        interactions: of the strongest pairs, the value on all trials and those on halves.
        foretold: share of the variance that forests foretell of trials they have not seen.
    """

    answers: dict[str, Answer]
    interactions: dict[tuple[str, str], tuple[float, list[float]]]
    foretold: float


def measure(problem: Problem, halves: int, generator: Any, *, against_chance: bool) -> Measured:
    """Ask all evaluators about all trials, and about random halves of them.

    Args:
        problem: the trials and what is asked of them.
        halves: how many.
        generator: NumPy's.
        against_chance: whether shuffled copies are asked about too.
    """
    rows = problem.rows
    grown = problem.forests(rows, FULL_FOREST, generator, fewest=FEWEST_ACTIVE, foremost=_FOREMOST)
    together = grown.together
    pairs = sorted(together, key=lambda pair: -together[pair])[:_INTERACTIONS]
    whole = {"fanova": grown.fanova, "mdi": grown.mdi, "pedanova": problem.divergence(rows)}
    drawn: dict[str, list[Array]] = {name: [] for name in whole}
    on_halves: dict[tuple[str, str], list[float]] = {pair: [] for pair in pairs}
    for _ in range(halves):
        half = generator.choice(rows, len(rows) // 2, replace=False)
        small = problem.forests(
            half, SMALL_FOREST, generator, fewest=FEWEST_ACTIVE // 2, pairs=pairs
        )
        drawn["fanova"].append(small.fanova)
        drawn["mdi"].append(small.mdi)
        drawn["pedanova"].append(problem.divergence(half))
        for pair, value in small.together.items():
            on_halves[pair].append(value)
    against, chance = _against_chance(problem, whole, generator) if against_chance else (whole, {})
    finer = problem.divergence(rows, bandwidth=FINER_BANDWIDTH)
    answers = {
        name: Answer(
            values,
            np.array(drawn[name]).reshape(halves, len(values)),
            against[name],
            chance.get(name),
            finer if name == "pedanova" else None,
        )
        for name, values in whole.items()
    }
    interactions = {pair: (together[pair], on_halves[pair]) for pair in pairs}
    return Measured(answers, interactions, grown.foretold)


def _against_chance(
    problem: Problem, whole: Mapping[str, Array], generator: Any
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return by evaluator what is set against chance, and what it must exceed."""
    real, copies = zip(
        *(problem.beside_shuffled(generator) for _ in range(FOREST_SHUFFLES)), strict=True
    )
    shuffled = np.array([problem.divergences(generator) for _ in range(DIVERGENCE_SHUFFLES)])
    # Shuffles take trials for independent of each other, and those of a Sobol sequence are not.
    of_others = problem.divergences_of_others(generator) - shuffled.mean(axis=0)
    against = {"fanova": np.mean(real, axis=0)[0], "mdi": np.mean(real, axis=0)[1]}
    chance = {
        "fanova": chance_level(np.array(copies)[:, 0]),
        "mdi": chance_level(np.array(copies)[:, 1]),
    }
    own = problem.divergences() - np.maximum(of_others, 0.0)
    return against | {"pedanova": own}, chance | {
        "pedanova": chance_level(shuffled, among_all=True)
    }
