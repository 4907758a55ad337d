"""``hpo recommend``: songs for the faces in photos, or in front of a camera."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpo.cli.shell import Moods, Songs, TrackingUri, current, examples, print_json, say
from hpo.spec.errors import InputError
from hpo.spec.workspace import Workspace

if TYPE_CHECKING:
    from rich.console import Console

    from hpo.recommender.answer import PhotoAnswer, Watching
    from hpo.recommender.choice import Origin
    from hpo.recommender.recommend import FaceAnswer

EPILOG = examples(
    ("hpo recommend me.jpg", "songs for every face in the photo"),
    ("hpo recommend *.png --top 3 --save annotated.png", "several photos, with boxes drawn"),
    ("hpo recommend *.png --save annotated", "each into a folder, under its own name"),
    ("hpo recommend me.jpg --json", "for another program"),
    ("hpo recommend --camera 0 --seconds 30", "watch a camera for half a minute"),
    ("hpo recommend --camera party.mp4", "or a video"),
    ("hpo recommend me.jpg --moods mine.yaml --songs my-songs", "your own moods and songs"),
    ("hpo recommend me.jpg --model best.keras", "a model file instead of the champion"),
    ("hpo recommend me.jpg --model boxed", "the model that came with hpo, champion or not"),
)


def register(app: typer.Typer) -> None:
    """Add ``hpo recommend`` to the root command."""

    @app.command(epilog=EPILOG)
    def recommend(
        context: typer.Context,
        photos: Annotated[
            list[Path] | None,
            typer.Argument(metavar="PHOTO...", help="Photos.", show_default=False),
        ] = None,
        camera: Annotated[
            str | None,
            typer.Option(
                metavar="DEVICE|VIDEO",
                help="Watch a camera (its number, such as 0) or a video file instead of photos, "
                "and answer whenever the emotion changes. No frame is stored or shown.",
            ),
        ] = None,
        top: Annotated[int, typer.Option(min=1, help="Songs per face.")] = 5,
        save: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE|FOLDER",
                help="Write the photo with boxes and labels. Of several photos each adds its name, "
                "or goes into a folder under it.",
            ),
        ] = None,
        as_json: Annotated[
            bool,
            typer.Option("--json", help="Print JSON; with --camera one line per change."),
        ] = False,
        songs: Songs = None,
        moods: Moods = None,
        model: Annotated[
            str | None,
            typer.Option(
                metavar="FILE|VERSION|boxed",
                help="A .keras file, a version of emotion-classifier, or 'boxed'. Default: the "
                "champion, or the model in the box where no study has made one.",
            ),
        ] = None,
        every: Annotated[
            int, typer.Option(min=1, help="With --camera: look at every so many frames.")
        ] = 5,
        seconds: Annotated[
            float | None, typer.Option(help="With --camera: stop after so many seconds.")
        ] = None,
        tracking: TrackingUri = None,
    ) -> None:
        """Find faces, tell their emotions, and answer with songs.

        A model reads one emotion per face, a table turns it into a mood, and the most popular songs
        of the mood are the answer. The model is the workspace's champion; until a study has made
        one, it is the one that comes with hpo. A photo without a face is a normal answer.
        """
        workspace = current(context, tracking=tracking).workspace
        if camera is not None:
            _refuse_with_camera(photos, save)
            _camera(workspace, camera, top, songs, moods, model, every, seconds, as_json=as_json)
            return
        if not photos:
            raise InputError(
                "there is no photo to look at",
                expected="at least one photo, or --camera",
                hint="Type: hpo recommend me.jpg",
            )
        from hpo.recommender.answer import recommend as answer

        refused: list[InputError] = []
        try:
            answers = answer(
                photos,
                workspace=workspace,
                top=top,
                songs=songs,
                moods=moods,
                model=model,
                save=save,
                refused=refused,
            )
        except InputError as error:
            _tell(refused, but=error)
            raise
        if as_json:
            print_json([photo.to_json() for photo in answers])
        else:
            _print_photos(answers)
            _warn(answers[0].champion)
        if refused:
            # The call ends as if it had been refused, after everything else was answered.
            _tell(refused, but=refused[-1])
            raise refused[-1]


def _warn(champion: Origin | None) -> None:
    """Say what speaks against whoever answered; JSON has it as ``champion.doubt``."""
    if champion is not None and champion.doubt:
        say(f"Warning: {champion.doubt} `--model boxed` asks the model in the box.")


def _tell(refused: Sequence[InputError], *, but: InputError) -> None:
    for error in refused:
        if error is not but:
            say(f"Error: {error}")


def _refuse_with_camera(photos: Sequence[Path] | None, save: Path | None) -> None:
    if photos:
        raise InputError(
            "photos and a camera were given",
            expected="one of the two",
            got=f"{photos[0]}, --camera",
        )
    if save is not None:
        raise InputError(
            "a camera has no photo to save", where="--save", expected="--save with photos only"
        )


def _print_photos(answers: Sequence[PhotoAnswer]) -> None:
    from rich.console import Console

    # Away from a terminal nothing should be cut to 80 columns.
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False)
    for number, photo in enumerate(answers):
        if number:
            console.print()
        count = len(photo.faces)
        found = "no face found" if not count else f"{count} face{'s' if count > 1 else ''}"
        console.print(f"{photo.photo}: {found}", style="bold")
        for place, face in enumerate(photo.faces):
            _print_face(console, face, f"Face {place + 1}: " if count > 1 else "")
        if photo.saved:
            console.print(f"Saved{' with boxes' if count else ''}: {photo.saved}")
    console.print()
    first = answers[0]
    if first.champion:
        console.print(f"Answered by {first.champion}, with the song catalogue '{first.catalogue}'.")
    else:
        console.print(
            "No model was asked, as there was no face. Upright faces that look at the camera and "
            "fill a twentieth of the photo or more are found best."
        )
    _print_crops(console, [photo.photo for photo in answers if photo.may_be_crop])


def _print_crops(console: Console, photos: Sequence[str]) -> None:
    """Say of photos without a face that may be a face alone how one would be found."""
    from hpo.recommender.faces import CROP_ADVICE

    if photos:
        more = f" (and {len(photos) - 1} more)" if photos[1:] else ""
        console.print(f"If {photos[0]} is the crop of a face{more}: {CROP_ADVICE}.")


def _print_face(console: object, face: FaceAnswer, name: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    assert isinstance(console, Console)
    x, y, w, h = face.box
    console.print(
        f"{name}{face.emotion} ({100 * face.probability:.0f} %) → {face.mood} songs"
        f"   [{w}×{h} pixels at {x}, {y}]"
    )
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("#", justify="right")
    for column in ("song", "artist", "album"):
        table.add_column(column, overflow="fold")
    table.add_column("popularity", justify="right")
    for place, song in enumerate(face.songs, start=1):
        # Text, because titles hold square brackets, which Rich would read as markup.
        cells = (place, song.name, song.artist, song.album, song.popularity)
        table.add_row(*(Text(str(cell)) for cell in cells))
    console.print(table)


def _camera(
    workspace: Workspace,
    source: str,
    top: int,
    songs: str | None,
    moods: Path | None,
    model: str | None,
    every: int,
    seconds: float | None,
    *,
    as_json: bool,
) -> None:
    from hpo.recommender.answer import watch

    watching = watch(
        source,
        workspace=workspace,
        top=top,
        songs=songs,
        moods=moods,
        model=model,
        every=every,
        seconds=seconds,
    )
    say(
        f"Watching {source}. Ctrl-C stops. {watching.champion} answers, with the song catalogue "
        f"'{watching.catalogue}'."
    )
    _warn(watching.champion)
    try:
        seen = _print_changes(watching, as_json=as_json)
    except KeyboardInterrupt:
        # The normal way to end watching, not an interruption of work.
        say("Stopped.")
        return
    if not seen:
        say("No face was seen.")


def _print_changes(watching: Watching, *, as_json: bool) -> bool:
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False)
    seen = False
    for change in watching.changes:
        seen = True
        if as_json:
            sys.stdout.write(json.dumps(change.to_json(), ensure_ascii=False) + "\n")
            sys.stdout.flush()
        elif change.face is None:
            console.print(f"{change.seconds:7.1f} s   no face", style="bold")
        else:
            _print_face(console, change.face, f"{change.seconds:7.1f} s   ")
    return seen
