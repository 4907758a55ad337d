"""How the best trial does on each class: precision, recall and F1, from its confusion matrix.

Where a confirmation is over, a figure tells them of its choice over all seeds
(``draw.confirmation``), and there is no table of the search's best.
"""

from __future__ import annotations

from collections.abc import Sequence

from hpo.evidence.intervals import wilson
from hpo.reports.confirmation_sentences import decided
from hpo.reports.data import ReportData
from hpo.reports.results import ranked
from hpo.reports.sentences import listed, number
from hpo.training.scores import per_class

Matrix = Sequence[Sequence[int]]
"""``(classes, classes)``, faces; rows true, columns predicted."""

NONE = "–"


def class_rows(data: ReportData) -> list[dict[str, str]]:
    """Return a row per class of the study's best trial; [] where no matrix of it is known.

    Keys: ``label, faces`` (the support), ``given`` (how often it was predicted), ``precision``,
    ``recall`` (in %, with Wilson intervals), ``f1`` (in %) and ``remark``. What has no denominator
    is a dash, and the remark says why.
    """
    found = _best(data)
    if found is None or decided(data.confirmation) is not None:
        return []
    matrix = found[2]
    rows = []
    for place, known in enumerate(per_class(matrix)):
        faces, given = sum(matrix[place]), sum(row[place] for row in matrix)
        f1 = known["f1"]
        rows.append(
            {
                "label": data.classes[place] if place < len(data.classes) else str(place),
                "faces": number(faces),
                "given": number(given),
                "precision": _share(known["precision"], given),
                "recall": _share(known["recall"], faces),
                "f1": NONE if f1 is None else f"{100 * f1:.1f}",
                "remark": _remark(matrix[place][place], faces, given),
            }
        )
    return rows


def class_caption(data: ReportData) -> str:
    """Return what the table of ``class_rows`` shows; "" where there is none."""
    found = _best(data)
    if found is None:
        return ""
    label, best, matrix = found
    faces = number(sum(map(sum, matrix)))
    return (
        f"Precision, recall and F1 of each emotion, of the best trial, {label} #{best}, on its "
        f"{faces} validation faces, with 95 % Wilson intervals of precision and recall. Precision: "
        "of the faces that were given the emotion, the share that is of it. Recall: of the "
        "emotion's faces, the share that was found. F1 is their harmonic mean, and has no interval."
    )


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


def _best(data: ReportData) -> tuple[str, int, Matrix] | None:
    """Return architecture, number and matrix of the study's best trial."""
    order = ranked(data.architectures, data.objective["direction"])
    known = data.confusion.get(order[0]["label"]) if order else None
    if not known or known["number"] != order[0]["best"]["number"]:
        return None
    return order[0]["label"], known["number"], known["matrix"]


def _share(share: float | None, n: int) -> str:
    if share is None:
        return NONE
    found = wilson(share, n)
    return f"{100 * share:.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def _remark(hits: int, faces: int, given: int) -> str:
    if not faces and not given:
        return "no face of it and never predicted, so neither precision nor recall is defined"
    if not faces:
        return "no face of it, so its recall is undefined"
    if not given:
        return "never predicted, so its precision is undefined; none of its faces was found"
    return "" if hits else "all that was given it is of another, and none of its faces was found"
