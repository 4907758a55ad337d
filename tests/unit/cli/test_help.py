"""Every command explains itself: its help reads as recorded and shows examples."""

from __future__ import annotations

import inspect

import pytest
from typer.testing import CliRunner

from hpo.cli.app import app
from tests.golden.files import FOLDER, Golden
from tests.unit.cli.commands import walk

COMMANDS = dict(walk())
LEAVES = {path: c for path, c in COMMANDS.items() if path and not hasattr(c, "commands")}
EXPECTED = {
    ("quickstart",),
    ("run",),
    ("train",),
    ("studies",),
    ("trials",),
    ("delete",),
    ("report",),
    ("promote",),
    ("recommend",),
    ("ui",),
    ("data", "import", "fer2013"),
    ("data", "import", "songs"),
    ("data", "fetch"),
    ("data", "list"),
    ("data", "show"),
    ("data", "audit"),
}


def _id(path: tuple[str, ...]) -> str:
    return " ".join(("hpo", *path))


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    # Typer's tables follow the width and colours of the terminal.
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 80)
    monkeypatch.setattr("typer.rich_utils.COLOR_SYSTEM", None)
    monkeypatch.setattr("typer.rich_utils.FORCE_TERMINAL", False)


def test_the_commands_are_those_that_researchers_were_promised() -> None:
    assert set(LEAVES) >= EXPECTED


@pytest.mark.parametrize("path", COMMANDS, ids=_id)
def test_help_reads_as_recorded(path: tuple[str, ...], golden: Golden) -> None:
    shown = CliRunner().invoke(app, [*path, "--help"], prog_name="hpo")
    assert shown.exit_code == 0
    # Rich pads every line to the width.
    text = "\n".join(line.rstrip() for line in shown.output.splitlines()).strip() + "\n"
    assert "\x1b" not in text
    golden.check(f"help/{'-'.join(('hpo', *path))}.txt", text)


def test_no_help_is_recorded_of_a_command_that_is_gone() -> None:
    recorded = {file.stem for file in (FOLDER / "help").glob("*.txt")}
    assert recorded <= {"-".join(("hpo", *path)) for path in COMMANDS}


@pytest.mark.parametrize("path", LEAVES, ids=_id)
def test_every_command_shows_an_example_of_itself(path: tuple[str, ...]) -> None:
    command = LEAVES[path]
    text = inspect.cleandoc(f"{command.help}\n{command.epilog or ''}")
    assert "Example" in text
    assert f"hpo {' '.join(path)}" in text


@pytest.mark.parametrize("path", LEAVES, ids=_id)
def test_every_option_and_argument_is_explained(path: tuple[str, ...]) -> None:
    silent = [
        parameter.name
        for parameter in LEAVES[path].params
        if not getattr(parameter, "help", None) and parameter.name != "help"
    ]
    assert silent == []


@pytest.mark.parametrize(
    "path",
    [("studies",), ("trials",), ("recommend",), ("data", "list"), ("data", "show")],
    ids=_id,
)
def test_commands_that_print_data_offer_json(path: tuple[str, ...]) -> None:
    assert "--json" in {option for parameter in LEAVES[path].params for option in parameter.opts}
