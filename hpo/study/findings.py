"""What came of a study after its search, as MLflow's notes tell it: confirmation and test split."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from hpo.spec.confirmation import SUFFIX, confirmation_name

if TYPE_CHECKING:
    from hpo.tracking.difference import Difference
    from hpo.tracking.findings import Findings


def missing_notes(client: Any, storage_url: str, study: str) -> list[Difference]:
    """Return where MLflow's notes lack what came of a study.

    Args:
        client: of MLflow.
        storage_url: of Optuna's storage.
        study: that was searched, or its confirmation.
    """
    from hpo.tracking.difference import Difference
    from hpo.tracking.findings import lacking

    return [
        Difference(
            "note differs", "", None, f"MLflow's note of {title} lacks what came of it", "note"
        )
        for title in lacking(client, _told(storage_url, study))
    ]


def write_notes(client: Any, storage_url: str, study: str) -> None:
    """Write what came of a study into MLflow's notes; twice is once.

    Args:
        client, storage_url, study: as for ``missing_notes``.
    """
    from hpo.tracking.findings import log_findings

    log_findings(client, _told(storage_url, study))


def _told(storage_url: str, study: str) -> Findings:
    """Return what came of a study, or of that which a confirmation belongs to.

    A confirmation whose search is gone says nothing.
    """
    from hpo.reports.confirmation_sentences import cautioned, standing
    from hpo.reports.opening_sentences import tell_openings
    from hpo.spec.errors import NotFoundError
    from hpo.study.confirmed import confirmed
    from hpo.study.opening import openings_of
    from hpo.tracking.findings import Findings

    study = study.removesuffix(SUFFIX)
    found = Findings(study, confirmation_name(study))
    try:
        told = confirmed(study, storage_url=storage_url)
        openings = openings_of(storage_url, study)
    except NotFoundError:
        return found
    found = dataclasses.replace(found, tested=" ".join(tell_openings(openings)))
    if told is None:
        return found
    facts = told.facts
    if not facts["over"]:
        return dataclasses.replace(found, confirmed=None)
    words = " ".join(filter(None, [told.sentences[0], cautioned(facts)]))
    standings = {e["label"]: standing(facts, e) for e in facts["candidates"] if e["mean"]}
    return dataclasses.replace(found, confirmed=words, standings=standings)
