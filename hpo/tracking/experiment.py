"""The experiment of a study in MLflow: where its runs are looked up and files are put."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpo.spec.records import SINGLE
from hpo.tracking import names

# MLflow takes at most so many parameters and tags in one batch.
BATCH_PARAMS = 100
# Longer values are cut: MLflow refuses parameters over 6000 and tags over 8000 characters.
LONGEST_VALUE = 5000
PAGE_RUNS = 1000


@dataclass(frozen=True)
class Experiment:
    """An experiment and the client that reaches it.

    Args:
        client: from ``store.open_client``.
        experiment_id: in MLflow.
    """

    client: Any
    experiment_id: str

    def find(self, tags: Mapping[str, str]) -> list[Any]:
        """Return the run that has these tags, in a list; none if there is none.

        Where several were made (by workers at once, or by a request whose answer was lost), the
        oldest stays and the others are deleted, by whoever sees them.
        """
        found = list(
            self.client.search_runs(
                [self.experiment_id],
                _condition(tags),
                order_by=["attributes.start_time ASC", "attributes.run_id ASC"],
                max_results=100,
            )
        )
        for run in found[1:]:
            self.client.delete_run(run.info.run_id)
        return found[:1]

    def log_texts(self, run_id: str, files: Mapping[str, str]) -> None:
        """Put files with these texts at the top of a run's artifacts; empty ones are left out."""
        present = {name: text for name, text in files.items() if text}
        if not present:
            return
        with tempfile.TemporaryDirectory(prefix="hpo-") as folder:
            for name, text in present.items():
                (Path(folder) / name).write_text(text, encoding="utf-8")
            self.client.log_artifacts(run_id, folder)
        _forget_repository(run_id)


def _forget_repository(run_id: str) -> None:
    """Drop what MLflow keeps of a run that will not be written to again.

    It keeps up to a thousand artifact repositories, 8 kB each with their threads, for as long as
    the process lives.
    """
    from mlflow.tracking._tracking_service import utils

    getattr(utils, "_artifact_repos_cache", {}).pop(run_id, None)


def all_runs(
    client: Any, experiment_id: str, tags: Mapping[str, str] | None = None, deleted: bool = False
) -> list[Any]:
    """Return an experiment's runs, page by page.

    Args:
        client: from ``store.open_client``.
        experiment_id: in MLflow.
        tags: that they have.
        deleted: return also those that were deleted and not yet removed.
    """
    from mlflow.entities import ViewType

    found: list[Any] = []
    token = None
    while True:
        page = client.search_runs(
            [experiment_id],
            _condition(tags or {}),
            run_view_type=ViewType.ALL if deleted else ViewType.ACTIVE_ONLY,
            max_results=PAGE_RUNS,
            page_token=token,
        )
        found.extend(page)
        token = page.token
        if not token:
            return found


def studies_with_trials(client: Any, known: Collection[str] = ()) -> dict[str, int]:
    """Return how many runs of trials MLflow has of each study of hpo's; single runs are none.

    Args:
        client: from ``store.open_client``.
        known: studies to leave out.
    """
    found: dict[str, int] = {}
    token = None
    while True:
        page = client.search_experiments(max_results=PAGE_RUNS, page_token=token)
        for experiment in page:
            study = experiment.tags.get(names.STUDY)
            if study is None or study in known:
                continue
            runs = all_runs(client, experiment.experiment_id, {names.KIND: names.KIND_TRIAL})
            trials = sum(run.data.tags.get(names.ORIGIN) != SINGLE for run in runs)
            if trials:
                found[study] = trials
        token = page.token
        if not token:
            return found


def _condition(tags: Mapping[str, str]) -> str:
    return " and ".join(f"tags.`{name}` = '{_quoted(value)}'" for name, value in tags.items())


def _quoted(text: str) -> str:
    return text.replace("'", "\\'")
