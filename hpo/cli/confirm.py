"""``hpo confirm``: the best of a search again, over seeds."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer

from hpo.cli.shell import (
    Call,
    StorageUrl,
    StudyName,
    TrackingUri,
    current,
    examples,
    named,
    print_json,
    print_table,
    say,
    without_empty,
)


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command(
        epilog=examples(
            ("hpo confirm thesis", "the three best, five seeds each"),
            ("hpo confirm thesis --top 2 --seeds 10", "the two best, ten seeds each"),
        )
    )(confirm)


def confirm(
    context: typer.Context,
    study: StudyName,
    top: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many of the best configurations. Default: the study file's, else 3.",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="With how many seeds each. Default: the study file's, else 5.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
    storage: StorageUrl = None,
    tracking: TrackingUri = None,
) -> None:
    """Run the best configurations of a study again over seeds, and say which has won.

    A search shows the luckiest of its trials. So the best few race: each is run with other seeds,
    and one that is worse than the leader beyond doubt is stopped. They are compared on the same
    validation faces by a bootstrap over seeds and faces, and none is called the winner whose
    interval does not exclude every other; with two seeds none is. hpo promote then serves what won.
    The runs are trials of the study STUDY.confirmation; the same command goes on where it was
    interrupted.
    """
    from hpo.cli.live import watcher
    from hpo.execution.interrupts import Interrupted
    from hpo.study.confirming import confirm as start
    from hpo.study.sealed import may_be_opened

    study, workspace = named(context, study, storage, tracking)
    display = watcher()
    with display.running():
        told = start(
            study,
            workspace=workspace,
            top=top,
            seeds=seeds,
            watcher=display,
        )
    if as_json:
        print_json(told.to_json())
    else:
        print_confirmation(told.facts, told.sentences, told.notes)
    if told.stopped_by is not None:
        raise Interrupted(
            told.stopped_by, "Everything finished is kept; the same command goes on with it"
        )
    if not as_json:
        call = dataclasses.replace(current(context, storage, tracking), workspace=workspace)
        testable = may_be_opened(study, workspace)
        print_next(call, study, told.facts, testable=testable)


def print_next(call: Call, study: str, facts: dict[str, Any], *, testable: bool) -> None:
    """Print what a confirmation that is over leads to, as the end of a study with one does.

    Args:
        call: that confirmed.
        study: that was searched.
        facts: of its confirmation; {} before any run has begun.
        testable: whether the study's faces have a test split that nobody looked at.
    """
    if not facts or not facts["over"] or facts["winner"] is None:
        return
    say("")
    say(f"Next     {call.follow_up('report', study)}")
    for command in ("promote", "test") if testable else ("promote",):
        say(f"         {call.follow_up(command, study)}")


def print_confirmation(facts: dict[str, Any], sentences: list[str], notes: list[str]) -> None:
    """Print a row per configuration, and what it comes to."""
    from hpo.reports.confirmation_words import ends, gap, title, value

    for text in notes:
        say(text)
    if not facts:
        say(" ".join(sentences))
        return
    rows = [
        [
            title(entry) + (" *" if entry["label"] == facts["winner"] else ""),
            value(facts, entry["search_value"]),
            sum(v is not None for v in entry["values"]),
            f"{value(facts, entry['mean']['point'])} {ends(facts, entry['mean'])}"
            if entry["mean"]
            else None,
            gap(facts, entry["behind"]) if entry["behind"] else None,
            None if entry["best_share"] is None else f"{100 * entry['best_share']:.0f} %",
            f"after {entry['stopped']}" if entry["stopped"] else "",
        ]
        for entry in facts["candidates"]
    ]
    columns = ["configuration", f"searched {facts['objective']}", "seeds", "mean", "behind"]
    print_table(*without_empty([*columns, "best in", "stopped"], rows))
    for text in sentences:
        say(text)
