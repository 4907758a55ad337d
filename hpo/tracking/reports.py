"""A study's report in MLflow: once, as files of one run, and told where people look for it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpo.tracking import names, run_texts
from hpo.tracking.experiment import all_runs
from hpo.tracking.views import run_path

PAGE = "index.html"


def find_experiment(client: Any, study: str) -> str | None:
    """Return the id of a study's experiment; None if it has none, or people deleted it."""
    found = client.get_experiment_by_name(study)
    if found is None or found.lifecycle_stage != "active":
        return None
    return str(found.experiment_id)


def report_link(experiment_id: str, run_id: str) -> str:
    """Return the sentence that leads to the report among the artifacts of a run."""
    page = f"{names.REPORT_FOLDER}/{PAGE}"
    return run_texts.report_note(run_path(experiment_id, run_id, page))


def keep_report(client: Any, experiment_id: str, files: Mapping[str, str]) -> str | None:
    """Put a report's files into MLflow, in place of an earlier report's.

    They lie in ``report/`` of one run, the oldest of an architecture, so that a later report falls
    on the earlier. The notes of the experiment and of all architectures' runs lead there.

    Args:
        client: from ``store.open_client``.
        experiment_id: of the study.
        files: text by file name.

    Returns:
        The id of the run; None if the study has no run of an architecture.
    """
    parents = all_runs(client, experiment_id, {names.KIND: names.KIND_ARCHITECTURE})
    if not parents:
        return None
    keeper = min(parents, key=lambda run: (run.info.start_time, run.info.run_id))
    run_id = str(keeper.info.run_id)
    with tempfile.TemporaryDirectory(prefix="hpo-") as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        client.log_artifacts(run_id, folder, names.REPORT_FOLDER)
    link = report_link(experiment_id, run_id)
    for run in parents:
        note = _with_link(run.data.tags.get(names.NOTE, ""), link)
        for tag, value in ((names.REPORT_RUN, run_id), (names.NOTE, note)):
            if run.data.tags.get(tag) != value:
                client.set_tag(run.info.run_id, tag, value)
    known = client.get_experiment(experiment_id).tags.get(names.NOTE, "")
    if link not in known:
        client.set_experiment_tag(experiment_id, names.NOTE, _with_link(known, link))
    return run_id


def _with_link(note: str, link: str) -> str:
    """Return a note that ends with the link, which people may have written around."""
    if link in note:
        return note
    return f"{note}\n\n{link}" if note else link
