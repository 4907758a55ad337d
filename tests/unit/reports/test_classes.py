"""Precision, recall and F1 of each class of the best trial, as the page tells them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from hpo.evidence.intervals import wilson
from hpo.reports.classes import class_caption, class_rows, precision_words
from hpo.reports.compute import compute
from hpo.reports.data import ReportData
from hpo.reports.draw.confusion import section
from hpo.reports.page import page
from hpo.spec.records import TrialRecord
from tests.unit.reports.test_confirmation import confirmed_facts

OneTrial = Callable[..., TrialRecord]
# Of 50 happy faces 30 are found and 10 are called neutral; nothing is ever called disgust.
MATRIX = [[0] * 7 for _ in range(7)]
MATRIX[3][3], MATRIX[3][4], MATRIX[3][0] = 30, 10, 10
MATRIX[4][4], MATRIX[4][3] = 20, 20
MATRIX[1][4] = 5


@pytest.fixture
def data(one_trial: OneTrial, spec: dict[str, Any]) -> ReportData:
    trial = one_trial()
    assert trial.result is not None
    result = dataclasses.replace(trial.result, confusion=MATRIX)
    spec["architectures"] = {"cnn": {"architecture": "cnn"}}
    return compute([dataclasses.replace(trial, result=result)], spec, n_bootstrap=0)


def test_each_class_has_precision_recall_f1_and_support(data: ReportData) -> None:
    rows = {row["label"]: row for row in class_rows(data)}
    assert list(rows) == data.classes
    found = wilson(30 / 50, 50)
    assert rows["happy"] == {
        "label": "happy",
        "faces": "50",
        "given": "50",
        "precision": f"60.0 [{100 * found.low:.1f}, {100 * found.high:.1f}]",
        "recall": f"60.0 [{100 * found.low:.1f}, {100 * found.high:.1f}]",
        "f1": "60.0",
        "remark": "",
    }
    assert rows["neutral"]["precision"].startswith("57.1 [")
    assert rows["neutral"]["recall"].startswith("50.0 [")
    assert rows["neutral"]["f1"] == "53.3"


def test_a_class_that_is_never_predicted_has_no_precision_rather_than_none_right(
    data: ReportData,
) -> None:
    rows = {row["label"]: row for row in class_rows(data)}
    assert (rows["disgust"]["precision"], rows["disgust"]["f1"]) == ("–", "0.0")
    assert rows["disgust"]["remark"] == (
        "never predicted, so its precision is undefined; none of its faces was found"
    )
    # No such face, but ten answers: each of them is wrong.
    assert (rows["angry"]["precision"], rows["angry"]["recall"]) == ("0.0 [0.0, 27.8]", "–")
    assert rows["angry"]["remark"] == "no face of it, so its recall is undefined"
    assert rows["sad"]["remark"].startswith("no face of it and never predicted")
    assert (rows["sad"]["precision"], rows["sad"]["f1"]) == ("–", "–")


def test_the_page_and_the_matrix_in_words_tell_precision(data: ReportData) -> None:
    text = page(data)
    assert "Precision, recall and F1 of each emotion" in text
    assert "95 % Wilson intervals" in class_caption(data)
    assert "best trial, cnn #0" in class_caption(data)
    (picture,) = section(data).pictures
    assert "neutral 57 % of 35" in picture.words
    assert "disgust, fear, sad and surprise were never given" in picture.words
    assert precision_words(["a", "b"], [[1, 1], [0, 0]]).endswith("a 100 % of 1, b 0 % of 1.")


def test_a_confirmed_winner_has_a_figure_over_its_seeds_in_place_of_the_table(
    data: ReportData,
) -> None:
    confirmed = dataclasses.replace(data, confirmation={"facts": confirmed_facts()})
    assert class_rows(confirmed) == []
    going = {"facts": confirmed_facts() | {"over": False}}
    assert class_rows(dataclasses.replace(data, confirmation=going))


def test_without_a_matrix_there_is_no_table(data: ReportData) -> None:
    bare = dataclasses.replace(data, confusion={})
    assert class_rows(bare) == []
    assert "Precision, recall and F1 of each emotion" not in page(bare)
