"""``hpo report`` on the command line: from a stored ``study.json``, and what bad input gets."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from hpo.cli.report import register
from hpo.cli.shell import Call
from hpo.reports.compute import compute
from hpo.reports.data import dump_data
from hpo.spec.errors import EnvironmentProblem, InputError, NotFoundError
from hpo.spec.workspace import Workspace
from tests.unit.reports.conftest import study_spec, trial


@pytest.fixture
def app(workspace: Workspace) -> typer.Typer:
    made = typer.Typer()
    register(made)

    @made.callback()
    def root(context: typer.Context) -> None:
        context.obj = Call(workspace)

    return made


def stored(folder: Path) -> Path:
    generator = random.Random(0)
    records = [trial("cnn", number, generator, thesis=number == 0) for number in range(3)]
    data = compute(records, study_spec(("cnn",)), n_bootstrap=0)
    return dump_data(data, folder / "study.json")


def test_a_page_is_redrawn_from_its_data_alone(app: typer.Typer, tmp_path: Path) -> None:
    source = stored(tmp_path / "reports" / "demo")
    before = source.read_bytes()
    result = CliRunner().invoke(app, ["report", "--from", str(source), "--no-png", "--json"])
    assert result.exit_code == 0, result.output
    paths = json.loads(result.stdout)
    page = Path(paths["page"])
    assert page == source.parent / "index.html"
    assert "In short" in page.read_text(encoding="utf-8")
    assert source.read_bytes() == before
    assert paths["pictures"] == []


def test_a_study_of_which_only_the_data_is_left_is_redrawn(
    app: typer.Typer, workspace: Workspace
) -> None:
    stored(workspace.reports / "demo")
    result = CliRunner().invoke(app, ["report", "demo", "--no-png"])
    assert result.exit_code == 0, result.output
    assert (workspace.reports / "demo" / "index.html").is_file()


def test_an_unknown_study_is_told_and_writes_nothing(
    app: typer.Typer, workspace: Workspace
) -> None:
    result = CliRunner().invoke(app, ["report", "no-such", "--no-png"])
    assert isinstance(result.exception, NotFoundError)
    assert not workspace.reports.exists()


@pytest.mark.parametrize("arguments", [[], ["demo", "--from", "x.json"]])
def test_either_a_name_or_a_file_is_asked_for(app: typer.Typer, arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["report", *arguments])
    assert isinstance(result.exception, InputError)


def test_png_that_was_asked_for_and_cannot_be_drawn_is_an_error(
    app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("kaleido")
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "none"))
    source = stored(tmp_path)
    result = CliRunner().invoke(app, ["report", "--from", str(source), "--png"])
    assert isinstance(result.exception, EnvironmentProblem)
    # The page itself does not need the browser.
    assert (tmp_path / "index.html").is_file()
