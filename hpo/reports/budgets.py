"""Architectures at equal budgets: the best so far against trials, seconds and epochs spent.

Everything is read from the rows of the report, so a report of before this was kept can have it too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hpo.evidence.anytime import Direction, Purchase, best_so_far, best_within, expected_best
from hpo.evidence.intervals import wilson
from hpo.reports.rows import keeps_constraints
from hpo.spec.records import SINGLE, SPACE_FILLING
from hpo.spec.seeds import derive_seed

Row = Mapping[str, Any]
ValueOf = Callable[[Row], float | None]
"""Which value of a trial is compared; None for a trial that has none."""

MEASURES = ("trials", "seconds", "epochs")
ENDED = ("complete", "pruned", "failed")
BEYOND_BUDGET = (SPACE_FILLING, SINGLE)
"""Origins of trials that no search asked for and no budget paid."""
IN_CHANCE_ORDER = ("random", "qmc", "grid")
"""Samplers whose order of trials is chance, or could as well be another."""
GRID = 40
"""Budgets at which the best over random orders is worked out."""


def search_value(row: Row) -> float | None:
    """Return what a trial reached in the search: one training run, on the faces that chose it.

    Only complete trials count; a repeat, which took another trial's value, brought nothing, nor
    did one that breaks a constraint.
    """
    if row["state"] != "complete" or row.get("repeats") is not None or not keeps_constraints(row):
        return None
    value: float | None = row["value"]
    return value


def purchases(
    rows: Sequence[Row], measure: str, value_of: ValueOf = search_value
) -> tuple[list[Row], list[Purchase]]:
    """Return the trials of one architecture that were paid for, and each as a ``Purchase``.

    Args:
        rows: its rows, in the order of their numbers.
        measure: one of ``MEASURES``. Counted in trials, the attempts and rungs of one slot are one
            trial, with the value of the last that has one; seconds and epochs of every row count,
            also of those that were pruned or failed. Attempts that were lost are no rows of a
            report. Trials beyond the budget, such as an even sample's, are none of it.
        value_of: the value of a trial.
    """
    ended = [r for r in rows if r["state"] in ENDED and r["origin"] not in BEYOND_BUDGET]
    if measure != "trials":
        spent = [_seconds(row) if measure == "seconds" else _epochs(row, rows) for row in ended]
        bought = [
            Purchase(cost, value_of(row), row["origin"] != "sampler")
            for row, cost in zip(ended, spent, strict=True)
        ]
        return ended, bought
    slots: dict[int, Row] = {}
    for row in ended:
        known = slots.get(row["slot"])
        # A later attempt or rung stands for its slot, unless it brought nothing.
        if known is None or value_of(row) is not None or value_of(known) is None:
            slots[row["slot"]] = row
    chosen = [slots[slot] for slot in sorted(slots)]
    return chosen, [Purchase(1.0, value_of(r), r["origin"] != "sampler") for r in chosen]


def _seconds(row: Row) -> float:
    return float(row["seconds"] or 0.0)


def _epochs(row: Row, rows: Sequence[Row]) -> float:
    """Return the epochs that were trained in a trial, without those of the rung below."""
    # Rows of before they were kept know only how many there are in all.
    if row.get("epochs_trained") is not None:
        return float(row["epochs_trained"])
    below = [r["epochs_run"] for r in rows if r["number"] == row.get("continues")]
    return float(max(0, row["epochs_run"] - sum(below)))


def curve(
    rows: Sequence[Row],
    measure: str,
    objective: Mapping[str, Any],
    *,
    any_order: bool,
    seed: int,
    value_of: ValueOf = search_value,
) -> dict[str, Any]:
    """Return the best so far of one architecture: ``total, steps, expected``.

    ``total`` is all that was spent. ``steps`` lists, wherever the best improved, ``spent, value,
    number, interval``; ``interval`` is Wilson's of that trial's accuracy, None under another
    objective or without a size. ``expected`` is the best over random orders, [] unless
    ``any_order``: ``spent, mean, low, high``.
    """
    trials, bought = purchases(rows, measure, value_of)
    total = sum(p.cost for p in bought)
    direction: Direction = objective["direction"]
    expected = []
    if any_order and sum(not p.placed for p in bought) > 1:
        budgets = [total * k / GRID for k in range(1, GRID + 1)]
        expected = expected_best(bought, budgets, direction, seed=seed)
    return {
        "total": round(total, 2),
        "steps": [
            {"spent": round(spent, 2), **reached(trials[place], value, objective)}
            for spent, value, place in best_so_far(bought, direction)
        ],
        "expected": [asdict(point) for point in expected],
    }


def reached(row: Row, value: float, objective: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``value, number, interval`` of a trial, the interval where it is an accuracy's."""
    interval = None
    if objective["name"] == "val_accuracy" and row["validation_size"] and 0 <= value <= 1:
        interval = wilson(value, row["validation_size"]).to_json()
    return {"value": value, "number": row["number"], "interval": interval}


def equal_budgets(
    grouped: Mapping[str, Sequence[Row]],
    objective: Mapping[str, Any],
    value_of: ValueOf = search_value,
) -> dict[str, Any]:
    """Return ``common, spent, best``: what each architecture had at the smallest common budget.

    ``common`` maps each measure to the least that any architecture spent of it, ``spent`` each
    architecture to all that it spent, ``best`` each architecture to ``reached`` at the common
    budget of each measure, None if it had nothing by then. Architectures without a value are left
    out: none is compared with them.
    """
    every = {
        label: {m: purchases(rows, m, value_of) for m in MEASURES}
        for label, rows in grouped.items()
    }
    bought = {
        label: of
        for label, of in every.items()
        if any(p.value is not None for p in of["trials"][1])
    }
    spent = {
        label: {m: round(sum(p.cost for p in of[m][1]), 2) for m in MEASURES}
        for label, of in bought.items()
    }
    common = {m: min((each[m] for each in spent.values()), default=0.0) for m in MEASURES}
    best: dict[str, dict[str, Any]] = {}
    for label, of in bought.items():
        best[label] = {}
        for measure in MEASURES:
            trials, paid = of[measure]
            # Totals were rounded, so that the last trial must not fall outside by a rounding.
            found = best_within(paid, common[measure] + 0.01, objective["direction"])
            best[label][measure] = reached(trials[found[1]], found[0], objective) if found else None
    return {"common": common, "spent": spent, "best": best}


def in_chance_order(study: Mapping[str, Any]) -> bool:
    """Return whether the study's sampler draws trials whose order says nothing.

    At rungs a trial follows from those before it, whoever drew its configuration.
    """
    if study.get("fidelity"):
        return False
    sampler, engine = study.get("sampler"), study.get("engine")
    name = sampler.get("name") if isinstance(sampler, Mapping) else sampler
    if isinstance(engine, Mapping):
        # keras-tuner's oracle may be named among the engine's options.
        name = (engine.get("options") or {}).get("oracle") or name
    return name in IN_CHANCE_ORDER


def curves(
    grouped: Mapping[str, Sequence[Row]],
    study: Mapping[str, Any],
    objective: Mapping[str, Any],
    value_of: ValueOf = search_value,
) -> dict[str, dict[str, Any]]:
    """Return ``curve`` against seconds and epochs, by architecture."""
    any_order = in_chance_order(study)
    return {
        label: {
            measure: curve(
                rows,
                measure,
                objective,
                any_order=any_order,
                seed=derive_seed("orders", label, measure),
                value_of=value_of,
            )
            for measure in ("seconds", "epochs")
        }
        for label, rows in grouped.items()
    }


def confirmed_steps(
    rows: Sequence[Row], measure: str, candidates: Sequence[Mapping[str, Any]], direction: Direction
) -> list[dict[str, Any]]:
    """Return one architecture's best confirmed value so far: ``spent, value, number, interval``.

    A confirmed value is a configuration's mean over re-runs with other seeds, with the interval of
    that mean. It stands where the search had spent what it took to find the configuration; what the
    re-runs cost is not in it, and comes on top in all architectures alike.

    Args:
        rows: the trials of the search, of one architecture.
        measure: one of ``MEASURES``.
        candidates: what was confirmed, with ``architecture, number, mean``; of other architectures
            too.
        direction: of the objective.
    """
    means = {
        (each["architecture"], each["number"]): each["mean"]
        for each in candidates
        if each.get("mean")
    }

    def value_of(row: Row) -> float | None:
        mean = means.get((row["architecture"], row["number"]))
        return mean["point"] if mean else None

    trials, bought = purchases(rows, measure, value_of)
    return [
        {
            "spent": round(spent, 2),
            "value": value,
            "number": trials[place]["number"],
            "interval": means[trials[place]["architecture"], trials[place]["number"]],
        }
        for spent, value, place in best_so_far(bought, direction)
    ]
