"""The page as a browser lays it out; skipped where there is none."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from hpo.reports.compute import compute
from hpo.reports.data import ReportData
from hpo.reports.page import write_report
from tests.browsing import Hands, in_a_browser, needs_a_browser
from tests.unit.reports.conftest import study_records, study_spec, trial

Measure = Callable[..., Any]
HEIGHT = 12000
"""Pixels of a window in which most figures are near enough to be drawn."""


@pytest.fixture
def measure(tmp_path: Path) -> Measure:
    """Return what a script, the body of a function, returns of a page."""
    needs_a_browser()

    def measured(data: ReportData, script: str, width: int = 1400, hash: str = "") -> Any:
        page = write_report(data, tmp_path)

        def asked(hands: Hands) -> Awaitable[Any]:
            return hands.ask(f"(function () {{ {script} }})()")

        return in_a_browser(page, asked, width=width, height=HEIGHT, hash=hash)

    return measured


ROWS = """
var box = document.querySelector("#trials .tall"), top = box.getBoundingClientRect().top;
var bottoms = Array.from(box.querySelectorAll("tbody tr")).map(function (row) {
  return row.getBoundingClientRect().bottom - top;
});
return [box.clientHeight, bottoms];
"""


@pytest.mark.parametrize(("trials", "width", "whole"), [(3, 1400, True), (20, 1400, False)])
def test_the_box_of_trials_cuts_no_row_through(
    measure: Measure, trials: int, width: int, whole: bool
) -> None:
    data = compute(study_records(trials=trials), study_spec(), n_bootstrap=0)
    height, bottoms = measure(data, ROWS, width)
    assert min(abs(height - bottom) for bottom in bottoms) <= 1
    assert (height >= bottoms[-1] - 1) == whole


TIMES = """
var region = document.querySelector("#table .scroll"), table = region.querySelector("table");
var times = Array.from(table.querySelectorAll("td[data-label^='time of']")).map(function (cell) {
  var range = document.createRange();
  range.selectNodeContents(cell);
  return range.getClientRects().length;
});
return [times, table.offsetWidth - region.clientWidth];
"""


@pytest.mark.parametrize("width", [1175, 1400])
def test_a_time_stands_on_one_line_in_a_table_that_fits_the_page(
    measure: Measure, width: int
) -> None:
    # Of all trials 116 min 40 s, as long as times become.
    trials = [dataclasses.replace(r, seconds=3500.0) for r in study_records(trials=2)]
    lines, beyond = measure(compute(trials, study_spec(), n_bootstrap=0), TIMES, width)
    assert set(lines) == {1}
    assert beyond <= 0


PANELS = """
var plot = document.querySelector("#slices .plot");
function boxes(selector) {
  return Array.from(plot.querySelectorAll(selector)).map(function (element) {
    var box = element.getBoundingClientRect();
    return [box.left, box.top, box.right, box.bottom];
  });
}
// Plotly's own: the words under each panel, and the panels.
return [boxes("[class^='x'][class$='tick'] text, .infolayer [class^='x'][class$='title']"),
        boxes(".nsewdrag")];
"""


@pytest.mark.parametrize("width", [400, 950])
def test_no_word_under_a_panel_reaches_another_panel(measure: Measure, width: int) -> None:
    choices = ["relu", "elu", "gelu", "silu", "tanh", "leaky_relu"]
    names = [f"activation{k}" for k in range(5)]
    space = {name: {"type": "categorical", "choices": choices} for name in names}
    trials = []
    for k in range(4):
        params = {name: choices[(k + place) % 6] for place, name in enumerate(names)}
        trials.append(
            dataclasses.replace(
                trial("cnn", k, random.Random(k)), params=params, searched=params, space=space
            )
        )
    words, panels = measure(compute(trials, {"name": "demo"}, n_bootstrap=0), PANELS, width)
    assert len(panels) == 5
    assert len(words) == 5 * 7
    met = [
        (word, panel)
        for word in words
        for panel in panels
        if min(word[2], panel[2]) > max(word[0], panel[0])
        and min(word[3], panel[3]) > max(word[1], panel[1])
    ]
    assert met == []
    # Nor a word that stands under another panel.
    assert all(
        any(panel[0] - 12 <= word[0] and word[2] <= panel[2] + 12 for panel in panels)
        for word in words
    )


LEFT = """
var rows = Array.from(document.querySelectorAll("#trial-table tbody tr"));
var plot = document.querySelector("#history .plot");
return {
  rows: rows.filter(function (row) { return !row.hidden; }).map(function (row) {
    return [row.dataset.a, row.dataset.s, row.querySelector("[data-label='loss']").dataset.v];
  }),
  traces: plot.data.filter(function (trace) { return trace.visible !== false; }).map(
    function (trace) { return trace.meta; }),
  tabs: Array.from(document.querySelectorAll("#slices [role=tab]:not([hidden])")).map(
    function (tab) { return tab.textContent; }),
  link: document.querySelector("nav a").hash
};
"""


def test_the_address_says_what_is_shown_in_table_and_figures(measure: Measure) -> None:
    asked = "&architecture=xception&state=complete&sort=loss,ascending"
    data = compute(study_records(trials=14), study_spec(), n_bootstrap=0)
    left = measure(data, LEFT, 1400, "#trials" + asked)
    losses = [float(loss) for _, _, loss in left["rows"]]
    assert {row[:2] == ["xception", "complete"] for row in map(list, left["rows"])} == {True}
    assert len(losses) == sum(t["state"] == "complete" for t in data.trials_of("xception"))
    assert losses == sorted(losses)
    assert {"architecture": "xception", "state": "complete"} in left["traces"]
    # The line of always answering one emotion is nobody's.
    assert all(meta["architecture"] == "xception" for meta in left["traces"] if meta)
    assert left["tabs"] == ["xception"]
    assert left["link"] == "#summary" + asked


TOUCHING = """
var met = [], named = [];
function words(plot) {
  return Array.from(plot.querySelectorAll("svg text")).map(function (text) {
    var box = text.getBoundingClientRect();
    return [text.textContent.trim(), box.left, box.top, box.right, box.bottom];
  }).filter(function (word) { return word[0] && word[3] > word[1]; });
}
document.querySelectorAll("section.drawn .panel").forEach(function (panel) {
  var tab = document.getElementById(panel.id + "-tab"), plot = panel.querySelector(".plot");
  if (tab) { tab.click(); }
  var all = words(plot), box = plot.getBoundingClientRect();
  if (all.length) { named.push(panel.id); }
  all.forEach(function (a, k) {
    if (a[1] < box.left - 1 || a[3] > box.right + 1) { met.push([panel.id, a[0], "cut"]); }
    all.slice(k + 1).forEach(function (b) {
      // Boxes are a few pixels higher than their letters.
      if (Math.min(a[3], b[3]) > Math.max(a[1], b[1]) - 1
          && Math.min(a[4], b[4]) > Math.max(a[2], b[2]) + 3) { met.push([panel.id, a[0], b[0]]); }
    });
  });
});
return [named, met];
"""


@pytest.mark.parametrize("width", [400, 1000])
def test_no_word_of_a_figure_touches_another_or_is_cut(measure: Measure, width: int) -> None:
    labels = ("cnn", "resnet50", "xception")
    records = study_records(labels, trials=40)
    data = compute(records, study_spec(labels), n_bootstrap=2)
    # What depends on its value alone is named like chance on three lines of a phone.
    for table in data.importance["cnn"].values():
        for row in table["parameters"]:
            row["distinct"] = False
    named, met = measure(data, TOUCHING, width)
    assert {"slices-0", "contours-0", "cost-0", "gain-0", "importance-0"} <= set(named)
    assert met == []
