"""``delete``: a study out of Optuna, MLflow and the disk together."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpo.spec.confirmation import SUFFIX, confirmation_name
from hpo.spec.errors import InputError, SpecError
from hpo.spec.workspace import Workspace
from hpo.study.naming import resolve_study


@dataclass(frozen=True)
class Deleted:
    """What a study's deletion takes, or took.

    Args:
        trials: trials in Optuna's storage, as ``hpo trials`` lists them.
        runs: runs in MLflow.
        models: registered versions that come from it.
        folders: folders on disk.
        lost: attempts beside the trials, whose places were given to others.
    """

    trials: int
    runs: int
    models: tuple[str, ...]
    folders: list[Path]
    lost: int = 0

    def and_(self, other: Deleted) -> Deleted:
        """Return what goes with both."""
        return Deleted(
            self.trials + other.trials,
            self.runs + other.runs,
            self.models + other.models,
            self.folders + other.folders,
            self.lost + other.lost,
        )

    def line(self) -> str:
        """Return it in a few words."""
        trials, lost, runs = (
            f"{count} {noun}{'' if count == 1 else 's'}"
            for count, noun in (
                (self.trials, "trial"),
                (self.lost, "lost attempt"),
                (self.runs, "MLflow run"),
            )
        )
        parts = [f"{trials} (and {lost})" if self.lost else trials, runs]
        if self.models:
            parts.append("registered models " + ", ".join(self.models))
        if self.folders:
            parts.append("the folders " + ", ".join(str(f) for f in self.folders))
        return "; ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**dataclasses.asdict(self), "folders": [str(f) for f in self.folders]}


def what_goes(
    study: str | Path, *, workspace: Workspace | None = None, force: bool = False
) -> Deleted:
    """Return what ``delete`` would take.

    Raises:
        NotFoundError: there is no such study.
        InputError: it is being worked on, or registered models come from it and ``force`` is
            False.
    """
    from hpo.search.studies import read_trials
    from hpo.tracking.deletion import count_runs, has_registered_models, versions_of

    study, workspace = resolve_study(study, workspace)
    url = workspace.storage_url()
    _check_at_rest(url, study)
    reruns = _confirmation_of(url, study)
    trials = len(read_trials(url, study))
    lost = len(read_trials(url, study, attempts=True)) - trials
    client = _client(workspace)
    versions = tuple(f"{v.name} {v.version}" for v in versions_of(client, study)) if client else ()
    if versions and not force:
        raise has_registered_models(study, versions, answers=_answers(client, versions))
    runs = count_runs(client, study) if client else 0
    own = Deleted(trials, runs, versions, _folders(workspace, study), lost)
    return own if reruns is None else own.and_(what_goes(reruns, workspace=workspace, force=force))


def delete(
    study: str | Path, *, workspace: Workspace | None = None, force: bool = False
) -> Deleted:
    """Delete a study: MLflow first, then the disk, then Optuna, whose storage is the truth.

    A deletion that is cut off leaves the study listed, and the same call finishes it.

    Args:
        study: its name or its study file.
        workspace: where it is; the current directory by default.
        force: also delete registered models that came from it.

    Raises:
        NotFoundError: there is no such study.
        InputError: it is being worked on, or registered models come from it and ``force`` is
            False; nothing was deleted.
    """
    from hpo.search.studies import delete_study
    from hpo.study.findings import write_notes
    from hpo.tracking.deletion import delete_study as delete_runs

    study, workspace = resolve_study(study, workspace)
    going = what_goes(study, workspace=workspace, force=force)
    reruns = _confirmation_of(workspace.storage_url(), study)
    if reruns is not None:
        # First, so that a deletion that is cut off leaves nothing that cannot be named any more.
        delete(reruns, workspace=workspace, force=force)
    client = _client(workspace)
    if client is not None:
        delete_runs(client, study, force=force)
    for folder in going.folders:
        shutil.rmtree(folder, ignore_errors=True)
    delete_study(workspace.storage_url(), study)
    if client is not None and study.endswith(SUFFIX):
        # What the re-runs came to stands in the notes of their search, which may have gone before.
        write_notes(client, workspace.storage_url(), study.removesuffix(SUFFIX))
    return going


def _confirmation_of(storage_url: str, study: str) -> str | None:
    """Return the name of the study that holds its re-runs, if there is one: it goes with it."""
    from hpo.search.studies import has_study

    name = confirmation_name(study)
    return name if has_study(storage_url, name) else None


def _check_at_rest(storage_url: str, study: str) -> None:
    """Refuse to take a study away from workers that are training its trials."""
    from hpo.search.inspection import inspecting
    from hpo.search.studies import read_spec

    try:
        spec = read_spec(storage_url, study)
    except SpecError:  # of another version of hpo: nobody can be working on it
        return
    with inspecting(storage_url, spec) as inspection:
        busy = inspection.at_work()
    if busy:
        raise InputError(
            f"study '{study}' is being worked on",
            hint="Stop its workers with Ctrl-C first. One that is gone is known to be so "
            f"{spec.limits.lease_seconds:g} seconds after its last sign of life",
        )


def _answers(client: Any, versions: Collection[str]) -> bool:
    """Tell whether the champion, or its recommender, is among the versions."""
    from hpo.registry.models import CLASSIFIER, RECOMMENDER
    from hpo.registry.succession import aliased

    champions = {f"{name} {aliased(client, name)}" for name in (CLASSIFIER, RECOMMENDER)}
    return not champions.isdisjoint(versions)


def _client(workspace: Workspace) -> Any:
    from hpo.tracking.store import open_client, sqlite_path

    uri = workspace.tracking_uri()
    path = sqlite_path(uri)
    if path is not None and not path.is_file():
        return None
    return open_client(uri, workspace.runs / "artifacts")


def _folders(workspace: Workspace, study: str) -> list[Path]:
    return [f for f in (workspace.checkpoints / study, workspace.reports / study) if f.is_dir()]
