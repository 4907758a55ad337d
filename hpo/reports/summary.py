"""The sentences that a page opens with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports import sentences
from hpo.reports.began_with import luck_left_out
from hpo.reports.confirmation_warnings import cautioned, few_seeds, unasked_sentence, unlearned
from hpo.reports.confirmation_words import decided
from hpo.reports.copies import copies_sentence
from hpo.reports.equals import equals, equals_sentence
from hpo.reports.gain_sentences import changes, gain_sentence, sampler_sentence
from hpo.reports.gains import accuracy_change, unsearched_differences
from hpo.reports.importance_sentences import importance_sentence
from hpo.reports.judged import constraints_sentence
from hpo.reports.opening_sentences import opening_in_short
from hpo.reports.progress import progress_sentence
from hpo.reports.results import ranked
from hpo.reports.several_gains import gains_sentence
from hpo.reports.trials import best_of
from hpo.spec.records import TrialRecord


def _confirmed(confirmation: Mapping[str, Any]) -> list[str]:
    """Return who was confirmed, and what the test split says of it."""
    facts, sentences = confirmation.get("facts") or {}, confirmation.get("sentences") or []
    over: list[str] = sentences[:1] if facts.get("over") else []
    if over:
        over += filter(None, [few_seeds(facts["seeds"]), cautioned(facts)])
    unasked = unasked_sentence(confirmation)
    tested = opening_in_short(confirmation.get("test") or [])
    return [*over, *tested, *([unasked] if unasked else [])]


def unlearned_sentence(confirmation: Mapping[str, Any]) -> str:
    """Return that what was chosen was not shown to have learned; "" if it was, or none was."""
    chosen = decided(confirmation)
    return unlearned(confirmation["facts"], chosen) if chosen else ""


def summary(
    entries: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Any],
    objective: Mapping[str, Any],
    tables: Mapping[str, Mapping[str, Any]],
    shared: Mapping[str, Mapping[str, Any]],
    grouped: Mapping[str, Sequence[TrialRecord]],
    answer: str,
    study: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    most: Mapping[str, Any],
    confirmation: Mapping[str, Any],
) -> list[str]:
    """Return the sentences that a page opens with, the most important ones first.

    Args:
        entries: the architectures, as ``results.architecture_entry`` makes them.
        facts: as ``facts.facts_of`` returns them, with ``progress``.
        objective: as ``facts.objective_of`` returns it.
        tables: importance by architecture.
        shared: importance of what all architectures share; empty if there is none.
        grouped: each architecture's trials.
        answer: on tuning or architecture; "" if there is none.
        study: the study file as plain data.
        rows: the trials as plain data.
        most: the most frequent class, as ``results.majority`` returns it.
        confirmation: as in ``ReportData``.
    """
    verdict = _confirmed(confirmation)
    # What was confirmed comes before the search's lucky best; what is not finished, last.
    first, last = (verdict, []) if decided(confirmation) else ([], verdict)
    going = progress_sentence(facts["progress"])
    said = [sentence for sentence in (going, answer) if sentence]
    said += [
        *first,
        *_searched(entries, facts, objective, tables, grouped, study, rows, most, confirmation),
    ]
    # That each architecture has too few trials is said of each.
    if shared and not shared["fanova"]["refused"]:
        said.append(importance_sentence("", shared, objective))
    return [*said, *last]


def _searched(
    entries: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Any],
    objective: Mapping[str, Any],
    tables: Mapping[str, Mapping[str, Any]],
    grouped: Mapping[str, Sequence[TrialRecord]],
    study: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    most: Mapping[str, Any],
    confirmation: Mapping[str, Any],
) -> list[str]:
    """Return what the search has found: the best, what it gained, and what mattered."""
    order = ranked(entries, objective["direction"])
    bounded = [s for s in (constraints_sentence(rows, study),) if s]
    if not order:
        return [sentences.best_sentence(None, facts, objective), *bounded]
    winner = order[0]
    alike = equals_sentence(equals(entries, objective["direction"]))
    said = [sentences.best_sentence(winner, facts, objective, alike, most), *bounded]
    alone = copies_sentence(winner, study)
    said += [alone] if alone else []
    if len(order) > 1 and winner["best"]["interval"] and order[1]["best"]["interval"]:
        bests = [best_of(grouped[e["label"]], objective["direction"]) for e in order[:2]]
        first, second = (record for record in bests if record is not None)
        gap = accuracy_change(first, second)
        if gap is not None:
            differ = changes(unsearched_differences(first, second))
            said.append(
                sentences.comparison_sentence(winner, order[1], gap, objective, differ, most)
            )
    if len(order) > 1:
        # In the order of the study file, as everywhere; the figure's notes have what else differs.
        known = [e for e in entries if e["best"]]
        gained = gains_sentence(known, objective, most, confirmation)
        said.append(gained + luck_left_out(study, facts.get("warm_start"), known))
    else:
        drawn = sampler_sentence(winner, objective)
        gained = gain_sentence(winner, objective, most, confirmation)
        gained += luck_left_out(study, facts.get("warm_start"), [winner])
        said += [s for s in (gained, drawn) if s]
    label = winner["label"]
    said.append(importance_sentence(label, tables[label], objective))
    return said
