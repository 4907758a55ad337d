"""``hpo compare``: several studies beside each other, as a page and a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpo.cli.shell import (
    StorageUrl,
    TrackingUri,
    current,
    examples,
    named,
    print_json,
    print_table,
    say,
)

SHOWN = 20
"""Lines of study files that a terminal shows; the page has all."""
NOTES = (
    "Differences are those from the first study. Those of accuracies are paired, face by face, "
    "where both studies judged the same validation faces and what their trials answered is stored; "
    "else they say that they are not. Those of losses have no interval in single runs, and "
    "studies whose first objectives differ are not subtracted. Where both were confirmed over "
    "seeds (hpo confirm), the means over seeds are compared: a search's best is optimistic."
)
EPILOG = "\n\n".join(
    [
        examples(
            ("hpo compare thesis mine", "writes reports/compare-thesis-mine/index.html"),
            (
                "hpo compare mine reports/two-cores/study.json",
                "beside a study of which only the report's data is there",
            ),
            ("hpo compare a b c --json", "for another program"),
        ),
        NOTES,
    ]
)


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("compare", epilog=EPILOG)(compare)


def compare(
    context: typer.Context,
    studies: Annotated[
        list[str],
        typer.Argument(
            metavar="STUDY...",
            help="Two or more: a name, a study file, a report's study.json or its folder.",
        ),
    ],
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="FOLDER", help="Where the page goes.", show_default=False),
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
    storage: StorageUrl = None,
    tracking: TrackingUri = None,
) -> None:
    """Compare studies: best results with intervals, differences, budgets, what differs."""
    from hpo.reports import side_by_side_page as tables
    from hpo.study import comparing

    workspace = current(context, storage, tracking).workspace
    for study in studies:
        if not Path(study).exists():
            named(context, study, storage, tracking)
    compared = comparing.compare(*studies, workspace=workspace, into=into)
    if as_json:
        print_json(compared.to_json())
    else:
        whole = compared.whole
        print_table(["architecture", *whole.titles], tables.result_rows(whole))
        print_table(["", *whole.titles], tables.budget_rows(whole))
        differing = tables.file_rows(whole)
        if differing:
            print_table(["differs", *whole.titles], differing[:SHOWN])
        if len(differing) > SHOWN:
            say(f"{len(differing) - SHOWN} more lines of the study files differ; the page has all.")
        for sentence in (*tables.summary(whole), *whole.notes):
            say(sentence)
        typer.echo(str(compared.page))
    if show:
        import webbrowser

        webbrowser.open(compared.page.as_uri())
