"""``hpo data``: tables for people, JSON for programs, and help with examples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from hpo.cli import data
from hpo.cli.shell import Call
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, InputError
from hpo.spec.workspace import Workspace
from tests.unit.data.planted import planted, stored

ROWS = "\n".join(
    f"{label},{' '.join([str(label * 20)] * 2304)},{usage}"
    for label in range(7)
    for usage in ("Training", "PublicTest")
)
SONGS = "name,artist,album,popularity,mood\n" + "\n".join(
    f"Song {i},Artist,Album,{50 + i},{mood}"
    for i, mood in enumerate(("Happy", "Sad", "Calm", "Energetic"))
)


def hpo_data(workspace: Workspace, *arguments: str) -> str:
    app = typer.Typer()
    app.add_typer(data.app, name="data")
    result = CliRunner().invoke(
        app, ["data", *arguments], obj=Call(workspace), catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "fer2013.csv").write_text(f"emotion,pixels,Usage\n{ROWS}\n")
    (tmp_path / "songs.csv").write_text(SONGS)
    return tmp_path


def test_faces_are_imported_listed_and_shown(workspace: Workspace, sources: Path) -> None:
    told = hpo_data(workspace, "import", "fer2013", str(sources / "fer2013.csv"))
    assert "Imported 'fer2013'" in told
    assert "no test split" in told
    assert "Kaggle's fer2013.csv holds it" in told
    shown = json.loads(hpo_data(workspace, "show", "fer2013", "--json"))
    each = dict.fromkeys(EMOTIONS, 1)
    assert shown["splits"] == {"train": each, "validation": each}
    assert list(shown["splits"]["train"]) == list(EMOTIONS)
    assert shown["digest"].startswith("sha256:")
    assert not (workspace.data / "fer2013" / "contact-sheet.png").exists()
    assert "contact sheet" in hpo_data(workspace, "show", "fer2013")
    assert (workspace.data / "fer2013" / "contact-sheet.png").is_file()
    sheet = sources / "sheet.png"
    hpo_data(workspace, "show", "fer2013", "--json", "--sheet", str(sheet))
    assert sheet.is_file()
    assert "fer2013" in hpo_data(workspace, "list")
    listed = json.loads(hpo_data(workspace, "list", "--json"))
    assert listed[0]["counts"] == {"train": 7, "validation": 7}


def test_that_a_dataset_was_replaced_is_told_at_the_import_alone(
    workspace: Workspace, sources: Path
) -> None:
    words = ["import", "fer2013", str(sources / "fer2013.csv")]
    assert "replaced" not in hpo_data(workspace, *words)
    told = "Note: replaced an earlier dataset of this name, which held the same 14 faces."
    assert told in " ".join(hpo_data(workspace, *words).split())
    # Other faces: only where that is asked for.
    text = (sources / "fer2013.csv").read_text().replace(" 0", " 1")
    (sources / "fer2013.csv").write_text(text)
    with pytest.raises(DataError, match="there already, with other faces"):
        hpo_data(workspace, *words)
    assert "Note: replaced" in hpo_data(workspace, *words, "--replace")
    with pytest.raises(InputError, match="--replace is for faces"):
        hpo_data(workspace, "fetch", "songs", "--replace")
    shown = hpo_data(workspace, "show", "fer2013")
    assert "replaced" not in shown
    assert "no test split" in shown


def test_an_import_as_json_prints_json_alone(workspace: Workspace, sources: Path) -> None:
    csv = str(sources / "fer2013.csv")
    facts = json.loads(hpo_data(workspace, "import", "fer2013", csv, "--name", "a", "--json"))
    assert facts["name"] == "a"
    assert facts["totals"] == {"train": 7, "validation": 7}


def test_songs_are_imported_and_shown(workspace: Workspace, sources: Path) -> None:
    assert "4 songs" in hpo_data(workspace, "import", "songs", str(sources / "songs.csv"))
    assert "Song 3" in hpo_data(workspace, "show", "songs")
    shown = json.loads(hpo_data(workspace, "show", "songs", "--json"))
    assert shown["moods"] == {"Happy": 1, "Sad": 1, "Calm": 1, "Energetic": 1}
    assert shown["top"]["Sad"][0]["name"] == "Song 1"


def test_an_audit_tells_counts_advice_and_sheets(workspace: Workspace, tmp_path: Path) -> None:
    folder = workspace.data / "planted"
    stored(folder, planted(), {"alone0": {}})
    told = hpo_data(workspace, "audit", "planted")
    row = next(line for line in told.splitlines() if line.startswith("in two splits"))
    assert row.split() == ["in", "two", "splits", "3", "7", "3", "3", "1"]
    assert "leakage: drop" in told
    said = " ".join(told.split())
    assert "hpo data audit planted --json lists the faces of every finding: split," in said
    assert "which is what always answering it scores" in said
    drawn = {path.name for path in (folder / "audit").iterdir()}
    assert {"in-two-splits.png", "constant.png", "non-faces.png"} <= drawn
    assert "label-against-votes.png" not in drawn, "nothing was found, so there is no sheet"


def test_an_audit_as_json_writes_sheets_only_where_it_is_told_to(
    workspace: Workspace, tmp_path: Path
) -> None:
    folder = workspace.data / "planted"
    stored(folder, planted()[:6])
    told = json.loads(hpo_data(workspace, "audit", "planted", "--json"))
    assert told["findings"]["exact_duplicates"]["count"] == 4
    assert told["findings"]["non_faces"]["count"] == 0
    assert told["findings"]["label_against_votes"]["count"] is None
    assert told["sheets"] == {}
    assert not (folder / "audit").exists()
    sheets = str(tmp_path / "sheets")
    told = json.loads(hpo_data(workspace, "audit", "planted", "--json", "--sheets", sheets))
    assert Path(told["sheets"]["exact_duplicates"]).parent == tmp_path / "sheets"
    assert Path(told["sheets"]["exact_duplicates"]).is_file()


def test_counts_are_shown_where_no_sheet_can_be_written(
    workspace: Workspace, sources: Path
) -> None:
    hpo_data(workspace, "import", "fer2013", str(sources / "fer2013.csv"))
    folder = workspace.data / "fer2013"
    (folder / "contact-sheet.png").mkdir()  # root may write into any folder
    (folder / "audit").write_text("")
    shown = hpo_data(workspace, "show", "fer2013")
    assert "total" in shown
    assert "cannot write the contact sheet" in shown
    assert "--sheet FILE" in shown
    told = hpo_data(workspace, "audit", "fer2013")
    assert "all faces" in told
    assert "--sheets FOLDER" in told
    with pytest.raises(InputError, match="cannot write the contact sheet"):
        hpo_data(workspace, "show", "fer2013", "--sheet", str(folder / "audit" / "a.png"))


@pytest.mark.parametrize(
    "command",
    [["import", "fer2013"], ["import", "songs"], ["fetch"], ["list"], ["show"], ["audit"]],
)
def test_every_command_has_examples(workspace: Workspace, command: list[str]) -> None:
    told = hpo_data(workspace, *command, "--help")
    assert "Examples" in told
    assert f"hpo data {' '.join(command)}" in told
