"""How an audit of faces is told: a table, and a sentence or two on each fault."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import typer

from hpo.cli.shell import print_table
from hpo.data.audit.findings import Audit, Finding

_WIDTH = 88


def print_audit(audit: Audit, sheets: Mapping[str, Path]) -> None:
    """Print what was found.

    Args:
        audit: the findings.
        sheets: the contact sheets that were written, by the findings' keys.
    """
    totals = {split: sum(counts.values()) for split, counts in audit.counts.items()}
    typer.echo(f"{audit.name}: {sum(totals.values()):,} faces")
    rows = [_row(finding, audit.splits) for finding in audit.findings]
    rows.append(["all faces", None, sum(totals.values()), *totals.values()])
    print_table(["", "groups", "faces", *audit.splits], rows)
    for finding in audit.findings:
        if finding.faces or not finding.checked:
            _paragraph(f"{finding.title}: {finding.advice}")
    if any(finding.faces for finding in audit.findings):
        _paragraph(
            f"hpo data audit {audit.name} --json lists the faces of every finding: split, place in "
            "it (from 0), name in the source, and label."
        )
    for split, told in audit.balance().items():
        if told["majority"] is not None:
            _paragraph(
                f"emotions in {split}: the most frequent is {told['majority']} with "
                f"{100 * told['majority_share']:.1f} %, which is what always answering it scores; "
                f"the rarest is {told['rarest']} with {100 * told['rarest_share']:.1f} %."
            )
    if sheets:
        folder = next(iter(sheets.values())).parent
        names = ", ".join(path.name for path in sheets.values())
        typer.echo(f"\ncontact sheets in {folder}:")
        typer.echo(textwrap.fill(names, _WIDTH, break_on_hyphens=False))


def _row(finding: Finding, splits: tuple[str, ...]) -> list[object]:
    if not finding.checked:
        return [finding.title, None, None, *(None for _ in splits)]
    groups = None if finding.groups is None else len(finding.groups)
    return [finding.title, groups, len(finding.faces), *finding.per_split(splits).values()]


def _paragraph(text: str) -> None:
    typer.echo("\n" + textwrap.fill(text, _WIDTH, break_on_hyphens=False))
