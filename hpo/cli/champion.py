"""``hpo promote`` and ``hpo champion``: who answers, why, and who did before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hpo.cli.shell import (
    Moods,
    Songs,
    StorageUrl,
    StudyName,
    TrackingUri,
    current,
    examples,
    existing,
    named,
    print_json,
    print_table,
    say,
)
from hpo.spec.confirmation import SUFFIX
from hpo.spec.errors import InputError
from hpo.spec.records import WITHOUT_COPIES
from hpo.spec.reruns import expected_of

if TYPE_CHECKING:
    from hpo.study.decision import Decision
    from hpo.study.registered import Registered
    from hpo.study.reigning import Champion

REFUSED = 4
"""The exit code where the gate kept the champion: nothing failed, and nothing was promoted."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command(
        epilog=examples(
            ("hpo promote thesis", "its best trial becomes the champion, if it passes the gate"),
            ("hpo promote thesis --ensemble 5", "its five best, answering together"),
            ("hpo promote thesis --songs mine --moods mine.yaml", "with songs and moods of yours"),
            ("hpo promote thesis --force", "whatever the gate says"),
        )
    )(promote)
    app.command(
        epilog=examples(
            ("hpo champion", "who answers, with the gate's numbers, and who did before"),
            ("hpo champion --rollback", "the one before it answers again"),
            ("hpo champion --rollback --to 3", "version 3 does"),
            ("hpo champion --rollback --to boxed", "the model in the box does"),
        )
    )(champion)


def promote(
    context: typer.Context,
    study: StudyName,
    songs: Songs = None,
    moods: Moods = None,
    ensemble: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="K",
            help="Register the K best trials as one model, which answers the mean of their "
            "probabilities, 32 at most; 1: the winner alone. Default: what the study file says.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Promote it whatever the gate says; this is recorded.")
    ] = False,
    as_json: AsJson = False,
    storage: StorageUrl = None,
    tracking: TrackingUri = None,
) -> None:
    """Register a study's winner; if it passes the gate, it becomes the champion.

    Both are asked about the study's validation faces, and the study file's gate decides: a gain in
    accuracy that is more than chance, no class lost, bounds of calibration, latency and size. The
    song recommender that answers with the champion is registered with it. A winner that does not
    pass is registered as challenger, and the command ends with exit code 4.
    """
    from hpo.study.promoting import promote as start

    call = current(context, storage, tracking)
    study, workspace = named(context, study, storage, tracking)
    promotion = start(
        study, workspace=workspace, songs=songs, moods=moods, ensemble=ensemble, force=force
    )
    refused = promotion.outcome == "refused"
    if as_json:
        print_json(promotion.to_json())
    else:
        if promotion.gate is not None:
            print_gate(promotion.gate)
        say(f"{'Challenger' if refused else 'Champion'}: {promotion.line()}")
        for warning in promotion.warnings:
            say(warning)
        if refused:
            same = [study] if ensemble is None else [study, "--ensemble", str(ensemble)]
            say(f"Promote it all the same: {call.follow_up('promote', *same, '--force')}")
    if refused:
        raise typer.Exit(REFUSED)


def champion(
    context: typer.Context,
    rollback: Annotated[
        bool,
        typer.Option(
            "--rollback",
            help="Make the champion before the present one the champion again, with the "
            "recommender that answered with it; before the first one it is the model in the box. "
            "Done again, it does nothing.",
        ),
    ] = False,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION|boxed",
            help="With --rollback: this version of emotion-classifier instead, or the model in "
            "the box.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    tracking: TrackingUri = None,
) -> None:
    """Show which model answers, what the gate said of it, and the history; or step back."""
    from hpo.registry.succession import BOXED
    from hpo.study.reigning import champion as show
    from hpo.study.stepping_back import rollback as step_back

    workspace = existing(context, None, tracking)
    if rollback:
        done = step_back(to, workspace=workspace)
        if as_json:
            print_json(done.to_json())
            return
        say(done.line())
        call = current(context, tracking=tracking)
        if not (done.changed or done.finished or to) and done.classifier != BOXED:
            further = call.follow_up("champion", "--rollback", "--to", BOXED)
            say(f"Once stepped back, only --to goes further, to a version or the box: {further}")
        if done.changed and done.classifier == BOXED and done.before:
            back = call.follow_up("champion", "--rollback", "--to", done.before)
            say(f"Make it champion again: {back}")
        return
    if to is not None:
        raise InputError(
            "--to goes with --rollback",
            got=f"--to {to} alone",
            hint=f"Type: hpo champion --rollback --to {to}",
        )
    shown = show(workspace=workspace)
    print_json(shown.to_json()) if as_json else _print(shown)


def print_gate(decision: Decision) -> None:
    """Print what the gate said: a row per check, then what to keep in mind."""
    if decision.checks:
        print_table(
            ["check", "challenger", "champion", "needs", ""],
            [
                [c.name, c.challenger, c.champion, c.needs, "passed" if c.passed else "FAILED"]
                for c in decision.checks
            ],
        )
        against = f"emotion-classifier {decision.against}" if decision.against else "no champion"
        say(f"On {decision.faces:,} validation faces, against {against}.")
    for note in decision.notes:
        say(note)


def _print(shown: Champion) -> None:
    from hpo.registry.succession import BOXED

    own = shown.classifier
    if own is None:
        none = "There is no champion any more" if shown.history else "No study has made a champion"
        if shown.since:
            none = f"A person stepped back from the champion at {_minute(shown.since)}"
        say(f"{none}: the model in the box answers (hpo recommend).")
        if shown.recommender:
            say(
                f"Warning: song-recommender {shown.recommender} is champion still: a move was cut "
                "off. `hpo doctor --fix` finishes it."
            )
    else:
        within = (
            f", in song-recommender {shown.recommender} with {shown.catalogue}"
            if shown.recommender
            else ""
        )
        typer.echo(
            f"emotion-classifier {own.version} answers{within}"
            + (f", since {_minute(shown.since)}" if shown.since else "")
        )
        if shown.pinned != own.version:
            found = (
                f"song-recommender {shown.recommender} holds emotion-classifier {shown.pinned}"
                if shown.recommender
                else "no song-recommender is champion"
            )
            say(f"Warning: {found}: a move was cut off. `hpo doctor --fix` finishes it.")
        _print_version(own)
    if shown.challenger is not None:
        rival = shown.challenger
        typer.echo("")
        typer.echo(f"challenger: emotion-classifier {rival.version}, {rival.who} of {rival.study}")
        if rival.gate is not None:
            failed = ", ".join(rival.gate.failed) or "nothing"
            typer.echo(f"kept out at {_minute(rival.gate.at)} by: {failed}")
    if shown.history:
        typer.echo("")
        print_table(
            ["when (UTC)", "", "classifier", "recommender", "study", "trial"],
            [
                [
                    _minute(m.at)[:-4],
                    m.what,
                    m.classifier,
                    m.recommender or None,
                    None if m.classifier == BOXED else m.study or "deleted",
                    m.who or None,
                ]
                for m in shown.history
            ],
        )


def _print_version(own: Registered) -> None:
    from hpo.evidence.card_figures import score
    from hpo.evidence.metric_words import metric_words

    typer.echo(f"study {own.study}, {own.who}")
    expected = expected_of(own.over_seeds, ensemble=bool(own.members))
    if not expected and own.study.endswith(SUFFIX):
        expected = (
            "The figures below are of the best of several seeds, and optimistic; "
            f"`hpo report {own.study.removesuffix(SUFFIX)}` has the means over them."
        )
    if expected:
        typer.echo(expected)
    for sentence in own.news:
        typer.echo(sentence)
    shown = {name: value for name, value in own.metrics.items() if name.startswith("val_")}
    names = [name for name in shown if not name.endswith(WITHOUT_COPIES)]
    unseen = {name: shown.get(name + WITHOUT_COPIES) for name in names}
    columns = ["metric", "on the validation faces"]
    rows = [[metric_words(name), score(name, shown[name])] for name in names]
    if any(value is not None for value in unseen.values()):
        columns.append("on those of which training has no copy")
        for row, (name, value) in zip(rows, unseen.items(), strict=True):
            row.append("–" if value is None else score(name, value))
    print_table(columns, rows)
    for sentence in own.tested:
        typer.echo(sentence)
    if own.gate is None:
        say("It was registered without a gate.")
        return
    typer.echo(f"gate: {own.gate.verdict} at {_minute(own.gate.at)}")
    print_gate(own.gate)


def _minute(at: str) -> str:
    """Return a time as people read it, to the minute."""
    return f"{at[:16].replace('T', ' ')} UTC"
