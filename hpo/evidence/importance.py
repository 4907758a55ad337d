"""Which parameters mattered: importance from trial records, and how sure it is.

Three evaluators answer three questions: ``fanova`` (Hutter, Hoos and Leyton-Brown, 2014) gives the
share of the objective's variance over the space that a parameter explains alone; ``mdi`` (Louppe,
Wehenkel, Sutera and Geurts, 2013) the mean decrease in impurity of a random forest's splits;
``pedanova`` (Watanabe, Bansal and Hutter, 2023) what separates the best tenth of the trials from
the rest. An importance says nothing about cause. It speaks of the space if the trials are an even
sample of it, so those are read alone where there are enough of them; trials that an adaptive
sampler chose speak of the region that it visited, and intervals are widened then. How intervals and
chance are told is in ``chance.py``, how well it holds in ``docs/evidence.md``.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hpo.evidence.chance import HALVES, half_interval, rank_correlation
from hpo.evidence.evaluators import FEWEST_ACTIVE, MEANING, Problem
from hpo.evidence.importance_table import ImportanceTable, Interaction, ParameterImportance
from hpo.evidence.measuring import Answer, measure
from hpo.evidence.optuna_study import (
    Observation,
    distributions,
    even_sample,
    joined_space,
    observations,
)
from hpo.spec.records import TrialRecord
from hpo.spec.seeds import derive_seed

METHOD = 4
"""Version of the computation: what was remembered under another one is computed again."""
REFUSE_BELOW = FEWEST_ACTIVE
"""Usable trials under which no importance is given."""
FEW_BELOW = 50
"""Usable trials under which the answer is marked as few, and chance is not told: at 30 trials of a
Sobol sequence a dead parameter was taken for a living one too often."""
EVEN_FROM = 30
"""Even trials from which on they are read alone, where others were chosen otherwise."""
LARGEST = 400
"""Trials that an evaluation reads at most; more take longer and tell little more."""
ADAPTIVE_SHARE = 0.2
"""Share of trials that are no even sample from which on intervals are widened."""
ADAPTIVE_WIDENING = 1.5
"""By which factor, beyond what widens them anyway. Chosen by simulation, as the others here: see
``docs/evidence.md``."""
LEAST_ADAPTIVE_WIDENING = 2.5
"""By which factor in all at least."""
FORETOLD_POWER = 1.5
"""Intervals of a forest are divided by the share of the variance that it foretells of trials it has
not seen, to this power: what it misses may be any parameter's. One that foretells nothing has no
answer."""
MOST_WIDENING = 4.0
"""Up to this factor."""
FOREST_MARGIN = 0.02
"""What is added to both sides of a forest's intervals. Forests of few trials give weak effects too
little, halves as well as all, so that the spread between these does not show it."""
BEST_WIDENING = 1.6
"""Factor for PED-ANOVA, whose densities of few best trials are biased in ways that halves do not
show. Chosen by simulation, see ``docs/evidence.md``."""
INTERACTION_WIDENING = 2.2
"""Factor for interactions, of which few trials show a part only."""
FEWEST_FOR_BEST = 50
"""Trials under which PED-ANOVA is refused: their best tenth is fewer than five."""


def importance(
    records: Sequence[TrialRecord],
    space: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    seed: int = 0,
    halves: int = HALVES,
    direction: str = "maximize",
    level: float = 0.9,
    sampler: str = "",
) -> dict[str, ImportanceTable]:
    """Return the importance of the searched parameters of one architecture, by evaluator.

    Args:
        records: the trials of one architecture.
        space: the search space as plain data; by default that of the records, joined.
        seed: seeds forests, subsample, halves and shuffles.
        halves: random halves of the trials behind the intervals; 0 for no intervals, and for no
            comparison with chance.
        direction: of the objective (``pedanova`` asks what separates the best).
        level: nominal coverage of the intervals.
        sampler: the study's; ``random``, ``qmc`` and ``grid`` sample evenly, any other adapts.
    """
    found, left_out = observations(records)
    usable, chosen_otherwise = even_sample(found, sampler, EVEN_FROM)
    if chosen_otherwise and len(usable) < len(found):
        left_out = {**left_out, "not of the even sample": len(found) - len(usable)}
        chosen_otherwise = 0
    domains = distributions(usable, space if space is not None else joined_space(records))
    varying, excluded = _varying(usable, domains)
    common: dict[str, Any] = {
        "trials": len(usable),
        "pruned": sum(o.pruned for o in usable),
        "adaptive": chosen_otherwise,
        "space_filling": sum(o.space_filling for o in usable),
        "widened": chosen_otherwise > ADAPTIVE_SHARE * len(usable),
        "left_out": left_out,
        "level": level,
        "few": len(usable) < FEW_BELOW,
    }
    refusal = _refusal(usable, varying)
    if refusal:
        return {
            name: ImportanceTable(name, meaning, **common, excluded=excluded, refused=refusal)
            for name, meaning in MEANING.items()
        }
    chosen = _subsample(usable, derive_seed("importance-subsample", seed))
    problem = Problem(chosen, domains, varying, maximize=direction == "maximize")
    generator = np.random.default_rng(derive_seed("importance", seed))
    told = halves > 0 and not common["widened"] and not common["few"]
    measured = measure(problem, halves, generator, against_chance=told)
    tables = {}
    for evaluator, answer in measured.answers.items():
        own: dict[str, Any] = {**common, "sampled": len(chosen), "resamples": halves}
        own["pruned"] = sum(o.pruned for o in chosen)
        own["space_filling"] = sum(o.space_filling for o in chosen)
        own["excluded"] = excluded | _unknown(problem.names, answer)
        if evaluator != "pedanova":
            own["foretold"] = measured.foretold
        refused = _refused_by(evaluator, len(chosen), measured.foretold, answer)
        if refused:
            tables[evaluator] = ImportanceTable(
                evaluator, MEANING[evaluator], **own, refused=refused
            )
            continue
        widening = _widening(evaluator, measured.foretold)
        if common["widened"]:
            widening = max(widening * ADAPTIVE_WIDENING, LEAST_ADAPTIVE_WIDENING)
        if evaluator == "fanova":
            own["interactions"] = [
                _interaction(pair, *found, level, widening, len(chosen))
                for pair, found in measured.interactions.items()
            ]
        margin = 0.0 if evaluator == "pedanova" else FOREST_MARGIN
        comparable = evaluator == "pedanova"
        rows = _rows(problem.names, answer, chosen, level, widening, margin, comparable)
        tables[evaluator] = ImportanceTable(evaluator, MEANING[evaluator], **own, **rows)
    return tables


def _widening(evaluator: str, foretold: float) -> float:
    if evaluator == "pedanova":
        return BEST_WIDENING
    return min(1 / math.pow(foretold, FORETOLD_POWER), MOST_WIDENING)


def _unknown(names: Sequence[str], answer: Answer) -> dict[str, str]:
    told = ~np.isnan(answer.values)
    unknown = [name for name, known in zip(names, told, strict=True) if not known]
    return dict.fromkeys(unknown, f"active in fewer than {REFUSE_BELOW} trials")


def _refused_by(evaluator: str, trials: int, foretold: float, answer: Answer) -> str:
    """Return why an evaluator has no answer where others may have one; "" if it has."""
    if evaluator == "pedanova":
        if trials < FEWEST_FOR_BEST:
            return (
                f"{trials} usable trials; their best tenth is too few to be set apart, which needs "
                f"at least {FEWEST_FOR_BEST}"
            )
        if not answer.values.any():
            return (
                "fewer than a tenth of the trials are better than the worst, so no best tenth can "
                "be set apart"
            )
    elif foretold <= 0:
        return (
            f"from {trials} trials a forest foretells nothing of trials that it has not seen, so "
            "its importances would be noise"
        )
    return ""


def _rows(
    names: Sequence[str],
    answer: Answer,
    chosen: Sequence[Observation],
    level: float,
    widening: float,
    margin: float,
    comparable: bool,
) -> dict[str, Any]:
    """Return a table's parameters, the foremost first, and how steady their order is.

    Args:
        names: the parameters.
        answer: the evaluator's.
        chosen: the trials.
        level: of the intervals.
        widening: of the intervals.
        margin: on both of their sides.
        comparable: whether conditional parameters are shares of the same whole as the others.
    """
    rows = []
    for place, name in enumerate(names):
        value = float(answer.values[place])
        if np.isnan(value):
            continue
        on_halves = [float(v) for v in answer.halves[:, place] if not np.isnan(v)]
        active = sum(name in o.params for o in chosen)
        step = 0.0 if answer.finer is None else float(answer.finer[place]) - value
        interval = half_interval(value, on_halves, level, active, widening, step, margin)
        distinct = (
            None if answer.chance is None else bool(answer.against[place] > answer.chance[place])
        )
        rows.append(
            ParameterImportance(
                name,
                value,
                interval.low,
                interval.high,
                active,
                active < len(chosen),
                distinct,
            )
        )
    # Conditional shares are of another whole, so they follow the others.
    rows.sort(key=lambda r: (r.conditional and not comparable, -r.value, r.name))
    whole = [names.index(r.name) for r in rows if comparable or not r.conditional]
    if not whole or not len(answer.halves):
        return {"parameters": rows}
    halves = np.nan_to_num(answer.halves[:, whole])
    # A half that gives every parameter nothing puts none of them first.
    first = (halves.argmax(axis=1) == 0) & (halves.max(axis=1) > 0)
    return {
        "parameters": rows,
        "top_share": float(first.mean()),
        "rank_correlation": rank_correlation(answer.values[whole], halves),
    }


def _interaction(
    pair: tuple[str, str],
    value: float,
    on_halves: Sequence[float],
    level: float,
    widening: float,
    n: int,
) -> Interaction:
    interval = half_interval(value, on_halves, level, n, widening * INTERACTION_WIDENING)
    return Interaction(*pair, value, interval.low, interval.high)


def _varying(
    usable: Sequence[Observation], domains: Mapping[str, Any]
) -> tuple[list[str], dict[str, str]]:
    """Return the parameters that took more than one value, and why the others were passed over."""
    varying, excluded = [], {}
    for name in domains:
        seen = {repr(o.params[name]) for o in usable if name in o.params}
        if len(seen) > 1:
            varying.append(name)
        else:
            excluded[name] = "took one value only"
    return varying, excluded


def _refusal(usable: Sequence[Observation], varying: Sequence[str]) -> str:
    if len(usable) < REFUSE_BELOW:
        return (
            f"{len(usable)} usable trial{'' if len(usable) == 1 else 's'}; importance needs at "
            f"least {REFUSE_BELOW}, and is unsteady under {FEW_BELOW}"
        )
    if not varying:
        return "no searched parameter took more than one value"
    if len({o.value for o in usable}) < 2:
        return "all trials reached the same value"
    return ""


def _subsample(usable: Sequence[Observation], seed: int) -> list[Observation]:
    if len(usable) <= LARGEST:
        return list(usable)
    return random.Random(seed).sample(list(usable), LARGEST)
