"""The ``hpo`` command: options that every command takes, the commands, and how a call ends."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from hpo import __version__
from hpo.cli import (
    champion,
    compare,
    confirm,
    data,
    opening,
    recommend,
    report,
    run,
    studies,
    train,
    ui,
    workers,
)
from hpo.cli.advice import placed
from hpo.cli.shell import Call, StorageUrl, TrackingUri, let_flow
from hpo.spec.errors import HpoError, InputError
from hpo.spec.workspace import Workspace

app = typer.Typer(
    name="hpo",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Hyper-parameter optimisation studies of image classifiers.\n\n"
        "A study file says what is searched; Optuna searches, MLflow tracks every trial, "
        "Plotly draws what mattered, and the winner recommends songs for a face.\n\n"
        "Start with [bold]hpo quickstart[/bold]."
    ),
    epilog=(
        "Exit codes: 0 done; 1 failed; 2 something you gave is wrong, such as a name, a file, or a "
        "folder that cannot be written; 3 the machine lacks something, such as a library, the "
        "network, or room on the disk; 4 the gate kept the champion; "
        "130 and 143 stopped by Ctrl-C and SIGTERM."
    ),
)


def _show_version(asked: bool) -> None:
    # Eager: `hpo --version` is complete without a command.
    if asked:
        typer.echo(f"hpo {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            help="The workspace: a folder with data/, mlruns/ and reports/. Default: here."
        ),
    ] = None,
    storage: StorageUrl = None,
    tracking: TrackingUri = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    """Prepare the call."""
    if home is not None:
        _check_folder(home)
    context.obj = Call(Workspace.at(home, storage=storage, tracking=tracking), debug, home)


def _check_folder(home: Path) -> None:
    """Refuse a ``--home`` that could never be a workspace; one that is not there yet is made."""
    wanted = home.expanduser().resolve()
    nearest = next(path for path in (wanted, *wanted.parents) if path.exists())
    if not nearest.is_dir():
        raise InputError(
            f"{nearest} is a file", expected="a folder, made where it is missing", where="--home"
        )


run.register(app)
train.register(app)
confirm.register(app)
opening.register(app)
workers.register(app)
studies.register(app)
report.register(app)
champion.register(app)
compare.register(app)
recommend.register(app)
ui.register(app)
app.add_typer(data.app, name="data")
let_flow(app)


def main() -> None:
    """Run the command line; errors end in one paragraph and an exit code.

    0 done, 1 failed, 2 bad input, 3 the machine lacks something, 4 the gate kept the
    champion, 130 Ctrl-C, 143 SIGTERM.
    """
    arguments = _root_options_first(sys.argv[1:])
    debug = "--debug" in arguments
    try:
        # A command that ends early returns its exit code here; the others return nothing.
        code = app(args=arguments, prog_name="hpo", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except typer.TyperException as error:
        _misread(error, debug=debug)
    except typer.Abort:
        _fail("Aborted; nothing was changed.", 1, debug=debug)
    except HpoError as error:
        _fail(placed(str(error), arguments), error.exit_code, debug=debug)
    except KeyboardInterrupt:
        _fail("Interrupted.", 130, debug=debug)
    except BrokenPipeError:
        # The reader (head, less) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else "no message"
        _fail(
            f"Something unexpected went wrong ({type(error).__name__}: {first}). "
            "The same command with --debug shows where; please report it with that text.",
            1,
            debug=debug,
        )


def _root_options_first(arguments: list[str]) -> list[str]:
    """Let ``--home`` and ``--debug`` stand anywhere, as people type them."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word == "--debug" or word.startswith("--home="):
            front.append(word)
        elif word == "--home":
            front += [word, *[w for w in [next(words, None)] if w is not None]]
        else:
            rest.append(word)
    return front + rest


def _misread(error: typer.TyperException, *, debug: bool) -> None:
    """End a call whose words are no command: in one paragraph, as every other error."""
    message = error.format_message().strip()
    if not message:
        # Nothing was asked for (`hpo`, `hpo data`), and the help has been shown.
        sys.exit(error.exit_code)
    text = message[:1].lower() + message[1:]
    if not text.endswith((".", "?")):
        text += "."
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "hpo"
    commands = getattr(context.command, "commands", {}) if context is not None else {}
    if text.startswith("no such command") and "Did you mean" not in text:
        text += f" There are {', '.join(commands)}."
    _fail(f"{text} '{path} --help' shows what it takes.", error.exit_code, debug=debug)


def _fail(text: str, code: int, *, debug: bool) -> None:
    if debug and code not in (130, 143):
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.write(f"Error: {text}\n" if code not in (130, 143) else f"{text}\n")
    sys.exit(code)
