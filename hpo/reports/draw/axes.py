"""Parameter axes: the whole searched range, numbers linear or log, choices by position."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpo.evidence.optuna_study import is_number
from hpo.reports.data import ReportData
from hpo.reports.draw.style import short, whole_ticks

LETTER = 7.5
"""Pixels along a letter of a tick, at least as wide as most."""
BETWEEN = 8.0
"""Pixels between two ticks that do not run together."""
USUAL = ("learning_rate", "optimizer", "batch_size", "epochs", "activation")
"""What most studies search, and everybody looks for: the thesis's question."""
POWER_LETTERS = 4.0
"""What a power of ten is as wide as, its exponent being small."""


@dataclass(frozen=True)
class ParameterAxis:
    """One parameter over what was searched of it, and the trials that lie outside.

    Args:
        name: the parameter.
        choices: labels by position, those without a trial too; None for numbers.
        log: numbers are shown in their decimal logarithm.
        low: least number of the range, as ``place`` gives it; 0 for choices.
        high: greatest, or the position of the last choice.
        whole: all numbers are whole.
    """

    name: str
    choices: list[str] | None
    log: bool
    low: float
    high: float
    whole: bool = False

    def place(self, value: Any) -> float | None:
        """Return where ``value`` lies: its position among the choices, or (the log of) itself."""
        if self.choices is not None:
            return float(self.choices.index(short(value)))
        if not is_number(value) or (self.log and value <= 0):
            return None
        return math.log10(value) if self.log else float(value)


def placed_trials(data: ReportData, label: str) -> list[dict[str, Any]]:
    """Return the complete and pruned trials of an architecture as they stand along parameters.

    A parameter that was not searched in a trial, but by then had a value there and its conditions
    met, counts as searched: of a space that grew, trials of before have what they ran with. Values
    that its axis has no place for, such as 0 on a log one, are listed by name as ``outside``.
    """
    space = next(e["space"] for e in data.architectures if e["label"] == label)
    trials = [t for t in data.trials_of(label, "complete", "pruned") if t["value"] is not None]
    names = {n for t in trials for n in t["searched"]}
    found = []
    for trial in trials:
        held = sorted(n for n in names - {*trial["searched"]} if _held(trial, n, space))
        placed = [n for n in held if _has_place(trial["params"][n], space[n])]
        outside = [n for n in held if n not in placed]
        searched = sorted([*trial["searched"], *placed])
        found.append({**trial, "searched": searched, "held": placed, "outside": outside})
    return found


def _held(trial: Mapping[str, Any], name: str, space: Mapping[str, Any]) -> bool:
    """Return whether a parameter of the space that was not searched had a value in a trial."""
    entry, params = space.get(name), trial["params"]
    if entry is None or name not in params:
        return False
    return all(
        params.get(parent) in allowed
        and (parent not in space or parent in trial["searched"] or _held(trial, parent, space))
        for parent, allowed in (entry.get("when") or {}).items()
    )


def _has_place(value: Any, entry: Mapping[str, Any]) -> bool:
    if entry.get("choices"):
        return True
    return is_number(value) and not (entry.get("log") and value <= 0)


def unsearched(trials: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """Return a sentence on trials that did not search one of ``names``; "" where all did."""
    found = sorted({n for t in trials for n in t["held"]} & set(names))
    if not found:
        return ""
    return f"Trials that did not search {' or '.join(found)} are drawn at the value that they had."


def active(trial: Mapping[str, Any], name: str) -> bool:
    """Return whether a trial stands along a parameter's axis, as ``placed_trials`` says."""
    return name in trial["searched"]


def axis(name: str, trials: Sequence[Mapping[str, Any]], space: Mapping[str, Any]) -> ParameterAxis:
    """Return the axis of a parameter: its range in ``space``, widened to what trials took."""
    entry = space.get(name) or {}
    values = [t["params"].get(name) for t in trials if active(t, name)]
    if entry.get("choices") or not all(is_number(v) for v in values):
        listed = [short(c) for c in entry.get("choices", ())]
        extra = sorted({short(v) for v in values if short(v) not in listed})
        choices = [*listed, *extra]
        return ParameterAxis(name, choices, False, 0.0, float(max(len(choices) - 1, 0)))
    ends = [*values, *(entry[k] for k in ("low", "high") if is_number(entry.get(k)))]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    whole = all(isinstance(v, int) for v in ends)
    if entry.get("log") and low > 0:
        return ParameterAxis(name, None, True, math.log10(low), math.log10(high), whole)
    return ParameterAxis(name, None, False, float(low), float(high), whole)


def varied(
    trials: Sequence[Mapping[str, Any]],
    space: Mapping[str, Any],
    importance: Mapping[str, Any] | None = None,
) -> list[str]:
    """Return the parameters that took more than one value, the most important first.

    Of what no importance is known the usual ones come first, then the order of ``space``, which is
    that of the study file.
    """
    ranked = [p["name"] for p in (importance or {}).get("parameters", [])]
    names = sorted({n for t in trials for n in t["searched"]})
    many = [
        n for n in names if len({short(t["params"].get(n)) for t in trials if active(t, n)}) > 1
    ]
    order = list(dict.fromkeys([*ranked, *USUAL, *space]))
    return sorted(many, key=lambda n: (order.index(n) if n in order else len(order), n))


def first_of(names: Sequence[str], shown: int, importance: Mapping[str, Any] | None) -> str:
    """Return which of the parameters are drawn, such as ``of 24 parameters the first 8``."""
    known = {p["name"] for p in (importance or {}).get("parameters", [])}
    which = f"{shown} most important" if known >= set(names[:shown]) else f"first {shown}"
    return f"of {len(names)} parameters the {which} are drawn"


def constant(trials: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """Return a sentence on the searched parameters that are not among ``names``; "" for none."""
    rest = sorted({n for t in trials for n in t["searched"]} - set(names))
    return f"Not drawn, as they took one value only: {', '.join(rest)}." if rest else ""


def of_rungs(trials: Sequence[Mapping[str, Any]]) -> str:
    """Return a sentence on trials that were trained to different rungs; "" where none were."""
    if len({trial.get("rung") or 0 for trial in trials}) < 2:
        return ""
    return (
        "Trials of all rungs are drawn: those of a lower one have trained for fewer epochs, "
        "which alone may make them worse."
    )


def spread(number: int, turn: float = math.e) -> float:
    """Return a small shift of a trial in [-0.5, 0.5), so that trials of one choice do not hide."""
    return ((number + 1) * turn) % 1.0 - 0.5


def padded(low: float, high: float, *, log: bool = False) -> list[float]:
    """Return an axis range a little wider than its ends, so that marks there are whole."""
    if log:
        low, high = math.log10(low), math.log10(high)
    margin = 0.05 * ((high - low) or 1.0)
    return [low - margin, high + margin]


def linear_ticks(values: Sequence[float]) -> list[float]:
    """Return five ticks from the least to the greatest value; whole ones where all values are."""
    low, high = min(values), max(values)
    ticks = [low + k * (high - low) / 4 for k in range(5)]
    if all(float(v).is_integer() for v in values):
        ticks = [float(round(t)) for t in ticks]
    return sorted(set(ticks))


def log_ticks(low: float, high: float) -> list[float]:
    """Return the whole decades between two logarithms, and the ends where no decade is near."""
    decades = [float(k) for k in range(math.ceil(low), math.floor(high) + 1)]
    near = 0.12 * (high - low)
    ends = [e for e in (low, high) if all(abs(e - d) > near for d in decades)]
    return sorted({*decades, *ends})


def log_settings(low: float, high: float, width: float) -> dict[str, Any]:
    """Return the ticks of a log axis, between two logarithms, that stand beside each other.

    Numbers as people write them if they have the room, else powers of ten, and of these every
    second or third; where the axis has no two decades, the numbers, which then stand upright.

    Args:
        low: decimal logarithm of the least value.
        high: of the greatest.
        width: of the axis, pixels.
    """
    across = width / 1.1 / ((high - low) or 1.0)
    ticks = log_ticks(low, high)
    texts = [short(float(f"{10**t:.2g}")) for t in ticks]
    decades = [t for t in ticks if t == round(t)]
    roomy = _apart(ticks, [float(len(text)) for text in texts], across)
    if len(decades) > 1 and not (roomy and "e" not in "".join(texts)):
        stride = 1
        while stride < len(decades) - 1 and stride * across < POWER_LETTERS * LETTER + BETWEEN:
            stride += 1
        ticks = decades[::stride]
        texts = [f"10<sup>{t:.0f}</sup>".replace("-", "\u2212") for t in ticks]
    return {"type": "log", "tickvals": [10**t for t in ticks], "ticktext": texts}


def _apart(ticks: Sequence[float], letters: Sequence[float], across: float) -> bool:
    """Return whether no tick reaches its neighbour, at so many pixels to a unit of the axis."""
    return all(
        (ticks[k + 1] - ticks[k]) * across >= LETTER * (letters[k] + letters[k + 1]) / 2 + BETWEEN
        for k in range(len(ticks) - 1)
    )


def whole_settings(low: int, high: int, width: float) -> dict[str, Any]:
    """Return the ticks of an axis of few whole numbers: all, or every second, fifth or tenth.

    Args:
        low: least number.
        high: greatest.
        width: of the axis, pixels.
    """
    if not whole_ticks(low, high):
        return {}
    across = width / 1.1 / ((high - low) or 1)
    needed = LETTER * max(len(str(low)), len(str(high))) + BETWEEN
    step = next((step for step in (1, 2, 5) if step * across >= needed), 10)
    return {"tick0": 0, "dtick": step}
