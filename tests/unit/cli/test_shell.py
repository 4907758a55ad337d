"""What commands share: JSON that is JSON, tables that are not cut."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hpo.cli.live import duration
from hpo.cli.shell import Call, counted, print_json, print_table, say, without_empty
from hpo.spec.workspace import Workspace


def test_json_keeps_order_and_letters(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"b": "é", "a": [1, None, True], "path": Path("x"), "n": np.float32(0.5)})
    out = capsys.readouterr().out
    assert "é" in out
    assert json.loads(out) == {"b": "é", "a": [1, None, True], "path": "x", "n": 0.5}
    assert list(json.loads(out)) == ["b", "a", "path", "n"]


def test_what_json_has_no_number_for_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"loss": float("nan"), "rows": [{"x": float("inf")}, np.float64("nan"), (1.5,)]})
    out = capsys.readouterr().out
    assert "NaN" not in out
    assert json.loads(out) == {"loss": None, "rows": [{"x": None}, None, [1.5]]}


def test_what_is_no_data_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TypeError, match="not plain data"):
        print_json({"x": object()})


def test_a_table_away_from_a_terminal_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["name", "value"], [["x" * 120, 1], ["y", None]], title="Things")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].strip() == "Things"
    assert "x" * 120 in lines[2]
    assert lines[3].rstrip().endswith("–")


def test_remarks_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    say("done")
    assert capsys.readouterr() == ("", "done\n")


def test_a_table_away_from_a_terminal_has_no_trailing_blanks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(["name", "note"], [["a", "short"], ["b", "a longer note"]])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [line.rstrip() for line in lines]


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 trials"), (1, "1 trial"), (2, "2 trials"), (1000, "1,000 trials")]
)
def test_one_is_singular(count: int, said: str) -> None:
    assert counted(count, "trial") == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (42, "42 s"),
        (185, "3 min 05 s"),
        (2 * 3600 + 420, "2 h 07 min"),
        (48 * 3600, "48 h 00 min"),
        (48 * 3600 + 1860, "2 d 1 h"),
        (5046 * 3600, "210 d 6 h"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_what_to_type_next_works_as_shown(tmp_path: Path) -> None:
    here = Call(Workspace.at(tmp_path))
    assert here.follow_up("report", "thesis") == "hpo report thesis"
    there = Call(Workspace.at(tmp_path, storage="sqlite:///a.db"), home=Path("my runs"))
    assert there.follow_up("report", "x") == (
        "hpo report x --home 'my runs' --storage sqlite:///a.db"
    )
    # No command is told of a store that it does not ask.
    assert there.follow_up("ui") == "hpo ui --home 'my runs'"


def test_what_to_type_next_shows_no_password(tmp_path: Path) -> None:
    for url in ("postgresql://ada:secret@db/hpo", "postgresql://db/hpo?password=secret"):
        shown = Call(Workspace.at(tmp_path, storage=url)).follow_up("report", "x")
        assert shown == "hpo report x --storage ..."


def test_a_column_that_is_empty_in_every_row_is_left_out() -> None:
    rows: list[list[object]] = [["a", None, ""], ["b", None, ""]]
    # A dash says that there is no value; an empty cell says nothing.
    assert without_empty(["one", "two", "three"], rows) == (
        ["one", "two"],
        [["a", None], ["b", None]],
    )
    rows[1][2] = "after 3"
    assert without_empty(["one", "two", "three"], rows)[0] == ["one", "two", "three"]
    assert without_empty(["one", "two"], []) == (["one", "two"], [])
