"""What a report says of faces that training has a copy of."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from hpo.reports.classes import class_tables
from hpo.reports.compute import compute
from hpo.reports.copies import copies_rows
from hpo.reports.data import ReportData
from hpo.reports.page import page
from hpo.reports.tables import trial_columns, trial_rows
from hpo.spec.records import TrialRecord

OneTrial = Callable[..., TrialRecord]
WHOLE = 3589
ALONE = {
    "val_accuracy_without_copies": 0.5,
    "val_loss_without_copies": 1.25,
    "val_macro_f1_without_copies": 0.41,
}


def scored(trial: TrialRecord, n: int | None, digest: str = "sha256:a", **alone: float) -> Any:
    assert trial.result is not None
    metrics = {**trial.result.metrics, "val_macro_f1": 0.45, **alone}
    result = dataclasses.replace(
        trial.result,
        metrics=metrics,
        validation_size_without_copies=n,
        copies_digest=digest if n is not None else "",
    )
    return dataclasses.replace(trial, result=result)


def report(*records: TrialRecord, **study: Any) -> ReportData:
    return compute(records, {"name": "demo", **study}, n_bootstrap=0)


def test_the_summary_tells_the_best_trials_accuracy_without_copies_with_interval_and_n(
    one_trial: OneTrial,
) -> None:
    data = report(scored(one_trial(), 3041, **ALONE))
    (said,) = [s for s in data.summary if "duplicate" in s]
    assert said.startswith("548 of the 3,589 validation faces (15.3 %) have an exact, mirrored")
    assert "trial 0 reached 50.0 % (95 % Wilson interval 48.2 to 51.8 %, n = 3,041" in said


def test_beside_it_stands_what_one_answer_scores_there_and_how_many_copies_it_trained_on(
    one_trial: OneTrial,
) -> None:
    trial = scored(one_trial(), 3041, **ALONE)
    alone = [[1500, 0], [500, 1041]]

    def said(trained_on: int | None) -> str:
        kept = dataclasses.replace(
            trial.result, confusion_without_copies=alone, validation_copies_trained_on=trained_on
        )
        data = report(dataclasses.replace(trial, result=kept))
        (found,) = [s for s in data.summary if "duplicate" in s]
        return found

    there = "on the others, where always answering one emotion scores 50.7 % at best, trial 0"
    assert there in said(None)
    assert said(None).endswith(", so there it was not shown to have learned.")
    alone = [[1014, 0, 0], [0, 1014, 0], [0, 0, 1013]]
    assert said(None).endswith("validation faces).")
    assert "training split, and a score on them may be partly memory: on" in said(548)
    few = "but only 23 have one among the 6,000 faces that were trained on: of the other 525 memory"
    assert few in said(23)
    assert ". On the faces without any copy, where" in said(23)
    assert "but none has one among the 6,000 faces that were trained on: memory" in said(0)


def test_of_one_face_with_a_copy_it_speaks_in_the_singular(one_trial: OneTrial) -> None:
    trial = scored(one_trial(), 3588, **ALONE)

    def said(trained_on: int | None) -> str:
        kept = dataclasses.replace(trial.result, validation_copies_trained_on=trained_on)
        (found,) = [
            s for s in report(dataclasses.replace(trial, result=kept)).summary if "duplicate" in s
        ]
        return found

    one = "1 of the 3,589 validation faces (0.0 %) has an exact, mirrored or near duplicate in the "
    assert said(None).startswith(one + "training split, and a score on it may be partly memory: on")
    assert said(1) == said(None)
    assert "split, but it has none among the 6,000 faces that were trained on: memory" in said(0)
    (table,) = class_tables(report(trial))
    assert "1 of these faces has a copy in training" in table.caption


def test_every_score_stands_with_and_without_copies_in_a_table(one_trial: OneTrial) -> None:
    data = report(scored(one_trial(), 3041, **ALONE))
    rows = copies_rows(data)
    assert [(r["metric"], r["alone"]) for r in rows] == [
        ("accuracy [%]", "50.00"),
        ("log loss", "1.250"),
        ("macro F1 [%]", "41.00"),
    ]
    assert {r["n"] for r in rows} == {"3,041 of 3,589"}
    assert rows[0]["interval"] == "48.2 – 51.8"
    assert "without copies [%]" in [c.heading for c in trial_columns(data)]
    (row,) = trial_rows(data)
    assert "50.00" in [text for _, text, _ in row["cells"]]
    html = page(data)
    assert "faces without copies" in html
    assert "3,041 of 3,589" in html


def test_so_do_the_figures_of_each_class(one_trial: OneTrial) -> None:
    trial = scored(one_trial(), 3041, **ALONE)
    alone = [[cell // 2 for cell in row] for row in trial.result.confusion]
    kept = dataclasses.replace(trial.result, confusion_without_copies=alone)
    data = report(dataclasses.replace(trial, result=kept))
    assert data.confusion["cnn"]["without_copies"] == alone
    assert [table.name.endswith("without copies") for table in class_tables(data)] == [False, True]
    # A trial of before that was kept.
    (table,) = class_tables(report(trial))
    assert "548 of these faces have a copy in training" in table.caption


@pytest.mark.parametrize(
    ("study", "said"),
    [
        ({}, "No validation face has an exact, mirrored or near duplicate"),
        ({"data": {"dataset": "x", "leakage": "drop"}}, "(data.leakage: drop), so each score is"),
    ],
)
def test_where_both_are_equal_it_is_said_and_not_tabulated(
    one_trial: OneTrial, study: dict[str, Any], said: str
) -> None:
    data = report(scored(one_trial(), WHOLE, **ALONE), **study)
    assert any(said in sentence for sentence in data.summary)
    assert copies_rows(data) == []
    assert "without copies [%]" not in [c.heading for c in trial_columns(data)]


def test_it_is_said_how_many_training_faces_were_left_out(one_trial: OneTrial) -> None:
    study = {"data": {"dataset": "x", "leakage": "drop"}}
    trial = scored(one_trial(), WHOLE, **ALONE)
    for left, said in ((None, "out every face that is a"), (1183, "out the 1,183 faces that are")):
        kept = dataclasses.replace(trial.result, train_copies_left_out=left)
        data = report(dataclasses.replace(trial, result=kept), **study)
        assert any(f"Training leaves {said} duplicate" in s for s in data.summary)


def test_where_every_face_has_a_copy_nothing_is_claimed(one_trial: OneTrial) -> None:
    data = report(scored(one_trial(), 0))
    assert any("no score without them is known" in sentence for sentence in data.summary)


def test_a_study_of_before_copies_were_looked_for_says_nothing_of_them(
    one_trial: OneTrial,
) -> None:
    data = report(one_trial())
    assert not any("duplicate" in sentence for sentence in data.summary)
    assert copies_rows(data) == []


def test_trials_that_leave_different_faces_out_are_not_compared_silently(
    one_trial: OneTrial,
) -> None:
    one, two = scored(one_trial(), 3041, **ALONE), scored(one_trial(number=1), 3000, "sha256:b")
    assert any("found 2 different ways" in s for s in report(one, two).caveats)
    assert not any("different ways" in s for s in report(one, one).caveats)
