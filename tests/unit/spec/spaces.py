"""Hypothesis strategies for search spaces, and a suggester that draws its values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from hpo.spec.space import Scalar, SearchSpace, same

# Words that YAML could take for something else are in; what no file can hold is out.
TRICKY = ["off", "no", "1e-3", "0o17", "010", "1:30", "~", "null", "true", "2026-01-01", "<<", "="]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(TRICKY)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
)
FINITE = st.floats(-1e6, 1e6, allow_nan=False)


def distinct(values: Sequence[Scalar]) -> list[Scalar]:
    """Return ``values`` without those that are the same choice as an earlier one."""
    kept: list[Scalar] = []
    for value in values:
        if not any(same(value, earlier) for earlier in kept):
            kept.append(value)
    return kept


@st.composite
def floats(draw: st.DrawFn, *, stepped: bool | None = None) -> dict[str, Any]:
    log = False if stepped else draw(st.booleans())
    low = draw(st.floats(1e-8, 1.0) if log else FINITE)
    # Between 2 and 20 steps, as people choose them: 0.05, not 1 / 3.
    if not log and (stepped if stepped is not None else draw(st.booleans())):
        width = draw(st.floats(1e-3, 1e6))
        step = float(f"{width / draw(st.integers(2, 20)):.1g}")
        return {"type": "float", "low": low, "high": low + width, "log": False, "step": step}
    high = draw(st.floats(low, 1e6 + 1, exclude_min=True))
    return {"type": "float", "low": low, "high": high, "log": log}


@st.composite
def ints(draw: st.DrawFn, *, few: bool = False) -> dict[str, Any]:
    log = draw(st.booleans())
    low = draw(st.integers(1 if log else -1000, 1000))
    high = low + draw(st.integers(1, 8 if few else 10_000))
    step = 1 if log else draw(st.integers(1, min(7, high - low)))
    return {"type": "int", "low": low, "high": high, "log": log, "step": step}


@st.composite
def categoricals(draw: st.DrawFn) -> dict[str, Any]:
    choices = draw(st.lists(SCALARS, min_size=1, max_size=5).map(distinct))
    return {"type": "categorical", "choices": choices}


@st.composite
def spaces(draw: st.DrawFn, *, finite: bool = False) -> SearchSpace:
    """Draw a space of up to five parameters, some of them waiting for earlier ones.

    Args:
        draw: hypothesis's.
        finite: only parameters with few values, so that the grid can be walked.
    """
    kinds = (
        st.one_of(ints(few=True), categoricals(), floats(stepped=True))
        if finite
        else st.one_of(floats(), ints(), categoricals())
    )
    plain: dict[str, Any] = {}
    for position in range(draw(st.integers(0, 5))):
        parameter = draw(kinds)
        possible = [name for name, p in plain.items() if p["type"] != "float"]
        if draw(st.booleans()) and possible:
            parent = draw(st.sampled_from(possible))
            values = SearchSpace.from_plain({"p": {**plain[parent], "when": {}}}).parameters["p"]
            listed = list(values.values() or [])[:20]
            allowed = draw(st.lists(st.sampled_from(listed), min_size=1, max_size=3))
            parameter["when"] = {parent: distinct(allowed)}
        plain[f"p{position}"] = parameter
    # Children may be written before their parents.
    names = draw(st.permutations(list(plain)))
    return SearchSpace.from_plain({name: plain[name] for name in names})


class Drawn:
    """A suggester that draws from hypothesis, and notes what it was asked."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data
        self.asked: list[str] = []

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        self.asked.append(name)
        if step is None:
            return self._data.draw(st.floats(low, high))
        return low + self._data.draw(st.integers(0, round((high - low) / step))) * step

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        self.asked.append(name)
        return self._data.draw(st.sampled_from(range(low, high + 1, step)))

    def suggest_categorical(self, name: str, choices: Sequence[Scalar]) -> Scalar:
        self.asked.append(name)
        return self._data.draw(st.sampled_from(choices))
