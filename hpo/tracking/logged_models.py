"""Models that MLflow has logged: listing them, and deleting them with their files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from hpo.tracking import names


def run_models(client: Any, run: Any) -> list[Any]:
    """Return a run's logged checkpoints that were not deleted; other models of it are not ours."""
    found = client.search_logged_models(
        [run.info.experiment_id], filter_string=f"source_run_id = '{run.info.run_id}'"
    )
    return [model for model in found if model.name == names.MODEL_NAME]


def list_models(client: Any, experiment_id: str) -> list[Any]:
    """Return all logged models of an experiment that were not deleted."""
    found: list[Any] = []
    token = None
    while True:
        page = client.search_logged_models([experiment_id], max_results=50, page_token=token)
        found.extend(page)
        token = page.token
        if not token:
            return found


def registered_versions(client: Any) -> list[Any]:
    """Return every version of every registered model."""
    found: list[Any] = []
    token = None
    while True:
        page = client.search_model_versions(max_results=200, page_token=token)
        found.extend(page)
        token = page.token
        if not token:
            return found


def delete_model(client: Any, model: Any) -> None:
    """Delete a logged model: its files where they are on this machine, and its entry.

    A database behind us forgets it entirely; a server marks it for its own ``mlflow gc``.
    """
    client.delete_logged_model(model.model_id)
    folder = local_folder(model.artifact_location)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.name == "artifacts" and folder.parent.name == model.model_id:
            shutil.rmtree(folder.parent, ignore_errors=True)
    store = client._tracking_client.store
    if hasattr(store, "_hard_delete_logged_model"):
        store._hard_delete_logged_model(model.model_id)


def local_folder(location: str | None) -> Path | None:
    """Return the folder behind an artifact location; None if it is not on this machine."""
    if not location:
        return None
    parts = urlsplit(location)
    if parts.scheme == "":
        # MLflow reads a plain path as it reads an address: a name's "%C3%BC" is the folder "ü".
        return Path(unquote(location))
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    return None
