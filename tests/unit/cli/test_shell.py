"""What commands share: JSON that is JSON, tables that are not cut."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hpo.cli.shell import print_json, print_table, say


def test_json_keeps_order_and_letters(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"b": "é", "a": [1, None, True], "path": Path("x"), "n": np.float32(0.5)})
    out = capsys.readouterr().out
    assert "é" in out
    assert json.loads(out) == {"b": "é", "a": [1, None, True], "path": "x", "n": 0.5}
    assert list(json.loads(out)) == ["b", "a", "path", "n"]


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
