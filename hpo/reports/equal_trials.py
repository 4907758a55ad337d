"""Bests of studies with unequal numbers of trials, and their difference at equal numbers.

A best of more trials is better already by luck. So the first trials of each architecture, as many
as the study with fewer has, are compared as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hpo.evidence.anytime import Purchase, best_within
from hpo.evidence.intervals import Interval, difference
from hpo.evidence.paired import Paired, paired_difference
from hpo.registry.promotion import rank
from hpo.reports.budgets import Row, purchases, reached
from hpo.reports.data import ReportData
from hpo.reports.objectives import by_accuracy

Best = tuple[int, str, int]
"""A study's place, an architecture's label, and the number of a trial of it."""
CountPairs = Callable[[Best, Best], Paired | str]
"""Counts on which faces which of two trials is right, or says why that cannot be known."""
Bought = Mapping[str, tuple[list[Row], list[Purchase]]]
"""Per architecture the trials that ended, as ``budgets.purchases`` counts them."""


def equal_trials(
    sides: Sequence[ReportData], count_pairs: CountPairs
) -> list[dict[str, Any] | None]:
    """Return of each study how many trials it and the first have, where they are not as many.

    ``trials`` (of the first, of it), ``labels`` (the same of each architecture that both have and
    that has not as many in both), ``each`` (the trials of each architecture that are compared; None
    if not all alike), ``difference`` (as ``difference_of``, None where the architectures are not
    the same) and ``shared`` (where they are not, by architecture that both have, ``difference_of``
    the bests of as many first ``trials``). Rungs and attempts of a configuration are one trial.
    None for the first study, for those with as many, and where there are no two bests of one
    objective.
    """
    bought = [_bought(side) for side in sides]
    return [None] + [_unequal(sides, bought, place, count_pairs) for place in range(1, len(sides))]


def _bought(side: ReportData) -> Bought:
    return {
        label: purchases(
            sorted(
                (r for r in side.trials if r["architecture"] == label), key=lambda r: r["number"]
            ),
            "trials",
        )
        for label in side.labels
    }


def _unequal(
    sides: Sequence[ReportData], bought: Sequence[Bought], place: int, count_pairs: CountPairs
) -> dict[str, Any] | None:
    objective = sides[0].objective
    if objective["name"] != sides[place].objective["name"]:
        return None
    pair = bought[0], bought[place]
    counts = [{label: len(paid) for label, (_, paid) in side.items()} for side in pair]
    if not all(_foremost(side, n, objective) for side, n in zip(pair, counts, strict=True)):
        return None
    totals = [sum(n.values()) for n in counts]
    shared = [label for label in counts[0] if label in counts[1]]
    labels = {la: [n[la] for n in counts] for la in shared if counts[0][la] != counts[1][la]}
    if totals[0] == totals[1] and not labels:
        return None
    least = {label: min(n[label] for n in counts) for label in shared}
    gap, apart = None, {}
    if set(counts[0]) == set(counts[1]):
        old, new = (_foremost(side, least, objective) for side in pair)
        gap = difference_of(old, (place, new), objective, count_pairs)
    else:
        apart = _shared(pair, least, place, objective, count_pairs)
    each = set(least.values())
    return {
        "trials": totals,
        "labels": labels,
        "each": each.pop() if len(each) == 1 else None,
        "difference": gap,
        "shared": apart,
    }


def _shared(
    pair: tuple[Bought, Bought],
    least: Mapping[str, int],
    place: int,
    objective: Mapping[str, Any],
    count_pairs: CountPairs,
) -> dict[str, Any]:
    """Return the difference at equal numbers of each architecture that both studies have."""
    found = {}
    for label, trials in least.items():
        old, new = (_foremost({label: side[label]}, least, objective) for side in pair)
        gap = difference_of(old, (place, new), objective, count_pairs)
        if gap is not None:
            found[label] = {**gap, "trials": trials}
    return found


def _foremost(
    bought: Bought, least: Mapping[str, int], objective: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the best of the first trials of each architecture; None if none has a value."""
    direction = objective["direction"]
    found: list[dict[str, Any]] = []
    for label, (trials, paid) in bought.items():
        best = best_within(paid, float(least[label]), direction)
        if best is not None:
            told = reached(trials[best[1]], best[0], objective)
            found.append({"label": label, "best": told})
    return min(
        found,
        key=lambda e: rank(e["best"]["value"], e["best"]["number"], e["label"], direction),
        default=None,
    )


def difference_of(
    before: Mapping[str, Any] | None,
    other: tuple[int, Mapping[str, Any] | None],
    objective: Mapping[str, Any],
    count_pairs: CountPairs,
) -> dict[str, Any] | None:
    """Return the objective of the other less that of the first study's; None without both.

    Each has ``label`` and ``best`` (``value, number, interval``), the other its study's place too.
    Accuracies need their intervals; others have none, as no value of single faces is stored.
    """
    place, after = other
    if not before or not after or not before["best"] or not after["best"]:
        return None
    if not by_accuracy(objective):
        point = after["best"]["value"] - before["best"]["value"]
        ends = {"low": None, "high": None, "level": None, "n": None}
        return {"point": point, **ends, "paired": False, "why": ""}
    old, new = before["best"]["interval"], after["best"]["interval"]
    if not old or not new:
        return None
    counts = count_pairs(
        (place, after["label"], after["best"]["number"]),
        (0, before["label"], before["best"]["number"]),
    )
    if isinstance(counts, Paired):
        return {**paired_difference(counts).to_json(), "paired": True, "why": ""}
    gap = difference(Interval(**new), Interval(**old))
    return {**gap.to_json(), "paired": False, "why": counts}
