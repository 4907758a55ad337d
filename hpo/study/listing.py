"""``studies`` and ``trials``: what the store holds, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hpo.spec.errors import SpecError
from hpo.spec.pareto import pareto_front
from hpo.spec.records import TrialRecord
from hpo.spec.workspace import Workspace
from hpo.study.checkpoints import LOG, folder_of
from hpo.study.naming import resolve_study


def studies(*, workspace: Workspace | None = None) -> list[dict[str, Any]]:
    """Return a row for each study of the workspace, the oldest first.

    Each holds ``name``, ``architectures``, ``states`` (counts), ``trials`` (the budget per
    architecture), ``budget`` (in all), ``limits`` (of epochs or time per architecture, in words;
    where only these are given ``trials`` and ``budget`` are 0), ``best_value``,
    ``best_architecture``, ``best_number``, ``best_title`` (``cnn #7``), ``metric``, ``direction``,
    ``created`` and ``problem`` (why its study file cannot be read; "" if it can).
    """
    import dataclasses

    from hpo.search.summaries import list_studies

    workspace = workspace or Workspace.at()
    return [dataclasses.asdict(s) for s in list_studies(workspace.storage_url())]


def trials(study: str | Path, *, workspace: Workspace | None = None) -> list[dict[str, Any]]:
    """Return a row for each trial of a study.

    Each holds ``number, architecture, state, value, params, searched, epochs_run, seconds,
    mlflow_run_id, slot, origin, repeats, rung, continues, space_version, values, feasible, broken,
    front, best_epoch, metrics, validation_size, validation_size_without_copies,
    validation_copies_trained_on, reason, started, finished,
    rank_agreement, log`` (what a failed trial's process said, where that was kept; "" else).

    ``broken`` names the metrics whose constraints the trial breaks. ``front`` says whether it is on
    the Pareto front; None in a study of one objective, which has no front.

    ``rank_agreement`` is that of the trial's rung with the next one (``RankAgreement``); None at
    the highest, and in a study without rungs.

    ``metrics`` are those of the best epoch; names that end in ``_without_copies`` are over the
    ``validation_size_without_copies`` faces of which training has no copy;
    ``validation_copies_trained_on`` counts the others of which this trial trained on a copy.

    Args:
        study: its name or its study file.
        workspace: where it is; the current directory by default.

    Raises:
        NotFoundError: there is no such study.
    """
    from hpo.search.studies import read_trials

    study, workspace = resolve_study(study, workspace)
    records = read_trials(workspace.storage_url(), study)
    front = pareto_front(records)
    several = any(record.values for record in records)
    agreements = _agreements(records, workspace.storage_url(), study)
    return [
        {
            **row(record),
            "front": (record.architecture, record.number) in front if several else None,
            "rank_agreement": agreements.get((record.architecture, record.rung)),
            "log": _log(record, workspace),
        }
        for record in records
    ]


def _agreements(
    records: Sequence[TrialRecord], url: str, study: str
) -> dict[tuple[str, int | None], dict[str, Any]]:
    """Return by architecture and rung how well the rung's order foretold that at the next."""
    from hpo.search.climbing import agreements_of
    from hpo.search.studies import read_spec

    labels = dict.fromkeys(r.architecture for r in records if r.rung is not None)
    if not labels:
        return {}
    try:
        metric = read_spec(url, study).objective.metric
    except SpecError:  # of another version; its trials are listed all the same
        return {}
    return {
        (label, rung): known.to_json()
        for label in labels
        for rung, known in enumerate(
            agreements_of([r for r in records if r.architecture == label], metric)
        )
    }


def lost_attempts(study: str, workspace: Workspace) -> int:
    """Return how many attempts of a study were lost, so that their places were run again."""
    from hpo.search.studies import read_trials

    records = read_trials(workspace.storage_url(), study, attempts=True)
    return sum(record.lost for record in records)


def _log(record: TrialRecord, workspace: Workspace) -> str:
    if record.state != "failed":
        return ""
    folder = folder_of(workspace, record.study, record.architecture, record.number)
    return str(folder / LOG) if (folder / LOG).is_file() else ""


def row(record: TrialRecord) -> dict[str, Any]:
    """Return a trial as plain data for a table."""
    result = record.result
    return {
        "number": record.number,
        "architecture": record.architecture,
        "state": record.state,
        "value": record.value,
        "params": record.params,
        "searched": record.searched,
        "epochs_run": record.epochs_run,
        "seconds": round(record.seconds, 2) if record.finished else None,
        "mlflow_run_id": record.mlflow_run_id,
        "slot": record.slot,
        "origin": record.origin,
        "repeats": record.repeats,
        "rung": record.rung,
        "continues": record.continues,
        "space_version": record.space_version,
        "values": record.values,
        "feasible": record.feasible,
        "broken": record.broken,
        "best_epoch": result.best_epoch or None if result else None,
        "metrics": result.metrics if result else {},
        "validation_size": result.validation_size or None if result else None,
        "validation_size_without_copies": (
            result.validation_size_without_copies if result else None
        ),
        "validation_copies_trained_on": result.validation_copies_trained_on if result else None,
        "reason": result.reason if result else "",
        "started": record.started,
        "finished": record.finished,
    }
