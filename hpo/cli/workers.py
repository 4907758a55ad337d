"""``hpo worker`` and ``hpo doctor``: studies on many machines, and their health."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from hpo.cli.shell import (
    StorageUrl,
    StudyName,
    TrackingUri,
    counted,
    current,
    examples,
    named,
    print_json,
    print_table,
    say,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command(
        epilog=examples(
            ("hpo worker thesis --storage postgresql://me@db/hpo", "join a study that was begun"),
            ("hpo worker study.yaml --workers 2", "begin it or join it, two trials at once"),
        )
    )(worker)
    app.command(
        epilog=examples(
            ("hpo doctor", "look at every study of the workspace"),
            ("hpo doctor thesis --fix", "bring MLflow and the disk to what Optuna holds"),
            ("hpo doctor --json", "for another program"),
        )
    )(doctor)


def worker(
    context: typer.Context,
    study: StudyName,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trials at once, in place of the study's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
    storage: StorageUrl = None,
    tracking: TrackingUri = None,
) -> None:
    """Work on a study beside other workers, on this machine or others, to its budget.

    Any number of workers may join, leave and die: the budget holds over all of them, and what a
    dead one left is run again. Needs the study's dataset in this workspace, and storage and
    tracking that all workers reach.
    """
    from hpo.cli.live import watcher
    from hpo.cli.run import print_outcome
    from hpo.study.joining import worker as join

    workspace = current(context, storage, tracking).workspace
    display = watcher()
    with display.running():
        outcome = join(study, workspace=workspace, workers=workers, watcher=display)
    print_json(outcome.to_json()) if as_json else print_outcome(outcome)
    outcome.raise_if_stopped("the same command")
    outcome.raise_if_all_failed()


def doctor(
    context: typer.Context,
    study: Annotated[
        str | None,
        typer.Argument(metavar="[STUDY]", help="The study's name, or its study file; all if left."),
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended.")] = False,
    as_json: AsJson = False,
    storage: StorageUrl = None,
    tracking: TrackingUri = None,
) -> None:
    """Compare Optuna's storage, MLflow and the disk, and tell what differs.

    Optuna's storage is the truth; --fix brings the others to it, and releases trials whose workers
    are gone. What is left of a study that the storage does not know is told and not touched. Exit
    code 1 if something is wrong (after --fix: still wrong); a note in MLflow in the words of an
    earlier version is not.
    """
    from hpo.study.doctor import doctor as examine

    call = current(context, storage, tracking)
    if study is not None:
        study, workspace = named(context, study, storage, tracking)
        call = dataclasses.replace(call, workspace=workspace)
    diagnosis = examine(study, workspace=call.workspace, fix=fix)
    if as_json:
        print_json(diagnosis.to_json())
    else:
        for note in diagnosis.notes:
            say(note)
        if diagnosis.fixed:
            say(f"Mended {counted(len(diagnosis.fixed), 'problem')}:")
            print_table(
                ["study", "where", "what"], [[p.study, p.place, p.what] for p in diagnosis.fixed]
            )
        if diagnosis.problems:
            say(f"{counted(len(diagnosis.problems), 'problem')}:")
            rows = [
                [p.study, p.place, p.what, "--fix" if p.fixable else "not by --fix"]
                for p in diagnosis.problems
            ]
            print_table(["study", "where", "what", "mend"], rows)
            fixable = sum(p.fixable for p in diagnosis.problems)
            if not fix and fixable:
                words = ["doctor", *([] if study is None else [study]), "--fix"]
                which = "them" if fixable == len(diagnosis.problems) else f"{fixable} of them"
                say(f"`{call.follow_up(*words)}` mends {which}.")
        elif diagnosis.studies:
            say("Optuna, MLflow and the disk agree.")
        else:
            say("There is no study here: nothing to compare.")
        if diagnosis.reworded:
            say("Right as they are, and brought up to date by --fix:")
            rows = [[p.study, p.place, p.what] for p in diagnosis.reworded]
            print_table(["study", "where", "what"], rows)
    if not diagnosis.ok:
        raise typer.Exit(1)
