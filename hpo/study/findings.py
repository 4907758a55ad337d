"""What came of a study after its search, as MLflow's notes tell it: confirmation and test split."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from hpo.spec.confirmation import SUFFIX, candidate_label, confirmation_name

if TYPE_CHECKING:
    from hpo.tracking.difference import Difference
    from hpo.tracking.findings import Findings
    from hpo.tracking.openings import Look


def missing_notes(client: Any, storage_url: str, study: str) -> list[Difference]:
    """Return where MLflow's notes and runs lack what came of a study, or word it otherwise.

    Args:
        client: of MLflow.
        storage_url: of Optuna's storage.
        study: that was searched, or its confirmation.
    """
    from hpo.tracking.difference import Difference
    from hpo.tracking.findings import outdated
    from hpo.tracking.openings import lacks_opening

    found = [
        Difference(
            "note reworded" if note.reworded else "note differs",
            "",
            None,
            f"MLflow's note of {note.title} "
            + ("is worded by an earlier version" if note.reworded else "lacks what came of it"),
            "note",
            study=note.study,
        )
        for note in outdated(client, _told(storage_url, study))
    ]
    found += [
        Difference(
            "test differs",
            "",
            None,
            f"MLflow's runs of {look.title} lack what the test split said on {look.opened[:10]}",
            "note",
            study=study.removesuffix(SUFFIX),
        )
        for look in _looks(storage_url, study)
        if lacks_opening(client, look)
    ]
    return found


def write_notes(client: Any, storage_url: str, study: str) -> None:
    """Write what came of a study into MLflow's notes, and test metrics into runs; twice is once.

    Args:
        client, storage_url, study: as for ``missing_notes``.
    """
    from hpo.tracking.findings import log_findings
    from hpo.tracking.openings import log_opening

    for look in _looks(storage_url, study):
        log_opening(client, look)
    log_findings(client, _told(storage_url, study))


def _looks(storage_url: str, study: str) -> list[Look]:
    """Return what the test split said of each configuration, at its last opening."""
    from hpo.search.studies import read_trials
    from hpo.spec.errors import NotFoundError
    from hpo.study.opening import openings_of
    from hpo.tracking.openings import Look

    study = study.removesuffix(SUFFIX)
    try:
        openings = openings_of(storage_url, study)
    except NotFoundError:
        return []
    asked = {
        (o["architecture"], o["number"], o["confirmed"]): o for o in openings if o.get("finished")
    }
    found = []
    for (architecture, number, again), opening in asked.items():
        of, label = study, architecture
        if again:
            of, label = confirmation_name(study), candidate_label(architecture, number)
        try:
            records = {r.number: r for r in read_trials(storage_url, of, architecture=label)}
        except NotFoundError:  # The confirmation was deleted since.
            continue
        # An earlier version kept the accuracy of each run alone.
        metrics = opening.get("metrics") or [{"test_accuracy": v} for v in opening["values"]]
        runs = {
            records[run].mlflow_run_id: own
            for run, own in zip(opening["runs"], metrics, strict=True)
            if run in records
        }
        means = {name: known["mean"] for name, known in opening["scores"].items()}
        found.append(Look(f"{architecture} #{number}", runs, means, opening["opened"]))
    return found


def _told(storage_url: str, study: str) -> Findings:
    """Return what came of a study, or of that which a confirmation belongs to.

    A confirmation whose search is gone says nothing.
    """
    from hpo.reports.confirmation_sentences import standing
    from hpo.reports.confirmation_warnings import cautioned
    from hpo.reports.confirmation_words import candidate, figures_of
    from hpo.reports.opening_sentences import opening_figures, tell_openings
    from hpo.spec.errors import NotFoundError
    from hpo.study.confirmed import confirmed
    from hpo.study.opening import openings_of, with_loss_gaps
    from hpo.tracking import names
    from hpo.tracking.findings import Findings

    study = study.removesuffix(SUFFIX)
    found = Findings(study, confirmation_name(study))
    try:
        told = confirmed(study, storage_url=storage_url)
        openings = with_loss_gaps(openings_of(storage_url, study), storage_url, study)
    except NotFoundError:
        return found
    figures = {names.TESTED: opening_figures(openings)}
    found = dataclasses.replace(found, tested=" ".join(tell_openings(openings)), figures=figures)
    if told is None:
        return found
    facts = told.facts
    if not facts["over"]:
        return dataclasses.replace(found, confirmed=None)
    words = " ".join(filter(None, [told.sentences[0], cautioned(facts)]))
    ran = [e for e in facts["candidates"] if e["mean"]]
    standings = {e["label"]: standing(facts, e) for e in ran}
    figures.update({e["label"]: figures_of(facts, e) for e in ran})
    if (winner := candidate(facts, facts["winner"])) is not None:
        figures[names.CONFIRMED] = figures_of(facts, winner)
    return dataclasses.replace(found, confirmed=words, standings=standings)
