"""A study kept elsewhere than in the workspace is found by every command that takes a study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import hpo
from hpo.search.engine import open_engine
from hpo.spec.errors import NotFoundError
from hpo.spec.workspace import Workspace
from tests.unit.cli.commands import run
from tests.unit.search.analytic import make_spec
from tests.unit.search.analytic import run as run_trials

FILE = """
name: study
storage: {storage}
tracking: {{uri: '{tracking}'}}
architectures: {{cnn: {{}}}}
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a storage that holds a study of two trials, and its study file."""
    folder = tmp_path_factory.mktemp("elsewhere")
    storage = f"sqlite:///{folder}/own.db"
    spec = make_spec(trials=2)
    run_trials(open_engine(storage, spec, "cnn"), spec)
    (folder / "own.yaml").write_text(
        FILE.format(storage=storage, tracking=f"sqlite:///{folder}/tracked.db")
    )
    return folder


def trials(*words: str, cwd: Path, **env: str) -> list[dict[str, Any]]:
    done = run("trials", *words, "--json", cwd=cwd, env=env)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def test_the_storage_may_be_named_before_or_after_the_command(
    elsewhere: Path, tmp_path: Path
) -> None:
    storage = f"sqlite:///{elsewhere}/own.db"
    assert len(trials("study", "--storage", storage, cwd=tmp_path)) == 2
    before = run("--storage", storage, "studies", "--json", cwd=tmp_path)
    assert [row["name"] for row in json.loads(before.stdout)] == ["study"]
    assert run("trials", "study", cwd=tmp_path).returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_a_storage_that_is_not_there_is_not_called_empty(tmp_path: Path) -> None:
    done = run("--storage", f"sqlite:///{tmp_path}/nope.db", "studies", cwd=tmp_path)
    assert done.returncode == 2
    assert "nope.db: there is no such database. Is --storage right?" in done.stderr


def test_a_study_file_stands_for_its_study(elsewhere: Path, tmp_path: Path) -> None:
    file = str(elsewhere / "own.yaml")
    assert len(trials(file, cwd=tmp_path)) == 2
    # The environment names another storage; the file goes before it.
    assert len(trials(file, cwd=tmp_path, HPO_STORAGE="sqlite:///absent.db")) == 2
    # What is typed goes before the file.
    typed = run("trials", file, "--storage", "sqlite:///absent.db", cwd=tmp_path)
    assert typed.returncode == 2
    assert "no study named 'study'" in typed.stderr


def test_what_is_no_url_ends_with_code_2_and_is_not_shown(tmp_path: Path) -> None:
    for words in (
        ("--storage", "postgresql:/ada:secret@db", "studies"),
        ("trials", "x", "--storage", "postgresql:/ada:secret@db"),
        ("run", "x.yaml", "--tracking", "ada:secret@db"),
    ):
        done = run(*words, cwd=tmp_path)
        assert done.returncode == 2
        assert "this is no URL" in done.stderr
        assert "secret" not in done.stdout + done.stderr


def test_a_path_that_leads_nowhere_is_no_name(tmp_path: Path) -> None:
    done = run("trials", "studies/own.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "studies/own.yaml: there is no such study file" in done.stderr


def test_a_dry_run_as_json_shows_no_password(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    secret = "postgresql://ada:secret@127.0.0.1:1/hpo"
    file.write_text(FILE.format(storage=secret, tracking="http://ada:secret@host"))
    # Another storage for the call, so that nobody waits for that server.
    words = ("run", str(file), "--dry-run", "--json", "--storage", f"sqlite:///{tmp_path}/a.db")
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert json.loads(done.stdout)["study"]["storage"] == "..."


def test_the_python_functions_take_the_file_and_the_stores_too(
    elsewhere: Path, tmp_path: Path
) -> None:
    given = hpo.Workspace.at(tmp_path, storage=f"sqlite:///{elsewhere}/own.db")
    assert len(hpo.trials("study", workspace=given)) == 2
    assert len(hpo.trials(elsewhere / "own.yaml", workspace=Workspace.at(tmp_path))) == 2
    with pytest.raises(NotFoundError):
        hpo.trials("study", workspace=Workspace.at(tmp_path))


def test_deleting_by_file_deletes_where_the_file_says(elsewhere: Path, tmp_path: Path) -> None:
    file = elsewhere / "gone.yaml"
    storage = f"sqlite:///{tmp_path}/gone.db"
    file.write_text(FILE.format(storage=storage, tracking=f"sqlite:///{tmp_path}/tracked.db"))
    spec = make_spec(trials=1)
    run_trials(open_engine(storage, spec, "cnn"), spec)
    gone = hpo.Workspace.at(tmp_path / "home")
    from hpo.study.deletion import delete

    assert delete(file, workspace=gone).trials == 1
    assert not (tmp_path / "tracked.db").exists()
    with pytest.raises(NotFoundError):
        hpo.trials(file, workspace=gone)
