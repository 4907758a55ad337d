"""Which parameters mattered: importance from trial records, with bootstrap intervals.

Three evaluators answer three questions: ``fanova`` (Hutter, Hoos and Leyton-Brown, 2014) gives the
share of the objective's variance over the space that a parameter explains alone; ``mdi`` (Louppe,
Wehenkel, Sutera and Geurts, 2013) the mean decrease in impurity of a random forest's splits;
``pedanova`` (Watanabe, Bansal and Hutter, 2023) what separates the best tenth of the trials from
the rest. An importance says nothing about cause,
and under an adaptive sampler it speaks of the region that the sampler visited.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from hpo.evidence.evaluators import (
    FEWEST_ACTIVE,
    FULL_FOREST,
    MEANING,
    Evaluator,
    Problem,
    resampled,
)
from hpo.evidence.intervals import percentile_interval
from hpo.evidence.optuna_study import Observation, distributions, joined_space, observations
from hpo.spec.errors import InputError
from hpo.spec.records import TrialRecord
from hpo.spec.seeds import derive_seed

REFUSE_BELOW = FEWEST_ACTIVE
"""Usable trials under which no importance is given."""
FEW_BELOW = 30
"""Usable trials under which the answer is marked as few; winners change between seeds there."""
LARGEST = 200
"""Trials that an evaluation reads at most; fANOVA takes 1.3 s for 200 and over 20 s for 1,000."""


@dataclass(frozen=True)
class ParameterImportance:
    """One parameter's importance.

    Args:
        name: the parameter.
        value: its importance, in [0, 1].
        low: lower end of the bootstrap interval.
        high: upper end.
        trials: trials in which it was active, and that the value rests on.
        conditional: it was inactive in some trials; under ``fanova`` and ``mdi`` its value is then
            a share of the variance among the trials in which it was active.
    """

    name: str
    value: float
    low: float
    high: float
    trials: int
    conditional: bool = False


@dataclass(frozen=True)
class ImportanceTable:
    """Importance of all parameters of one architecture, highest first.

    Args:
        evaluator: ``fanova``, ``pedanova`` or ``mdi``.
        meaning: what a value is a share of.
        parameters: the assessed parameters.
        trials: usable trials.
        pruned: how many of them were pruned (they count with their best value so far).
        adaptive: how many of them a sampler chose.
        sampled: trials that the evaluation read (fewer than ``trials`` if there were too many).
        resamples: bootstrap resamples behind the intervals.
        level: nominal coverage of the intervals.
        left_out: trials left out, by reason.
        excluded: parameters that were not assessed, with the reason.
        refused: why there is no answer; "" if there is one.
        few: trials are so few that the order may be chance.
        top_share: share of the resamples in which the first parameter came first.
    """

    evaluator: str
    meaning: str = ""
    parameters: list[ParameterImportance] = field(default_factory=list)
    trials: int = 0
    pruned: int = 0
    adaptive: int = 0
    sampled: int = 0
    resamples: int = 0
    level: float = 0.9
    left_out: dict[str, int] = field(default_factory=dict)
    excluded: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    few: bool = False
    top_share: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the table as plain data."""
        return asdict(self)


def importance(
    records: Sequence[TrialRecord],
    space: Mapping[str, Mapping[str, Any]] | None = None,
    evaluator: Evaluator = "fanova",
    *,
    seed: int = 0,
    n_bootstrap: int = 25,
    direction: str = "maximize",
    level: float = 0.9,
) -> ImportanceTable:
    """Return the importance of the searched parameters of one architecture.

    Args:
        records: the trials of one architecture.
        space: the search space as plain data; by default that of the records, joined.
        evaluator: which question to ask.
        seed: seeds the forests, the subsample and the bootstrap.
        n_bootstrap: resamples of the trials, with replacement; 0 for no intervals.
        direction: of the objective (``pedanova`` asks what separates the best).
        level: nominal coverage of the percentile intervals.

    Raises:
        InputError: ``evaluator`` is unknown.
    """
    if evaluator not in MEANING:
        raise InputError(
            f"unknown importance evaluator '{evaluator}'",
            expected=f"one of {', '.join(MEANING)}",
        )
    usable, left_out = observations(records)
    domains = distributions(usable, space if space is not None else joined_space(records))
    varying, excluded = _varying(usable, domains)
    common: dict[str, Any] = {
        "evaluator": evaluator,
        "meaning": MEANING[evaluator],
        "trials": len(usable),
        "pruned": sum(o.pruned for o in usable),
        "adaptive": sum(o.adaptive for o in usable),
        "left_out": left_out,
        "level": level,
    }
    refusal = _refusal(usable, varying)
    if refusal:
        return ImportanceTable(**common, excluded=excluded, refused=refusal)

    chosen = _subsample(usable, derive_seed("importance-subsample", seed))
    problem = Problem(domains, varying, evaluator, direction, seed)
    values = problem.evaluate(chosen, forest_trees=FULL_FOREST)
    excluded.update(
        {
            name: f"active in fewer than {REFUSE_BELOW} trials"
            for name in varying
            if name not in values
        }
    )
    samples = resampled(problem, chosen, n_bootstrap, derive_seed("importance-bootstrap", seed))
    rows = [_row(name, values[name], samples, chosen, level) for name in values]
    # Conditional shares are of another whole, so they follow the others.
    comparable = evaluator == "pedanova"
    rows.sort(key=lambda r: (r.conditional and not comparable, -r.value, r.name))
    first = rows[0].name if rows else ""
    whole = [r.name for r in rows if comparable or not r.conditional]
    firsts = [max(whole, key=lambda n: sample.get(n, 0.0)) == first for sample in samples if whole]
    return ImportanceTable(
        **common,
        parameters=rows,
        sampled=len(chosen),
        resamples=len(samples),
        excluded=excluded,
        few=len(usable) < FEW_BELOW,
        top_share=sum(firsts) / len(firsts) if firsts else 0.0,
    )


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


def _row(
    name: str,
    value: float,
    samples: Sequence[Mapping[str, float]],
    chosen: Sequence[Observation],
    level: float,
) -> ParameterImportance:
    active = sum(name in o.params for o in chosen)
    drawn = [sample[name] for sample in samples if name in sample]
    interval = percentile_interval(value, drawn, level, active)
    # A percentile interval may miss its own point where resampling is biased; then it is widened,
    # so that no figure shows a point outside its bar.
    return ParameterImportance(
        name,
        value,
        min(interval.low, value),
        max(interval.high, value),
        active,
        active < len(chosen),
    )
