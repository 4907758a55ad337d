"""Studies at a glance: what a list of them shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hpo.search.studies import by_study, existing, last_run, read_label, stored_spec
from hpo.spec.errors import SpecError
from hpo.spec.limits import asked_budget, other_limits
from hpo.spec.ranking import rank_key
from hpo.spec.records import TrialRecord
from hpo.spec.study import StudySpec


@dataclass(frozen=True)
class StudySummary:
    """A study at a glance.

    Args:
        name: of the study.
        architectures: labels, in the order in which they were made, then those of the study file
            that are not begun.
        states: number of trials by state; lost attempts are not counted.
        best_value: (first) objective of the best completed trial that keeps the constraints; None
            if there is none.
        best_architecture: whose trial that was; "" if there is none.
        best_number: that trial's number; None if there is none.
        best_title: what people call it, such as ``cnn #7``; "" if there is none.
        metric: the objective's name.
        direction: ``maximize`` or ``minimize``.
        trials: the budget, trials per architecture where it has no other; 0 where only another
            limit is given.
        budget: trials in all; 0 likewise, and where the study file cannot be read.
        limits: the budget's other limits per architecture, in words; "" if it has none.
        created: ISO 8601 time (UTC).
        problem: why its study file cannot be read, if it cannot; its trials can.
    """

    name: str
    architectures: list[str]
    states: dict[str, int]
    best_value: float | None
    best_architecture: str
    best_number: int | None
    best_title: str
    metric: str
    direction: str
    trials: int
    budget: int
    limits: str
    created: str
    problem: str = ""


def list_studies(storage_url: str) -> list[StudySummary]:
    """Return a summary of each study, the oldest first; an absent database has none."""
    with existing(storage_url) as storage:
        if storage is None:
            return []
        found = [_summary(storage, n, labels) for n, labels in by_study(storage).items()]
        return sorted(found, key=lambda summary: summary.created)


def _summary(storage: Any, name: str, labels: dict[str, Any]) -> StudySummary:
    states: dict[str, int] = {}
    best: TrialRecord | None = None
    attributes: dict[str, Any] = last_run(labels).user_attrs
    direction: Literal["maximize", "minimize"] = "maximize"
    for label, frozen in labels.items():
        direction = "maximize" if frozen.directions[0].name == "MAXIMIZE" else "minimize"
        for record in read_label(storage, name, label, frozen, attempts=False):
            states[record.state] = states.get(record.state, 0) + 1
            if record.state != "complete" or not record.feasible or record.value is None:
                continue
            if best is None or rank_key(record, direction) < rank_key(best, direction):
                best = record
    spec: StudySpec | None = None
    budget: dict[str, Any] = {}
    slots: list[int] = []
    problem = ""
    try:
        spec = stored_spec(name, attributes)
        budget = asked_budget(spec.budget.model_dump())
        slots = [len(spec.slots_of(label)) for label in spec.architectures]
    except SpecError as error:
        problem = str(error)
    return StudySummary(
        name=name,
        architectures=list(dict.fromkeys([*labels, *(spec.architectures if spec else ())])),
        states=states,
        best_value=best.value if best else None,
        best_architecture=best.architecture if best else "",
        best_number=best.number if best else None,
        best_title=best.title if best else "",
        metric=spec.objective.metric if spec else "",
        direction=direction,
        trials=budget.get("trials", 0),
        budget=sum(slots) if "trials" in budget else 0,
        limits=other_limits(budget),
        created=next(iter(labels.values())).user_attrs.get("created", ""),
        problem=problem,
    )
