"""How the best does on each class: tables of precision, recall and F1, from confusion matrices.

Of the search's best trial; where a confirmation is over, of all runs of the configuration that it
has chosen, and of what the test split said. Each also without the faces that training has a copy
of, where some have one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpo.evidence.classes import FEWEST, class_figures
from hpo.evidence.intervals import majority_rate
from hpo.reports.confirmation_words import decided, title, within
from hpo.reports.data import ReportData
from hpo.reports.results import ranked
from hpo.reports.sentences import listed, number, percent, plural

Matrix = Sequence[Sequence[int]]
"""``(classes, classes)``, faces; rows true, columns predicted."""

NONE = "–"
_MEANING = (
    "Precision: of the faces that were given the emotion, the share that is of it. Recall: of the "
    "emotion's faces, the share that was found. F1 is their harmonic mean"
)


@dataclass(frozen=True)
class ClassTable:
    """A table with a row per class.

    Args:
        architecture: whose trial it is of, for the page's filter.
        name: what it shows, in a few words.
        caption: the same in sentences.
        rows: ``label, faces`` (the support), ``given`` (how often it was predicted, by all runs),
            ``precision, recall, f1`` (in %, with their intervals) and ``remark``. What has no
            denominator is a dash, and the remark says why.
    """

    architecture: str
    name: str
    caption: str
    rows: list[dict[str, str]]


@dataclass(frozen=True)
class _Asked:
    """What was asked about a split: whose runs, what they answered, and how that is told."""

    architecture: str
    who: str
    split: str
    runs: int
    whole: Mapping[str, Any]
    alone: Mapping[str, Any] | None
    unknown: str = ""


def class_tables(data: ReportData) -> list[ClassTable]:
    """Return the tables of a study; [] where no matrix is known."""
    found: list[ClassTable] = []
    for asked in (_validated(data), _tested(data)):
        if asked is not None and asked.whole["confusion"]:
            found += _told(data, asked, first=not found)
    return found


def precision_words(names: Sequence[str], matrix: Matrix) -> str:
    """Return the precision of each class in a sentence, and which classes have none."""
    shares, never = [], []
    for place, name in enumerate(names):
        given = sum(row[place] for row in matrix)
        if given:
            shares.append(f"{name} {100 * matrix[place][place] / given:.0f} % of {number(given)}")
        else:
            never.append(name)
    said = f"Of the faces that were given each emotion so many are of it: {', '.join(shares)}."
    if never:
        verb, whose = ("was", "its") if len(never) == 1 else ("were", "their")
        said += f" {listed(never)} {verb} never given, so {whose} precision is undefined."
    return said


def _validated(data: ReportData) -> _Asked | None:
    chosen = decided(data.confirmation)
    if chosen is not None and chosen["confusion"]:
        crowned = data.confirmation["facts"]["crowned"]
        who = "the winner" if crowned else "taken by the confirmation"
        return _Asked(
            chosen["architecture"],
            f"{title(chosen)}, {who}",
            "validation",
            len(chosen["numbers"]),
            chosen,
            chosen.get("without_copies"),
            _unknown(data, chosen["architecture"], chosen["number"]),
        )
    order = ranked(data.architectures, data.objective["direction"])
    known = data.confusion.get(order[0]["label"]) if order else None
    if not known or known["number"] != order[0]["best"]["number"]:
        return None
    label, best, alone = order[0]["label"], known["number"], known.get("without_copies")
    return _Asked(
        label,
        f"the best trial, {label} #{best}",
        "validation",
        1,
        {"confusion": known["matrix"]},
        {"confusion": alone} if alone else None,
        _unknown(data, label, best),
    )


def _tested(data: ReportData) -> _Asked | None:
    openings = data.confirmation.get("openings") or []
    last = next((o for o in reversed(openings) if o.get("finished")), None)
    if last is None or "confusion" not in last:
        return None
    return _Asked(
        last["architecture"],
        title(last),
        "test",
        len(last["runs"]),
        last,
        last.get("without_copies"),
    )


def _unknown(data: ReportData, label: str, trial: int) -> str:
    """Return why there is no table without copies, where it is missing; "" where none is due."""
    row = next((t for t in data.trials_of(label) if t["number"] == trial), {})
    alone = row.get("validation_size_without_copies")
    if alone is None or alone == row["validation_size"]:
        return ""
    seen = row["validation_size"] - alone
    return (
        f" {number(seen)} of these faces {'has' if seen == 1 else 'have'} a copy in training; the "
        "figures without them are not known, as it was trained before they were kept per emotion."
    )


def _told(data: ReportData, asked: _Asked, *, first: bool) -> list[ClassTable]:
    """Return the table of a split, and the one without copies where that is another."""
    faces = sum(map(sum, asked.whole["confusion"])) // asked.runs
    figures = _figures(asked.whole, asked.runs)
    over = (
        f"over {plural(asked.runs, 'seed')}, all answers counted together, "
        if asked.runs > 1
        else ""
    )
    caption = (
        f"Precision, recall and F1 of each emotion, of {asked.who}, {over}on "
        f"{'its ' if asked.runs == 1 and asked.split == 'validation' else ''}{number(faces)} "
        f"{asked.split} faces{_method(figures)}."
    )
    if first:
        f1 = ", and has no interval" if asked.runs == 1 else ""
        caption += f" {_MEANING}{f1}."
    name = f"Precision, recall and F1 of each emotion on the {asked.split} faces"
    if asked.alone is None:
        caption += asked.unknown
    tables = [
        ClassTable(
            asked.architecture, name, caption, _rows(data, asked.whole["confusion"], figures)
        )
    ]
    if asked.alone is not None:
        matrix = asked.alone["confusion"]
        left = sum(map(sum, matrix)) // asked.runs
        caption = (
            f"The same without copies: on the {number(left)} of the {number(faces)} {asked.split} "
            "faces that have no exact, mirrored or near duplicate in the training split."
        )
        rate = majority_rate([sum(row) for row in matrix])
        if rate is not None:
            caption += f" Always answering the most frequent of them would score {percent(rate)}."
        rows = _rows(data, matrix, _figures(asked.alone, asked.runs))
        tables.append(ClassTable(asked.architecture, f"{name}, without copies", caption, rows))
    return tables


def _figures(told: Mapping[str, Any], runs: int) -> list[dict[str, Any]]:
    """Return ``class_figures`` as they are kept; of one run, or an older report, anew."""
    kept: list[dict[str, Any]] = told.get("per_class") or []
    if runs > 1 and kept and all("intervals" in figures for figures in kept):
        return kept
    return class_figures(told["confusion"], seed=0, runs=runs)


def _method(figures: Sequence[Mapping[str, Any]]) -> str:
    """Return by which method the intervals are; "" where there are none."""
    if not any(known["intervals"]["recall"] for known in figures):
        return ""
    if figures[0]["runs"] == 1:
        return ", with 95 % Wilson intervals of precision and recall"
    return (
        ", with 95 % bootstrap intervals, seeds and faces resampled (where under "
        f"{FEWEST} faces were ever right, or ever wrong, Wilson's over the faces, and none of F1)"
    )


def _rows(
    data: ReportData, matrix: Matrix, figures: Sequence[Mapping[str, Any]]
) -> list[dict[str, str]]:
    rows = []
    for place, known in enumerate(figures):
        faces, given = sum(matrix[place]), sum(row[place] for row in matrix)
        rows.append(
            {
                "label": data.classes[place] if place < len(data.classes) else str(place),
                "faces": number(faces // known["runs"]),
                "given": number(given),
                **{
                    name: _share(known[name], known["intervals"][name])
                    for name in ("precision", "recall", "f1")
                },
                "remark": _remark(matrix[place][place], faces, given),
            }
        )
    return rows


def _share(share: float | None, interval: Mapping[str, Any] | None) -> str:
    if share is None:
        return NONE
    if interval is None:
        return f"{100 * share:.1f}"
    low, high = within(interval)
    return f"{100 * share:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _remark(hits: int, faces: int, given: int) -> str:
    if not faces and not given:
        return "no face of it and never predicted, so neither precision nor recall is defined"
    if not faces:
        return "no face of it, so its recall is undefined"
    if not given:
        return "never predicted, so its precision is undefined; none of its faces was found"
    return "" if hits else "all that was given it is of another, and none of its faces was found"
