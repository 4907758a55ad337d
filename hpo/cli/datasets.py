"""A dataset on the screen: what ``hpo data show`` says, and the sheets that it writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from hpo.cli.shell import print_json, print_table
from hpo.spec.errors import DataError, EnvironmentProblem, InputError

if TYPE_CHECKING:
    from hpo.spec.workspace import Workspace


def print_faces(workspace: Workspace, name: str, json: bool, sheet: Path | None) -> None:
    """Print what is known of a dataset of faces.

    Args:
        workspace: where it is.
        name: its name.
        json: print JSON; the contact sheet is then written only where ``sheet`` says.
        sheet: where to write it (PNG); None for its place beside the dataset.
    """
    from hpo.data.replacing import REPLACED
    from hpo.data.show import describe_faces, write_contact_sheet
    from hpo.data.store import open_faces

    facts = describe_faces(workspace, name)
    written = None
    unwritten: list[str] = []
    if sheet is not None or not json:
        with unwritten_is_told(unwritten, chosen=sheet):
            written = write_contact_sheet(open_faces(Path(facts["folder"])), sheet)
    if json:
        print_json({**facts, "sheet": written})
        return
    print_counts(facts, f"{name}: {facts['height']}x{facts['width']} grey faces")
    typer.echo(f"digest: {facts['digest']}")
    for note in facts["source"].get("notes", []):
        if not note.startswith(REPLACED):  # News at the import, and of the folder's past since.
            typer.echo(f"Note: {note}.")
    typer.echo(f"contact sheet: {written}" if written else f"Note: {unwritten[0]}")


def print_songs(workspace: Workspace, name: str, json: bool) -> None:
    """Print how many songs a catalogue has of each mood, and the most popular of them."""
    from hpo.data.show import describe_songs

    facts = describe_songs(workspace, name)
    if json:
        print_json(facts)
        return
    typer.echo(f"{name}: {facts['count']} songs")
    print_table(["mood", "songs"], facts["moods"].items())
    rows = [
        [mood, song["name"], song["artist"], song["album"], song["popularity"]]
        for mood, songs in facts["top"].items()
        for song in songs
    ]
    typer.echo("\nMost popular of each mood")
    print_table(["mood", "name", "artist", "album", "popularity"], rows)


def print_counts(facts: dict[str, Any], title: str) -> None:
    """Print the faces of each emotion in each split, of ``describe_faces``, under a title."""
    splits = facts["splits"]
    emotions = list(next(iter(splits.values())))
    rows = [[emotion, *(counts[emotion] for counts in splits.values())] for emotion in emotions]
    rows.append(["total", *facts["totals"].values()])
    typer.echo(title)
    print_table(["emotion", *splits], rows)


@contextmanager
def unwritten_is_told(told: list[str], *, chosen: Path | None) -> Iterator[None]:
    """Put into ``told`` why sheets cannot be written beside a dataset; where chosen, raise it.

    What a dataset holds can be looked at where nothing may be written.
    """
    try:
        yield
    except DataError:
        raise
    except (InputError, EnvironmentProblem) as error:
        if chosen is not None:
            raise
        told.append(str(error))
