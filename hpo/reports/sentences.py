"""The report in sentences: each with its interval and the number of observations behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.objectives import by_accuracy
from hpo.search import ranks
from hpo.spec.parameters import as_written
from hpo.spec.records import RankAgreement

EVALUATOR_NAMES = {"fanova": "fANOVA", "mdi": "MDI", "pedanova": "PED-ANOVA"}
ORIGINS = {
    # Whether it is the thesis's own, or has a study's changes, is said where its parameters are.
    "thesis": "the thesis's configuration",
    "default": "the default configuration",
    "enqueued": "enqueued by hand and not found by the search",
    "sampler": "drawn by the sampler",
    "warm_start": "one of the best of an earlier study, and tried first",
    "confirmation": "a configuration of the search, run again with another seed",
    "single": "trained by itself, outside the search",
    "space-filling": "a point of the even sample beyond the budget",
}
"""``TrialRecord.origin`` in words."""
NEWCOMBE = "Newcombe's"
"""The method of the interval of the difference of two trials' accuracies, in words."""


def listed(items: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if items[1:] else items)


def percent(value: float, digits: int = 1) -> str:
    """Return a share as a percentage, such as ``60.7 %``."""
    return f"{100 * value:.{digits}f} %"


def number(value: float) -> str:
    """Return a number of observations with thousands set off."""
    return f"{value:,.0f}"


def plural(count: int, noun: str) -> str:
    """Return ``1 trial`` or ``2 trials``."""
    return f"{number(count)} {noun}" + ("" if count == 1 else "s")


def moment(iso: str) -> str:
    """Return an ISO 8601 time (UTC) to the minute, such as ``2026-03-01 14:05 UTC``."""
    return iso[:16].replace("T", " ") + " UTC"


def span(start: str, end: str) -> str:
    """Return ``2026-03-01 14:05 to 15:10 UTC``; the second day where it is another one."""
    if not end:
        return f"from {moment(start)}"
    until = end[11:16] if end[:10] == start[:10] else moment(end).removesuffix(" UTC")
    return f"{moment(start).removesuffix(' UTC')} to {until} UTC"


def shown(value: float | None, objective: Mapping[str, Any], digits: int = 1) -> str:
    """Return an objective as people read it."""
    if value is None:
        return "–"
    return percent(value, digits) if objective["percent"] else f"{value:.4g}"


def in_points(points: float) -> str:
    """Return what ``signed`` does, with no sign before what lies above 0."""
    return signed(points).removeprefix("+")


def signed(points: float) -> str:
    """Return a difference in points with its sign; what rounds to nothing has none.

    Halves are rounded away from 0, and so is what sums and means of floats leave beside a half: one
    gain of 2.25 points must not read as 2.2 in one sentence and as 2.3 in the next.
    """
    text = f"{points + math.copysign(1e-9, points):+.1f}"
    return "0.0" if text == "-0.0" else text


def value_text(value: Any) -> str:
    """Return a parameter as people read it: floats to four digits."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return "–" if value is None else as_written(value)


def origin_phrase(origin: str) -> str:
    """Return where a trial's configuration came from, as the predicate of a sentence."""
    return ORIGINS.get(origin, origin)


def accuracy_with_interval(interval: Mapping[str, Any], digits: int = 1) -> str:
    """Return an accuracy with its Wilson interval and n."""
    return (
        f"{percent(interval['point'], digits)} ({100 * interval['level']:.0f} % Wilson interval "
        f"{100 * interval['low']:.1f} to {percent(interval['high'])}, "
        f"n = {number(interval['n'])} validation faces)"
    )


def counted_states(counts: Mapping[str, int]) -> str:
    """Return ``18 complete, 4 pruned``; states without trials are passed over."""
    return ", ".join(f"{number(n)} {state}" for state, n in counts.items() if n)


def without_best(counts: Mapping[str, int]) -> str:
    """Return what an architecture or a study without a best trial has not.

    Complete ones that break a constraint, or have no value, cannot be the best.
    """
    return "no trial that can be the best" if counts.get("complete") else "no complete trial"


def counted_trials(counts: Mapping[str, int], which: str = "") -> str:
    """Return ``9 complete trials`` where all are alike, else ``9 trials (7 complete, 2 pruned)``.

    ``which`` follows the noun, such as `` so far``.
    """
    states = [state for state, n in counts.items() if n]
    total = sum(counts.values())
    if len(states) == 1:
        return plural(total, f"{states[0]} trial") + which
    return plural(total, "trial") + which + (f" ({counted_states(counts)})" if states else "")


def best_sentence(
    winner: Mapping[str, Any] | None,
    facts: Mapping[str, Any],
    objective: Mapping[str, Any],
    alike: str = "",
    majority: Mapping[str, Any] | None = None,
) -> str:
    """Say what the study reached, how often it was tried and on how much data.

    ``alike`` is the sentence on trials that are exactly as good (``equals.equals_sentence``),
    ``majority`` has ``rate`` and ``label`` of the most frequent class.
    """
    if winner is None:
        if not facts["trials"]:
            return "No result yet: the study has no trial."
        states = counted_states(facts["counts"])
        if facts["counts"].get("complete"):
            # It has no value, or breaks a constraint, which a sentence of its own says.
            return f"No result yet: of {counted_trials(facts['counts'])} none can be the best."
        return f"No result yet: of {plural(facts['trials'], 'trial')} none is complete ({states})."
    # Trials that run have reached nothing yet that could be compared.
    going = ("running", "waiting")
    ended = {state: n for state, n in facts["counts"].items() if state not in going}
    best = winner["best"]
    reached = f"{objective['label']} of {shown(best['value'], objective)}"
    if best["interval"]:
        accuracy = accuracy_with_interval(best["interval"])
        same = objective["name"] == "val_accuracy"
        reached = (
            f"a validation accuracy of {accuracy}"
            if same
            # The stores keep no loss per face, so a loss has no interval.
            else (f"a {reached} (without an interval) and a validation accuracy of {accuracy}")
        )
    elif objective["name"] == "val_accuracy":
        reached += " (without an interval: the size of the validation split was not recorded)"
    origin = origin_phrase(best.get("origin", ""))
    named = f"trial {best['number']} of {winner['label']}" + (f", {origin}" if origin else "")
    going_on = " so far" if sum(ended.values()) < facts["trials"] else ""
    begin = f"The best of {counted_trials(ended, going_on)} is {named}, with"
    if going_on and sum(ended.values()) == 1:
        begin = f"The only trial that ended, {named}, reached"
    elif facts["trials"] == 1:
        begin = f"The study's only trial, {named}, reached"
    # In one breath with the figure: who quotes the sentence quotes this as well.
    doubt = no_better(winner, majority or {})
    reached += f"; it was {doubt}" if doubt else ""
    return (
        f"{begin} {reached}. It is a single training run, and its checkpoint was selected on "
        f"those same faces, so the figure is optimistic.{' ' + alike if alike else ''}"
    )


def comparison_sentence(
    first: Mapping[str, Any],
    second: Mapping[str, Any],
    gap: Mapping[str, Any],
    objective: Mapping[str, Any],
    also_differ: str = "",
    majority: Mapping[str, Any] | None = None,
) -> str:
    """Say how far the next architecture is, and whether the data tell the two apart.

    ``also_differ`` names what nobody searched in either and yet differs between the two trials.
    ``majority`` has ``rate`` and ``label`` of the most frequent class.
    """
    interval = accuracy_with_interval(second["best"]["interval"])
    if not by_accuracy(objective):
        behind = second["best"]["value"] - first["best"]["value"]
        away = (
            f"{abs(behind):.4g} {'above' if behind > 0 else 'below'}" if behind else "the same as"
        )
        interval = (
            f"a {objective['label']} of {shown(second['best']['value'], objective)}, {away} "
            f"{first['label']} as far as single runs tell, with a validation accuracy of {interval}"
        )
    low, high = 100 * gap["low"], 100 * gap["high"]
    verdict = (
        "" if gap["low"] > 0 or gap["high"] < 0 else ", so these data do not tell the two apart"
    )
    point = 100 * gap["point"]
    direction = "below" if point >= 0 else "above"
    if point < 0:
        point, low, high = -point, -high, -low
    away = (
        f"{in_points(point)} points {direction} {first['label']}"
        if point
        else f"the same as {first['label']}"
    )
    doubt = no_better(second, majority or {})
    chance = f"; it was {doubt}" if doubt else ""
    return (
        f"The next architecture, {second['label']}, reached {interval} in trial "
        f"{second['best']['number']}, {away} ({NEWCOMBE} 95 % interval of the "
        f"difference {in_points(low)} to {in_points(high)}, {basis(gap)}){verdict}{chance}."
        + (f" Beside what was searched, the two differ in {also_differ}." if also_differ else "")
    )


def basis(gap: Mapping[str, Any]) -> str:
    """Name what the interval of a difference rests on; faces taken as others make it too wide."""
    if gap.get("paired"):
        return f"paired over the same n = {number(gap['n'])} validation faces"
    return f"the two taken as independent samples of n = {number(gap['n'])} validation faces each"


def no_better(entry: Mapping[str, Any], majority: Mapping[str, Any]) -> str:
    """Return ``not shown to do better than …`` of a best that does not beat one class, or ""."""
    if not majority or entry["against_majority"] not in ("contains", "below"):
        return ""
    rate = percent(majority["rate"])
    return f"not shown to do better than always answering '{majority['label']}' ({rate})"


def majority_caveats(
    entries: Sequence[Mapping[str, Any]], majority: Mapping[str, Any]
) -> list[str]:
    """Name each architecture that was not shown to beat the most frequent class."""
    said = []
    for entry in entries:
        if entry["against_majority"] not in ("contains", "below"):
            continue
        where = "contains" if entry["against_majority"] == "contains" else "lies below"
        interval = entry["best"]["interval"]
        said.append(
            f"{entry['label']} was not shown to have learned: the interval of its best trial's "
            "accuracy, "
            f"{100 * interval['low']:.1f} to {percent(interval['high'])}, {where} the "
            f"{percent(majority['rate'])} that always answering '{majority['label']}' would score."
        )
    return said


def chance_remark(entry: Mapping[str, Any], majority: Mapping[str, Any]) -> str:
    """Say in a table that an architecture's interval does not lie above the majority rate."""
    if entry["against_majority"] not in ("contains", "below"):
        return ""
    where = "contains" if entry["against_majority"] == "contains" else "lies below"
    return (
        f"not shown to beat chance: the interval {where} the {percent(majority['rate'])} of "
        f"always '{majority['label']}'"
    )


def condition_caveats(
    entries: Sequence[Mapping[str, Any]], facts: Mapping[str, Any], thesis_shown: bool
) -> list[str]:
    """Say what makes the results of this study narrower than they look."""
    said = [
        f"{entry['label']} has {without_best(entry['counts'])} ({counted_states(entry['counts'])})."
        for entry in entries
        if entry["best"] is None and sum(entry["counts"].values())
    ]
    compared = [e for e in entries if e["best"]]
    for key, name in (("train_size", "training faces"), ("weights", "initial weights")):
        values = {e["label"]: e["best"][key] for e in compared if e["best"][key]}
        if len(set(values.values())) > 1:
            listed = ", ".join(
                f"{label} {number(v) if isinstance(v, int) else v}" for label, v in values.items()
            )
            said.append(f"The architectures differ in {name} ({listed}): not a like comparison.")
    finished = {e["label"]: e["counts"]["complete"] + e["counts"]["pruned"] for e in compared}
    if len(set(finished.values())) > 1:
        listed = ", ".join(f"{label} {n}" for label, n in finished.items())
        said.append(f"The architectures differ in trials that count, complete or pruned: {listed}.")
    if thesis_shown and not facts["on_thesis_data"]:
        said.append(
            f"The data is {facts['dataset']}, not FER-2013: the thesis's numbers stand beside "
            "ours for orientation only."
        )
    if facts["counts"].get("failed"):
        said.append(
            f"{plural(facts['counts']['failed'], 'trial')} failed; the trial table has the reasons."
        )
    return said


def rung_caveats(entries: Sequence[Mapping[str, Any]], least: float | None = None) -> list[str]:
    """Say, where trials were compared at rungs, how well each rung has foretold the next.

    Args:
        entries: as ``architecture_entry`` returns them.
        least: the study's ``min_rank_correlation``; None where it is not known.
    """
    found = []
    for entry in entries:
        for known in entry.get("rungs") or []:
            if known["corrected"] is None:
                continue
            told = ranks.sentence(RankAgreement.from_json(known), least)
            found.append(f"{entry['label']}: {told}.")
    if any(entry.get("rungs") for entry in entries):
        found.append(
            "Which configurations go on was decided among trials of one rung alone. The best trial "
            "is the best of all rungs (of equals the one at the highest), and a confirmation runs "
            "each configuration again as at the highest rung that it came to: those that were left "
            "at a lower rung were trained for fewer epochs."
        )
    return found
