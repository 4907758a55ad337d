"""What an evaluation of importance says, as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class ParameterImportance:
    """One parameter's importance.

    Args:
        name: the parameter.
        value: its importance, in [0, 1].
        low: lower end of its interval.
        high: upper end.
        trials: trials in which it was active, and that the value rests on.
        conditional: it was inactive in some trials; under ``fanova`` and ``mdi`` its value is then
            a share of the variance among the trials in which it was active.
        distinct: it did better than shuffled copies of itself; False: it is not distinguishable
            from no effect; None: not asked, as of few trials, or where a sampler adapted: it
            drew values together that have nothing to do with each other.
    """

    name: str
    value: float
    low: float
    high: float
    trials: int
    conditional: bool = False
    distinct: bool | None = None


@dataclass(frozen=True)
class Interaction:
    """What two parameters explain together beyond what each explains alone, under ``fanova``.

    Args:
        first, second: the parameters.
        value: share of the variance over the space, in [0, 1].
        low: lower end of its interval.
        high: upper end.
    """

    first: str
    second: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ImportanceTable:
    """Importance of all parameters of one architecture, highest first.

    Args:
        evaluator: ``fanova``, ``pedanova`` or ``mdi``.
        meaning: what a value is a share of.
        parameters: the assessed parameters.
        trials: usable trials.
        pruned: how many of those that were read were pruned (they count with their best value so
            far).
        adaptive: how many of them are no even sample of the space: chosen by an adaptive sampler,
            or by hand.
        space_filling: how many of those that were read were added for importance, beyond the
            budget.
        widened: intervals are widened because so many trials are no even sample.
        sampled: trials that the evaluation read (fewer than ``trials`` if there were too many).
        resamples: random halves of the trials behind the intervals.
        level: nominal coverage of the intervals.
        left_out: trials left out, by reason.
        excluded: parameters that were not assessed, with the reason.
        refused: why there is no answer; "" if there is one.
        few: trials are so few that the order may be chance.
        top_share: share of the halves in which the first parameter came first.
        rank_correlation: mean of Spearman's correlation between the order of the parameters on all
            trials and on each half that has one; None where there is none.
        foretold: share of the variance that the forests foretell of trials they have not seen, at
            most 1; intervals are divided by it. None for ``pedanova``.
        interactions: the strongest among the foremost parameters; ``fanova`` alone tells them.
    """

    evaluator: str
    meaning: str = ""
    parameters: list[ParameterImportance] = field(default_factory=list)
    trials: int = 0
    pruned: int = 0
    adaptive: int = 0
    space_filling: int = 0
    widened: bool = False
    sampled: int = 0
    resamples: int = 0
    level: float = 0.9
    left_out: dict[str, int] = field(default_factory=dict)
    excluded: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    few: bool = False
    top_share: float = 0.0
    rank_correlation: float | None = None
    foretold: float | None = None
    interactions: list[Interaction] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the table as plain data."""
        return asdict(self)
