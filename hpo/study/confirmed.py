"""How the confirmation of a study stands, and whom it says to serve."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from hpo.spec.confirmation import candidate_label, confirmation_name
from hpo.spec.errors import NotFoundError
from hpo.spec.records import TrialRecord
from hpo.spec.workspace import Workspace

VERDICTS = "earlier_verdicts"
"""Attribute of a confirmation: by how many seeds each it was decided before it was enlarged."""

CHOICES = "earlier_choices"
"""Attribute of a confirmation: among how many configurations each of its verdicts was, before seeds
or configurations were added."""


@dataclass(frozen=True)
class Confirmed:
    """How a confirmation stands.

    Args:
        study: that was searched.
        facts: what its re-runs support, as ``hpo.evidence.confirmation.confirmation`` tells it;
            and ``after_opening``, when the test split was looked at, where runs began after that;
            and ``earlier_verdicts`` and ``earlier_choices``, by how many seeds and among how many
            configurations each it was decided before it was enlarged.
        sentences: the same in words.
        notes: what the person should know of the runs.
        stopped_by: the signal that stopped it; None if none did.
    """

    study: str
    facts: dict[str, Any]
    sentences: list[str]
    notes: list[str] = field(default_factory=list)
    stopped_by: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dataclasses.asdict(self)


def confirmed(
    study: str,
    *,
    workspace: Workspace | None = None,
    storage_url: str | None = None,
    classes: bool = False,
) -> Confirmed | None:
    """Return how the confirmation of a study stands; None if there is none.

    Args:
        study: the name of the study that was searched.
        workspace: where it is; the current directory by default.
        storage_url: of Optuna's storage, where it is not the workspace's.
        classes: as for ``hpo.evidence.confirmation.confirmation``.

    Raises:
        NotFoundError: there is no such study.
    """
    from hpo.evidence.confirmation import confirmation
    from hpo.reports.confirmation_sentences import tell
    from hpo.search.studies import read_attribute, read_trials, read_widest_spec
    from hpo.study.opening import openings_of

    url = (workspace or Workspace.at()).storage_url(storage_url)
    name = confirmation_name(study)
    try:
        spec = read_widest_spec(url, name)
    except NotFoundError:
        return None
    records = read_trials(url, study)
    by_label = {candidate_label(r.architecture, r.number): r for r in records}
    searched = {label: by_label[label] for label in spec.architectures if label in by_label}
    reruns = read_trials(url, name)
    facts = confirmation(
        searched,
        reruns,
        seeds=spec.budget.trials,
        seed=spec.seed,
        objective=spec.objective.metric,
        direction=spec.objective.direction,
        classes=classes,
    )
    opened = opened_before(openings_of(url, study), reruns)
    if opened:
        facts["after_opening"] = opened
    facts["earlier_verdicts"] = list(read_attribute(url, name, VERDICTS) or [])
    facts["earlier_choices"] = list(read_attribute(url, name, CHOICES) or [])
    return Confirmed(study, facts, tell(facts))


def first_look(openings: Sequence[dict[str, Any]]) -> str:
    """Return when the test split was first looked at, an ISO 8601 time (UTC); "" if it was not.

    An opening that was cut off has shown nothing.
    """
    return next((str(o["opened"]) for o in openings if o.get("finished")), "")


def opened_before(openings: Sequence[dict[str, Any]], runs: Sequence[TrialRecord]) -> str:
    """Return when the test split had been looked at before one of these runs began.

    It is the first look, an ISO 8601 time (UTC); "" if no run began after it.
    """
    look = first_look(openings)
    begun = [datetime.fromisoformat(r.started) for r in runs if r.started]
    if look and begun and max(begun) > datetime.fromisoformat(look):
        return look
    return ""


def searched_after(storage_url: str, study: str, records: Sequence[TrialRecord]) -> str:
    """Return what is to be known of trials that began after a look at the test split; "" if none.

    Args:
        storage_url: of Optuna's storage.
        study: that was searched.
        records: its trials.
    """
    from hpo.reports.opening_sentences import searched_on
    from hpo.study.opening import openings_of

    return searched_on(opened_before(openings_of(storage_url, study), records), begun=True)


def winner_of(
    study: str,
    records: Sequence[TrialRecord],
    direction: Literal["maximize", "minimize"],
    storage_url: str,
) -> tuple[TrialRecord, list[str]]:
    """Return the trial that is to be served, and what is to be known of the choice.

    Where a confirmation is over it is a run of the configuration that won, the best of its seeds on
    validation: its own value is optimistic, and the mean over the seeds is what to expect. Else it
    is the best trial of the search.

    Args:
        study: the name of the study that was searched.
        records: its trials.
        direction: of its objective.
        storage_url: of Optuna's storage.

    Raises:
        NotFoundError: there is no such trial.
    """
    from hpo.registry.promotion import choose_winner
    from hpo.reports.confirmation_warnings import cautioned, of_one_run, unlearned
    from hpo.reports.confirmation_words import candidate, how_far

    searched = choose_winner(records, direction)
    told = confirmed(study, storage_url=storage_url)
    if told is None:
        return searched, []
    if not told.facts["over"] or told.facts["winner"] is None:
        return searched, [
            f"The confirmation of study '{study}' is not finished ({how_far(told.facts)}), so this "
            f"is the search's best; `hpo confirm {study}` goes on with it."
        ]
    notes = [] if told.facts["crowned"] else told.sentences[:1]
    chosen = candidate(told.facts, told.facts["winner"])
    if chosen is not None and (doubt := unlearned(told.facts, chosen)):
        notes += [] if doubt in "".join(notes) else [doubt]
        notes.append(of_one_run(told.facts, chosen))
    notes += [caution] if (caution := cautioned(told.facts)) else []
    # Of a configuration that climbed rungs its highest one was run again.
    place = (searched.architecture, searched.slot)
    own = {candidate_label(r.architecture, r.number) for r in records if _place_of(r) == place}
    if not own & {entry["label"] for entry in told.facts["candidates"]}:
        notes.append(
            f"The search's best, {searched.architecture} #{searched.number}, was found after the "
            f"confirmation; `hpo confirm {study}` lets it race."
        )
    return run_of(told, direction, storage_url), notes


def _place_of(record: TrialRecord) -> tuple[str, int]:
    return record.architecture, record.slot


def run_of(
    told: Confirmed, direction: Literal["maximize", "minimize"], storage_url: str
) -> TrialRecord:
    """Return the run to serve of a confirmation that is over: of the winner, the best of its seeds.

    Raises:
        NotFoundError: none of them can be served.
    """
    from hpo.registry.promotion import choose_winner
    from hpo.search.studies import read_trials

    name, winner = confirmation_name(told.study), told.facts["winner"]
    return choose_winner(read_trials(storage_url, name, architecture=winner), direction)


def standing_of(runs: Sequence[TrialRecord], study: str, storage_url: str) -> dict[str, Any]:
    """Return what a confirmation says of the configurations of runs, as ``hpo.spec.reruns`` has it.

    Args:
        runs: that are served; trials of the search among them are passed over.
        study: the name of the study that was searched.
        storage_url: of Optuna's storage.
    """
    from hpo.reports.confirmation_words import candidate, title

    own = [run for run in runs if run.study == confirmation_name(study)]
    told = confirmed(study, storage_url=storage_url) if own else None
    if told is None:
        return {}
    known = {}
    for run in own:
        entry = candidate(told.facts, run.architecture)
        if entry is not None and entry["mean"]:
            mean = entry["mean"]
            known[f"{run.architecture}/{run.number}"] = {
                "of": title(entry),
                "seed": run.slot + 1,
                "seeds": sum(value is not None for value in entry["values"]),
                "mean": round(mean["point"], 6),
                "low": round(mean["low"], 6),
                "high": round(mean["high"], 6),
            }
    if not known:
        return {}
    facts = told.facts
    return {"objective": facts["objective"], "level": facts["level"], "runs": known}
