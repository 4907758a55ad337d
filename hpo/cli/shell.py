"""What every command shares: the workspace of this call, JSON, tables, and one way to end."""

from __future__ import annotations

import dataclasses
import inspect
import io
import json
import math
import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from hpo.spec.errors import NotFoundError
from hpo.spec.workspace import Workspace, shown_url

if TYPE_CHECKING:
    from hpo.data.importers.source import Progress

StudyName = Annotated[
    str, typer.Argument(metavar="STUDY", help="The study's name, or its study file.")
]
StorageUrl = Annotated[
    str | None,
    typer.Option(
        "--storage",
        metavar="URL",
        help="Optuna's storage, before the study file's. A URL with a password belongs into "
        "HPO_STORAGE in the environment: others see options in the process list.",
        show_default=False,
    ),
]
TrackingUri = Annotated[
    str | None,
    typer.Option(
        "--tracking",
        metavar="URI",
        help="MLflow's tracking URI, likewise; MLFLOW_TRACKING_URI in the environment.",
        show_default=False,
    ),
]
Songs = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Song catalogue. Default: the imported 'songs', else the embedded one.",
    ),
]
Moods = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="YAML table from emotion to mood, in place of the shipped one."
    ),
]


@dataclass
class Call:
    """One call of the command line.

    Args:
        workspace: where data, stores and reports are.
        debug: show tracebacks.
        home: ``--home`` as it was typed, if it was.
    """

    workspace: Workspace
    debug: bool = False
    home: Path | None = None

    def follow_up(self, *words: str) -> str:
        """Return a command to type next, with the options that say where this call's things are.

        A URL that may hold a password is not repeated: ``...`` stands for it.
        """
        options = [] if self.home is None else ["--home", str(self.home)]
        if self.workspace.storage and words[0] not in ("ui", "recommend"):
            options += ["--storage", shown_url(self.workspace.storage)]
        if self.workspace.tracking:
            options += ["--tracking", shown_url(self.workspace.tracking)]
        return shlex.join(["hpo", *words, *options])


def current(
    context: typer.Context, storage: str | None = None, tracking: str | None = None
) -> Call:
    """Return the call that the root command prepared, with the stores that the command was given.

    Raises:
        InputError: a store is no URL.
    """
    call = context.find_object(Call)
    call = call if call is not None else Call(Workspace.at())
    return dataclasses.replace(call, workspace=call.workspace.kept_in(storage, tracking))


def named(
    context: typer.Context, study: str, storage: str | None, tracking: str | None
) -> tuple[str, Workspace]:
    """Return the name of the study that was given by name or by file, and where it is kept.

    Raises:
        NotFoundError: there is no such folder, in which the study would be; the path of a study
            file leads nowhere.
        SpecError: the file is no study.
    """
    from hpo.study.naming import resolve_study

    name, workspace = resolve_study(study, current(context, storage, tracking).workspace)
    # With a store elsewhere the folder is made when something is written into it.
    if not workspace.storage and not os.environ.get("HPO_STORAGE"):
        _refuse_absent(workspace)
    return name, workspace


def existing(
    context: typer.Context, storage: str | None = None, tracking: str | None = None
) -> Workspace:
    """Return the workspace for a command that lists what is in it.

    Raises:
        NotFoundError: there is no such folder; an empty list would hide a mistyped ``--home``.
    """
    workspace = current(context, storage, tracking).workspace
    _refuse_absent(workspace)
    return workspace


def _refuse_absent(workspace: Workspace) -> None:
    if not workspace.home.is_dir():
        raise NotFoundError(
            "there is no such folder",
            expected="a workspace",
            where=str(workspace.home),
            hint="Is --home right?",
        )


def examples(*shown: tuple[str, str]) -> str:
    """Return a command's epilog: each example is a command and what it is for.

    They are Rich markup, in which ``\\[`` is a square bracket. Typer runs the lines of a paragraph
    together, so every example is a paragraph of its own.
    """
    return "\n\n".join(["Examples:", *(f"{command} — {meaning}" for command, meaning in shown)])


def let_flow(app: typer.Typer) -> None:
    """Let each command's help fill the terminal's width.

    Typer keeps the line breaks of a docstring's paragraphs after the first.
    """
    for command in app.registered_commands:
        if command.help is None and command.callback is not None:
            paragraphs = (inspect.getdoc(command.callback) or "").split("\n\n")
            command.help = "\n\n".join(" ".join(p.split()) for p in paragraphs)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            let_flow(group.typer_instance)


def counted(count: int, noun: str) -> str:
    """Return ``1 trial``, ``2 trials``, ``1,000 trials``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def print_json(data: Any) -> None:
    """Write ``data`` to standard output as JSON, keys in their given order.

    JSON has no NaN and no infinity; the loss of a trial that diverged is null.
    """
    text = json.dumps(_plain(data), indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(text + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"not plain data: {type(value).__name__}")


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None
) -> None:
    """Print a table for people; numbers align to the right, ``None`` shows as a dash.

    One that is too wide is broken as ``hpo.cli.tables`` says.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from hpo.cli.tables import broken, laid_out

    rows = [list(row) for row in rows]
    right = {
        place
        for place in range(len(columns))
        if any(isinstance(row[place], int | float) for row in rows)
    }
    cells = [["–" if cell is None else str(cell) for cell in row] for row in rows]
    # Away from a terminal nothing should be cut to 80 columns, nor padded with blanks.
    shown = sys.stdout.isatty()
    text = io.StringIO()
    console = Console(highlight=False) if shown else Console(file=text, width=200, highlight=False)
    for number, part in enumerate(laid_out([list(columns), *cells], console.width)):
        if number:
            console.print()
        table = Table(
            title=None if number else title,
            title_justify="left",
            box=None,
            pad_edge=False,
            header_style="bold",
        )
        for place, width in part.items():
            justify: Literal["left", "right"] = "right" if place in right else "left"
            heading = Text(broken(columns[place], width))
            table.add_column(heading, justify=justify, width=width, overflow="fold")
        for row in cells:
            # As text: a title such as "Song [Remix]" is no markup.
            table.add_row(*(Text(broken(row[place], width)) for place, width in part.items()))
        console.print(table)
    for line in text.getvalue().splitlines():
        sys.stdout.write(line.rstrip() + "\n")


def fits(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bool:
    """Tell whether a table stands on standard output without a broken cell.

    Away from a terminal it does: nothing is looked at there by its width.
    """
    from hpo.cli.tables import GAP, laid_out

    if not sys.stdout.isatty():
        return True
    cells = [list(columns), *([str(cell) for cell in row] for row in rows)]
    # Wider than any terminal: each column as wide as it would be.
    (widths,) = laid_out(cells, 1_000_000)
    wide = sum(widths.values()) + GAP * (len(columns) - 1)
    return wide <= shutil.get_terminal_size().columns


def without_empty(
    columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> tuple[list[str], list[list[object]]]:
    """Return a table without the columns whose cell is ``""`` in every row; of no rows, all."""
    kept = [k for k in range(len(columns)) if not rows or any(row[k] != "" for row in rows)]
    return [columns[k] for k in kept], [[row[k] for k in kept] for row in rows]


def say(text: str) -> None:
    """Print a line for people to standard error, so that standard output stays data."""
    typer.echo(text, err=True)


@contextmanager
def progress_bar(what: str) -> Iterator[Progress]:
    """Show a bar with time left on a terminal; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def working(what: str) -> Iterator[Progress]:
    """Show on standard error that a long work is done: a bar on a terminal, elsewhere a line."""
    if not sys.stderr.isatty():
        say(f"{what[0].upper()}{what[1:]}")
    with progress_bar(what) as progress:
        yield progress


def print_wrapped(text: str) -> None:
    """Print a sentence over as many lines as the terminal needs, words whole."""
    typer.echo(
        textwrap.fill(
            text,
            shutil.get_terminal_size().columns,
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    )
