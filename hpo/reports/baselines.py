"""What gains are over, in words: the thesis's or the default one, as it was or as changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.reports.sentences import ORIGINS, listed, value_text

BASELINES = {"thesis": "the thesis's own configuration", "default": "the default configuration"}
"""Origins of the trial that gains are over, the first of them that a study has, in words."""
MOST_NAMED = 6
"""Parameters that a sentence names; ``study.json`` has the rest."""


def baseline_phrase(entry: Mapping[str, Any], *, named: bool = False, of: str = "") -> str:
    """Return what the gain of an architecture is over, such as ``the default configuration``.

    Args:
        entry: with ``baseline`` and ``departures``, as ``architecture_entry`` returns it.
        named: say what of the configuration a study has changed, not only that it has.
        of: the architecture's label, to be named too.
    """
    whose = f" of {of}" if of else ""
    # Tables of before there were other baselines do not say.
    origin = entry.get("baseline", "thesis")
    if not entry.get("departures"):
        return BASELINES[origin] + whose
    if not named:
        return f"{ORIGINS[origin]}{whose} as changed here"
    return f"{ORIGINS[origin]}{whose}{changes_clause(entry)}"


def changes_clause(entry: Mapping[str, Any], *, whole: bool = False) -> str:
    """Return what follows a changed baseline's name; ``entry`` and ``whole`` as below."""
    said = changed_here(entry, whole=whole)
    return f" ({said})" if entry.get("baseline") == "default" else f" with this study's {said}"


def changed_here(entry: Mapping[str, Any], *, whole: bool = False) -> str:
    """Return what a study has changed in the thesis's configuration, ``epochs 3 and width 16``.

    Of the default one these are the values that lay outside the space: ``width 32 → 8, the space's
    nearest``.

    Args:
        entry: with ``departures``.
        whole: name all of them, however many.
    """
    changed = entry.get("departures") or []
    # To count one more is no shorter than to name it.
    most = len(changed) if whole or len(changed) == MOST_NAMED + 1 else MOST_NAMED
    said = [_change(d) for d in changed[:most]]
    more = len(changed) - len(said)
    told = listed([*said, *([f"{more} more (all are in study.json)"] if more > 0 else [])])
    return f"{told}, the space's nearest" if entry.get("baseline") == "default" else told


def _change(departure: Mapping[str, Any]) -> str:
    here = value_text(departure["here"])
    if "default" in departure:
        here = f"{value_text(departure['default'])} → {here}"
    return f"{departure['name']} {here}"


def baselines_phrase(entries: Mapping[str, Mapping[str, Any]], *, named: bool = False) -> str:
    """Return what the gains of several architectures, by label, are over.

    ``named`` as in ``baseline_phrase``.
    """
    if len(entries) == 1:
        return baseline_phrase(*entries.values(), named=named)
    other = {label: e for label, e in entries.items() if e.get("baseline") == "default"}
    origin = "default" if len(other) == len(entries) else "thesis"
    own = entries if origin == "default" else {k: e for k, e in entries.items() if k not in other}
    changed = {label: entry for label, entry in own.items() if entry.get("departures")}
    said = f"{ORIGINS[origin]} as changed here" if changed else BASELINES[origin]
    # Of one that the study has left as it was nothing is listed.
    beside = [f"{label}: {changed_here(e)}" for label, e in changed.items()] if named else []
    if origin == "thesis" and other:
        beside.append(f"in {listed(list(other))} {BASELINES['default']}{_moved(other, named)}")
    return f"{said} ({'; '.join(beside)})" if beside else said


def _moved(entries: Mapping[str, Mapping[str, Any]], named: bool) -> str:
    """Say of default configurations, named before, which values were moved into their spaces."""
    changed = {label: entry for label, entry in entries.items() if entry.get("departures")}
    if not changed or not named:
        return " as changed here" if changed else ""
    return "".join(f"; {label}: {changed_here(entry)}" for label, entry in changed.items())
