"""``hpo report``: one page per study, drawn from its trials or redrawn from its ``study.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpo.cli.shell import StorageUrl, TrackingUri, examples, named, print_json, say
from hpo.spec.errors import InputError

NOTES = (
    "The page needs no network. It is written into the workspace's reports/<study>/, next to "
    r"study.json, from which it can be redrawn. PNG files need 'pip install hpo\[png]' and a "
    "Chrome or Chromium."
)
EPILOG = "\n\n".join(
    [
        examples(
            ("hpo report quickstart", "writes reports/quickstart/index.html"),
            ("hpo report thesis --png", "the figures as PNG as well"),
            (
                "hpo report --from reports/thesis/study.json",
                "redraw a study of which only the data is there",
            ),
        ),
        NOTES,
    ]
)


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("report", epilog=EPILOG)(report)


def report(
    context: typer.Context,
    study: Annotated[
        str | None, typer.Argument(help="The study's name, or its study file.")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Redraw from this study.json, beside it.", show_default=False),
    ] = None,
    png: Annotated[
        bool | None,
        typer.Option(
            "--png/--no-png",
            help="Draw PNG files too; without either, only where a browser is at hand.",
            show_default=False,
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the paths as JSON.")] = False,
    storage: StorageUrl = None,
    tracking: TrackingUri = None,
) -> None:
    """Write the report of a study: results, importance, curves, confusion, time."""
    if (study is None) == (source is None):
        raise InputError(
            "hpo report takes either the name of a study or --from study.json",
            got="both" if study else "neither",
            hint="Try `hpo studies` for the names",
        )
    from hpo.study import reporting

    if study is not None:
        study, workspace = named(context, study, storage, tracking)
        paths = reporting.report(study, workspace=workspace, png=png)
    else:
        assert source is not None
        paths = reporting.redraw(source, png=png)
    if as_json:
        print_json(paths.to_json())
    else:
        typer.echo(str(paths.page))
        for line in paths.notes:
            say(line)
    if show:
        import webbrowser

        webbrowser.open(paths.page.as_uri())
