"""What came of a study after its search, in the notes of MLflow's page, which ``hpo`` may replace.

Each finding is a paragraph of a note, and a tag beside the note that holds the same text: so a
later one takes the place of an earlier, and what people wrote around it stays.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hpo.tracking import names
from hpo.tracking.experiment import all_runs
from hpo.tracking.reports import find_experiment
from hpo.tracking.views import trials_link

FINDINGS = (names.CONFIRMED, names.TESTED)
"""Tags of the paragraphs, in their order."""

_NUMBER = re.compile(r"\d(?:[\d.,]*\d)?")


@dataclass(frozen=True)
class Findings:
    """What came of a study.

    Args:
        study: that was searched.
        confirmation: the name of the study of its re-runs.
        confirmed: what that says; "" if there is none, None before it is over.
        tested: what the test split said; "" if it was not opened.
        standings: what the confirmation says of each configuration, by its label there; {} before
            it is over.
        figures: what a paragraph must hold to tell what came of it, whatever the words: by the
            paragraph's tag, and for what is said of one configuration by its label there.
    """

    study: str
    confirmation: str
    confirmed: str | None = ""
    tested: str = ""
    standings: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Outdated:
    """A note that is not as this version would write it.

    Args:
        title: of the run or the experiment that has it.
        study: whose experiment it is in.
        reworded: whether it tells all of it, in the words of an earlier version.
        write: brings it up to date.
    """

    title: str
    study: str
    reworded: bool
    write: Callable[[], None]


def paragraphs(confirmed: str | None, tested: str, link: str) -> dict[str, str]:
    """Return the paragraphs by tag, "" for what is not to be there; of others nothing is known.

    Args:
        confirmed, tested: as in ``Findings``.
        link: to the runs of the confirmation; "" if it is not in MLflow.
    """
    found = {names.CONFIRMED: "", names.TESTED: ""}
    if confirmed is None:
        del found[names.CONFIRMED]
    elif confirmed:
        runs = f" The runs: [over seeds]({link})." if link else ""
        found[names.CONFIRMED] = _confirmed(f"{confirmed}{runs}")
    if tested:
        found[names.TESTED] = f"**Test split**: {tested}"
    return found


def log_findings(client: Any, findings: Findings) -> None:
    """Write what came of a study into the notes of its runs and experiments; twice is once.

    The runs of architectures and the experiment of the search have it, and the experiment of the
    confirmation; the runs of its configurations have what it says of each.

    Args:
        client: from ``store.open_client``.
        findings: what came of it.
    """
    for note in outdated(client, findings):
        note.write()


def with_findings(note: str, tags: Mapping[str, str]) -> str:
    """Return a note that is written anew, followed by the findings that were there."""
    return "\n\n".join([note, *(tags[name] for name in FINDINGS if tags.get(name))])


def outdated(client: Any, findings: Findings) -> list[Outdated]:
    """Return the notes that lack what came of a study, or tell it in other words.

    Args:
        client: from ``store.open_client``.
        findings: what came of it.
    """
    ids = {n: find_experiment(client, n) for n in (findings.study, findings.confirmation)}
    searched, again = ids[findings.study], ids[findings.confirmation]
    link = trials_link("", again).lstrip("/") if again else ""
    own = paragraphs(findings.confirmed, findings.tested, link)
    found: list[Outdated] = []
    for name, experiment_id in ids.items():
        if experiment_id is None:
            continue
        plain = paragraphs(findings.confirmed, findings.tested, "")
        tags = client.get_experiment(experiment_id).tags
        if changes := _changes(tags, own if experiment_id == searched else plain):
            write = _writer(client, experiment_id, None, changes)
            same = _reworded(tags, changes, findings.figures)
            found.append(Outdated(f"the experiment {name}", name, same, write))
    for name, experiment_id in ids.items():
        if experiment_id is None:
            continue
        for run in all_runs(client, experiment_id, {names.KIND: names.KIND_ARCHITECTURE}):
            label = run.data.tags.get(names.ARCHITECTURE, "")
            told, figures = own, findings.figures
            if experiment_id == again:
                # Before it is over nothing is known of a configuration, as of all of them.
                standing = findings.standings.get(label)
                told = {} if standing is None else {names.CONFIRMED: _confirmed(standing)}
                figures = {names.CONFIRMED: findings.figures.get(label, ())}
            if changes := _changes(run.data.tags, told):
                write = _writer(client, None, run.info.run_id, changes)
                same = _reworded(run.data.tags, changes, figures)
                found.append(Outdated(f"the run {label}", name, same, write))
    return found


def _confirmed(words: str) -> str:
    return f"**Confirmation**: {words}"


def _changes(tags: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    """Return the tags to set, the note first: an earlier text is known until it is replaced.

    A tag of "" is to be deleted.
    """
    note = tags.get(names.NOTE, "")
    changes = {}
    for name, text in told.items():
        before = tags.get(name, "")
        # An earlier version left an empty tag where nothing is to be told any more.
        if before != text or (name in tags and not text):
            changes[name] = text
        if before and before != text:
            note = note.replace(before, text) if text else _without(note, before)
        if text not in note:
            note = _added(note, text)
    if note != tags.get(names.NOTE, ""):
        changes[names.NOTE] = note
    return dict(sorted(changes.items(), key=lambda item: item[0] != names.NOTE))


def _reworded(
    tags: Mapping[str, str], changes: Mapping[str, str], figures: Mapping[str, Sequence[str]]
) -> bool:
    """Tell whether a note says already, in other words, what it is to say.

    What a study came to is told in numbers: where none is new, only the words are. A later version
    may have more to say of the same result; its figures tell that it is the same.
    """
    note = tags.get(names.NOTE, "")
    told = {name: text for name, text in changes.items() if name != names.NOTE}
    for name, text in told.items():
        before = tags.get(name, "")
        if bool(text) != bool(before) or before not in note:
            return False
        known = figures.get(name, ())
        whole = bool(known) and all(figure in before for figure in known)
        if not whole and not Counter(_NUMBER.findall(text)) <= Counter(_NUMBER.findall(before)):
            return False
    return bool(told)


def _without(note: str, paragraph: str) -> str:
    """Return a note without a paragraph, and without the blank line that parted it."""
    for known in (f"\n\n{paragraph}", f"{paragraph}\n\n"):
        if known in note:
            return note.replace(known, "", 1)
    return note.replace(paragraph, "")


def _added(note: str, text: str) -> str:
    return f"{note}\n\n{text}" if note else text


def _writer(
    client: Any, experiment_id: str | None, run_id: str | None, changes: Mapping[str, str]
) -> Any:
    def write() -> None:
        for name, text in changes.items():
            if run_id is not None and (text or name == names.NOTE):
                client.set_tag(run_id, name, text)
            elif run_id is not None:
                client.delete_tag(run_id, name)
            elif text or name == names.NOTE:
                client.set_experiment_tag(experiment_id, name, text)
            else:
                client.delete_experiment_tag(experiment_id, name)

    return write
