"""``hpo test``: the winner on the test split, once."""

from __future__ import annotations

from typing import Annotated

import typer

from hpo.cli.shell import (
    StorageUrl,
    StudyName,
    TrackingUri,
    examples,
    named,
    print_json,
    print_table,
    say,
    working,
)


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command(
        "test",
        epilog=examples(
            ("hpo test thesis", "once, when everything is decided"),
            ('hpo test thesis --again "the import was broken"', "once more, and on record"),
        ),
    )(open_test)


def open_test(
    context: typer.Context,
    study: StudyName,
    again: Annotated[
        str | None,
        typer.Option(
            metavar="REASON",
            help="Why the split is opened once more; it is kept with the study.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what it said as JSON.")] = False,
    storage: StorageUrl = None,
    tracking: TrackingUri = None,
) -> None:
    """Open the test split of a study's faces: what the winner scores where nothing was chosen.

    Search and confirmation see validation faces alone, and what they choose suits these. So the
    figure to report is that of the test split, and it holds for one look: afterwards nothing may be
    chosen by it. All seeds of the confirmed winner are asked (hpo confirm); without a confirmation
    the search's best trial. When it was opened, by whom, and what it said is kept with the study; a
    second opening is refused without a reason.
    """
    from hpo.reports.sentences import percent
    from hpo.study.opening import open_test as start

    study, workspace = named(context, study, storage, tracking)
    opened = start(study, workspace=workspace, again=again, during=working, note=say)
    if as_json:
        print_json(opened.to_json())
        return
    entry = opened.opening
    rows = [
        [title, percent(value)]
        for title, value in zip(entry["titles"], entry["values"], strict=True)
    ]
    print_table(["run", "test accuracy"], rows)
    for text in (*opened.notes, *opened.sentences):
        say(text)
