"""Who may be a member of an ensemble, and in which order."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpo.registry.promotion import is_eligible, rank_key
from hpo.spec.confirmation import candidate_label, confirmation_name
from hpo.spec.records import TrialRecord
from hpo.spec.study import StudySpec


@dataclass(frozen=True)
class Ranking:
    """Who may be a member, and by what they are ranked.

    Args:
        records: the trials, the best first; of a configuration that was run again its best seed.
        said: by what they are ranked, and what is to be known of it, a sentence each.
        reruns: how many runs of a confirmation they were chosen from.
    """

    records: list[TrialRecord]
    said: list[str]
    reruns: int = 0


def rank_members(records: Sequence[TrialRecord], spec: StudySpec, storage_url: str) -> Ranking:
    """Return the trials of a study that may be members, the best first.

    Where a confirmation is over, the configurations that ran with all its seeds come first, its
    winner and then the others by their means. Behind them comes who is less well known, by what is
    to be expected: one that the race stopped by the mean of the seeds that it had, and one that ran
    once by its value in the search less the luck that the search's values of the confirmed
    configurations had on average. Of each that was run again it is the run with the best seed on
    validation, as where the winner is promoted alone.

    Args:
        records: of the search.
        spec: its study file.
        storage_url: of Optuna's storage.
    """
    from hpo.reports.confirmation_warnings import cautioned
    from hpo.search.studies import read_trials
    from hpo.study.confirmed import confirmed

    direction = spec.objective.direction
    searched = sorted(filter(is_eligible, records), key=lambda r: rank_key(r, direction))
    told = confirmed(spec.name, storage_url=storage_url)
    if told is None or not told.facts["over"] or told.facts["winner"] is None:
        return Ranking(searched, [_unconfirmed(spec.name, begun=told is not None)])
    facts, sign = told.facts, 1.0 if direction == "maximize" else -1.0
    reruns = [r for r in read_trials(storage_url, confirmation_name(spec.name)) if is_eligible(r)]
    own = {
        entry["label"]: [r for r in reruns if r.architecture == entry["label"]]
        for entry in facts["candidates"]
    }
    known = [entry for entry in facts["candidates"] if entry["mean"] and own[entry["label"]]]
    known.sort(key=lambda e: (e["label"] != facts["winner"], -sign * e["mean"]["point"]))
    best = {e["label"]: min(own[e["label"]], key=lambda r: rank_key(r, direction)) for e in known}
    again = [r for r in records if candidate_label(r.architecture, r.number) in best]
    once = [r for r in searched if not any(_is_same(r, other) for other in again)]
    luck = _luck(facts)
    expected = [(sign * e["mean"]["point"], best[e["label"]]) for e in known if e["stopped"]]
    expected += [(sign * r.value - luck, r) for r in once if r.value is not None]
    expected.sort(key=lambda pair: -pair[0])
    ranked = [*(best[e["label"]] for e in known if not e["stopped"]), *(r for _, r in expected)]
    said = [_ranked(facts, known, luck), cautioned(facts)]
    return Ranking(ranked, list(filter(None, said)), len(reruns))


def _luck(facts: Mapping[str, Any]) -> float:
    """Return by how much the search's values of confirmed configurations were too good, 0 or more.

    In the objective, whichever way is better. Those that were not confirmed came out lower, and
    owe somewhat less to luck: so it is rather too much for them, who have one seed to show.
    """
    known = [e["optimism"]["point"] for e in facts["candidates"] if e["optimism"]]
    return max(0.0, statistics.fmean(known)) if known else 0.0


def _ranked(facts: Mapping[str, Any], known: Sequence[Mapping[str, Any]], luck: float) -> str:
    from hpo.reports.confirmation_words import is_share, title, value
    from hpo.reports.sentences import listed, plural

    def told(entries: Sequence[Mapping[str, Any]]) -> str:
        return ", ".join(f"{title(e)} {value(facts, e['mean']['point'])}" for e in entries)

    whole = [entry for entry in known if not entry["stopped"]]
    stopped = [entry for entry in known if entry["stopped"]]
    less = f"{100 * luck:.1f} points" if is_share(facts) else f"{luck:.4f}"
    others = [f"those that ran once, by the search's value less the mean luck of it, {less}"]
    if not luck:
        others = ["those that ran once, by the search's value, as no luck of it was seen"]
    if stopped:
        others.insert(0, f"those that the race stopped, by the mean until then ({told(stopped)})")
    return (
        f"Members are ranked by their confirmed means over all seeds "
        f"({plural(len(whole), 'configuration')}: {told(whole)}), each by its best seed; behind "
        f"them {listed(others)}."
    )


def _unconfirmed(study: str, *, begun: bool) -> str:
    if begun:
        return (
            f"The confirmation of study '{study}' is not finished, so members are ranked by the "
            f"search's single runs; `hpo confirm {study}` goes on with it."
        )
    return (
        f"Members are ranked by the search's single runs; `hpo confirm {study}` ranks them by "
        "means over seeds."
    )


def _is_same(first: TrialRecord, second: TrialRecord) -> bool:
    """Tell whether two trials of a search are one configuration."""
    return first.architecture == second.architecture and (
        first.slot == second.slot or first.params == second.params
    )
