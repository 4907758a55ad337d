"""``hpo data import``: faces and songs from files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpo.cli.datasets import print_counts
from hpo.cli.shell import current, examples, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from hpo.spec.workspace import Workspace

app = typer.Typer(no_args_is_help=True, help="Import faces or songs from files you have.")

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


@app.command(
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
    take_faces(
        current(context).workspace, path, name, max_unreadable, json, dedupe=dedupe, replace=replace
    )


@app.command(
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
    take_songs(current(context).workspace, path, name, json)


def take_faces(
    workspace: Workspace,
    path: Path,
    name: str | None,
    max_unreadable: float,
    json: bool,
    *,
    dedupe: bool,
    replace: bool,
) -> None:
    """Import faces from what lies at ``path``, and print what came of it."""
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
    print_counts(facts, f"Imported '{name}'")
    for note in facts["source"]["notes"]:
        typer.echo(f"Note: {note}.")
    typer.echo(f"Look at it with: hpo data show {name}")


def take_songs(workspace: Workspace, path: Path, name: str, json: bool) -> None:
    """Import songs from a CSV, and print what came of it."""
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
