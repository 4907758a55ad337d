"""What the re-runs of a search's best configurations support, as plain data."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from hpo.evidence.classes import over_runs
from hpo.evidence.racing import LEVEL, Race, Run, Verdict, decide, optimism, race
from hpo.spec.bits import unpack_bits
from hpo.spec.confirmation import read_candidate
from hpo.spec.records import TrialRecord, TrialResult
from hpo.training.scores import per_class

Direction = Literal["maximize", "minimize"]

BY_FACE = "val_accuracy"
"""The objective that single faces have a part in: right or wrong."""

_UNTOLD = frozenset({"loss", "accuracy", "learning_rate"})
"""Metrics of training, which say nothing of how well a model answers."""


def runs_of(
    records: Iterable[TrialRecord],
    seeds: int,
    objective: str,
    direction: Direction,
) -> dict[str, list[Run]]:
    """Return the scores of the re-runs that have ended, by configuration, as a race takes them.

    Args:
        records: the re-runs; lost attempts are passed over.
        seeds: how many of each count.
        objective: of accuracy, a run's scores are which of the validation faces it got right; of
            others its value alone, as single faces' losses are not kept.
        direction: of the objective.
    """
    ended: dict[str, dict[int, Run]] = {}
    for record in records:
        slots = ended.setdefault(record.architecture, {})
        if not record.lost and record.state in ("complete", "failed", "pruned"):
            slots[record.slot] = _scores(record, objective, direction)
    found: dict[str, list[Run]] = {}
    for name, slots in ended.items():
        found[name] = []
        for slot in range(seeds):
            if slot not in slots:
                break
            found[name].append(slots[slot])
    return found


def _scores(record: TrialRecord, objective: str, direction: Direction) -> Run:
    result = record.result
    if record.state != "complete" or result is None or record.value is None:
        return None
    if objective != BY_FACE:
        return np.array([record.value if direction == "maximize" else -record.value])
    if not result.correct:
        return None
    return np.array(unpack_bits(result.correct, result.validation_size), dtype=np.float64)


def confirmation(
    searched: Mapping[str, TrialRecord],
    reruns: Sequence[TrialRecord],
    *,
    seeds: int,
    seed: int,
    objective: str,
    direction: Direction,
    classes: bool = False,
) -> dict[str, Any]:
    """Return who races, who was stopped, who has won and how surely.

    ``candidates``, the best of the search first: ``label, architecture, number, search_value,
    params`` (searched), ``numbers`` (of the re-runs that are complete), ``values`` (of all that
    ended, as far as without a gap; None where one failed), ``mean, behind, optimism`` (intervals or
    None), ``best_share, stopped, stopped_by, scores`` (by name: mean, low, high over the re-runs),
    ``confusion`` (summed) and ``per_class``. With ``classes`` the winner's ``per_class`` is as
    ``class_figures`` tells it, with intervals, and it has ``without_copies`` too, where some of the
    faces have a copy in training and each run's answers on the others are kept: ``images,
    confusion, per_class`` over these. Besides ``over, winner, runner_up, crowned, level, images,
    seeds, objective, direction``. Shares and losses are as measured, in the objective's
    direction.

    Args:
        searched: by label, the trial of the search that each configuration comes from.
        reruns: trials of the confirmation, lost attempts left out.
        seeds: with how many each is run.
        seed: of the bootstrap.
        objective: its metric; see ``runs_of``.
        direction: of it.
        classes: whether to ask how sure the winner's figures of each class are, which takes about a
            second for 5 runs on 3,589 faces.
    """
    runs: dict[str, list[Run]] = {label: [] for label in searched}
    runs |= runs_of(reruns, seeds, objective, direction)
    runs = {label: runs[label] for label in searched}
    standing = race(runs, seeds, seed=seed)
    verdict = decide(runs, standing.stopped, seed=seed)
    # What ended after a run that is still going is compared once that has ended, too.
    own = {
        label: sorted(
            (r for r in reruns if r.architecture == label and not r.lost and r.slot < len(known)),
            key=lambda r: r.slot,
        )
        for label, known in runs.items()
    }
    return {
        "objective": objective,
        "direction": direction,
        "seeds": seeds,
        "level": LEVEL,
        "images": verdict.compared.images if verdict and objective == BY_FACE else 0,
        "over": standing.over,
        "winner": verdict.winner if verdict else None,
        "runner_up": verdict.runner_up if verdict else None,
        "crowned": bool(verdict and verdict.crowned and standing.over),
        "candidates": [
            _entry(label, searched[label], own[label], standing, verdict, direction)
            | (
                _classes(own[label], seed)
                if classes and verdict and label == verdict.winner
                else {}
            )
            for label in searched
        ],
    }


def _entry(
    label: str,
    origin: TrialRecord,
    reruns: Sequence[TrialRecord],
    standing: Race,
    verdict: Verdict | None,
    direction: Direction,
) -> dict[str, Any]:
    architecture, number = read_candidate(label)
    complete = [r for r in reruns if r.state == "complete" and r.value is not None]
    values = [r.value for r in complete if r.value is not None]
    sign = 1.0 if direction == "maximize" else -1.0
    mean = behind = share = None
    if verdict is not None and label in verdict.names:
        place = verdict.place(label)
        told = verdict.compared.mean(place)
        mean = _signed(told.to_json(), sign)
        share = verdict.compared.best_share[place]
        if label != verdict.winner:
            behind = verdict.ahead_of(label).to_json()
    matrix = _summed(complete)
    luck = None
    if origin.value is not None and len(values) > 1:
        luck = optimism(sign * origin.value, [sign * v for v in values]).to_json()
    return {
        "label": label,
        "architecture": architecture,
        "number": number,
        "search_value": origin.value,
        "params": origin.searched,
        "numbers": [r.number for r in complete],
        "values": [r.value if r.state == "complete" else None for r in reruns if r.result],
        "mean": mean,
        "behind": behind,
        "optimism": luck,
        "best_share": share,
        "stopped": standing.stopped.get(label),
        "stopped_by": standing.against.get(label),
        "scores": _scores_over(complete),
        "confusion": matrix,
        "per_class": per_class(matrix),
    }


def _classes(reruns: Sequence[TrialRecord], seed: int) -> dict[str, Any]:
    """Return the figures of each class over a configuration's runs, with intervals; {} if none."""
    found = [r.result for r in reruns if r.state == "complete" and r.value is not None]
    results = [r for r in found if r is not None and r.confusion]
    told = over_runs([_answers(r, r.confusion) for r in results], seed=seed)
    # Runs that leave other faces out, as versions of hpo may find other copies, are not one table.
    masks = {r.unseen for r in results}
    if not told or len(masks) != 1 or masks == {""}:
        return {"per_class": told} if told else {}
    unseen = unpack_bits(masks.pop(), results[0].validation_size)
    answers = [_answers(r, r.confusion_without_copies) for r in results]
    return {
        "per_class": told,
        "without_copies": {
            "images": sum(unseen),
            "confusion": _total([r.confusion_without_copies for r in results]),
            "per_class": over_runs(answers, seed=seed, unseen=unseen),
        },
    }


def _answers(result: TrialResult, confusion: list[list[int]]) -> dict[str, Any]:
    correct = unpack_bits(result.correct, result.validation_size) if result.correct else []
    return {"confusion": confusion, "predictions": result.predictions, "correct": correct}


def _signed(interval: dict[str, Any], sign: float) -> dict[str, Any]:
    """Return an interval of a loss as a loss: what was compared was its negative."""
    if sign > 0:
        return interval
    ends = -interval["high"], -interval["low"]
    return {**interval, "point": -interval["point"], "low": ends[0], "high": ends[1]}


def _scores_over(complete: Sequence[TrialRecord]) -> dict[str, dict[str, float]]:
    found: dict[str, list[float]] = {}
    for record in complete:
        assert record.result is not None
        for name, value in record.result.metrics.items():
            if name not in _UNTOLD:
                found.setdefault(name, []).append(value)
    return {
        name: {"mean": statistics.fmean(values), "low": min(values), "high": max(values)}
        for name, values in found.items()
        if len(values) == len(complete)
    }


def _summed(complete: Sequence[TrialRecord]) -> list[list[int]]:
    return _total([r.result.confusion for r in complete if r.result and r.result.confusion])


def _total(matrices: Sequence[list[list[int]]]) -> list[list[int]]:
    if not matrices:
        return []
    return [[int(cell) for cell in row] for row in np.sum(np.asarray(matrices), axis=0)]
