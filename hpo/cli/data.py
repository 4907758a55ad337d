"""``hpo data``: fetch, list, show and audit datasets of faces and songs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpo.cli import data_import
from hpo.cli.data_import import Dedupe, Json, MaxUnreadable, Replace, take_faces, take_songs
from hpo.cli.datasets import print_faces, print_songs, unwritten_is_told
from hpo.cli.shell import current, examples, existing, print_json, print_table, progress_bar
from hpo.spec.errors import InputError

app = typer.Typer(no_args_is_help=True, help="Import and look at faces and songs.")
app.add_typer(data_import.app, name="import")


@app.command(
    "fetch",
    epilog=examples(
        ("hpo data fetch fer2013", "the faces"),
        ("hpo data fetch songs --json", "the songs, for another program"),
    ),
)
def fetch(
    context: typer.Context,
    dataset: Annotated[str, typer.Argument(help="fer2013 or songs.")],
    name: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    max_unreadable: MaxUnreadable = 0.01,
    dedupe: Dedupe = False,
    replace: Replace = False,
    json: Json = False,
) -> None:
    """Download FER-2013 or the songs from Kaggle and import them; this needs the extra 'fetch'.

    Without network or permission this says what to download by hand and what to type then.
    """
    from hpo.data.fetch import fetch as download

    workspace = current(context).workspace
    for given, option in ((dedupe, "--dedupe"), (replace, "--replace")):
        if given and dataset == "songs":
            raise InputError(f"{option} is for faces", got=f"hpo data fetch songs {option}")
    path = download(dataset)
    if dataset == "songs":
        take_songs(workspace, path, name or "songs", json)
    else:
        take_faces(workspace, path, name, max_unreadable, json, dedupe=dedupe, replace=replace)


@app.command(
    "list",
    epilog=examples(
        ("hpo data list", "for people"),
        ("hpo data list --json", "for another program"),
    ),
)
def list_(context: typer.Context, json: Json = False) -> None:
    """List the datasets of this workspace and those that the package carries."""
    from hpo.data.library import list_datasets

    entries = list_datasets(existing(context))
    if json:
        print_json([{**vars(entry), "folder": entry.folder} for entry in entries])
        return
    rows = []
    for entry in entries:
        counts = ", ".join(f"{key} {count}" for key, count in entry.counts.items())
        rows.append([entry.name, entry.kind, counts or None, entry.note])
    print_table(["name", "kind", "holds", ""], rows)


@app.command(
    "show",
    epilog=examples(
        ("hpo data show fer2013", "splits, emotions and digest"),
        ("hpo data show fer2013 --json", "for another program"),
        ("hpo data show drawn-faces --sheet drawn.png", "some faces as one picture"),
        ("hpo data show embedded-songs", "moods and their most popular songs"),
    ),
)
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A dataset's name, as in hpo data list.")],
    json: Json = False,
    sheet: Annotated[
        Path | None, typer.Option(help="Where to write the contact sheet (PNG) of faces.")
    ] = None,
) -> None:
    """Show counts per split and emotion with a contact sheet, or songs per mood and the top ones.

    The sheet goes to data/NAME/contact-sheet.png; with --json it is written only to --sheet FILE.
    """
    from hpo.data.show import kind_of

    workspace = current(context).workspace
    if kind_of(workspace, name) == "songs":
        print_songs(workspace, name, json)
    else:
        print_faces(workspace, name, json, sheet)


@app.command(
    "audit",
    epilog=examples(
        ("hpo data audit fer2013", "faults, what to do about them, and a sheet of each"),
        ("hpo data audit fer2013 --sheets faults/", "the sheets in another folder"),
        ("hpo data audit fer2013 --json", "every face and group, for another program"),
    ),
)
def audit(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A dataset's name, as in hpo data list.")],
    json: Json = False,
    sheets: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where to write a contact sheet (PNG) of each fault."),
    ] = None,
) -> None:
    """Find duplicates, leaks between splits, conflicting labels and images without a face.

    Duplicates are exact, mirrored, in other light or encoding, shifted by up to a sixteenth of
    the side, or a few per cent larger. It takes about a minute for 30,000 faces, once: their
    studies then know the copies too.

    The sheets go to data/NAME/audit/; with --json they are written only to --sheets FOLDER.
    """
    from hpo.cli.audit import print_audit
    from hpo.data.audit.audit import audit_dataset
    from hpo.data.audit.leakage import is_searched
    from hpo.data.audit.sheets import write_sheets
    from hpo.data.library import find_faces
    from hpo.data.store import open_faces

    dataset = open_faces(find_faces(current(context).workspace, name))
    what = f"looking for copies in '{name}', a minute for 30,000 faces"
    with progress_bar(f"looking at '{name}'" if is_searched(dataset) else what) as progress:
        found = audit_dataset(dataset, progress)
    written: dict[str, Path] = {}
    unwritten: list[str] = []
    if sheets is not None or not json:
        with unwritten_is_told(unwritten, chosen=sheets):
            written = write_sheets(found, dataset, sheets)
    if json:
        print_json({**found.to_json(), "sheets": written})
        return
    print_audit(found, written)
    for problem in unwritten:
        typer.echo(f"\nNote: {problem}")
