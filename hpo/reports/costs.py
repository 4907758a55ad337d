"""What models cost and how good they are: the trials that no other beats at less cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.budgets import Row, ValueOf, search_value
from hpo.spec.pareto import non_dominated

COSTS = ("seconds", "parameters")


def models(
    rows: Sequence[Row], objective: Mapping[str, Any], value_of: ValueOf = search_value
) -> list[dict[str, Any]]:
    """Return each trained model with its costs and whether it is on the front of each.

    Keys: ``label, number, value, seconds, parameters, front`` (a list of the costs at which
    no other model of the study is as good for less). ``seconds`` is what its training took from
    claim to end, the rungs below included, but no attempt that was lost; None where the trial did
    not record it, and the same of ``parameters``.
    """
    by_number = {(row["architecture"], row["number"]): row for row in rows}
    found = [
        {
            "label": row["architecture"],
            "number": row["number"],
            "value": value_of(row),
            "seconds": _seconds(row, by_number) or None,
            "parameters": row["parameter_count"] or None,
            "front": [],
        }
        for row in rows
        if value_of(row) is not None
    ]
    for cost in COSTS:
        front = non_dominated(
            [(model["value"], model[cost]) for model in found],
            (objective["direction"], "minimize"),
        )
        for model, on_front in zip(found, front, strict=True):
            model["front"] += [cost] if on_front else []
    return found


def _seconds(row: Row, by_number: Mapping[tuple[str, int], Row]) -> float:
    total, seen = 0.0, set()
    at: Row | None = row
    while at is not None and at["number"] not in seen:
        seen.add(at["number"])
        total += at["seconds"] or 0.0
        at = by_number.get((row["architecture"], at.get("continues")))  # type: ignore[arg-type]
    return round(total, 2)
