"""Comparing MLflow with the trials that Optuna's storage holds.

All runs of a study are read in pages, and one metric of their curves in bulk, because every epoch
is one write: a thousand trials take seconds. ``repair`` mends what is found here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from hpo.spec.records import SINGLE, TrialRecord
from hpo.tracking import names
from hpo.tracking.audit_models import model_differences
from hpo.tracking.audit_trials import compare, epoch_steps
from hpo.tracking.difference import ENDED, Difference
from hpo.tracking.experiment import all_runs
from hpo.tracking.over_seeds import of_records
from hpo.tracking.parents import best_of


def differences(
    client: Any, study: str, records: Sequence[TrialRecord], as_of: datetime | None = None
) -> list[Difference]:
    """Return where MLflow differs from the records of a study.

    Args:
        client: from ``store.open_client``.
        study: its name.
        records: every attempt, whatever its state. Of trials that run or wait only what can never
            be right is reported: their mirror may be behind.
        as_of: for a study that may be running, the time before ``records`` were read; runs and
            models that began later are passed over.
    """
    since = int(as_of.timestamp() * 1000) if as_of is not None else None
    experiment = client.get_experiment_by_name(study)
    if experiment is None or experiment.lifecycle_stage == "deleted":
        return [_missing(record) for record in records if record.state in ENDED]
    runs = [
        run
        for run in all_runs(client, experiment.experiment_id)
        if since is None or run.info.start_time < since
    ]
    parents = _by(runs, names.KIND_ARCHITECTURE)
    ids = {label: of_label[0].info.run_id for (label, _), of_label in parents.items()}
    found, kept = _trial_differences(client, runs, records, ids)
    found += _parent_differences(parents, records, kept)
    found += model_differences(client, study, experiment.experiment_id, runs, since)
    return found


def _by(runs: Iterable[Any], kind: str) -> dict[tuple[str, str], list[Any]]:
    """Return the runs of a kind by architecture and number of the trial, the oldest first."""
    found: dict[tuple[str, str], list[Any]] = {}
    for run in sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id)):
        tags = run.data.tags
        if tags.get(names.KIND) == kind:
            key = (tags.get(names.ARCHITECTURE, ""), tags.get(names.TRIAL, ""))
            found.setdefault(key, []).append(run)
    return found


def _trial_differences(
    client: Any, runs: Sequence[Any], records: Sequence[TrialRecord], parents: dict[str, str]
) -> tuple[list[Difference], dict[tuple[str, str], str]]:
    """Return what differs of trials, and the id of each one's run."""
    known = {(record.architecture, str(record.number)): record for record in records}
    mirrored = _by(
        (run for run in runs if run.data.tags.get(names.ORIGIN) != SINGLE), names.KIND_TRIAL
    )
    found = [
        Difference(
            "run orphaned",
            label,
            int(number) if number.isdigit() else None,
            f"{label} #{number or '?'}: MLflow has a run of a trial that Optuna does not know",
            "delete run",
            run.info.run_id,
        )
        for (label, number), of_trial in mirrored.items()
        if (label, number) not in known
        for run in of_trial
    ]
    kept: dict[tuple[str, str], Any] = {}
    for key, of_trial in mirrored.items():
        if key in known:
            named = [run for run in of_trial if run.info.run_id == known[key].mlflow_run_id]
            kept[key] = (named or of_trial)[0]
            found += _doubled(known[key], (r for r in of_trial if r is not kept[key]))
    steps = epoch_steps(client, [run.info.run_id for run in kept.values()])
    for key, record in known.items():
        if key in kept:
            run = kept[key]
            parent = parents.get(record.architecture, "")
            found += compare(run, record, steps.get(run.info.run_id, []), parent)
        elif record.state in ENDED:
            found.append(_missing(record))
    return found, {key: run.info.run_id for key, run in kept.items()}


def _missing(record: TrialRecord) -> Difference:
    return Difference(
        "run missing",
        record.architecture,
        record.number,
        f"{record.title}: MLflow has no run of it",
        "replay",
    )


def _doubled(record: TrialRecord, others: Iterable[Any]) -> list[Difference]:
    return [
        Difference(
            "run doubled",
            record.architecture,
            record.number,
            f"{record.title}: MLflow has another run of it",
            "delete run",
            run.info.run_id,
        )
        for run in others
    ]


def _parent_differences(
    parents: dict[tuple[str, str], list[Any]],
    records: Sequence[TrialRecord],
    run_ids: dict[tuple[str, str], str],
) -> list[Difference]:
    found = []
    by_label: dict[str, list[TrialRecord]] = {}
    for record in records:
        by_label.setdefault(record.architecture, []).append(record)
    for label, trials in by_label.items():
        mirrored = parents.get((label, ""), [])
        for run in mirrored[1:]:
            what = f"{label}: MLflow has another run of the architecture"
            found.append(
                Difference("run doubled", label, None, what, "delete run", run.info.run_id)
            )
        if mirrored:
            found += _parent_difference(mirrored[0], label, trials, run_ids)
        elif any(record.state in ENDED for record in trials):
            what = f"{label}: MLflow has no run of the architecture"
            found.append(Difference("parent missing", label, None, what, "parent"))
    return found


def _parent_difference(
    run: Any, label: str, trials: list[TrialRecord], run_ids: dict[tuple[str, str], str]
) -> list[Difference]:
    found = []
    tags = run.data.tags
    if run.info.status == "RUNNING" and all(record.state in ENDED for record in trials):
        what = f"{label}: MLflow says RUNNING, though none of its trials runs"
        found.append(Difference("parent open", label, None, what, "parent", run.info.run_id))
    best = best_of(trials, tags.get(names.DIRECTION, "maximize"))
    told = tuple(tags.get(name) for name in (names.BEST_TRIAL, names.BEST_VALUE, names.BEST_RUN))
    want: tuple[str | None, ...] = (None, None, None)
    if best is not None:
        number = str(best.number)
        want = (number, repr(best.value), run_ids.get((label, number)))
    # A best trial without a run is a difference by itself.
    if told != want and (best is None or want[2] is not None):
        what = f"{label}: MLflow calls trial {told[0]} the best ({told[1]}), Optuna {want[0]}"
        found.append(Difference("best differs", label, None, what, "best", run.info.run_id))
    seeds = of_records(trials)
    known = tags.get(names.OVER_SEEDS)
    if seeds is not None and known != seeds.tag:
        what = f"{label}: MLflow tells {known or 'no mean'}, Optuna {seeds.tag}"
        found.append(Difference("mean differs", label, None, what, "best", run.info.run_id))
    return found
