"""``hpo data``: import, fetch, list, show and audit datasets of faces and songs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpo.cli.shell import current, examples, existing, print_json, print_table, progress_bar
from hpo.spec.errors import DataError, EnvironmentProblem, InputError

if TYPE_CHECKING:
    from hpo.spec.workspace import Workspace

app = typer.Typer(no_args_is_help=True, help="Import and look at faces and songs.")
import_app = typer.Typer(no_args_is_help=True, help="Import faces or songs from files you have.")
app.add_typer(import_app, name="import")

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Dedupe = Annotated[
    bool,
    typer.Option(
        "--dedupe",
        help="Keep one face of each photograph: of exact, mirrored and near copies those of the "
        "held-out splits stay, and of several in a split one. Where their labels differ, it is one "
        "of the majority's, or none.",
    ),
]
Replace = Annotated[
    bool,
    typer.Option(
        "--replace",
        help="Take the place of a dataset of this name that holds other faces, too. Studies that "
        "were run on those then cannot go on.",
    ),
]
MaxUnreadable = Annotated[
    float, typer.Option(help="Share of images, 0 to 1, that may be unreadable and left out.")
]


@import_app.command(
    "fer2013",
    epilog=examples(
        ("hpo data import fer2013 fer2013.csv", "Kaggle's CSV"),
        ("hpo data import fer2013 archive.zip", "a zip of image folders"),
        (
            "hpo data import fer2013 downloads/fer2013/ --name fer2013-png",
            "a folder, under another name",
        ),
        (
            "hpo data import fer2013 faces.parquet --max-unreadable 0.05 --json",
            "leave up to 5% broken images out",
        ),
        ("hpo data import fer2013 fer2013.csv --dedupe", "as 'fer2013-dedupe', without copies"),
    ),
)
def import_fer2013(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A parquet, CSV or zip, or a folder.")],
    name: Annotated[
        str | None,
        typer.Option(
            help="What to call the dataset.",
            show_default="fer2013; with --dedupe fer2013-dedupe",
        ),
    ] = None,
    max_unreadable: MaxUnreadable = 0.01,
    dedupe: Dedupe = False,
    replace: Replace = False,
    json: Json = False,
) -> None:
    """Import FER-2013, or faces in one of its shapes: parquet, Kaggle's CSV, image folders, zip.

    PublicTest becomes the validation split and PrivateTest the test split, which may be absent.
    The same faces from any lossless source give the same digest.
    """
    _import_faces(
        current(context).workspace, path, name, max_unreadable, json, dedupe=dedupe, replace=replace
    )


@import_app.command(
    "songs",
    epilog=examples(
        ("hpo data import songs data_moods.csv", "as 'songs', which recommend takes by default"),
        ("hpo data import songs my-songs.csv --name mine --json", "under another name"),
    ),
)
def import_songs(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="CSV", help="The CSV of songs.")],
    name: Annotated[str, typer.Option(help="What to call the catalogue.")] = "songs",
    json: Json = False,
) -> None:
    """Import a CSV of songs: name, artist, album, popularity (0 to 100), mood, and id if known.

    Every mood that emotions are answered with must occur: Happy, Sad, Calm, Energetic.
    """
    _import_songs(current(context).workspace, path, name, json)


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
        _import_songs(workspace, path, name or "songs", json)
    else:
        _import_faces(workspace, path, name, max_unreadable, json, dedupe=dedupe, replace=replace)


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
        _show_songs(workspace, name, json)
    else:
        _show_faces(workspace, name, json, sheet)


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
        with _unwritten_is_told(unwritten, chosen=sheets):
            written = write_sheets(found, dataset, sheets)
    if json:
        print_json({**found.to_json(), "sheets": written})
        return
    print_audit(found, written)
    for problem in unwritten:
        typer.echo(f"\nNote: {problem}")


def _import_faces(
    workspace: Workspace,
    path: Path,
    name: str | None,
    max_unreadable: float,
    json: bool,
    *,
    dedupe: bool,
    replace: bool,
) -> None:
    from hpo.data.importing import import_faces
    from hpo.data.show import describe_faces

    with progress_bar(f"reading {path.name}") as progress:
        name = import_faces(
            workspace,
            path.expanduser(),
            name=name,
            max_unreadable=max_unreadable,
            dedupe=dedupe,
            replace_others=replace,
            progress=progress,
        ).name
    facts = describe_faces(workspace, name)
    if json:
        print_json(facts)
        return
    _print_counts(facts, f"Imported '{name}'")
    for note in facts["source"]["notes"]:
        typer.echo(f"Note: {note}.")
    typer.echo(f"Look at it with: hpo data show {name}")


def _import_songs(workspace: Workspace, path: Path, name: str, json: bool) -> None:
    from hpo.data.show import describe_songs
    from hpo.data.songs import import_songs

    manifest = import_songs(workspace, path.expanduser(), name=name)
    facts = describe_songs(workspace, name)
    if json:
        print_json({**facts, "source": manifest["source"]})
        return
    typer.echo(f"Imported '{name}': {facts['count']} songs")
    print_table(["mood", "songs"], facts["moods"].items())
    for note in manifest["source"]["notes"]:
        typer.echo(f"Note: {note}.")
    typer.echo(f"Look at it with: hpo data show {name}")


def _show_faces(workspace: Workspace, name: str, json: bool, sheet: Path | None) -> None:
    from hpo.data.replacing import REPLACED
    from hpo.data.show import describe_faces, write_contact_sheet
    from hpo.data.store import open_faces

    facts = describe_faces(workspace, name)
    written = None
    unwritten: list[str] = []
    if sheet is not None or not json:
        with _unwritten_is_told(unwritten, chosen=sheet):
            written = write_contact_sheet(open_faces(Path(facts["folder"])), sheet)
    if json:
        print_json({**facts, "sheet": written})
        return
    _print_counts(facts, f"{name}: {facts['height']}x{facts['width']} grey faces")
    typer.echo(f"digest: {facts['digest']}")
    for note in facts["source"].get("notes", []):
        if not note.startswith(REPLACED):  # News at the import, and of the folder's past since.
            typer.echo(f"Note: {note}.")
    typer.echo(f"contact sheet: {written}" if written else f"Note: {unwritten[0]}")


def _show_songs(workspace: Workspace, name: str, json: bool) -> None:
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


def _print_counts(facts: dict[str, Any], title: str) -> None:
    splits = facts["splits"]
    emotions = list(next(iter(splits.values())))
    rows = [[emotion, *(counts[emotion] for counts in splits.values())] for emotion in emotions]
    rows.append(["total", *facts["totals"].values()])
    typer.echo(title)
    print_table(["emotion", *splits], rows)


@contextmanager
def _unwritten_is_told(told: list[str], *, chosen: Path | None) -> Iterator[None]:
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
