"""What tuning gained in each of several architectures, in one sentence, and what to make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.baselines import baselines_phrase
from hpo.reports.confirmed_gains import confirmed_clauses
from hpo.reports.gain_sentences import beyond_constraints, unlearned
from hpo.reports.objectives import by_accuracy
from hpo.reports.progress import ended_trials
from hpo.reports.selection_sentences import is_apart, lucky_shares, named_gain
from hpo.reports.sentences import NEWCOMBE, listed, number, origin_phrase, percent, signed


def gains_sentence(
    entries: Sequence[Mapping[str, Any]],
    objective: Mapping[str, Any],
    majority: Mapping[str, Any] | None = None,
    confirmation: Mapping[str, Any] | None = None,
) -> str:
    """Say in one sentence what tuning gained in each architecture, and what to make of it.

    ``majority`` and ``confirmation`` as in ``gain_sentence``.
    """
    told = [_short_gain(entry, objective) for entry in entries]
    named = [named_gain(entry) for entry in entries]
    measured = [gain["accuracy"] for gain in named if gain and gain["accuracy"]]
    going = " so far" if any(entry.get("left") for entry in entries) else ""
    over = baselines_phrase({entry["label"]: entry for entry in entries}, named=True)
    if by_accuracy(objective):
        measure = "in points of validation accuracy"
    else:
        measure = (
            f"in {objective['label']}, of which lower is better and single runs have no interval, "
            "and in brackets what came with it in points of validation accuracy"
        )
    again = [f"; {clause}" for clause in confirmed_clauses(entries, confirmation or {})]
    said = f"What tuning gained{going} over {over}, {measure}: {'; '.join(told)}{''.join(again)}."
    if not measured:
        return said
    sizes = sorted({change["n"] for change in measured})
    apart = [m for m in measured if is_apart(m)]
    lucky = lucky_shares(entries)
    each = "" if any(change.get("paired") for change in measured) else " each"
    which, none = "brackets of single runs" if again else "brackets", "none of them"
    if not by_accuracy(objective):
        which, none = "square brackets", "no change of accuracy"
    verdict = "" if apart or lucky else f", and {none} is distinguishable from nothing"
    if apart and not lucky and len(apart) < len(measured):
        real = [
            str(entry["label"])
            for entry, gain in zip(entries, named, strict=True)
            if gain and gain["accuracy"] and is_apart(gain["accuracy"])
        ]
        verdict = f", and only that of {listed(real)} is distinguishable from nothing"
    said += (
        f" The {which} are {NEWCOMBE} 95 % intervals, {_ground(measured)} n = "
        f"{' or '.join(number(n) for n in sizes)} validation faces{each}{verdict}."
    )
    said = " ".join(filter(None, (said, lucky, _unlearned_ones(entries, majority or {}))))
    for entry in entries:
        if entry["gain"] and (broken := beyond_constraints(entry["gain"])):
            said += f" In {entry['label']} t{broken[1:]}"
    starred = [
        str(entry["label"])
        for entry, text in zip(entries, told, strict=True)
        if "*" in text.removeprefix(entry["label"])
    ]
    if starred:
        said += (
            f" In {listed(starred)} more differs than what was searched (*), so this is not the "
            "search's doing alone; see 'What tuning gained'."
        )
    return said


def _unlearned_ones(entries: Sequence[Mapping[str, Any]], majority: Mapping[str, Any]) -> str:
    """Name the architectures whose best was not shown to beat always answering one class."""
    found = [entry["label"] for entry in entries if unlearned(entry, majority)]
    if not found:
        return ""
    return (
        f"In {listed(found)} not even the best was shown to do better than always answering "
        f"'{majority['label']}' ({percent(majority['rate'])})."
    )


def _ground(measured: Sequence[Mapping[str, Any]]) -> str:
    """Return how several intervals were made, up to the number of faces."""
    known = {bool(change.get("paired")) for change in measured}
    if known == {True}:
        return "paired over the same"
    if known == {False}:
        return "the two taken as independent samples of"
    return "paired where it is known which faces each trial got right, else independent, over"


def _short_gain(entry: Mapping[str, Any], objective: Mapping[str, Any]) -> str:
    label, gain, best = entry["label"], entry["gain"], entry["best"]
    if not gain:
        state = entry["thesis_state"]
        why = f"that trial is {state}" if state else "that configuration was not run"
        return f"{label} unknown ({why})"
    drawn = (entry.get("sampler") or {}).get("gain") or {}
    own = f"the sampler's own best {_bracketed(drawn, objective)}" if drawn else ""
    if gain["same_trial"]:
        if ended_trials(entry["counts"]) == 1:
            return f"{label} unknown (that configuration is its only trial)"
        return f"{label} nothing" + (f" ({own})" if own else "")
    said = f"{label} {_bracketed(gain, objective)}"
    origin = best.get("origin", "sampler")
    if origin == "sampler":
        return said
    return f"{said}, {origin_phrase(origin)}" + (f" ({own})" if own else "")


def _bracketed(gain: Mapping[str, Any], objective: Mapping[str, Any]) -> str:
    change = gain["accuracy"]
    if not change:
        return f"{gain['value']:+.4g} in {objective['label']}, without an interval"
    star = "*" if gain.get("unsearched") else ""
    points = (
        f"{signed(100 * change['point'])} [{signed(100 * change['low'])}, "
        f"{signed(100 * change['high'])}]"
    )
    return f"{points}{star}" if by_accuracy(objective) else f"{gain['value']:+.4g} ({points}){star}"
