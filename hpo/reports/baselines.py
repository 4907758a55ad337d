"""What gains are over, in words: the thesis's configuration, as it was or as a study changed it."""

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
        named: say what of the thesis's configuration a study has changed, not only that it has.
        of: the architecture's label, to be named too.
    """
    whose = f" of {of}" if of else ""
    # Tables of before there were other baselines do not say.
    origin = entry.get("baseline", "thesis")
    if origin != "thesis" or not entry.get("departures"):
        return BASELINES[origin] + whose
    if not named:
        return f"{ORIGINS['thesis']}{whose} as changed here"
    return f"{ORIGINS['thesis']}{whose} with this study's {changed_here(entry)}"


def changed_here(entry: Mapping[str, Any], *, whole: bool = False) -> str:
    """Return what a study has changed in the thesis's configuration, ``epochs 3 and width 16``.

    Args:
        entry: with ``departures``.
        whole: name all of them, however many.
    """
    changed = entry.get("departures") or []
    # To count one more is no shorter than to name it.
    most = len(changed) if whole or len(changed) == MOST_NAMED + 1 else MOST_NAMED
    said = [f"{d['name']} {value_text(d['here'])}" for d in changed[:most]]
    more = len(changed) - len(said)
    return listed([*said, *([f"{more} more (all are in study.json)"] if more > 0 else [])])


def baselines_phrase(entries: Mapping[str, Mapping[str, Any]], *, named: bool = False) -> str:
    """Return what the gains of several architectures, by label, are over.

    ``named`` as in ``baseline_phrase``.
    """
    if len(entries) == 1:
        return baseline_phrase(*entries.values(), named=named)
    other = [label for label, entry in entries.items() if entry.get("baseline") == "default"]
    if len(other) == len(entries):
        return BASELINES["default"]
    changed = {k: e for k, e in entries.items() if k not in other and e.get("departures")}
    said = f"{ORIGINS['thesis']} as changed here" if changed else BASELINES["thesis"]
    # Of one that the study has left as it was nothing is listed.
    beside = [f"{label}: {changed_here(e)}" for label, e in changed.items()] if named else []
    beside += [f"in {listed(other)} {BASELINES['default']}"] if other else []
    return f"{said} ({'; '.join(beside)})" if beside else said
