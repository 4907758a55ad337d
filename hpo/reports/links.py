"""Where a study's runs are in MLflow's page, as links that a report can hold."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from hpo.reports.data import ReportData

ADDRESS = "http://127.0.0.1:5000"
"""Where ``hpo ui`` listens unless it is told otherwise."""


def ui_links(data: ReportData) -> dict[str, Any]:
    """Return ``address``, ``experiment`` and ``served``; {} where the study is not in MLflow.

    ``experiment`` is the part of a link that follows the address, up to the run's id; ``served``
    tells whether a tracking server has the pages, so that nobody has to start them.
    """
    known = data.facts.get("mlflow") or {}
    if not known.get("experiment_id"):
        return {}
    return {
        "address": (known.get("address") or ADDRESS).rstrip("/"),
        "experiment": f"/#/experiments/{quote(str(known['experiment_id']), safe='')}",
        "served": bool(known.get("address")),
    }


def run_path(run_id: str) -> str:
    """Return what follows the experiment's part of a link to a run."""
    return f"/runs/{quote(run_id, safe='')}"
