"""Trials as records → observations and the distributions of their parameters.

The records carry their space as plain data, so nothing here needs the storage that the trials came
from; a study file's JSON is enough.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpo.spec.records import SPACE_FILLING, TrialRecord


@dataclass(frozen=True)
class Observation:
    """One usable trial: a finite value and the parameters that were active in it.

    Args:
        value: the objective (best so far for a pruned trial).
        params: active parameters by name.
        sampled: the study's sampler chose it (in contrast to an enqueued trial).
        pruned: it was stopped early.
        space_filling: it was added beyond the budget, as part of an even sample.
    """

    value: float
    params: dict[str, Any]
    sampled: bool = True
    pruned: bool = False
    space_filling: bool = False


def observations(records: Iterable[TrialRecord]) -> tuple[list[Observation], dict[str, int]]:
    """Return the usable trials, and how many were left out by reason.

    Complete trials count with their value. Pruned trials count with their best value so far: they
    were stopped because they did badly, and without them a parameter that ruins training would
    look harmless. Failed and unfinished trials, values that are not finite, and repeats that took
    another trial's value are left out. Where trials were compared at rungs, those of one alone
    count: few epochs favour other values than many.
    """
    usable: list[Observation] = []
    left: dict[str, int] = {}
    records = list(records)
    rung = telling_rung(records)
    for record in records:
        if (record.rung or 0) != rung:
            left["of another rung"] = left.get("of another rung", 0) + 1
        elif record.state not in ("complete", "pruned"):
            left[record.state] = left.get(record.state, 0) + 1
        elif record.repeats is not None:
            left["repeated"] = left.get("repeated", 0) + 1
        elif record.value is None or not math.isfinite(record.value):
            left["no finite value"] = left.get("no finite value", 0) + 1
        else:
            usable.append(
                Observation(
                    float(record.value),
                    _active(record),
                    record.origin == "sampler",
                    record.state == "pruned",
                    record.origin == SPACE_FILLING,
                )
            )
    return usable, left


EVEN_SAMPLERS = ("random", "qmc", "grid")
"""Samplers that draw from the whole space, whatever the trials came to."""


def even_sample(
    usable: Sequence[Observation], sampler: str, enough: int
) -> tuple[list[Observation], int]:
    """Return the trials to judge the whole space by, and how many of them are no even sample.

    Space-filling trials, and those of a sampler that does not adapt, are an even sample. Where
    there are ``enough`` of them they are returned alone, else all trials are.

    Args:
        usable: the trials.
        sampler: the study's; "" where it is not known, and taken for one that adapts.
        enough: even trials that may stand alone.
    """
    even = [o for o in usable if o.space_filling or (o.sampled and sampler in EVEN_SAMPLERS)]
    others = len(usable) - len(even)
    return (even, others) if len(even) >= enough else (list(usable), others)


_ENOUGH = 20
"""Trials from which on a rung speaks for itself, however many there are below it."""


def telling_rung(records: Sequence[TrialRecord]) -> int:
    """Return the highest rung with enough complete trials, else the one with the most."""
    counts: dict[int, int] = {0: 0}
    for record in records:
        if record.state == "complete" and record.repeats is None:
            counts[record.rung or 0] = counts.get(record.rung or 0, 0) + 1
    enough = [rung for rung, count in counts.items() if count >= _ENOUGH]
    return max(enough) if enough else max(counts, key=lambda rung: (counts[rung], -rung))


def _active(record: TrialRecord) -> dict[str, Any]:
    """Return the searched parameters, with fixed values of an enqueued trial where they are known.

    A conditional parameter that was not searched in a trial was not active there, even though
    ``params`` may hold its default.
    """
    active = dict(record.searched)
    for name, entry in record.space.items():
        unconditional = not (isinstance(entry, Mapping) and entry.get("when"))
        if name not in active and unconditional and name in record.params:
            active[name] = record.params[name]
    return {name: _scalar(value) for name, value in active.items()}


def _scalar(value: Any) -> Any:
    """Return a value that Optuna's categorical distribution can hold."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return repr(value)


def is_number(value: Any) -> bool:
    """Return whether ``value`` is a finite number and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def joined_space(records: Iterable[TrialRecord]) -> dict[str, dict[str, Any]]:
    """Return one space over all trials: the widest range and every choice that any of them had."""
    joined: dict[str, dict[str, Any]] = {}
    for record in records:
        for name, entry in record.space.items():
            if not isinstance(entry, Mapping):
                continue
            known = joined.setdefault(name, dict(entry))
            if known == entry:
                continue
            for key, pick in (("low", min), ("high", max)):
                if is_number(known.get(key)) and is_number(entry.get(key)):
                    known[key] = pick(known[key], entry[key])
            if "choices" in known and "choices" in entry:
                extra = [c for c in entry["choices"] if c not in known["choices"]]
                known["choices"] = [*known["choices"], *extra]
    return joined


def distribution(entry: Mapping[str, Any] | None, values: Sequence[Any]) -> Any:
    """Return the Optuna distribution of a parameter that covers all ``values`` seen.

    Steps are dropped: the evaluators read ranges and scales only, and an enqueued value may lie
    off the grid (or outside the range, which then is widened to hold it).
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    entry = entry or {}
    choices = [_scalar(choice) for choice in entry.get("choices", ())]
    if choices or not all(is_number(value) for value in values):
        extra = sorted({v for v in values if v not in choices}, key=repr)
        return CategoricalDistribution([*choices, *extra])
    ends = [float(entry[key]) for key in ("low", "high") if is_number(entry.get(key))]
    low, high = min([*values, *ends]), max([*values, *ends])
    log = bool(entry.get("log") or entry.get("scale") == "log") and low > 0
    whole = all(float(v).is_integer() for v in (*values, low, high))
    if whole and entry.get("type", "int") == "int":
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(float(low), float(high), log=log)


def place_among(choices: Sequence[Any], value: Any) -> int:
    """Return which of ``choices`` a value is: True, 1 and 1.0 are equal, and may all be choices."""
    alike = [k for k, c in enumerate(choices) if type(c) is type(value) and c == value]
    return alike[0] if alike else list(choices).index(value)


def distributions(
    usable: Sequence[Observation], space: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return one distribution per parameter seen in ``usable``, sorted by name."""
    names = sorted({name for observation in usable for name in observation.params})
    seen = {name: [o.params[name] for o in usable if name in o.params] for name in names}
    return {name: distribution(space.get(name), values) for name, values in seen.items()}
