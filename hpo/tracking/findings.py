"""What came of a study after its search, in the notes of MLflow's page, which ``hpo`` may replace.

Each finding is a paragraph of a note, and a tag beside the note that holds the same text: so a
later one takes the place of an earlier, and what people wrote around it stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.tracking import names
from hpo.tracking.experiment import all_runs
from hpo.tracking.reports import find_experiment
from hpo.tracking.views import trials_link

FINDINGS = (names.CONFIRMED, names.TESTED)
"""Tags of the paragraphs, in their order."""


def paragraphs(confirmed: str | None, tested: str, link: str) -> dict[str, str]:
    """Return the paragraphs by tag, "" for what is not to be there; of others nothing is known.

    Args:
        confirmed: what a confirmation says; "" if there is none, None before it is over.
        tested: what the test split said; "" if it was not opened.
        link: to the runs of the confirmation; "" if it is not in MLflow.
    """
    found = {names.CONFIRMED: "", names.TESTED: ""}
    if confirmed is None:
        del found[names.CONFIRMED]
    elif confirmed:
        runs = f" The runs: [over seeds]({link})." if link else ""
        found[names.CONFIRMED] = f"**Confirmation**: {confirmed}{runs}"
    if tested:
        found[names.TESTED] = f"**Test split**: {tested}"
    return found


def lacking(
    client: Any, study: str, confirmation: str, confirmed: str | None, tested: str
) -> list[str]:
    """Return where MLflow lacks what came of a study, the titles of runs and experiments.

    Args:
        client: from ``store.open_client``.
        study: that was searched.
        confirmation: the name of the study of its re-runs.
        confirmed, tested: as in ``paragraphs``.
    """
    return [title for title, _ in _differing(client, study, confirmation, confirmed, tested)]


def log_findings(
    client: Any, study: str, confirmation: str, confirmed: str | None, tested: str
) -> None:
    """Write what came of a study into the notes of its runs and experiments; twice is once.

    The runs of architectures and the experiment of the search have it, and the experiment of the
    confirmation.

    Args:
        client: from ``store.open_client``.
        study: that was searched.
        confirmation: the name of the study of its re-runs.
        confirmed, tested: as in ``paragraphs``.
    """
    for _, write in _differing(client, study, confirmation, confirmed, tested):
        write()


def with_findings(note: str, tags: Mapping[str, str]) -> str:
    """Return a note that is written anew, followed by the findings that were there."""
    return "\n\n".join([note, *(tags[name] for name in FINDINGS if tags.get(name))])


def _differing(
    client: Any, study: str, confirmation: str, confirmed: str | None, tested: str
) -> list[tuple[str, Any]]:
    ids = {name: find_experiment(client, name) for name in (study, confirmation)}
    again = ids[confirmation]
    own = paragraphs(confirmed, tested, trials_link("", again).lstrip("/") if again else "")
    found: list[tuple[str, Any]] = []
    for name, experiment_id in ids.items():
        if experiment_id is None:
            continue
        told = own if name == study else paragraphs(confirmed, tested, "")
        tags = client.get_experiment(experiment_id).tags
        if changes := _changes(tags, told):
            found.append((f"the experiment {name}", _writer(client, experiment_id, None, changes)))
    searched = ids[study]
    if searched is not None:
        for run in all_runs(client, searched, {names.KIND: names.KIND_ARCHITECTURE}):
            if changes := _changes(run.data.tags, own):
                title = f"the run {run.data.tags.get(names.ARCHITECTURE, '')}"
                found.append((title, _writer(client, None, run.info.run_id, changes)))
    return found


def _changes(tags: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    """Return the tags to set, the note first: an earlier text is known until it is replaced."""
    note = tags.get(names.NOTE, "")
    changes = {}
    for name, text in told.items():
        before = tags.get(name, "")
        if before != text:
            changes[name] = text
        if before and before != text:
            note = note.replace(before, text) if text else note.replace(before, "").strip()
        if text not in note:
            note = _added(note, text)
    if note != tags.get(names.NOTE, ""):
        changes[names.NOTE] = note
    return dict(sorted(changes.items(), key=lambda item: item[0] != names.NOTE))


def _added(note: str, text: str) -> str:
    return f"{note}\n\n{text}" if note else text


def _writer(
    client: Any, experiment_id: str | None, run_id: str | None, changes: Mapping[str, str]
) -> Any:
    def write() -> None:
        for name, text in changes.items():
            if run_id is not None:
                client.set_tag(run_id, name, text)
            else:
                client.set_experiment_tag(experiment_id, name, text)

    return write
