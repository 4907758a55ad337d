"""Scores with and without the validation faces that training has a copy of, for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.evidence.intervals import majority_rate, wilson
from hpo.evidence.metric_words import metric_words
from hpo.reports.data import ReportData
from hpo.reports.rows import rounded, validation_size
from hpo.reports.sentences import accuracy_with_interval, number, percent
from hpo.spec.records import WITHOUT_COPIES, TrialRecord


def with_and_without(record: TrialRecord) -> dict[str, Any] | None:
    """Return a trial's scores with and without those faces; None where nobody looked for them.

    Keys: ``n`` (faces without a copy), ``of`` (all), ``metrics`` (by name without ``val_``, the
    score over all faces and the one without copies), ``interval`` (of the accuracy without),
    ``majority`` (the share of the most frequent class among the faces without; None where it was
    not kept), ``trained_on`` (of how many of the others it trained on a copy; None where it was
    not kept) and ``left_out`` (how many training faces were, as copies; None where it was not kept,
    or none are to be).
    """
    result = record.result
    if result is None or result.validation_size_without_copies is None:
        return None
    n = result.validation_size_without_copies
    metrics = {
        name.removeprefix("val_"): [rounded(value), rounded(result.metrics[name + WITHOUT_COPIES])]
        for name, value in result.metrics.items()
        if name + WITHOUT_COPIES in result.metrics and "temperature" not in name
    }
    accuracy = rounded(result.metrics.get("val_accuracy" + WITHOUT_COPIES), 12)
    return {
        "left_out": result.train_copies_left_out,
        "n": n,
        "of": validation_size(record),
        "metrics": metrics,
        "trained_on": result.validation_copies_trained_on,
        "majority": majority_rate([sum(row) for row in result.confusion_without_copies]),
        "interval": None if accuracy is None or not n else wilson(accuracy, n).to_json(),
    }


def copies_sentence(winner: Mapping[str, Any], study: Mapping[str, Any]) -> str:
    """Say how the study's best trial does on faces that training has no copy of; "" if unknown."""
    found = winner["best"].get("without_copies")
    if not found or not found["of"]:
        return ""
    data = study.get("data")
    if isinstance(data, Mapping) and data.get("leakage") == "drop":
        left = found.get("left_out")
        which = (
            f"the {number(left)} faces that are duplicates"
            if left and left > 1
            else "the one face that is a duplicate"
            if left
            else "every face that is a duplicate"
        )
        return (
            f"Training leaves out {which}, exact, mirrored or near, of a "
            "held-out one (data.leakage: drop), so each score is the same with and without leaked "
            "images."
        )
    seen = found["of"] - found["n"]
    if not seen:
        return (
            "No validation face has an exact, mirrored or near duplicate in the training split, "
            "so each score is the same with and without leaked images."
        )
    told = (
        f"{number(seen)} of the {number(found['of'])} validation faces "
        f"({percent(seen / found['of'])}) {'has' if seen == 1 else 'have'} an exact, mirrored or "
        "near duplicate in the training split"
    )
    here, faces = found.get("trained_on"), number(winner["best"]["train_size"])
    least = 0 if here is None else seen - here
    if not least:
        told += f", and a score on {'it' if seen == 1 else 'them'} may be partly memory"
    else:
        none = "it has none" if seen == 1 else "none has one"
        # All that have a copy are left out, so that trials on other parts can be compared.
        told += (
            f", but only {number(here)} {'have' if here > 1 else 'has'} one among the {faces} "
            f"faces that were trained on: of the other {number(least)} memory explains nothing"
            if here
            else f", but {none} among the {faces} faces that were trained on: memory "
            "explains no answer"
        )
    if found["interval"] is None:
        return f"{told}; no score without them is known."
    reached = accuracy_with_interval(found["interval"])
    # Without copies other faces are left, and another share of them is of the most frequent class.
    most = found.get("majority")
    beside = f", where always answering one emotion scores {percent(most)} at best" if most else ""
    without = ". On the faces without any copy" if least else ": on the others"
    doubted = most and found["interval"]["low"] <= most
    doubt = ", so there it was not shown to have learned" if doubted else ""
    return f"{told}{without}{beside}, trial {winner['best']['number']} reached {reached}{doubt}."


def copies_caveats(records: Sequence[TrialRecord]) -> list[str]:
    """Say where trials were scored without different faces."""
    digests = {r.result.copies_digest for r in records if r.result and r.result.copies_digest}
    if len(digests) < 2:
        return []
    return [
        f"Which validation faces are copies of training faces was found {len(digests)} different "
        "ways in this study, by versions of hpo that search differently: scores without copies "
        "cannot be compared between all of its trials."
    ]


def copies_rows(data: ReportData) -> list[dict[str, str]]:
    """Return one row per architecture and score of its best trial; [] where all are the same."""
    rows = []
    for entry in data.architectures:
        found = (entry["best"] or {}).get("without_copies")
        if not found or found["n"] == found["of"]:
            continue
        for name, (whole, alone) in found["metrics"].items():
            share = "loss" not in name
            interval = found["interval"] if name == "accuracy" else None
            rows.append(
                {
                    "label": entry["label"],
                    "metric": metric_words(f"val_{name}") + (" [%]" if share else ""),
                    "all": _shown(whole, share=share),
                    "alone": _shown(alone, share=share),
                    "interval": (
                        f"{100 * interval['low']:.1f} – {100 * interval['high']:.1f}"
                        if interval
                        else "–"
                    ),
                    "n": f"{found['n']:,} of {found['of']:,}",
                }
            )
    return rows


def _shown(value: float | None, *, share: bool) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.2f}" if share else f"{value:.3f}"
