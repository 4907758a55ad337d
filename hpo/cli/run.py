"""``hpo quickstart`` and ``hpo run``: the whole study."""

from __future__ import annotations

import dataclasses
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpo.cli.plans import print_plan
from hpo.cli.shell import (
    Call,
    StorageUrl,
    TrackingUri,
    current,
    examples,
    fits,
    print_json,
    print_table,
    print_wrapped,
    say,
    working,
)

if TYPE_CHECKING:
    from hpo.study.outcome import StudyOutcome

Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Change one value of the study file, such as data.train_limit=2000. Repeatable.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command(
        epilog=examples(
            ("hpo quickstart", "in this folder"),
            ("hpo quickstart --home try", "in a folder of its own"),
        )
    )(quickstart)
    app.command(
        epilog=examples(
            ("hpo run search_spaces/thesis.yaml --dry-run", "what it would do, and how long"),
            ("hpo run study.yaml --trials 5 --set data.train_limit=2000", "a smaller copy"),
            ("hpo run study.yaml --resume", "go on after an interruption"),
            ("hpo run study.yaml --warm-start earlier", "begin with what a study has learned"),
            ("hpo run study.yaml --resume --evolve", "go on, in a space that was widened"),
            ("hpo run study.yaml --resume --importance-trials 40", "ask what matters"),
        )
    )(run)


def quickstart(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
    storage: StorageUrl = None,
    tracking: TrackingUri = None,
) -> None:
    """Run a small study of all three architectures on drawn faces, offline, and use its winner.

    Nine trials (one of them hopeless, and pruned), the winner registered, songs for a drawn photo,
    and a report: a few minutes on two cores. Run again, it goes on where it was interrupted, or
    shows what is complete.
    """
    from hpo.cli.live import watcher
    from hpo.study.quickstart import quickstart as start

    display = watcher()
    call = current(context, storage, tracking)
    with display.running():
        tour = start(workspace=call.workspace, watcher=display)
    if as_json:
        print_json(tour.to_json())
        return
    print_outcome(tour.outcome)
    say("")
    for answer in tour.answers:
        typer.echo(
            f"{tour.photo.name}: a {answer.emotion} face ({100 * answer.probability:.0f} %), "
            f"mood {answer.mood}"
        )
        print_table(
            ["song", "artist", "popularity"],
            [[song.name, song.artist, song.popularity] for song in answer.songs],
        )
    say("")
    say(f"Report   {tour.report}")
    say(f"Photo    {tour.photo}")
    say(f"Next     {call.follow_up('ui'):<27} compare the trials in the MLflow UI")
    say(f"         {call.follow_up('recommend', str(tour.photo))}")
    say("         hpo data import --help      bring your own faces and songs")
    if tour.outcome.champion:
        boxed = call.follow_up("champion", "--rollback", "--to", "boxed")
        say(f"         {boxed}   the champion knows drawn faces alone; for photos")
    # The thesis's study is of FER-2013, which is not here yet.
    thesis = ("run", "search_spaces/thesis.yaml", "--dry-run", "--set", "data.dataset=drawn-faces")
    say(f"         {call.follow_up(*thesis)}")


def run(
    context: typer.Context,
    study: Annotated[Path, typer.Argument(help="The study file (YAML).")],
    overrides: Overrides = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Trials per architecture, in place of the file's.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trials at once, in place of the file's.")
    ] = None,
    importance_trials: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Add N trials per architecture, beyond the budget, that sample the space evenly.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show space, budget and time; run nothing.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with a study that was begun, to its budget; begin it where it was not.",
        ),
    ] = False,
    evolve: Annotated[
        bool,
        typer.Option(
            "--evolve",
            help="With --resume: let the study's space grow into the file's (a new choice, a wider "
            "range, a new parameter); its trials are kept.",
        ),
    ] = False,
    warm_start: Annotated[
        str | None,
        typer.Option(
            "--warm-start",
            metavar="STUDY",
            help="An earlier study of the same storage, whose trials the sampler learns from; "
            "they cost no budget and are no results of this one.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
    storage: StorageUrl = None,
    tracking: TrackingUri = None,
) -> None:
    """Run a study: search, train, prune, track; register the winner if the file says so.

    Ctrl-C once finishes the trials at hand, twice stops at once; either way --resume goes on.
    """
    from hpo.cli.live import watcher
    from hpo.study.planning import plan

    call = current(context, storage, tracking)
    workspace = call.workspace
    try:
        planned = plan(
            study,
            workspace=workspace,
            overrides=[
                *(overrides or ()),
                *_changed("workers", workers),
                *_changed("budget.importance_trials", importance_trials),
                *_changed("warm_start", warm_start),
            ],
            trials=trials,
            resume=resume,
            evolve=evolve,
            probe=not dry_run,
            during=working,
        )
    except KeyboardInterrupt:
        from hpo.execution.interrupts import Interrupted
        from hpo.study.outcome import NOTHING_BEGUN

        # Looking for copies takes a minute, and weights are downloaded.
        raise Interrupted(signal.SIGINT, NOTHING_BEGUN) from None
    if dry_run:
        print_json(planned.to_json()) if as_json else print_plan(planned)
        return
    from hpo.study.running import run as start
    from hpo.study.sealed import may_be_opened

    display = watcher(planned.seconds_per_trial)
    with display.running():
        outcome = start(planned, workspace=workspace, resume=resume, watcher=display)
    if as_json:
        print_json(outcome.to_json())
    else:
        print_outcome(outcome)
    outcome.raise_if_stopped()
    outcome.raise_if_all_failed(workspace)
    if not as_json:
        kept = workspace.of_file(planned.spec.storage, planned.spec.tracking.uri)
        confirmed = planned.spec.confirmation is not None
        testable = confirmed and may_be_opened(outcome.study, kept)
        call = dataclasses.replace(call, workspace=kept)
        _print_next(call, outcome, confirmed=confirmed, testable=testable)


def _changed(key: str, value: int | str | None) -> list[str]:
    return [] if value is None else [f"{key}={value}"]


def _print_next(call: Call, outcome: StudyOutcome, *, confirmed: bool, testable: bool) -> None:
    say("")
    say(f"Next     {call.follow_up('report', outcome.study)}")
    # Of trials that all failed or break a constraint none can be confirmed or promoted.
    some = any(row.best is not None for row in outcome.rows)
    if some and not confirmed:
        say(f"         {call.follow_up('confirm', outcome.study)}")
    # What the gate has refused just now it would refuse again.
    if some and outcome.promotion is None:
        say(f"         {call.follow_up('promote', outcome.study)}")
    if some and testable:
        say(f"         {call.follow_up('test', outcome.study)}")
    say(f"         {call.follow_up('ui')}")


def print_outcome(outcome: StudyOutcome) -> None:
    """Print how a study ended: a row per architecture, notes, and the champion."""
    rows = [
        [
            row.label,
            row.complete,
            row.pruned,
            row.failed,
            None if row.best is None else f"{row.best:.4f}",
            None if row.best_trial is None else f"#{row.best_trial}",
            row.params,
        ]
        for row in outcome.rows
    ]
    columns = ["architecture", "complete", "pruned", "failed", f"best {outcome.objective}", "trial"]
    # In what a narrow terminal leaves beside the rest, parameters would be a column of scraps.
    beside = fits([*columns, "with"], rows)
    print_table(
        [*columns, "with"] if beside else columns, rows if beside else [r[:-1] for r in rows]
    )
    for row in [] if beside else outcome.rows:
        if row.params:
            print_wrapped(f"{row.label} #{row.best_trial}: {row.params}")
    for note in outcome.notes:
        say(note)
    gate = (outcome.promotion or {}).get("gate")
    if gate:
        from hpo.cli.champion import print_gate
        from hpo.study.decision import Decision

        print_gate(Decision.from_plain(gate))
    if outcome.champion:
        say(f"Champion: {outcome.champion}")
