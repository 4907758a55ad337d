"""``hpo studies``, ``trials``, ``delete`` and ``promote``: what there is, and what comes of it."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from hpo.cli.shell import current, print_json, print_table, say

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="The study's name.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command(epilog="Examples:  [bold]hpo studies[/bold]   [bold]hpo studies --json[/bold]")(
        studies
    )
    app.command(
        epilog="Examples:  [bold]hpo trials thesis[/bold]   "
        "[bold]hpo trials thesis --csv > trials.csv[/bold]"
    )(trials)
    app.command(
        epilog="Examples:  [bold]hpo delete quickstart[/bold]   [bold]hpo delete old --yes[/bold]"
    )(delete)
    app.command(epilog="Example:  [bold]hpo promote thesis[/bold]")(promote)


def studies(context: typer.Context, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the studies of this workspace."""
    from hpo.study.listing import studies as list_them

    rows = list_them(workspace=current(context).workspace)
    if as_json:
        print_json(rows)
    elif as_csv:
        _write_csv(rows)
    elif not rows:
        say("No studies yet. `hpo quickstart` makes the first one.")
    else:
        names = list(rows[0])
        print_table(names, [[_cell(r[name]) for name in names] for r in rows])


def trials(
    context: typer.Context, study: StudyName, as_json: AsJson = False, as_csv: AsCsv = False
) -> None:
    """List the trials of a study, with their parameters."""
    from hpo.study.listing import trials as list_them

    rows = list_them(study, workspace=current(context).workspace)
    if as_json:
        print_json(rows)
        return
    if as_csv:
        _write_csv([_flat(r) for r in rows])
        return
    from hpo.cli.live import compact, duration

    print_table(
        ["trial", "state", "value", "epochs", "time", "parameters"],
        [
            [
                f"{r['architecture']} #{r['number']}",
                r["state"],
                None if r["value"] is None else f"{r['value']:.4f}",
                r["epochs_run"],
                duration(r["seconds"]),
                r["reason"] if r["state"] == "failed" else compact(r["searched"]),
            ]
            for r in rows
        ],
    )


def delete(
    context: typer.Context,
    study: StudyName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[
        bool, typer.Option(help="Also delete registered models that came from it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a study: its trials, its MLflow runs, its checkpoints and its report."""
    from hpo.study.deletion import delete as remove
    from hpo.study.deletion import what_goes

    workspace = current(context).workspace
    going = what_goes(study, workspace=workspace)
    if not yes:
        question = f"Delete study '{study}': {going.line()}. This cannot be undone. Go on?"
        typer.confirm(question, abort=True, err=True)
    gone = remove(study, workspace=workspace, force=force)
    if as_json:
        print_json(gone.to_json())
    else:
        say(f"Deleted study '{study}': {gone.line()}.")


def promote(context: typer.Context, study: StudyName, as_json: AsJson = False) -> None:
    """Register a study's winner as emotion-classifier, and move the champion alias to it.

    The song recommender that answers with it is registered too.
    """
    from hpo.study.promoting import promote as start

    promotion = start(study, workspace=current(context).workspace)
    if as_json:
        print_json(promotion.to_json())
    else:
        say(f"Champion: {promotion.line()}")


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(str(v) for v in value)
    return value


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat = {k: v for k, v in row.items() if k not in ("params", "searched")}
    return {**flat, **{f"params.{k}": v for k, v in row["params"].items()}}


def _write_csv(rows: Sequence[Mapping[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(sys.stdout, names, restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {k: json.dumps(v) if isinstance(v, dict | list | tuple) else v for k, v in row.items()}
        )
