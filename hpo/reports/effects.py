"""Tuning or architecture: what each moved, at equal budgets, with intervals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from hpo.evidence.contrasts import Judged, contrast, paired, share
from hpo.evidence.groups import FEWEST, between_share, shuffled_share
from hpo.reports.baselines import BASELINES
from hpo.reports.budgets import Row, ValueOf, purchases, search_value
from hpo.spec.seeds import derive_seed

Correct = Mapping[tuple[str, int], Sequence[bool]]
"""Architecture and number of a trial → which validation faces it got right."""

ALPHA = 0.05
"""Share of shuffles under which the distance of two architectures is called no chance."""


def judged(row: Row, correct: Correct) -> Judged | None:
    """Return how a trial did on the validation faces; None without an accuracy or a size."""
    if row["accuracy"] is None or not row["validation_size"]:
        return None
    known = correct.get((row["architecture"], row["number"]), ())
    # A share to six digits, so that with the faces themselves at hand their mean is meant.
    accuracy = sum(known) / len(known) if known else row["accuracy"]
    return Judged(accuracy, row["validation_size"], tuple(known))


def tuning(
    grouped: Mapping[str, Sequence[Row]],
    best: Mapping[str, Mapping[str, Any]],
    foremost: str,
    correct: Correct,
    rivals: Sequence[str] = (),
) -> dict[str, Any]:
    """Return how far tuning and the choice of architecture moved validation accuracy.

    Of each architecture the trial that gains are over, ``default``, and its ``best`` at
    the common number of trials; of the study the best of these. Keys: ``moves`` (architecture →
    ``default, best`` (numbers), ``origin`` of the best, ``tuning, rest, whole`` (differences from
    the default to its best, from there to the study's best, and of both), ``share`` (of the whole
    that tuning brought; None where the whole is not above 0)), ``mean_whole`` and ``mean_share``
    over the architectures, ``top`` (``foremost``), ``winner`` (the same, "" where there are
    rivals), ``rivals, paired, n, left_out`` (architecture → why it has no move).
    At rungs only trials of the study's best's rung are compared: what more epochs bring is no
    tuning.

    {} if no architecture has both, or the study's best has no accuracy.

    Args:
        grouped: the rows of each architecture.
        best: of each, as ``budgets.equal_budgets`` returns it.
        foremost: the architecture of the study's best trial.
        correct: which faces trials got right, where that is known.
        rivals: the other architectures whose bests nothing tells from it.
    """
    models: dict[str, Judged] = {}
    rungs: dict[str, int] = {}
    ends: dict[str, tuple[str, str]] = {}
    moves: dict[str, dict[str, Any]] = {}
    left_out: dict[str, str] = {}
    top = ""
    for label, rows in grouped.items():
        base = _default(rows)
        found = _trial(rows, best[label]["trials"])
        # A trial that is both has one name, so that it differs from itself by nothing.
        named = [f"{label} {row['number']}" if row else "" for row in (base, found)]
        for name, row in zip(named, (base, found), strict=True):
            known = judged(row, correct) if row else None
            if known is not None:
                models[name] = known
            if row:
                rungs[name] = row.get("rung") or 0
        if label == foremost:
            top = named[1]
        if base is None:
            left_out[label] = "no complete trial of the thesis's or the default configuration"
        elif found is None or not all(name in models for name in named):
            left_out[label] = "no accuracy with a number of faces"
        else:
            ends[label] = (named[0], named[1])
            moves[label] = {
                "default": base["number"],
                "baseline": base["origin"],
                "best": found["number"],
                "origin": found["origin"],
            }
    for label, names in list(ends.items()):
        if any(rungs[name] != rungs.get(top) for name in names):
            left_out[label] = (
                "its default or its best was trained to another rung than the study's best"
            )
            del ends[label], moves[label]
    if not ends or top not in models:
        return {}
    weights = {label: _ways(*names, top) for label, names in ends.items()}
    for label, ways in weights.items():
        moves[label] |= {name: contrast(models, way).to_json() for name, way in ways.items()}
        # Of a single one the mean below is the same quantity: one interval for both.
        seed = derive_seed("share", label) if len(weights) > 1 else derive_seed("share")
        portion = share(models, ways["tuning"], ways["whole"], seed=seed)
        moves[label]["share"] = portion.to_json() if portion else None
    mean = {
        name: _added([ways[name] for ways in weights.values()], 1 / len(weights))
        for name in ("tuning", "whole")
    }
    portion = share(models, mean["tuning"], mean["whole"], seed=derive_seed("share"))
    return {
        "top": foremost,
        "winner": "" if rivals else foremost,
        "rivals": list(rivals),
        "moves": moves,
        "mean_whole": contrast(models, mean["whole"]).to_json(),
        "mean_share": portion.to_json() if portion else None,
        "paired": paired(models, mean["whole"], mean["tuning"]),
        "n": min(models[name].n for name in mean["whole"]),
        "left_out": left_out,
    }


def _trial(rows: Sequence[Row], reached: Mapping[str, Any] | None) -> Row | None:
    """Return the row of a trial that ``budgets.reached`` names."""
    return next((r for r in rows if reached and r["number"] == reached["number"]), None)


def _default(rows: Sequence[Row]) -> Row | None:
    """Return the trial that gains are over, at its highest rung."""
    complete = [r for r in rows if r["state"] == "complete" and r["value"] is not None]
    for origin in BASELINES:
        found = [r for r in complete if r["origin"] == origin]
        if found:
            return max(found, key=lambda r: r.get("rung") or 0)
    return None


def _ways(default: str, own: str, top: str) -> dict[str, dict[str, float]]:
    """Return the weights of the way from an architecture's default to the study's best."""
    tuned = _added([{own: 1.0}, {default: -1.0}])
    rest = _added([{top: 1.0}, {own: -1.0}])
    return {"tuning": tuned, "rest": rest, "whole": _added([tuned, rest])}


def _added(weights: Sequence[Mapping[str, float]], by: float = 1.0) -> dict[str, float]:
    total: dict[str, float] = {}
    for each in weights:
        for name, weight in each.items():
            total[name] = total.get(name, 0.0) + by * weight
    return total


def pairs(
    grouped: Mapping[str, Sequence[Row]],
    best: Mapping[str, Mapping[str, Any]],
    objective: Mapping[str, Any],
    correct: Correct,
    trials: int,
    value_of: ValueOf = search_value,
) -> list[dict[str, Any]]:
    """Return how far each two architectures are apart at the common number of trials.

    Keys: ``first, second, accuracy`` (difference of the accuracies of their best trials, None
    without sizes), ``paired, trials, shuffled`` (how often shuffling the trials between them sets
    what they find as far apart; pruned ones stand with what they had reached), ``apart`` (the
    difference's interval leaves 0 out, and ``shuffled`` is at most ``ALPHA``).

    The first says whether two trained models differ, the second whether their architectures do: of
    two equal searches one always finds the better model.
    """

    def standing(row: Row) -> float | None:
        value = value_of(row)
        return _reached_value(row) if value is None and row["state"] == "pruned" else value

    known = [label for label in grouped if best.get(label, {}).get("trials")]
    listed = []
    for one, other in itertools.combinations(known, 2):
        models = {}
        values = {}
        for label in (one, other):
            row = _trial(grouped[label], best[label]["trials"])
            found = judged(row, correct) if row else None
            if found is not None:
                models[label] = found
            values[label] = [p.value for p in purchases(grouped[label], "trials", standing)[1]]
        gap = contrast(models, {one: 1.0, other: -1.0}) if len(models) == 2 else None
        chance = shuffled_share(
            values[one][:trials],
            values[other][:trials],
            objective["direction"],
            seed=derive_seed("shuffled", one, other),
        )
        clear = gap is not None and (gap.low > 0 or gap.high < 0)
        listed.append(
            {
                "first": one,
                "second": other,
                "accuracy": gap.to_json() if gap else None,
                "paired": gap is not None and paired(models, {one: 1.0, other: -1.0}),
                "trials": trials,
                "shuffled": chance,
                "apart": clear and chance <= ALPHA,
            }
        )
    return listed


def variance(grouped: Mapping[str, Sequence[Row]], trials: int) -> dict[str, Any]:
    """Return the share of the variance of values that lies between architectures.

    Over the first ``trials`` trials of each, complete ones and pruned ones with what they had
    reached. Keys: ``share`` (with its 90 % interval; None if refused), ``counts, pruned,
    refused``.
    """
    values: dict[str, list[float]] = {}
    pruned = 0
    for label, rows in grouped.items():
        chosen = purchases(rows, "trials", _reached_value)[0][:trials]
        found = [v for r in chosen if (v := _reached_value(r)) is not None]
        if found:
            values[label] = found
            pruned += sum(r["state"] == "pruned" for r in chosen)
    counts = {label: len(found) for label, found in values.items()}
    if len(values) < 2:
        refused = "it needs two architectures with values"
    elif min(counts.values()) < FEWEST:
        refused = f"it needs {FEWEST} trials with a value in each architecture"
    else:
        refused = ""
    found_share = None
    if not refused:
        found_share = between_share(list(values.values()), seed=derive_seed("variance between"))
        refused = "" if found_share else "all trials reached the same value"
    return {
        "share": found_share.to_json() if found_share else None,
        "counts": counts,
        "pruned": pruned,
        "refused": refused,
    }


def _reached_value(row: Row) -> float | None:
    if row["state"] not in ("complete", "pruned") or row.get("repeats") is not None:
        return None
    value = row["value"]
    return value if value is not None and math.isfinite(value) else None
