"""The page of good, poor and hostile studies; Plotly draws, no browser opens."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from hpo.reports.compute import compute
from hpo.reports.data import ReportData, load_data
from hpo.reports.draw.section import section_names, sections
from hpo.reports.layout import file_name, script_json
from hpo.reports.page import page, write_report
from hpo.spec.errors import EnvironmentProblem
from hpo.spec.records import TrialRecord

Records = Callable[..., list[TrialRecord]]
OneTrial = Callable[..., TrialRecord]
HOSTILE = "<script>alert(1)</script>"


class Elements(HTMLParser):
    """Collects the elements of a page and the text of its scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside == "script" and data.strip():
            self.scripts.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


def parse(text: str) -> Elements:
    elements = Elements()
    elements.feed(text)
    return elements


def small(records: Records, spec: dict[str, Any], **options: Any) -> ReportData:
    return compute(records(**{"trials": 12, **options}), spec, n_bootstrap=0)


def test_the_folder_has_page_data_and_script_and_asks_the_network_for_nothing(
    records: Records, spec: dict[str, Any], tmp_path: Path
) -> None:
    data = small(records, spec)
    path = write_report(data, tmp_path / "demo")
    assert {p.name for p in path.parent.iterdir()} == {
        *("index.html", "plotly.min.js", "study.json", "model-card.md")
    }
    assert load_data(path.parent / "study.json") == data
    loaded = [
        attrs.get("src") or attrs.get("href")
        for tag, attrs in parse(path.read_text(encoding="utf-8")).tags
        if tag in ("script", "link", "img", "iframe")
    ]
    assert [address for address in loaded if address] == ["plotly.min.js"]


def test_writing_again_from_the_data_gives_the_same_page(
    records: Records, spec: dict[str, Any], tmp_path: Path
) -> None:
    first = write_report(small(records, spec), tmp_path / "one")
    again = write_report(load_data(first.parent / "study.json"), tmp_path / "two")
    assert first.read_bytes() == again.read_bytes()


def test_every_section_is_drawn_with_title_axes_and_what_to_look_for(
    records: Records, spec: dict[str, Any]
) -> None:
    drawn = sections(small(records, spec, trials=16))
    # A study of one objective has no front.
    assert list(drawn) == [name for name in section_names() if name != "pareto"]
    for name, section in drawn.items():
        assert section.look_for.endswith((".", "?")), name
        if name == "confirmation":
            assert section.empty  # This study has none; test_confirmation draws one.
            continue
        assert section.pictures, name
        for picture in section.pictures:
            layout = picture.figure.to_plotly_json()["layout"]
            assert layout["title"]["text"], name
            across = picture.figure.layout.xaxis
            assert across.title.text or across.ticktext, name


def test_figures_are_json_and_their_ids_are_unique(records: Records, spec: dict[str, Any]) -> None:
    elements = parse(page(small(records, spec)))
    ids = [attrs["id"] for _, attrs in elements.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    figures = [json.loads(s) for s in elements.scripts if s.startswith("{")]
    assert sum("data" in figure for figure in figures) > 10


def hostile_study(one_trial: OneTrial) -> list[TrialRecord]:
    trials = []
    for number in range(14):
        trial = one_trial(architecture=HOSTILE, number=number, state="complete")
        params = {**trial.searched, HOSTILE: HOSTILE if number % 2 else "</script><img src=x>"}
        assert trial.result is not None
        result = dataclasses.replace(trial.result, reason=HOSTILE, weights_used=HOSTILE)
        trials.append(
            dataclasses.replace(
                trial, params=params, searched=params, result=result, mlflow_run_id=HOSTILE
            )
        )
    return trials


def test_names_with_markup_stay_text(one_trial: OneTrial) -> None:
    spec = {"name": HOSTILE, "description": HOSTILE, "seed": 1, "sampler": {"name": HOSTILE}}
    text = page(compute(hostile_study(one_trial), spec, classes=[HOSTILE] * 7, n_bootstrap=0))
    assert "<script>alert" not in text
    assert "<img" not in text
    elements = parse(text)
    # Theme, what figures share, Plotly, folds, figures, table, filters, and one per figure.
    figures = sum("data-figure" in attrs for _, attrs in elements.tags)
    assert sum(tag == "script" for tag, _ in elements.tags) == 7 + figures


def test_names_with_markup_are_escaped_inside_figures(one_trial: OneTrial) -> None:
    data = compute(hostile_study(one_trial), {"name": "x"}, classes=[HOSTILE] * 7, n_bootstrap=0)
    for section in sections(data).values():
        for picture in section.pictures:
            assert "<script>" not in json.dumps(json.loads(picture.figure.to_json()))


def test_script_json_has_no_character_that_ends_a_script() -> None:
    value = {"a": "</script><!-- & \u2028 \u2029"}
    text = script_json(value)
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == value


CATEGORICAL = {"kind": {"type": "categorical", "choices": ["a", "b", None, True]}}


@pytest.mark.parametrize(
    "case",
    ["empty", "one", "failed", "pruned", "categorical", "no confusion", "no epochs", "no space"],
)
def test_poor_studies_still_give_a_page(one_trial: OneTrial, case: str) -> None:
    complete = one_trial()
    assert complete.result is not None
    bare = dataclasses.replace(complete.result, confusion=[], validation_size=0)
    choices = CATEGORICAL["kind"]["choices"]
    trials = {
        "empty": [],
        "one": [complete],
        "failed": [one_trial(number=k, state="failed") for k in range(3)],
        "pruned": [one_trial(number=k, state="pruned") for k in range(3)],
        "categorical": [
            dataclasses.replace(
                one_trial(number=k),
                params={"kind": choices[k % 4], "list": [k % 2]},
                searched={"kind": choices[k % 4], "list": [k % 2]},
                space=CATEGORICAL,
            )
            for k in range(13)
        ],
        "no confusion": [dataclasses.replace(complete, result=bare)],
        "no epochs": [dataclasses.replace(complete, epochs=[])],
        "no space": [dataclasses.replace(one_trial(number=k), space={}) for k in range(13)],
    }[case]
    text = page(compute(trials, {"name": "poor"}, n_bootstrap=0))
    assert "What to look for" in text
    assert "In short" in text


class Cells(Elements):
    """Collects the text of every cell with its heading, row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, str]] = []
        self._heading = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        if tag == "tr":
            self.rows.append({})
        if tag in ("td", "tr"):
            self._heading = dict(attrs).get("data-label") or ""

    def handle_data(self, data: str) -> None:
        super().handle_data(data)
        if self._heading and data.strip():
            self.rows[-1][self._heading] = data.strip()

    def handle_endtag(self, tag: str) -> None:
        super().handle_endtag(tag)
        if tag == "td":
            self._heading = ""


def rows_with(text: str, heading: str) -> list[dict[str, str]]:
    cells = Cells()
    cells.feed(text)
    return [row for row in cells.rows if heading in row]


def test_every_cell_carries_its_heading_so_that_a_narrow_page_can_stack_rows(
    records: Records, spec: dict[str, Any]
) -> None:
    text = page(small(records, spec))
    for attrs in [attrs for tag, attrs in parse(text).tags if tag == "td"]:
        assert attrs.get("data-label") or attrs.get("colspan")
    assert len(rows_with(text, "searched parameters")) == 36


def test_the_time_of_the_best_trial_stands_apart_from_that_of_all(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    spec["architectures"] = {"cnn": {"architecture": "cnn"}}
    trials = [dataclasses.replace(one_trial(number=k), seconds=60.0) for k in range(3)]
    (row,) = rows_with(page(compute(trials, spec, n_bootstrap=0)), "time of the best")
    assert row["time of the best"] == "1\u00a0min 00\u00a0s"
    assert row["time of all trials"] == "3\u00a0min 00\u00a0s"


def test_an_objective_that_is_the_accuracy_has_no_column_of_its_own(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    def columns(metric: str) -> set[str]:
        spec["objective"] = {"metric": metric}
        text = page(compute([one_trial()], spec, n_bootstrap=0))
        return set(rows_with(text, "searched parameters")[0])

    assert "objective" not in columns("val_accuracy")
    assert "objective" in columns("val_macro_f1")


def test_the_tables_say_which_architecture_was_not_shown_to_beat_chance(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    good, poor = one_trial(), one_trial("xception")
    assert poor.result is not None
    low = dataclasses.replace(poor.result, metrics={"val_accuracy": 0.25, "val_loss": 1.8})
    text = page(
        compute([good, dataclasses.replace(poor, value=0.25, result=low)], spec, n_bootstrap=0)
    )
    assert "xception: not shown to beat chance: the interval contains" in text
    assert "cnn: not shown" not in text
    # The thesis has two runs of each; those beside a result at chance say so.
    remarks = re.findall(r'<tr class="remark"[^>]*>.*?</tr>', text)
    assert sum("ours: not shown to beat chance" in remark for remark in remarks) == 2


def test_figures_that_do_not_fit_a_phone_bring_a_second_arrangement(
    records: Records, spec: dict[str, Any]
) -> None:
    for section in sections(small(records, spec, trials=16)).values():
        for picture in section.pictures:
            assert picture.least_width <= 320 or picture.narrow is not None


def test_an_unwritable_place_is_told_in_a_paragraph(
    records: Records, spec: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(EnvironmentProblem, match="cannot be written"):
        write_report(small(records, spec, trials=1), tmp_path / "file" / "demo")


def test_labels_become_plain_file_names() -> None:
    assert file_name("slices", "cnn") == "slices-cnn"
    assert file_name("results", "") == "results"
    assert file_name("slices", "../../etc/x y") == "slices-etc-x-y"


def test_what_is_long_is_folded_by_a_script_alone(records: Records, spec: dict[str, Any]) -> None:
    # Without one, on paper and on a wide page all of it is open.
    text = page(compute(records(("cnn",), trials=12), spec, n_bootstrap=0))
    folds = re.findall(r'<details class="fold"([^>]*)><summary>(.*?)</summary>', text)
    assert folds
    assert all(" open" in attributes for attributes, _ in folds)
    assert {"Settings", "More on this figure"} <= {title for _, title in folds}
    assert text.count("<details") == text.count("</details>")
    assert text.index("details.fold") < text.index("window.hpoPage = ")


def test_the_entries_of_a_legend_are_within_reach_of_the_keyboard(
    records: Records, spec: dict[str, Any]
) -> None:
    text = page(compute(records(("cnn",), trials=12), spec, n_bootstrap=0))
    # Hidden until a figure with several entries is drawn, which the script fills in.
    assert text.count('<details class="words entries" hidden>') == text.count('class="plot"')
    assert 'Plotly.restyle(plot, { visible: tick.checked ? true : "legendonly" }' in text


def test_on_paper_notes_may_turn_the_page_and_headings_stay_with_their_pictures(
    records: Records, spec: dict[str, Any]
) -> None:
    printed = page(small(records, spec)).partition("@media print {")[2].partition("</style>")[0]
    rules = re.findall(r"([^{}]+) \{ break-(inside|before|after): avoid; \}", printed)
    kept = {which: re.sub(r"/\*.*?\*/", "", who).strip() for who, which in rules}
    assert not any(".note" in who for who in kept.values())
    assert ".plot" in kept["inside"]
    assert {"h2", "figcaption", ".look"} <= set(kept["after"].split(", "))


def test_commands_in_sentences_are_code_and_long_keys_may_fold() -> None:
    from hpo.reports.layout import coded, foldable

    assert str(coded("`hpo confirm a<b` goes on")) == "<code>hpo confirm a&lt;b</code> goes on"
    assert str(foldable("cnn.one_minus<")) == "cnn.<wbr>one_<wbr>minus&lt;"
