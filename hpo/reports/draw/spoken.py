"""Trials along their parameters in words, where the figure has positions that say nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.draw.axes import ParameterAxis, active
from hpo.reports.draw.style import objective_axis, objective_value, short
from hpo.reports.sentences import plural

LISTED = 8
"""Trials whose values are told one by one; of more only the range and the best are told."""


def values_along(
    parameter: ParameterAxis, trials: Sequence[Mapping[str, Any]], objective: Mapping[str, Any]
) -> str:
    """Return a sentence on the objective along one parameter; "" where no trial searched it."""
    own = [t for t in trials if active(t, parameter.name)]
    if not own:
        return ""
    if parameter.choices is not None:
        told = []
        for choice in parameter.choices:
            chosen = [t for t in own if short(t["params"].get(parameter.name)) == choice]
            if chosen:
                reached = _value(_best(chosen, objective), objective)
                count = f", the best of {plural(len(chosen), 'trial')}," if chosen[1:] else ""
                told.append(f"{reached}{count} with {choice}")
            else:
                told.append(f"no trial with {choice}")
        return f"{parameter.name}: {'; '.join(told)}."
    placed = sorted(own, key=lambda t: t["params"][parameter.name])
    if len(placed) <= LISTED:
        each = (f"{_value(t, objective)} at {short(t['params'][parameter.name])}" for t in placed)
        return f"{parameter.name}: {', '.join(each)}."
    best = _best(own, objective)
    ends = " to ".join(short(placed[k]["params"][parameter.name]) for k in (0, -1))
    return (
        f"{parameter.name}: {plural(len(placed), 'trial')} at {ends}, the best, "
        f"{_value(best, objective)}, at {short(best['params'][parameter.name])}."
    )


def taken(parameter: ParameterAxis, trials: Sequence[Mapping[str, Any]]) -> str:
    """Return what a group of trials took of one parameter, such as ``dropout 0.1 to 0.3``."""
    values = [t["params"].get(parameter.name) for t in trials if active(t, parameter.name)]
    if not values:
        beside = [t["params"][parameter.name] for t in trials if parameter.name in t["outside"]]
        if beside:
            texts = sorted({short(v) for v in beside})
            return f"{parameter.name} {' and '.join(texts)}, outside its axis"
        return f"{parameter.name} not active"
    if parameter.choices is None:
        low, high = short(min(values)), short(max(values))
        return f"{parameter.name} {low if low == high else f'{low} to {high}'}"
    texts = [short(v) for v in values]
    counted = [(choice, texts.count(choice)) for choice in parameter.choices if choice in texts]
    if len(counted) == 1:
        return f"{parameter.name} {counted[0][0]}"
    return f"{parameter.name} " + " and ".join(f"{choice} in {count}" for choice, count in counted)


def along(objective: Mapping[str, Any]) -> str:
    """Return what the values are, as the first sentence of such words."""
    return f"Values: {objective_axis(objective)}."


def _best(trials: Sequence[Mapping[str, Any]], objective: Mapping[str, Any]) -> Mapping[str, Any]:
    choose = max if objective["direction"] == "maximize" else min
    return choose(trials, key=lambda t: t["value"])


def _value(trial: Mapping[str, Any], objective: Mapping[str, Any]) -> str:
    value = objective_value(trial["value"], objective)
    return f"{value:.4g}{' %' if objective['percent'] else ''}"
