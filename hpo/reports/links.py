"""Where a study's runs are in MLflow's page, as links that a report can hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.reports.data import ReportData
from hpo.tracking.views import run_path

ADDRESS = "http://127.0.0.1:5000"
"""Where ``hpo ui`` listens unless it is told otherwise."""


def ui_links(data: ReportData) -> dict[str, Any]:
    """Return ``address`` and ``served``; {} where the study is not in MLflow.

    ``served`` tells whether a tracking server has the pages, so that nobody has to start them.
    """
    known = data.facts.get("mlflow") or {}
    if not known.get("experiment_id"):
        return {}
    return {
        "address": (known.get("address") or ADDRESS).rstrip("/"),
        "served": bool(known.get("address")),
    }


def run_link(data: ReportData, trial: Mapping[str, Any]) -> str:
    """Return what follows the address in the link to a trial's run; "" where there is none."""
    known = data.facts.get("mlflow") or {}
    if not known.get("experiment_id") or not trial["mlflow_run_id"]:
        return ""
    return "/" + run_path(str(known["experiment_id"]), trial["mlflow_run_id"])
