"""A study in MLflow, for a report: where its runs are, and its page among their artifacts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpo.spec.workspace import Workspace


@dataclass
class Tracked:
    """What is known of a study in MLflow; nothing, where it is not tracked or MLflow is away.

    Args:
        client: of MLflow; None where nothing is known.
        experiment_id: of the study.
        address: of the server that shows it; "" for a store that ``hpo ui`` shows.
        notes: what could not be done, a sentence each.
    """

    client: Any = None
    experiment_id: str = ""
    address: str = ""
    notes: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, str]:
        """Return what links need; {} where nothing is known."""
        if not self.experiment_id:
            return {}
        return {"experiment_id": self.experiment_id, "address": self.address}

    def keep(self, page: Path) -> None:
        """Put the page, as one file, its data and card among the artifacts, over earlier ones."""
        from hpo.reports.layout import one_file
        from hpo.reports.page import CARD, DATA
        from hpo.tracking.reports import PAGE, keep_report

        if not self.experiment_id:
            return
        files = {PAGE: one_file(page.read_text(encoding="utf-8"))}
        for path in (page.parent / DATA, page.parent / CARD):
            if path.is_file():
                files[path.name] = path.read_text(encoding="utf-8")
        try:
            keep_report(self.client, self.experiment_id, files)
        except Exception as error:
            # Broad, as wherever MLflow is told: the page is written, whatever its mirror says.
            self.notes.append(f"The report was not put into MLflow: {_first_line(error)}")


def find(study: str, workspace: Workspace) -> Tracked:
    """Look a study up in MLflow; a report is written whether or not it answers."""
    from hpo.spec.addresses import without_password
    from hpo.tracking.reports import find_experiment
    from hpo.tracking.store import is_server, open_client, sqlite_path

    uri = workspace.tracking_uri()
    database = sqlite_path(uri)
    if database is not None and not database.is_file():
        return Tracked()
    try:
        client = open_client(uri, workspace.runs / "artifacts")
        found = find_experiment(client, study)
    except Exception as error:
        return Tracked(notes=[f"No links to MLflow: {_first_line(error)}"])
    if found is None:
        return Tracked()
    return Tracked(client, found, without_password(uri) if is_server(uri) else "")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
