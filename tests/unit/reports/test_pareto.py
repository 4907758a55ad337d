"""The report of several objectives and constraints: the front, and what breaks a bound."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

from hpo.registry.promotion import rank_key
from hpo.reports.compute import compute
from hpo.reports.data import ReportData
from hpo.reports.draw.pareto import section
from hpo.reports.draw.section import sections
from hpo.reports.made import made_list
from hpo.reports.page import page
from hpo.reports.results import ranked
from hpo.reports.side_by_side import set_beside
from hpo.reports.side_by_side_page import result_rows, summary
from hpo.reports.tables import trial_rows
from hpo.spec.records import TrialRecord

OneTrial = Callable[..., TrialRecord]
STUDY: dict[str, Any] = {
    "name": "demo",
    "objective": {"metric": "val_accuracy"},
    "objectives": [{"metric": "val_accuracy"}, {"metric": "latency_ms"}],
    "constraints": {"size_mib": {"at_most": 8.0}, "latency_ms": None},
}
TRIALS = ((0.50, 9.0, 4.0), (0.45, 5.0, 4.0), (0.40, 7.0, 4.0), (0.60, 4.0, 9.5))
"""Accuracy, latency and size: two on the front, one behind it, one too large."""


def report(
    one_trial: OneTrial,
    study: dict[str, Any] = STUDY,
    trials: Sequence[tuple[float, float, float]] = TRIALS,
) -> ReportData:
    records = []
    for number, (accuracy, latency, size) in enumerate(trials):
        record = one_trial(number=number)
        assert record.result is not None
        metrics = {**record.result.metrics, "latency_ms": latency, "size_mib": size}
        records.append(
            dataclasses.replace(
                record,
                value=accuracy,
                values={"val_accuracy": accuracy, "latency_ms": latency}
                if study.get("objectives")
                else {},
                excess={"size_mib": size - 8.0},
                result=dataclasses.replace(record.result, metrics=metrics),
            )
        )
    return compute(records, study, n_bootstrap=0)


def test_the_front_is_drawn_and_named(one_trial: OneTrial) -> None:
    data = report(one_trial)
    drawn = section(data)
    assert drawn is not None
    assert drawn.title == "Pareto front"
    assert [p.label for p in drawn.pictures] == ["latency_ms", "size_mib"]
    by_name = {trace.name: list(trace.x) for trace in drawn.pictures[0].figure.data if trace.name}
    assert by_name == {
        "cnn, on the front": [9.0, 5.0],
        "cnn, others": [7.0],
        "cnn, breaks a constraint": [4.0],
    }
    said = drawn.pictures[0].note.splitlines()
    assert said[0] == (
        "1 of 4 complete trials breaks a constraint (size_mib at most 8, broken by 1); the best is "
        "among the others."
    )
    assert said[0] in data.summary
    assert said[1].startswith("cnn trial 0: validation accuracy [%] 50, latency of one face [ms] 9")
    assert len(drawn.pictures[1].figure.layout.shapes) == 1, "the bound of the size"


def test_the_front_is_a_line_only_where_both_axes_are_objectives(one_trial: OneTrial) -> None:
    drawn = section(report(one_trial))
    assert drawn is not None
    lines = {p.label: [t for t in p.figure.data if t.mode == "lines"] for p in drawn.pictures}
    assert {name: len(found) for name, found in lines.items()} == {"latency_ms": 1, "size_mib": 0}


def test_what_is_no_finite_number_is_told_in_words_and_is_no_point(one_trial: OneTrial) -> None:
    data = report(one_trial, trials=[*TRIALS, (0.55, math.inf, 3.0), (0.35, 6.0, math.nan)])
    drawn = section(data)
    assert drawn is not None
    latency, size = drawn.pictures
    for picture, others in ((latency, [7.0, 6.0]), (size, [4.0, 3.0])):
        shown = {t.name: t for t in picture.figure.data if t.name}
        assert list(shown["cnn, others"].x) == others
        assert "1 complete trial is not drawn: its" in picture.note
    hover = {t.name: t for t in latency.figure.data if t.name}["cnn, others"].hovertemplate[1]
    assert "size of the checkpoint [MiB]: no finite number" in hover
    text = page(data)
    for word in ("nan", "inf", "NaN", "Infinity"):
        assert f": {word}<" not in text
        assert f"{word}," not in text


def test_who_breaks_a_constraint_is_nowhere_the_best(one_trial: OneTrial) -> None:
    data = report(one_trial)
    assert data.architectures[0]["best"]["number"] == 0
    assert dict(made_list(data))["Objectives"] == "val_accuracy, latency_ms"
    assert dict(made_list(data))["Constraints"] == "size_mib: at most 8.0"


def test_the_table_marks_the_front_and_the_constraints_that_are_broken(
    one_trial: OneTrial,
) -> None:
    data = report(one_trial)
    rows = trial_rows(data)
    assert [row["mark"] for row in rows] == ["on the front", "on the front", "", "breaks size_mib"]
    cells = {column.heading: text for column, text, _ in rows[3]["cells"]}
    assert cells["latency [ms]"] == "4"
    assert cells["size [MiB]"] == "9.5"
    assert 'complete</span><span class="mark">, breaks size_mib</span>' in page(data)


def test_where_every_trial_breaks_a_constraint_none_is_the_best(one_trial: OneTrial) -> None:
    record = dataclasses.replace(one_trial(), excess={"size_mib": 1.5})
    data = compute([record], {**STUDY, "objectives": None}, n_bootstrap=0)
    assert data.summary[:2] == [
        "No result yet: of 1 complete trial none can be the best.",
        "1 of 1 complete trial breaks a constraint (size_mib at most 8, broken by 1); there is no "
        "best where none keeps them all.",
    ]


def test_weights_are_counted_to_the_last_one(one_trial: OneTrial) -> None:
    record = one_trial()
    assert record.result is not None
    metrics = {**record.result.metrics, "parameter_count": 1_234_567.0}
    record = dataclasses.replace(
        record,
        values={"val_accuracy": 0.5, "parameter_count": 1_234_567.0},
        result=dataclasses.replace(record.result, metrics=metrics),
    )
    goals = [{"metric": "val_accuracy"}, {"metric": "parameter_count"}]
    data = compute([record], {"name": "demo", "objectives": goals}, n_bootstrap=0)
    drawn = section(data)
    assert drawn is not None
    assert "parameters 1,234,567." in drawn.pictures[0].note
    cells = {column.heading: text for column, text, _ in trial_rows(data)[0]["cells"]}
    assert cells["parameters"] == "1,234,567"


def test_constraints_alone_have_no_front(one_trial: OneTrial) -> None:
    drawn = section(report(one_trial, {**STUDY, "objectives": None}))
    assert drawn is not None
    assert drawn.title == "Constraints"
    assert [p.label for p in drawn.pictures] == ["size_mib"]


def test_a_study_of_one_value_has_no_such_heading(one_trial: OneTrial) -> None:
    data = compute([one_trial()], {"name": "demo"}, n_bootstrap=0)
    assert section(data) is None
    assert "pareto" not in sections(data)


def test_of_equals_in_the_first_objective_the_next_one_names_the_best(one_trial: OneTrial) -> None:
    records = []
    for label, number, latency in (("cnn", 3, 5.0), ("xception", 1, 9.0)):
        record = one_trial(label, number=number)
        values = {"val_accuracy": 0.5, "latency_ms": latency}
        records.append(dataclasses.replace(record, value=0.5, values=values))
    promoted = min(records, key=lambda r: rank_key(r, "maximize"))
    assert promoted.architecture == "cnn"
    data = compute(records, {**STUDY, "constraints": None}, n_bootstrap=0)
    assert data.card["architecture"] == "cnn"
    assert "trial 3 of cnn" in data.summary[0]
    # Reports of before further objectives were kept with the best go by the first alone.
    for entry in data.architectures:
        del entry["best"]["values"]
    assert ranked(data.architectures, "maximize")[0]["label"] == "xception"


def test_an_architecture_whose_trials_all_break_a_constraint_has_complete_ones(
    one_trial: OneTrial,
) -> None:
    broken = [dataclasses.replace(one_trial(number=n), excess={"size_mib": 1.5}) for n in range(2)]
    study = {**STUDY, "objectives": None}
    data = compute([*broken, one_trial("xception")], study, n_bootstrap=0)
    (caveat,) = (c for c in data.caveats if c.startswith("cnn has no"))
    assert caveat == "cnn has no trial that can be the best (2 complete)."
    assert "cnn: there is no best trial that recorded its predictions." in page(data)
    whole = set_beside([data, compute(broken, study)], ["a", "b"], lambda new, old: "unknown")
    assert summary(whole)[1] == "b has no trial that can be the best."
    assert result_rows(whole)[0] == ["cnn", *["no trial that can be the best of 2"] * 2]


def test_where_every_trial_breaks_a_constraint_each_picture_says_so(one_trial: OneTrial) -> None:
    broken = [dataclasses.replace(one_trial(number=n), excess={"size_mib": 1.5}) for n in range(2)]
    text = page(compute(broken, {**STUDY, "objectives": None}, n_bootstrap=0))
    assert text.count("Every complete trial breaks a constraint") >= 4
    for false in ("No trial has a value", "No complete trial has", "No trial reported", "does so."):
        assert false not in text, false
