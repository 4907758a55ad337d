"""The comparison of a study's architectures: budgets, costs, tuning against architecture."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from hpo.registry.promotion import rank
from hpo.reports import comparison_sentences
from hpo.reports.budgets import (
    Row,
    ValueOf,
    confirmed_steps,
    curves,
    equal_budgets,
    in_chance_order,
    search_value,
)
from hpo.reports.costs import models
from hpo.reports.data import ReportData
from hpo.reports.effects import Correct, pairs, tuning, variance
from hpo.reports.progress import progress_sentence
from hpo.reports.trials import right_faces
from hpo.spec.records import TrialRecord


def correct_faces(records: Sequence[TrialRecord]) -> Correct:
    """Return which validation faces each trial got right, of those that recorded it."""
    known = {(r.architecture, r.number): right_faces(r) for r in records}
    return {key: faces for key, faces in known.items() if faces}


def comparison(
    rows: Sequence[Row],
    labels: Sequence[str],
    study: Mapping[str, Any],
    objective: Mapping[str, Any],
    correct: Correct | None = None,
    *,
    value_of: ValueOf = search_value,
    values: str = "search",
    candidates: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return the comparison of architectures as plain data.

    Keys: ``values`` (which values of trials are compared), ``any_order`` (whether the order of
    trials is chance), ``confirmed`` (architecture → measure → ``confirmed_steps``, where there are
    any), ``curves, equal, models, tuning, pairs, variance``, as ``budgets``, ``costs``
    and ``effects`` say.

    Args:
        rows: all trials, as ``rows.row`` makes them.
        labels: the architectures in order.
        study: the study file as plain data.
        objective: ``name, direction, percent, label``.
        correct: which faces trials got right, where that is known.
        value_of: which value of a trial is compared, such as one that further seeds confirmed.
        values: what these values are called.
        candidates: configurations that were run again with other seeds, each with its
            ``architecture, number, mean`` (an interval); their ``confirmed`` curves stand beside
            the search's.
    """
    grouped = {
        label: sorted((r for r in rows if r["architecture"] == label), key=lambda r: r["number"])
        for label in labels
    }
    equal = equal_budgets(grouped, objective, value_of)
    grouped_known = {label: grouped[label] for label in equal["best"]}
    trials = int(equal["common"]["trials"])
    at_equal = {
        label: best["trials"] for label, best in equal["best"].items() if best["trials"] is not None
    }
    foremost = min(
        at_equal,
        key=lambda label: rank(
            at_equal[label]["value"], at_equal[label]["number"], label, objective["direction"]
        ),
        default="",
    )
    faces = correct or {}
    apart = pairs(grouped_known, equal["best"], objective, faces, trials, value_of)
    rivals = _rivals(foremost, at_equal, apart, objective)
    return {
        "values": values,
        "any_order": in_chance_order(study),
        "curves": curves(grouped, study, objective, value_of),
        "confirmed": {
            label: {
                measure: confirmed_steps(found, measure, candidates, objective["direction"])
                for measure in ("seconds", "epochs")
            }
            for label, found in grouped.items()
            if any(each["architecture"] == label and each.get("mean") for each in candidates)
        },
        "equal": equal,
        "models": models(rows, objective, value_of),
        "tuning": tuning(grouped_known, equal["best"], foremost, faces, rivals) if foremost else {},
        "pairs": apart,
        "variance": variance(grouped_known, trials),
    }


def _rivals(
    foremost: str,
    at_equal: Mapping[str, Mapping[str, Any]],
    apart: Sequence[Mapping[str, Any]],
    objective: Mapping[str, Any],
) -> list[str]:
    """Return the architectures whose bests nothing tells from the foremost one's.

    They have the same value, or, where the objective is accuracy, the interval of the difference
    reaches 0. Of equals the number of a trial decides who is foremost, and that tells nothing.
    """
    alike = {
        pair["second"] if pair["first"] == foremost else pair["first"]
        for pair in apart
        if foremost in (pair["first"], pair["second"])
        and objective["name"] == "val_accuracy"
        and pair["accuracy"]
        and pair["accuracy"]["low"] <= 0 <= pair["accuracy"]["high"]
    }
    return [
        label
        for label, best in at_equal.items()
        if label != foremost and (label in alike or best["value"] == at_equal[foremost]["value"])
    ]


def completed(data: ReportData) -> ReportData:
    """Return a report of before architectures were compared with what its rows tell of it.

    Which faces a trial got right is not among them, so its models are taken as independent samples.
    """
    if data.comparison or not data.trials:
        return data
    made = comparison(data.trials, data.labels, data.study, data.objective)
    answer = comparison_sentences.answer_sentence(made, data.facts, data.objective)
    budgets = comparison_sentences.budget_sentence(made, data.study, data.objective)
    known = data.facts.get("progress")
    going = progress_sentence(known) if known else ""
    after = 1 if going and data.summary[:1] == [going] else 0
    return dataclasses.replace(
        data,
        comparison=made,
        summary=[*data.summary[:after], *([answer] if answer else []), *data.summary[after:]],
        caveats=[*data.caveats, *([budgets] if budgets else [])],
    )
