"""How a call begins and ends: exit codes, paragraphs, ``--home`` and ``--debug`` anywhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import hpo
from hpo.cli.app import _root_options_first
from tests.unit.cli.commands import run


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    done = run("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"hpo {hpo.__version__}\n")


def test_without_a_command_the_help_is_shown(tmp_path: Path) -> None:
    done = run(cwd=tmp_path)
    assert "Commands" in done.stdout + done.stderr
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "rnu"),
        (["run"], "STUDY|study"),
        (["run", "x.yaml", "--trails", "3"], "--trails"),
        (["run", "x.yaml", "--trials", "none"], "--trials"),
        (["data", "import", "fer2014", "x"], "fer2014"),
    ],
)
def test_wrong_words_end_with_code_2(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert any(word in done.stderr for word in said.split("|"))
    assert "Traceback" not in done.stderr


def test_bad_input_ends_with_one_paragraph_and_nothing_written(tmp_path: Path) -> None:
    done = run("run", "absent.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: absent.yaml: there is no such study file.")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_debug_adds_the_traceback_wherever_it_stands(tmp_path: Path) -> None:
    for arguments in (["--debug", "run", "absent.yaml"], ["run", "absent.yaml", "--debug"]):
        done = run(*arguments, cwd=tmp_path)
        assert done.returncode == 2
        assert "Traceback" in done.stderr
        assert done.stderr.rstrip().splitlines()[-1].startswith("Error: absent.yaml")


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        (["run", "a.yaml", "--home", "w"], ["--home", "w", "run", "a.yaml"]),
        (["run", "--home=w", "a.yaml"], ["--home=w", "run", "a.yaml"]),
        (["--debug", "run", "a.yaml"], ["--debug", "run", "a.yaml"]),
        (["run", "--", "--home", "w"], ["run", "--", "--home", "w"]),
        (["run", "--home"], ["--home", "run"]),
        ([], []),
    ],
)
def test_root_options_may_stand_anywhere(typed: list[str], understood: list[str]) -> None:
    assert _root_options_first(typed) == understood


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m hpo --help | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "Error" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["studies"],
        ["data", "list"],
        *(
            [name, "thesis"]
            for name in ("report", "trials", "confirm", "test", "promote", "doctor", "delete")
        ),
        ["compare", "thesis", "quickstart"],
    ],
)
def test_a_mistyped_home_is_told_instead_of_an_empty_list(words: list[str], tmp_path: Path) -> None:
    done = run(*words, "--home", str(tmp_path / "absent"), cwd=tmp_path)
    assert done.returncode == 2
    assert "absent: there is no such folder" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_study_kept_elsewhere_needs_no_folder_yet(tmp_path: Path) -> None:
    store = ("--storage", f"sqlite:///{tmp_path}/optuna.db")
    done = run("report", "thesis", "--home", str(tmp_path / "absent"), *store, cwd=tmp_path)
    assert done.returncode == 2
    assert "there is no study named 'thesis'" in done.stderr


def test_an_ensemble_ends_where_that_of_a_study_file_does(tmp_path: Path) -> None:
    done = run("promote", "thesis", "--ensemble", "33", cwd=tmp_path)
    assert done.returncode == 2
    assert "1 to 32" in done.stderr
    assert "33" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("rum study.yaml", "no such command 'rum'. Did you mean 'run'? 'hpo --help'"),
        ("data import faces", "no such command 'faces'. There are fer2013, songs. 'hpo data"),
        ("run", "missing argument 'study'. 'hpo run --help'"),
        ("run a.yaml --trials 0", "'--trials': Input should be greater than or equal to 1. 'hpo"),
        ("run a.yaml --trails 3", "no such option: --trails (Possible options: "),
        ("ui --port 99999", "'--port': Input should be less than or equal to 65535. 'hpo ui"),
        ("recommend --camera", "option '--camera' requires an argument. 'hpo"),
    ],
)
def test_words_that_are_no_command_get_one_line(words: str, said: str, tmp_path: Path) -> None:
    done = run(*words.split(), cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert said in line
    assert line.endswith("--help' shows what it takes.")
    assert done.stdout == ""


@pytest.mark.parametrize("words", [(), ("data",)])
def test_no_words_get_the_help(words: tuple[str, ...], tmp_path: Path) -> None:
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert "Usage" in done.stdout + done.stderr
    assert "Error" not in done.stderr
