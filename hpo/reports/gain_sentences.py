"""What tuning gained, in sentences that say whose gain it is and what else it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.baselines import MOST_NAMED, baseline_phrase, changes_clause
from hpo.reports.confirmed_gains import confirmed_clause
from hpo.reports.objectives import by_accuracy
from hpo.reports.progress import ended_trials
from hpo.reports.selection_sentences import (
    NOTHING,
    is_apart,
    lowered,
    selection_sentence,
)
from hpo.reports.sentences import (
    NEWCOMBE,
    ORIGINS,
    accuracy_with_interval,
    basis,
    counted_states,
    listed,
    number,
    origin_phrase,
    percent,
    shown,
    signed,
    value_text,
)


def changes(differences: Sequence[Mapping[str, Any]]) -> str:
    """Return ``channels 3→1 and preprocessing rescale→own``; "" for none."""
    named = [
        f"{d['name']} {value_text(d['first'])}→{value_text(d['second'])}"
        for d in differences[:MOST_NAMED]
    ]
    more = len(differences) - len(named)
    if more > 0:
        named.append(f"{more} more (all are in study.json)")
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def beside_search(gain: Mapping[str, Any]) -> str:
    """Return the sentence on what differs beside the searched parameters; "" if nothing does."""
    differences = gain.get("unsearched") or []
    if not differences:
        return ""
    verb = "differs" if len(differences) == 1 else "differ"
    return (
        f"Beside the searched parameters {changes(differences)} {verb} too, so this is not the "
        "search's doing alone."
    )


def beyond_constraints(gain: Mapping[str, Any]) -> str:
    """Return that a gain is over a trial that could not have been the best; "" if it could."""
    broken = gain.get("broken")
    if not broken or gain["same_trial"]:
        return ""
    return (
        f"Trial {gain['baseline']['number']} breaks the constraint{'s' if broken[1:] else ''} on "
        f"{listed(broken)}, which the best trial keeps, so the two are not alternatives."
    )


def gain_sentence(
    winner: Mapping[str, Any],
    objective: Mapping[str, Any],
    majority: Mapping[str, Any] | None = None,
    confirmation: Mapping[str, Any] | None = None,
) -> str:
    """Say what the best trial has over its baseline, or why that is unknown.

    Args:
        winner: as ``architecture_entry`` returns it.
        objective: of the study.
        majority: ``rate`` and ``label`` of the most frequent class; a gain between two trials that
            were not shown to do better is told as that.
        confirmation: as in ``ReportData``; what it says of the two over seeds is told as well.
    """
    told = _gain_sentence(winner, objective)
    chance = unlearned(winner, majority or {})
    if chance and not by_accuracy(objective):
        chance += _accuracies(winner)
    chance = confirmed_clause(winner, confirmation or {}) + chance
    # In one breath with the gain: who quotes the sentence quotes this as well.
    first, stop, rest = told.partition(". ")
    return f"{first.removesuffix('.')}{chance}.{' ' + rest if stop else ''}" if chance else told


def without_baseline(counts: Mapping[str, int]) -> str:
    """Return how the trials beside a complete one have ended, ``3 pruned``."""
    others = {**counts, "complete": counts.get("complete", 0) - 1}
    return counted_states({state: n for state, n in others.items() if n > 0})


def unlearned(entry: Mapping[str, Any], majority: Mapping[str, Any]) -> str:
    """Return that the trials of a gain do not beat always answering one class; "" if they do."""
    beaten = "contains", "below"
    if not majority or not entry["gain"] or entry["against_majority"] not in beaten:
        return ""
    who = "neither of the two was"
    if entry["gain"]["same_trial"]:
        who = "it was not"
    elif entry.get("baseline_against_majority") not in beaten:
        who = f"trial {entry['best']['number']} was not"
    return (
        f"; {who} shown to do better than always answering '{majority['label']}' "
        f"({percent(majority['rate'])})"
    )


def _accuracies(entry: Mapping[str, Any]) -> str:
    """Return the accuracies of the trials of a gain beside that of one answer, under a loss."""
    trials = [entry["gain"]["baseline"], entry["best"]]
    told = [
        f"{percent(t['interval']['point'])} "
        f"[{100 * t['interval']['low']:.1f}, {100 * t['interval']['high']:.1f}]"
        for t in (trials[:1] if entry["gain"]["same_trial"] else trials)
        if t["interval"]
    ]
    plain = "a validation accuracy" if len(told) == 1 else "validation accuracies"
    return f", with {plain} of {listed(told)} (95 % Wilson intervals)" if told else ""


def _gain_sentence(winner: Mapping[str, Any], objective: Mapping[str, Any]) -> str:
    label, gain = winner["label"], winner["gain"]
    over = baseline_phrase(winner, named=True)
    whose = baseline_phrase(winner, named=True, of=label)
    if not gain:
        state = winner["thesis_state"]
        if not state:
            return (
                f"What tuning gained in {label} is unknown: the study ran neither the thesis's own "
                "configuration of it nor the default one."
            )
        return f"What tuning gained over {whose} is unknown: that trial is {state}."
    base = gain["baseline"]
    value = _reached(base, objective)
    if gain["same_trial"]:
        # A trial that still runs may yet do better.
        going = bool(winner.get("left"))
        others = ended_trials(winner["counts"]) - 1
        if not others:
            return (
                f"What tuning gains in {label} is unknown{' yet' if going else ''}: {over}, "
                f"trial {base['number']}, with {value}, is its only trial"
                + (" that ended." if going else ".")
            )
        ended = " that ended" if going else ""
        if winner["counts"].get("complete", 0) < 2:
            return (
                f"What tuning gains in {label} is unknown{' yet' if going else ''}: beside {over}, "
                f"trial {base['number']}, with {value}, no trial was trained to its end "
                f"({without_baseline(winner['counts'])})."
            )
        return (
            f"Tuning gained nothing in {label}{' so far' if going else ''}: "
            + (
                f"the other trial{ended} did not do"
                if others == 1
                else f"none of {number(others)} other trials{ended} did"
            )
            + f" better than {over}, trial {base['number']}, with {value}."
        )
    best = winner["best"]
    # Records of before origins were kept in summaries say nothing of them.
    by_search = best.get("origin", "sampler") == "sampler"
    who = "tuning" if by_search else f"trial {best['number']}, {origin_phrase(best['origin'])},"
    if not by_accuracy(objective):
        said = f"{whose}, trial {base['number']}, reached {value}; against it {who} changed "
        said = f"{said[0].upper()}{said[1:]}{_lower(gain, objective)}"
        if gain["accuracy"]:
            said += f", and validation accuracy by {_points(gain)}"
        said += "."
    elif not gain["accuracy"]:
        said = (
            f"Over {whose} (trial {base['number']}, "
            f"{shown(base['value'], objective)}) {who} changed {objective['label']} by "
            f"{gain['value']:+.4g}; no interval, as the validation size was not recorded."
        )
    else:
        said = f"{whose}, trial {base['number']}, reached {value}; "
        said = said[0].upper() + said[1:]
        if gain["accuracy"]["point"] >= 0:
            said += f"over it {who} gained {_points(gain)}."
        else:
            # The baseline may break a constraint that the best trial keeps.
            said += f"against it {who} changed validation accuracy by {_points(gain)}."
    return _joined(said, beyond_constraints(gain), selection_sentence(gain), beside_search(gain))


def _lower(gain: Mapping[str, Any], objective: Mapping[str, Any]) -> str:
    """Return how a loss changed, of which no interval is known."""
    return (
        f"{objective['label']} by {gain['value']:+.4g} (lower is better; single runs, without an "
        "interval)"
    )


def sampler_sentence(entry: Mapping[str, Any], objective: Mapping[str, Any]) -> str:
    """Say what the sampler's own best is where another trial is the best; else ""."""
    label, best = entry["label"], entry["best"]
    if best.get("origin", "sampler") == "sampler":
        return ""
    found = entry.get("sampler") or {}
    if not found:
        yet = " yet" if entry.get("left") else ""
        return f"The sampler itself completed no trial in {label}{yet}."
    drawn, gain = found["best"], found["gain"]
    said = (
        f"The best that the sampler itself drew in {label} is trial {drawn['number']}, with "
        f"{_reached(drawn, objective, digits=2)}, beside "
        f"{shown(best['value'], objective, digits=2)} of trial {best['number']}, the best of "
        f"{label}"
    )
    if not gain:
        return f"{said}."
    over = baseline_phrase(entry)
    if not by_accuracy(objective):
        said += f": against {over} it changed {_lower(gain, objective)}"
        if gain["accuracy"]:
            said += f", and validation accuracy by {_points(gain)}"
    elif gain["accuracy"] and gain["accuracy"]["point"] < 0:
        lost = ", a loss" if gain["accuracy"]["high"] < 0 else ""
        said += f": against {over} {_points(gain)}{lost}"
    elif gain["accuracy"]:
        said += f": {_points(gain)} over {over}"
    else:
        said += f": {gain['value']:+.4g} in {objective['label']} over {over}"
    return _joined(f"{said}.", selection_sentence(gain), beside_search(gain))


def gain_notes(
    entry: Mapping[str, Any],
    objective: Mapping[str, Any],
    confirmation: Mapping[str, Any] | None = None,
) -> list[str]:
    """Return what must stand beside the gains of an architecture in a figure, a line each.

    ``confirmation`` as in ``gain_sentence``.
    """
    gain, best, label = entry["gain"], entry["best"], entry["label"]
    if not gain:
        return []
    lines = []
    if over_seeds := confirmed_clause(entry, confirmation or {}).removeprefix("; "):
        lines.append(f"{label}: {over_seeds}. What is drawn are the search's single runs.")
    origin = origin_phrase(best.get("origin", ""))
    if not gain["same_trial"]:
        said = f"{label}: trial {best['number']} is the best{', ' + origin if origin else ''}."
        beside = beyond_constraints(gain), selection_sentence(gain), beside_search(gain)
        lines.append(_joined(said, *beside))
    if entry.get("departures"):
        lines.append(
            f"{label}: trial {gain['baseline']['number']} is "
            f"{ORIGINS[entry['baseline']]}{changes_clause(entry, whole=True)}."
        )
    found = entry.get("sampler") or {}
    if found and found["gain"] and best.get("origin") != "sampler":
        drawn, change = found["best"], found["gain"]["accuracy"]
        said = (
            f"{label}: trial {drawn['number']} is the best that the sampler itself drew, with "
            f"{shown(drawn['value'], objective, digits=2)}"
        )
        if not by_accuracy(objective):
            said += f" of {objective['label']}"
            said += f" and a validation accuracy of {percent(drawn['accuracy'])}" if change else ""
        if change:
            said += (
                f", {signed(100 * change['point'])} points [{signed(100 * change['low'])}, "
                f"{signed(100 * change['high'])}] {'over' if change['point'] >= 0 else 'against'} "
                + ("the thesis's" if entry.get("baseline", "thesis") == "thesis" else "the default")
            )
        lucky = selection_sentence(found["gain"])
        lines.append(_joined(f"{said}.", lucky, beside_search(found["gain"])))
    return lines


def _reached(trial: Mapping[str, Any], objective: Mapping[str, Any], digits: int = 1) -> str:
    if not by_accuracy(objective):
        return f"a {objective['label']} of {shown(trial['value'], objective)}"
    if trial["interval"]:
        return accuracy_with_interval(trial["interval"], digits)
    return shown(trial["value"], objective)


def _points(gain: Mapping[str, Any]) -> str:
    """Return a change of accuracy; its verdict follows where the luck of the choice is known."""
    change = gain["accuracy"]
    verdict = "" if is_apart(change) or lowered(gain) else f", {NOTHING}"
    return (
        f"{signed(100 * change['point'])} points ({NEWCOMBE} 95 % interval "
        f"{signed(100 * change['low'])} to {signed(100 * change['high'])}, "
        f"{basis(change)}){verdict}"
    )


def _joined(*sentences: str) -> str:
    return " ".join(s for s in sentences if s)
