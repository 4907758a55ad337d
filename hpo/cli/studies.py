"""``hpo studies``, ``trials`` and ``delete``: what there is."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from hpo.cli.shell import (
    StorageUrl,
    StudyName,
    TrackingUri,
    counted,
    examples,
    existing,
    named,
    print_json,
    print_table,
    say,
    without_empty,
)
from hpo.spec.confirmation import SUFFIX, confirmation_name
from hpo.spec.errors import InputError, NotFoundError
from hpo.spec.workspace import Workspace

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]

_STATES = ("complete", "pruned", "failed")
_LOGS = 3
"""Whose logs are named below the table; failed trials tend to fail alike."""
_USUAL = ("sampler", "confirmation", "single")
"""Origins that need no word in a table: most trials have the first, and titles tell the others."""


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command(
        epilog=examples(
            ("hpo studies", "what there is"), ("hpo studies --json", "for another program")
        )
    )(studies)
    app.command(
        epilog=examples(
            ("hpo trials thesis", "states, values, times and what was searched"),
            ("hpo trials thesis --csv > trials.csv", "every parameter, for a spreadsheet"),
        )
    )(trials)
    app.command(
        epilog=examples(
            ("hpo delete quickstart", "say what goes, and ask"),
            ("hpo delete old --yes", "without asking"),
            ("hpo delete thesis --force", "its registered models too, the champion among them"),
        )
    )(delete)


def studies(
    context: typer.Context,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    storage: StorageUrl = None,
    tracking: TrackingUri = None,
) -> None:
    """List the studies of this workspace, each confirmation beneath its study."""
    from hpo.study.listing import studies as list_them

    _check_one_format(as_json=as_json, as_csv=as_csv)
    workspace = existing(context, storage, tracking)
    rows = list_them(workspace=workspace)
    if not rows:
        _check_there(workspace)
    if as_json:
        print_json(rows)
    elif as_csv:
        _write_csv([_flat(r) for r in rows])
    elif not rows:
        say("No studies yet. `hpo quickstart` makes the first one.")
    else:
        print_table(
            ["name", "architectures", "trials", *_STATES, "best", "created (UTC)"],
            [_study_cells(r, beneath=beneath) for r, beneath in _with_confirmations(rows)],
        )
        for row in rows:
            if row["problem"]:
                say(f"Note: {row['problem']}")


def _check_there(workspace: Workspace) -> None:
    """Refuse to call a mistyped storage empty."""
    from hpo.search.storage import sqlite_path

    path = sqlite_path(workspace.storage) if workspace.storage else None
    if path is not None and not path.is_file():
        raise NotFoundError(
            "there is no such database", where=str(path), hint="Is --storage right?"
        )


def trials(
    context: typer.Context,
    study: StudyName,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    storage: StorageUrl = None,
    tracking: TrackingUri = None,
) -> None:
    """List the trials of a study, with their parameters."""
    from hpo.study.listing import lost_attempts
    from hpo.study.listing import trials as list_them

    _check_one_format(as_json=as_json, as_csv=as_csv)
    study, workspace = named(context, study, storage, tracking)
    rows = list_them(study, workspace=workspace)
    if as_json:
        print_json(rows)
        return
    if as_csv:
        # What was searched is among the parameters; what is said of a rung is no trial's own.
        apart = ("searched", "rank_agreement")
        _write_csv([_flat({k: v for k, v in r.items() if k not in apart}) for r in rows])
        return
    from hpo.cli.live import compact, duration
    from hpo.spec.confirmation import trial_title
    from hpo.spec.objectives import metric_text

    further = list(dict.fromkeys(name for r in rows for name in list(r["values"])[1:]))
    # A run of a confirmation searches nothing.
    columns, cells = without_empty(
        ["trial", "state", "value", *further, "epochs", "time", "origin", "parameters"],
        [
            [
                trial_title(r["architecture"], r["number"], r["slot"], r["origin"]),
                _state(r),
                None if r["value"] is None else f"{r['value']:.4f}",
                *(
                    metric_text(name, r["values"][name]) if r["values"] else None
                    for name in further
                ),
                r["epochs_run"],
                None if r["state"] == "running" else duration(r["seconds"]),
                "" if r["origin"] in _USUAL else r["origin"],
                r["reason"] if r["state"] == "failed" else compact(r["searched"]),
            ]
            for r in rows
        ],
    )
    print_table(columns, cells)
    lost = lost_attempts(study, workspace)
    if lost:
        say(f"Not listed: {counted(lost, 'attempt')} without a result, whose place is given again.")
    _say_ranks(rows)
    logged = [r for r in rows if r["log"]]
    for r in logged[:_LOGS]:
        title = trial_title(r["architecture"], r["number"], r["slot"], r["origin"])
        say(f"Log of {title}: {r['log']}")
    if len(logged) > _LOGS:
        say(f"{len(logged) - _LOGS} more failed trials have logs; --json names them all.")


def _say_ranks(rows: Sequence[Mapping[str, Any]]) -> None:
    """Say, where there are rungs, how well each has foretold the next, as a run does."""
    from hpo.search.ranks import sentence
    from hpo.spec.records import RankAgreement

    told = [(r["architecture"], r["rung"], r["rank_agreement"]) for r in rows]
    known = {(label, rung): RankAgreement.from_json(a) for label, rung, a in told if a}
    for (label, _), agreement in sorted(known.items()):
        if agreement.corrected is not None:
            say(f"{label}: {sentence(agreement)}.")


def delete(
    context: typer.Context,
    study: StudyName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also delete registered models that came from it.")
    ] = False,
    as_json: AsJson = False,
    storage: StorageUrl = None,
    tracking: TrackingUri = None,
) -> None:
    """Delete a study: its trials, its MLflow runs, its checkpoints and its report."""
    from hpo.study.deletion import delete as remove
    from hpo.study.deletion import what_goes

    study, workspace = named(context, study, storage, tracking)
    going = what_goes(study, workspace=workspace, force=force)
    champion = force and _champion_is_among(going.models, workspace)
    if not yes:
        loss = ""
        if champion:
            loss = (
                " The champion is among them: `hpo recommend` answers with the model in the box "
                "then."
            )
        question = f"Delete study '{study}': {going.line()}.{loss} This cannot be undone. Go on?"
        if not _agreed(question):
            raise typer.Abort
    gone = remove(study, workspace=workspace, force=force)
    if as_json:
        print_json({**gone.to_json(), "champion": champion})
        return
    say(f"Deleted study '{study}': {gone.line()}.")
    if champion:
        say("The champion is gone with it: `hpo promote STUDY` makes another.")


def _agreed(question: str) -> bool:
    typed = False
    try:
        agreed = typer.confirm(question, err=True)
        typed = sys.stdin.isatty()
    finally:
        # An answer that is typed ends the question's line; Ctrl-C, Ctrl-D and a pipe do not.
        if not typed:
            say("")
    return agreed


def _check_one_format(*, as_json: bool, as_csv: bool) -> None:
    if as_json and as_csv:
        raise InputError(
            "two formats were asked for", expected="--json or --csv", got="--json --csv"
        )


def _with_confirmations(rows: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], bool]]:
    """Return the studies, each confirmation beneath the study whose best it ran again."""
    there = {row["name"]: row for row in rows}
    beneath = {name + SUFFIX for name in there} & set(there)
    listed: list[tuple[Mapping[str, Any], bool]] = []
    for row in rows:
        if row["name"] in beneath:
            continue
        listed.append((row, False))
        if confirmation_name(row["name"]) in beneath:
            listed.append((there[confirmation_name(row["name"])], True))
    return listed


def _study_cells(row: Mapping[str, Any], *, beneath: bool) -> list[Any]:
    counts = [row["states"].get(state, 0) for state in _STATES]
    best = None
    if row["best_value"] is not None:
        # Most are accuracies; of another objective less may be better, so it is named.
        of = "" if row["metric"] == "val_accuracy" else f" {row['metric']}"
        best = f"{row['best_value']:.4f}{of} ({row['best_title']})"
    return [
        f"  {row['name']}" if beneath else row["name"],
        ", ".join(row["architectures"]),
        _amount(sum(counts), row["budget"], row["limits"]),
        *counts,
        best,
        row["created"][:16].replace("T", " "),
    ]


def _amount(done: int, budget: int, limits: str) -> str:
    """Return ``2 of 20``; a study may have more than its last budget, which then is named.

    Where epochs or time are limited, per architecture, that is named too: there need not be more.
    """
    if limits:
        return f"{done} of {budget} or {limits} each" if budget else f"{done} in {limits} each"
    return f"{done} (budget {budget})" if 0 < budget < done else f"{done} of {budget or 'unknown'}"


def _champion_is_among(models: Sequence[str], workspace: Workspace) -> bool:
    """Return whether one of ``models``, such as ``emotion-classifier 3``, is the champion."""
    if not models:
        return False
    from hpo.registry.models import CHAMPION, CLASSIFIER
    from hpo.registry.versions import find_version
    from hpo.tracking.store import open_client

    client = open_client(workspace.tracking_uri(), workspace.runs / "artifacts")
    try:
        champion = find_version(client, CLASSIFIER, CHAMPION)
    except NotFoundError:
        return False
    return f"{CLASSIFIER} {champion.version}" in models


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with a column for each entry of its mappings, such as ``params.dropout``."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if name == "states":
            value = {**dict.fromkeys(_STATES, 0), **value}
        if isinstance(value, Mapping):
            flat |= {f"{name}.{key}": entry for key, entry in value.items()}
        else:
            flat[name] = value
    return flat


def _state(row: Mapping[str, Any]) -> str:
    """Return a trial's state, whom it repeats or goes on from, and whether it is on the front."""
    if not row["feasible"]:
        return f"{row['state']}, breaks {', '.join(row['broken'])}"
    if row["front"]:
        return f"{row['state']}, on the front"
    if row["repeats"] is not None:
        return f"repeats #{row['repeats']}"
    continues = row["continues"]
    return f"{row['state']}, continues #{continues}" if continues is not None else str(row["state"])


def _write_csv(rows: Sequence[Mapping[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(sys.stdout, names, restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {k: json.dumps(v) if isinstance(v, dict | list | tuple) else v for k, v in row.items()}
        )
