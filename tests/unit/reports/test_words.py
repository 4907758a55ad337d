"""Figures in words: axes, values one by one where they are few, ranges where they are many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hpo.reports.compute import compute
from hpo.reports.draw.importance import section as importance
from hpo.reports.page import page
from hpo.reports.words import in_words, plain
from hpo.spec.records import TrialRecord

AXES = {"xaxis": {"title": {"text": "epoch"}}, "yaxis": {"title": {"text": "accuracy [%]"}}}


def words(*traces: dict[str, Any], **layout: Any) -> str:
    return in_words({"data": list(traces), "layout": {**AXES, **layout}})


def test_few_values_are_told_one_by_one() -> None:
    assert words({"name": "cnn", "x": [1, 2], "y": [40.0, 51.25]}) == (
        "Across: epoch. Up: accuracy [%]. cnn: 40 % at 1, 51.25 % at 2."
    )


def test_many_values_are_told_by_their_range() -> None:
    said = words({"name": "cnn", "x": list(range(30)), "y": [*range(29), None]})
    assert said.endswith("cnn: 29 points, accuracy [%] 0 to 28.")


@pytest.mark.parametrize(
    ("trace", "layout"),
    [
        ({"x": [64.5, 48.0], "y": ["cnn", "resnet50"]}, {}),
        (
            {"x": [64.5, 48.0], "y": [0.1, 1]},
            {"yaxis": {"tickvals": [0, 1], "ticktext": ["cnn", "resnet50"]}},
        ),
    ],
)
def test_rows_with_names_are_told_by_name(trace: dict[str, Any], layout: dict[str, Any]) -> None:
    assert words(trace, **layout).endswith("cnn 64.5, resnet50 48.")


def test_values_are_told_with_the_ends_of_their_bars() -> None:
    bars = {"array": [2.0, None], "arrayminus": [1.5, None]}
    rows = {"yaxis": {"tickvals": [0, 1], "ticktext": ["cnn", "resnet50"]}}
    across = {"x": [64.5, 48.0], "y": [0, 1], "error_x": bars}
    assert words(across, **rows).endswith("cnn 64.5 [63, 66.5], resnet50 48.")
    up = {"x": [1, 2], "y": [40.0, 51.25], "error_y": bars}
    assert words(up).endswith("40 % [38.5, 42] at 1, 51.25 % at 2.")


def test_what_has_no_values_and_what_only_joins_others_is_passed_over() -> None:
    skipped = {"x": [1], "y": [1.0], "hoverinfo": "skip"}
    assert words({"x": [], "y": []}, {"x": {"bdata": "AAA="}, "y": [1]}, skipped) == (
        "Across: epoch. Up: accuracy [%]."
    )


def test_markup_of_labels_is_no_part_of_the_words() -> None:
    assert plain("momentum<br><i>active in 3</i> &lt;b&gt;") == "momentum active in 3 <b>"


def test_every_figure_of_a_page_is_told_in_words(
    records: Callable[..., list[TrialRecord]], spec: dict[str, Any]
) -> None:
    text = page(compute(records(trials=12), spec, n_bootstrap=0))
    assert text.count('class="words"') == text.count('role="img"') > 10


def test_each_importance_is_told_with_its_interval(
    records: Callable[..., list[TrialRecord]], spec: dict[str, Any]
) -> None:
    data = compute(records(("cnn",), trials=30, failed_share=0), spec)
    (picture, *_) = importance(data).pictures
    assert picture.words.startswith("Values: share from 0 to 1, with its 90 % interval. fANOVA: ")
    for name, table in data.importance["cnn"].items():
        for row in table["parameters"]:
            told = f"{row['name']} {row['value']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
            assert told in picture.words, name
    assert "(active in" in picture.words
    silent = dict(data.importance["cnn"]["fanova"]["parameters"][0], distinct=False)
    data.importance["cnn"]["fanova"]["parameters"][0] = silent
    said = importance(data).pictures[0].words
    assert "], not distinguishable from no effect;" in said
