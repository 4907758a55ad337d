"""What an error advises acts on the workspace that was named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hpo.cli.advice import placed


def test_advised_commands_take_the_workspace_of_the_call() -> None:
    text = "it is there already. Remove it by `hpo delete mine`, or see `hpo data list`."
    assert placed(text, ["run", "mine.yaml"]) == text
    assert placed(text, ["--home", "/a b", "run", "mine.yaml"]) == (
        "it is there already. Remove it by `hpo delete mine --home '/a b'`, or see "
        "`hpo data list --home '/a b'`."
    )
    assert placed(text, ["run", "--home=x", "mine.yaml", "--storage", "sqlite:///s.db"]) == (
        "it is there already. Remove it by `hpo delete mine --home x --storage sqlite:///s.db`, or "
        "see `hpo data list --home x`."
    )


def test_advice_repeats_no_password() -> None:
    told = placed("see `hpo doctor`", ["studies", "--storage", "postgresql://me:secret@db/s"])
    assert told == "see `hpo doctor --storage ...`"


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_a_home_that_is_a_file_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    called = subprocess.run(
        [sys.executable, "-m", "hpo", "--home", str(tmp_path / "file" / below), "data", "list"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert called.returncode == 2
    assert called.stderr == (
        f"Error: --home: {tmp_path / 'file'} is a file. "
        "Expected a folder, made where it is missing.\n"
    )


def test_a_missing_dataset_is_to_be_imported_where_it_is_missing(tmp_path: Path) -> None:
    called = subprocess.run(
        [sys.executable, "-m", "hpo", "--home", str(tmp_path), "data", "show", "fer2013"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"`hpo data import fer2013 PATH --home {tmp_path}`" in called.stderr
