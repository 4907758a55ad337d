"""Deleting a study from MLflow for good, so that its name can be used again.

MLflow's own deletion only marks an experiment and keeps its name taken. Against a database we go
the way of ``mlflow gc`` (runs, models, files, then the experiment); against a server, which
offers no such thing, the experiment is renamed before it is marked.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hpo.spec.errors import InputError
from hpo.tracking import names
from hpo.tracking.experiment import all_runs
from hpo.tracking.logged_models import (
    delete_model,
    list_models,
    local_folder,
    registered_versions,
)


@dataclass(frozen=True)
class Deletion:
    """What was deleted of a study in MLflow.

    Args:
        runs: number of runs, those of architectures included.
        models: number of logged models.
        versions: registered versions, such as ``emotion-classifier 3``.
        for_good: False if a server only marked it; its ``mlflow gc`` frees the disk.
    """

    runs: int = 0
    models: int = 0
    versions: tuple[str, ...] = ()
    for_good: bool = True


def versions_of(client: Any, study: str) -> list[Any]:
    """Return the registered versions that come from a study's runs or are tagged with it."""
    experiment = client.get_experiment_by_name(study)
    runs = set()
    if experiment is not None:
        runs = {run.info.run_id for run in all_runs(client, experiment.experiment_id, deleted=True)}
    return [
        version
        for version in registered_versions(client)
        if version.run_id in runs or version.tags.get(names.STUDY) == study
    ]


def count_runs(client: Any, study: str) -> int:
    """Return how many runs the study's experiment has; 0 if there is none."""
    experiment = client.get_experiment_by_name(study)
    return (
        0 if experiment is None else len(all_runs(client, experiment.experiment_id, deleted=True))
    )


def has_registered_models(
    study: str, titles: Collection[str], *, answers: bool = True
) -> InputError:
    """Return the error for a study whose registered models nobody gave up.

    Args:
        study: its name.
        titles: of the versions, such as ``emotion-classifier 3``.
        answers: whether the champion may be among them.
    """
    one = len(titles) == 1
    return InputError(
        f"study '{study}' has registered models",
        got="version" + ("s " if len(titles) > 1 else " ") + ", ".join(titles),
        hint="Delete it with --force to delete these versions too, or promote another study "
        "and delete them in the MLflow UI first"
        if answers
        else f"Delete it with --force to delete {'this version' if one else 'these versions'} too: "
        f"{'it is not' if one else 'none of them is'} the champion, so who answers stays the same",
    )


def delete_study(
    client: Any,
    study: str,
    force: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Deletion:
    """Delete a study's experiment, runs, models and files; nothing there is nothing to do.

    Args:
        client: from ``store.open_client``.
        study: its name.
        force: delete registered versions that come from it, too.
        now: clock for the new name of an experiment on a server.

    Raises:
        InputError: registered versions come from this study and ``force`` was not given. Nothing
            was deleted.
    """
    versions = versions_of(client, study)
    titles = tuple(f"{version.name} {version.version}" for version in versions)
    if versions and not force:
        raise has_registered_models(study, titles)
    for version in versions:
        client.delete_model_version(version.name, version.version)
    experiment = client.get_experiment_by_name(study)
    if experiment is None:
        return Deletion(versions=titles)
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    runs = all_runs(client, experiment.experiment_id, deleted=True)
    models = list_models(client, experiment.experiment_id)
    store = client._tracking_client.store
    for_good = hasattr(store, "_hard_delete_experiment")
    for model in models:
        delete_model(client, model)
    if not for_good:
        stamp = now().strftime("%Y-%m-%d %H:%M:%S")
        client.rename_experiment(experiment.experiment_id, f"{study} (deleted {stamp})")
        client.delete_experiment(experiment.experiment_id)
        return Deletion(len(runs), len(models), titles, for_good=False)
    client.delete_experiment(experiment.experiment_id)
    for run in runs:
        store._hard_delete_run(run.info.run_id)
    store._hard_delete_experiment(experiment.experiment_id)
    _delete_files(experiment, runs)
    return Deletion(len(runs), len(models), titles)


def _delete_files(experiment: Any, runs: list[Any]) -> None:
    """Remove the runs' folders, and the experiment's if nothing else is left in it."""
    for run in runs:
        folder = local_folder(run.info.artifact_uri)
        if folder is not None and folder.parent.name == run.info.run_id:
            shutil.rmtree(folder.parent, ignore_errors=True)
    root = local_folder(experiment.artifact_location)
    if root is not None:
        with contextlib.suppress(OSError):
            (root / "models").rmdir()
        with contextlib.suppress(OSError):
            root.rmdir()
