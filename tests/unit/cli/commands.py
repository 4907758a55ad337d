"""The command tree as data, and one way to run a command as a person would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from hpo.cli.app import app

ROOT = typer.main.get_command(app)


def walk(command: Any = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command and group below ``command``, with its words."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from walk(child, (*path, name))


def run(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``hpo`` in a new process, without colour, 80 columns wide."""
    plain = {
        k: v
        for k, v in os.environ.items()
        if k not in ("FORCE_COLOR", "HPO_STORAGE", "MLFLOW_TRACKING_URI")
        and not k.startswith("GITHUB_")
    }
    return subprocess.run(
        [sys.executable, "-m", "hpo", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**plain, "COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1", **(env or {})},
        timeout=120,
        check=False,
    )
