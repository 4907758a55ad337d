"""Trials that are exactly as good as the best one: nothing but their number tells them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.results import ranked
from hpo.reports.sentences import listed, number
from hpo.reports.trials import Direction

MOST_NAMED = 4
"""Trials as good as the best that a sentence names."""


def equals(entries: Sequence[Mapping[str, Any]], direction: Direction) -> list[tuple[str, int]]:
    """Return architecture and number of each trial that is exactly as good as the study's best.

    Of other configurations that is; the best itself, which is the first by its number, is left out.
    """
    order = ranked(entries, direction)
    found: list[tuple[str, int]] = []
    for entry in order:
        first, best = order[0]["best"], entry["best"]
        if (best["value"], best.get("values") or {}) == (first["value"], first.get("values") or {}):
            others = [] if entry is order[0] else [best["number"]]
            found += [(entry["label"], n) for n in [*others, *best.get("equals", ())]]
    return found


def equals_sentence(alike: Sequence[tuple[str, int]]) -> str:
    """Say which other trials are exactly as good as the best one; "" if none is.

    Args:
        alike: architecture and number of each.
    """
    if not alike:
        return ""
    named = [f"trial {n} of {label}" for label, n in alike[:MOST_NAMED]]
    if len(alike) > MOST_NAMED:
        named.append(f"{number(len(alike) - MOST_NAMED)} more")
    told = listed(named)
    return (
        f"{told[0].upper()}{told[1:]} came to exactly the same value: nothing tells them apart, "
        "and the first by number is named."
    )


def equals_remark(best: Mapping[str, Any]) -> str:
    """Say in a table that other trials of an architecture are as good as its best; "" if none is.

    Args:
        best: as in ``results.architecture_entry``; {} where there is none.
    """
    alike = best.get("equals") or []
    if not alike:
        return ""
    named = [str(n) for n in alike[:MOST_NAMED]]
    if len(alike) > MOST_NAMED:
        named.append(f"{number(len(alike) - MOST_NAMED)} more")
    return (
        f"{'trials' if len(alike) > 1 else 'trial'} {listed(named)} came to exactly the same value "
        f"as trial {best['number']}; the first by number is named"
    )
