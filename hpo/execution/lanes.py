"""A lane: what a worker has to know of one architecture of a study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hpo.execution.devices import Share
from hpo.spec.records import TrialJob

if TYPE_CHECKING:
    from hpo.search.engine import Engine, Proposal


@dataclass
class Lane:
    """One architecture's trials.

    Args:
        label: the architecture's label in the study.
        engine: proposes configurations and keeps the truth.
        make_job: turns a proposal into a job, given what the trial may use.
        done: is called when the architecture's budget is used and nothing of it runs any more.
        settle: is told the number of a trial from whose state nobody will go on.
    """

    label: str
    engine: Engine
    make_job: Callable[[Proposal, Share], TrialJob]
    done: Callable[[], None] = lambda: None
    settle: Callable[[int], None] = lambda number: None
    nameless: set[int] = field(default_factory=set)
    """Trials whose run in MLflow is not known yet."""
