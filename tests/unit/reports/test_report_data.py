"""``study.json``: round trip, and what unreadable files get."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpo.reports.compute import compute
from hpo.reports.data import FORMAT, dump_data, load_data, write_atomically
from hpo.spec.errors import DataError, NotFoundError
from hpo.spec.records import TrialRecord


def test_the_data_reads_back_equal(
    records: Callable[..., list[TrialRecord]], spec: dict[str, Any], tmp_path: Path
) -> None:
    data = compute(records(trials=4), spec, n_bootstrap=0)
    path = dump_data(data, tmp_path / "new" / "study.json")
    assert load_data(path) == data
    # One trial per line, so that a change of one trial is a change of one line.
    lines = path.read_text(encoding="utf-8").splitlines()
    begun = '    {"architecture": "cnn", "number"'
    assert sum(line.startswith(begun) for line in lines) == 4


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nothing\.json"):
        load_data(tmp_path / "nothing.json")


@pytest.mark.parametrize("text", ["{", "[]", '{"study": {}}', "\ufeff{}"])
def test_what_is_no_report_data_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "study.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"study\.json"):
        load_data(path)


def test_a_file_that_is_no_json_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "faces.yaml"
    path.write_text("name: faces\n", encoding="utf-8")
    with pytest.raises(DataError, match="is no JSON") as caught:
        load_data(path)
    assert "char 0" not in str(caught.value)


def test_data_of_a_newer_layout_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    base = {"study": {}, "objective": {}, "classes": [], "trials": []}
    path.write_text(json.dumps({**base, "format": FORMAT + 1}), encoding="utf-8")
    with pytest.raises(DataError, match="another layout"):
        load_data(path)


def test_a_failed_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, "old")

    def full(self: Path, target: Path) -> Path:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="disk full"):
            write_atomically(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_written_file_can_be_read_by_others(tmp_path: Path) -> None:
    path = write_atomically(tmp_path / "a.txt", "x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
