"""Precision, recall and F1 of each class of the best trial, as the page tells them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from hpo.evidence.classes import class_figures
from hpo.evidence.intervals import wilson
from hpo.reports.classes import class_tables, precision_words
from hpo.reports.compute import compute
from hpo.reports.data import ReportData
from hpo.reports.draw.confusion import section
from hpo.reports.page import page
from hpo.spec.records import TrialRecord
from tests.unit.reports.test_confirmation import CLASSES, OPENING, confirmed_facts, interval

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
    rows = {row["label"]: row for row in class_tables(data)[0].rows}
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
    rows = {row["label"]: row for row in class_tables(data)[0].rows}
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
    (table,) = class_tables(data)
    assert "95 % Wilson intervals" in table.caption
    assert "best trial, cnn #0" in table.caption
    assert f'aria-label="{table.name}"' in text
    (picture,) = section(data).pictures
    assert "neutral 57 % of 35" in picture.words
    assert "disgust, fear, sad and surprise were never given" in picture.words
    assert precision_words(["a", "b"], [[1, 1], [0, 0]]).endswith("a 100 % of 1, b 0 % of 1.")


def figures(runs: int = 3) -> list[dict[str, Any]]:
    """What a confirmation says of each class, with an interval of all that it can have one of."""
    made = class_figures(summed(runs), seed=0, runs=runs)
    for known in made:
        for name in ("precision", "recall", "f1"):
            if known[name] is not None:
                known["intervals"][name] = interval(known[name], 0.1, 50)
    return made


def summed(runs: int = 3) -> list[list[int]]:
    return [[runs * cell for cell in row] for row in MATRIX]


def confirmed(data: ReportData, **more: Any) -> ReportData:
    facts = confirmed_facts()
    facts["candidates"][0] |= {"confusion": summed(), "per_class": figures(), **more}
    return dataclasses.replace(data, confirmation={"facts": facts})


def test_a_confirmed_winner_has_the_same_table_over_its_runs(data: ReportData) -> None:
    (table,) = class_tables(confirmed(data))
    rows = {row["label"]: row for row in table.rows}
    assert rows["happy"] == {
        "label": "happy",
        "faces": "50",
        "given": "150",
        "precision": "60.0 [50.0, 70.0]",
        "recall": "60.0 [50.0, 70.0]",
        "f1": "60.0 [50.0, 70.0]",
        "remark": "",
    }
    assert rows["disgust"]["precision"] == "–"
    assert table.caption.startswith(
        "Precision, recall and F1 of each emotion, of cnn #4, the winner, over 3 seeds, all "
        "answers counted together, on 95 validation faces, with 95 % bootstrap intervals, seeds "
        "and faces resampled"
    )
    assert table.architecture == "cnn"
    going = {"facts": confirmed(data).confirmation["facts"] | {"over": False}}
    (search,) = class_tables(dataclasses.replace(data, confirmation=going))
    assert "the best trial, cnn #0" in search.caption


def test_a_report_of_before_there_were_intervals_has_none_in_its_table(data: ReportData) -> None:
    bare = [{k: v for k, v in c.items() if k in CLASSES[0]} for c in figures()]
    (table,) = class_tables(confirmed(data, per_class=bare))
    assert {row["label"]: row["recall"] for row in table.rows}["happy"] == "60.0"
    assert "interval" not in table.caption


def test_each_table_is_told_again_without_copies(data: ReportData) -> None:
    fewer = [[cell // 5 for cell in row] for row in MATRIX]
    known = {"cnn": data.confusion["cnn"] | {"without_copies": fewer}}
    whole, alone = class_tables(dataclasses.replace(data, confusion=known))
    assert {row["label"]: row["faces"] for row in alone.rows}["happy"] == "10"
    assert {row["label"]: row["recall"] for row in alone.rows}["happy"].startswith("60.0 [")
    assert alone.caption == (
        "The same without copies: on the 19 of the 95 validation faces that have no exact, "
        "mirrored or near duplicate in the training split. Always answering the most frequent of "
        "them would score 52.6 %."
    )
    assert alone.name == f"{whole.name}, without copies"
    thrice = {
        "images": 19,
        "confusion": [[3 * cell for cell in row] for row in fewer],
        "per_class": figures(),
    }
    _, alone = class_tables(confirmed(data, without_copies=thrice))
    assert "on the 19 of the 95 validation faces" in alone.caption


def test_where_copies_are_known_and_figures_without_them_are_not_it_is_said(
    data: ReportData,
) -> None:
    rows = [data.trials[0] | {"validation_size": 95, "validation_size_without_copies": 90}]
    (table,) = class_tables(dataclasses.replace(data, trials=rows))
    assert "5 of these faces have a copy in training" in table.caption
    clean = [rows[0] | {"validation_size_without_copies": 95}]
    (table,) = class_tables(dataclasses.replace(data, trials=clean))
    assert "copy in training" not in table.caption


def test_what_the_test_split_said_of_each_class_has_its_table(data: ReportData) -> None:
    fewer = [[3 * (cell // 5) for cell in row] for row in MATRIX]
    opening = OPENING | {"confusion": summed(), "per_class": figures()}
    opening |= {"without_copies": {"images": 19, "confusion": fewer, "per_class": figures()}}
    found = confirmed(data)
    told = {**found.confirmation, "openings": [opening]}
    _, test, alone = class_tables(dataclasses.replace(found, confirmation=told))
    assert "of cnn #4, over 3 seeds, all answers counted together, on 95 test faces" in test.caption
    assert "on the 19 of the 95 test faces" in alone.caption
    # An opening of before matrices were kept, or that was cut off.
    told["openings"] = [OPENING, opening | {"finished": ""}]
    assert len(class_tables(dataclasses.replace(found, confirmation=told))) == 1


def test_a_filter_by_architecture_hides_the_tables_of_the_others(data: ReportData) -> None:
    found = confirmed(data)
    told = {**found.confirmation, "sentences": ["cnn #4 is the winner."]}
    text = page(dataclasses.replace(found, confirmation=told))
    start = text.index('<details class="fold" open data-a="cnn">')
    assert "caption-emotions-1" in text[start : text.index("<table", start)]
    assert 'querySelectorAll("[data-a]")' in text


def test_the_winners_matrix_is_summed_over_its_runs(data: ReportData) -> None:
    (picture,) = section(confirmed(data)).pictures
    drawn = picture.figure
    assert drawn.layout.title.text == (
        "cnn #4 (winner): row shares [%], sum over 3 seeds, n = 3 × 95 validation faces"
    )
    assert drawn.data[0].z[3][3] == 60
    assert drawn.data[0].customdata[3][3] == 90
    assert drawn.data[0].y[3] == "happy (50)"
    assert "happy 60 % of 150" in picture.words
    facts = confirmed(data).confirmation["facts"]
    facts["crowned"] = False
    taken = dataclasses.replace(data, confirmation={"facts": facts})
    assert "(taken by the confirmation)" in section(taken).pictures[0].figure.layout.title.text


def test_without_a_matrix_there_is_no_table(data: ReportData) -> None:
    bare = dataclasses.replace(data, confusion={})
    assert class_tables(bare) == []
    assert "Precision, recall and F1 of each emotion" not in page(bare)
