"""The figures on the cards of classifiers, each with the number of faces behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.evidence.intervals import majority_rate, wilson
from hpo.evidence.metric_words import metric_words
from hpo.spec.objectives import metric_text, size_text
from hpo.spec.records import WITHOUT_COPIES

_PLAIN = ("loss", "ece", "temperature", "learning_rate", "macro_f1")
"""Parts of the names of metrics that are no shares."""


def figures(
    facts: Mapping[str, Any], part: str = "by which its best epoch and the trial itself were chosen"
) -> list[str]:
    """Return the paragraphs on how well a model does on its validation faces.

    Args:
        facts: as ``hpo.evidence.model_cards.card_facts`` returns them.
        part: what these faces were used for.
    """
    metrics, confusion = facts.get("metrics") or {}, facts.get("confusion") or []
    n, others = facts.get("validation_size") or 0, facts.get("without_copies")
    scores = {k: v for k, v in metrics.items() if k.startswith("val_") and v is not None}
    names = [k for k in scores if not k.endswith(WITHOUT_COPIES)]
    if not names:
        return ["## Figures", "None were recorded."]
    beside = bool(others) and others != n and any(k + WITHOUT_COPIES in scores for k in names)
    lines = ["| figure | value |", "| --- | --- |"]
    if beside:
        lines = ["| figure | all faces | without copies |", "| --- | --- | --- |"]
    for name in names:
        line = f"| {metric_words(name)} | {score(name, scores[name])} |"
        other = scores.get(name + WITHOUT_COPIES)
        lines.append(
            line + (f" {'–' if other is None else score(name, other)} |" if beside else "")
        )
    said = [
        "## Figures",
        f"On {n:,} validation faces, {part}:"
        if n
        else "On validation faces whose number was not recorded:",
        "\n".join(lines),
    ]
    accuracy = scores.get("val_accuracy")
    told = []
    if n and accuracy is not None and 0 <= accuracy <= 1:
        told.append(_interval("The 95 % interval of the accuracy (Wilson)", accuracy, n))
        told.append(
            "It speaks of these faces alone: not of another seed, nor of the optimism of a model "
            "that was chosen on the same faces."
        )
    other = scores.get("val_accuracy" + WITHOUT_COPIES)
    if beside and other is not None:
        told.append(
            _interval(
                "Without the faces that training has a copy of, the accuracy's", other, others
            )
        )
    elif others is None:
        told.append("Whether training has copies of these faces was not recorded.")
    elif n and others == n:
        told.append("Training has a copy of none of these faces: without copies all is the same.")
    told += [sentence for sentence in (chance_sentence(confusion),) if sentence]
    if n and accuracy is not None:
        told += _no_better(accuracy, n, confusion, "")
    if beside and other is not None and facts.get("confusion_without_copies"):
        told += _no_better(other, others, facts["confusion_without_copies"], "without these ")
    told += [sentence for sentence in (_measured(metrics),) if sentence]
    said.append(" ".join(told))
    if confusion and len(confusion) == len(facts.get("classes") or ()):
        said.append(class_table(facts["classes"], confusion))
    return said


def _measured(metrics: Mapping[str, Any]) -> str:
    """Say how fast and how large a model is; "" where its study was not judged by that."""
    latency, spread = metrics.get("latency_ms"), metrics.get("latency_ms_spread")
    size, told = metrics.get("size_mib"), []
    if latency is not None:
        apart = (
            "" if spread is None else f", quartiles {metric_text('latency_ms', spread)} ms apart"
        )
        told.append(
            f"It answers for one face in {metric_text('latency_ms', latency)} ms (median{apart}; "
            "measured on the machine that trained it)."
        )
    if size is not None:
        told.append(f"Its file has {size_text(size)}.")
    return " ".join(told)


def _no_better(
    accuracy: float, n: Any, confusion: Sequence[Sequence[int]], which: str
) -> list[str]:
    """Say that a model was not shown to beat always answering one class; [] where it was.

    Args:
        accuracy: 0-1, on these faces.
        n: how many.
        confusion: over them; [] if it is not known.
        which: of the faces, where it is not all of them.
    """
    rate = majority_rate([sum(row) for row in confusion])
    if rate is None or not 0 <= accuracy <= 1:
        return []
    found = wilson(accuracy, int(n))
    if found.low > rate:
        return []
    where = "lies below" if found.high < rate else "holds"
    return [
        f"The interval {which}{where} the {100 * rate:.1f} % of always answering one "
        "emotion: it was not shown to have learned."
    ]


def alone(facts: Mapping[str, Any]) -> list[str]:
    """Return the table of classes over the faces that training has no copy of; [] if unknown."""
    matrix, classes = facts.get("confusion_without_copies") or [], facts.get("classes") or ()
    if not matrix or len(matrix) != len(classes):
        return []
    return ["Without the faces that training has a copy of:", class_table(classes, matrix)]


def _interval(what: str, share: float, n: Any) -> str:
    found = wilson(share, int(n))
    return f"{what} is {100 * found.low:.1f} % to {100 * found.high:.1f} % (n = {found.n:,})."


def class_table(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> str:
    """Return a table of each emotion's recall and precision with Wilson intervals.

    A dash stands where there is nothing to divide by.
    """
    lines = [
        "| emotion | faces | recognised (recall) | 95 % interval | "
        "right where answered (precision) | 95 % interval |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for place, (name, row) in enumerate(zip(classes, confusion, strict=True)):
        hits, faces, answered = row[place], sum(row), sum(other[place] for other in confusion)
        lines.append(f"| {name} | {faces} | {_share(hits, faces)} | {_share(hits, answered)} |")
    return "\n".join(lines)


def _share(hits: int, n: int) -> str:
    """Return two cells: a share and its interval."""
    if not n:
        return "– | "
    share = wilson(hits / n, n)
    return f"{100 * share.point:.1f} % | {100 * share.low:.1f} % to {100 * share.high:.1f} %"


def chance_sentence(confusion: Sequence[Sequence[int]]) -> str:
    """Return what always answering the most frequent class would score; "" if that is unknown."""
    rate = majority_rate([sum(row) for row in confusion])
    if rate is None:
        return ""
    return f"Always answering the most frequent emotion would score {100 * rate:.1f} %."


def score(name: str, value: float) -> str:
    """Return the value of a metric: a share in percent, all else as a number."""
    return f"{value:.3f}" if any(part in name for part in _PLAIN) else f"{100 * value:.1f} %"
