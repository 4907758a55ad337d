"""What figures have in common, written once: a page of 1,000 trials is half as long by it.

Every trial's hover text stands in many figures, and the arrangement for a phone has the values of
the one for a desk. A list that comes again becomes ``{"$list": k}``, a list of texts that come
again ``{"$texts": places}``, whose places may be a list that comes again; ``figures.js`` puts them
back before it draws.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

LEAST = 12
"""Entries from which a list is worth a place in the table."""


def share(figures: Iterable[dict[str, Any]]) -> dict[str, list[Any]]:
    """Replace, in figures as plain data, what several have; return the tables they refer to.

    Args:
        figures: changed in place: ``data`` and, where there is one, ``narrow``.

    Returns:
        ``lists`` and ``texts``.
    """
    traces = [trace for figure in figures for trace in _traces(figure)]
    texts = _Table(Counter(t for trace in traces for v in _lists(trace) if _of_texts(v) for t in v))
    for trace in traces:
        _replace(trace, lambda v: _as_texts(v, texts))
    lists = _Table(Counter(_key(v) for trace in traces for v in _lists(trace)))
    for trace in traces:
        _replace(trace, lambda v: _as_list(v, lists))
    return {"lists": [json.loads(text) for text in lists.places], "texts": list(texts.places)}


class _Table:
    """Gives each text that came more than once a place, in the order of their first use."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self.places: dict[str, int] = {}

    def place(self, text: str) -> int | None:
        if self._counts[text] < 2:
            return None
        return self.places.setdefault(text, len(self.places))


def _traces(figure: dict[str, Any]) -> list[dict[str, Any]]:
    narrow = figure.get("narrow")
    return [*figure["data"], *(narrow["data"] if narrow else [])]


def _lists(value: dict[str, Any]) -> Iterable[list[Any]]:
    for item in value.values():
        if isinstance(item, dict):
            yield from _lists(item)
        elif isinstance(item, list) and len(item) >= LEAST:
            yield item


def _replace(value: dict[str, Any], change: Any) -> None:
    for key, item in value.items():
        if isinstance(item, dict):
            _replace(item, change)
        elif isinstance(item, list) and len(item) >= LEAST:
            value[key] = change(item)


def _of_texts(value: list[Any]) -> bool:
    # Short ones, such as states and symbols, are cheaper in place.
    return all(isinstance(v, str) for v in value) and max(map(len, value)) > LEAST


def _as_texts(value: list[Any], texts: _Table) -> Any:
    if not _of_texts(value):
        return value
    places = [texts.place(text) for text in value]
    # One text alone that comes once, and the list stays as it is.
    return value if None in places else {"$texts": places}


def _as_list(value: list[Any], lists: _Table) -> Any:
    place = lists.place(_key(value))
    return value if place is None else {"$list": place}


def _key(value: list[Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
