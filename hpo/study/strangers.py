"""Studies that MLflow or the disk tells of and Optuna's storage does not know: a storage was lost.

What is left of such a study may be all that there is of it, so it is told and never touched.
"""

from __future__ import annotations

from collections.abc import Collection

from hpo.spec.addresses import without_password
from hpo.spec.workspace import Workspace
from hpo.study.diagnosis import Problem
from hpo.study.disk_check import trials_on_disk


def look_for_strangers(
    workspace: Workspace, known: Collection[str]
) -> tuple[list[Problem], list[str]]:
    """Return a problem for each study that is not ``known``, and notes.

    A server of MLflow's may be shared with people whose studies are in storages of their own.
    While the storage knows studies, others that only such a server has are noted, no problem.

    Args:
        workspace: where to look.
        known: the studies of Optuna's storage, as they were read before; it is asked again before
            a study is called unknown.

    Raises:
        EnvironmentProblem: a store cannot be reached.
    """
    from hpo.search.summaries import list_studies
    from hpo.tracking.experiment import studies_with_trials
    from hpo.tracking.store import open_existing, sqlite_path

    uri = workspace.tracking_uri()
    client = open_existing(uri, workspace.runs / "artifacts")
    mirrored = {} if client is None else studies_with_trials(client, known)
    stored = {s: n for s, n in trials_on_disk(workspace).items() if s not in known}
    if mirrored or stored:
        # The look takes seconds, in which a study may have begun: in the storage first.
        known = {*known, *(s.name for s in list_studies(workspace.storage_url()))}
        mirrored = {s: n for s, n in mirrored.items() if s not in known}
        stored = {s: n for s, n in stored.items() if s not in known}
    shared = sqlite_path(uri) is None and bool(known)
    others = sorted(mirrored.keys() - stored.keys()) if shared else []
    notes = []
    if others:
        told = ", ".join(f"'{name}'" for name in others)
        notes.append(f"MLflow has studies that this storage does not know: {told}.")
    problems = [
        _problem(workspace, name, mirrored.get(name, 0), stored.get(name, 0))
        for name in sorted((mirrored.keys() | stored.keys()) - set(others))
    ]
    return problems, notes


def _problem(workspace: Workspace, study: str, runs: int, folders: int) -> Problem:
    folder = workspace.checkpoints / study
    left, away = [], []
    if runs:
        left.append(f"MLflow has {runs} run{'s' * (runs != 1)} of its trials")
        away.append("delete its experiment in `hpo ui`")
    if folders:
        left.append(f"{folder} has {folders} folder{'s' * (folders != 1)} of trials")
        away.append(f"remove {folder}")
    storage = without_password(workspace.storage_url())
    what = (
        f"Optuna's storage ({storage}) does not know it, but {' and '.join(left)}, which are left "
        f"as they are. Bring the storage back, or name the right one with --storage; to give the "
        f"study up, {' and '.join(away)}"
    )
    return Problem(study, "optuna", "study unknown", "", None, what, fixable=False)
