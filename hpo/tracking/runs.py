"""A study's runs in MLflow, each written once however often it is told.

Runs are found by their tags (study, architecture, trial, attempt), curves by the steps that are
there, parameters by their names. So a resumed study goes on with its runs, a lost write is made
good by the next one, and replaying records out of Optuna's storage adds only what is missing.
Everything here is synchronous and for one thread; ``mirror`` puts it behind training.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from hpo.spec.records import SINGLE, EpochReport, TrialJob, TrialRecord
from hpo.tracking import names
from hpo.tracking.cards import StudyCard
from hpo.tracking.descriptions import (
    common_tags,
    dataset_inputs,
    experiment_tags,
    outcome_files,
    outcome_tags,
)
from hpo.tracking.store import ensure_experiment
from hpo.tracking.views import trials_view

# MLflow takes at most so many parameters and tags in one batch.
BATCH_PARAMS = 100
BATCH_METRICS = 900
# Longer values are cut: MLflow refuses parameters over 6000 and tags over 8000 characters.
LONGEST_VALUE = 5000


class RunKey(NamedTuple):
    """Which trial a run mirrors; ``attempt`` tells deliberate repetitions apart."""

    architecture: str
    number: int
    attempt: int = 0


@dataclass
class _Run:
    run_id: str
    params: set[str] = field(default_factory=set)
    epochs: set[int] = field(default_factory=set)
    started_ms: int = 0


class StudyRuns:
    """The experiment of one study.

    Args:
        client: from ``store.open_client``.
        card: the study.
        artifact_root: as given to ``open_client``.
    """

    def __init__(self, client: Any, card: StudyCard, artifact_root: Path | None = None) -> None:
        self._client = client
        self._card = card
        self._parents: dict[str, str] = {}
        self._runs: dict[RunKey, _Run] = {}
        self.experiment_id = ensure_experiment(
            client,
            card.name,
            experiment_tags(card),
            artifact_root,
            first_tags=trials_view(card.direction, card.searched),
        )

    def architecture(
        self, label: str, space: Mapping[str, Any] | None = None, budget: int | None = None
    ) -> str:
        """Return the id of an architecture's run, made or reopened.

        Args:
            label: of the architecture in the study file.
            space: its search space as plain data, kept as a file.
            budget: trials that it may run.
        """
        run_id = self._parents.get(label)
        if run_id is None:
            run_id = self._find_parent(label) or self._create_parent(label)
            self._parents[label] = run_id
        if space is not None or budget is not None:
            self._describe_parent(run_id, space or {}, budget)
        return run_id

    def finish_architecture(self, label: str, state: str = "complete") -> None:
        """End an architecture's run; ``state`` is ``complete``, ``failed`` or ``interrupted``."""
        status = {"complete": "FINISHED", "failed": "FAILED"}.get(state, "KILLED")
        run_id = self.architecture(label)
        self._client.set_tag(run_id, names.STATE, state)
        self._client.set_terminated(run_id, status)

    def trial(self, record: TrialRecord, job: TrialJob | None = None, attempt: int = 0) -> str:
        """Return the id of a trial's run, made if need be, with its parameters and data."""
        key = RunKey(record.architecture, record.number, attempt)
        run = self._runs.get(key) or self._find(key)
        if run is None:
            run = self._create(key, record, job)
        self._runs[key] = run
        self._log_params(run, {names.ARCHITECTURE_PARAM: record.architecture, **record.params})
        return run.run_id

    def epochs(
        self, key: RunKey, reports: Sequence[EpochReport], timestamps_ms: Sequence[int]
    ) -> None:
        """Add curve points, in one write, for the epochs that are not there yet."""
        from mlflow.entities import Metric

        run = self._runs[key]
        new = [
            (report, at)
            for report, at in zip(reports, timestamps_ms, strict=True)
            if report.epoch not in run.epochs
        ]
        points = [
            Metric(name, value, at, report.epoch)
            for report, at in new
            for name, value in names.epoch_metrics(report).items()
        ]
        for start in range(0, len(points), BATCH_METRICS):
            self._client.log_batch(run.run_id, metrics=points[start : start + BATCH_METRICS])
        run.epochs.update(report.epoch for report, _ in new)

    def finish(self, record: TrialRecord, job: TrialJob | None = None, attempt: int = 0) -> str:
        """Bring a trial's run up to ``record``, end it, and return its id."""
        from mlflow.entities import Metric, RunTag

        run_id = self.trial(record, job, attempt)
        key = RunKey(record.architecture, record.number, attempt)
        run = self._runs[key]
        self.epochs(key, record.epochs, _epoch_times(record))
        if record.state in ("running", "waiting"):
            return run_id
        result = record.result
        if result is not None:
            self._log_params(run, result.params)
        ended = _milliseconds(record.finished) or run.started_ms + int(record.seconds * 1000)
        # Step 0 and the end's own time: told again, the same points fall on themselves.
        metrics = [Metric(k, v, ended, 0) for k, v in names.summary_metrics(record).items()]
        tags = [RunTag(k, v[:LONGEST_VALUE]) for k, v in outcome_tags(self._card, record).items()]
        self._client.log_batch(run_id, metrics=metrics, tags=tags)
        self._log_texts(run_id, outcome_files(self._card, record))
        self._client.update_run(run_id, name=names.run_name(record, attempt))
        self._client.set_terminated(run_id, names.STATUS[record.state], end_time=ended)
        if attempt == 0:
            self._update_parent(record, run_id, ended)
        return run_id

    # Finding and making runs.

    def _find_parent(self, label: str) -> str | None:
        found = self._search(
            f"tags.`{names.KIND}` = '{names.KIND_ARCHITECTURE}' "
            f"and tags.`{names.ARCHITECTURE}` = '{_quoted(label)}'"
        )
        if not found:
            return None
        run_id = str(found[0].info.run_id)
        if found[0].info.status != "RUNNING":
            self._client.update_run(run_id, status="RUNNING")
        return run_id

    def _create_parent(self, label: str) -> str:
        tags = {
            **common_tags(self._card, label),
            names.KIND: names.KIND_ARCHITECTURE,
            names.STATE: "running",
        }
        run = self._client.create_run(
            self.experiment_id, tags=tags, run_name=names.parent_name(self._card.name, label)
        )
        run_id = str(run.info.run_id)
        # Two workers may have made one each: the older one stays.
        oldest = self._find_parent(label)
        if oldest is not None and oldest != run_id:
            self._client.delete_run(run_id)
            return oldest
        return run_id

    def _describe_parent(self, run_id: str, space: Mapping[str, Any], budget: int | None) -> None:
        from mlflow.entities import Param, RunTag

        known = self._client.get_run(run_id).data.params
        params = [
            Param(k, names.param_text(v)[:LONGEST_VALUE])
            for k, v in {**self._card.settings, "seed": self._card.seed}.items()
            if k not in known
        ]
        tags = [RunTag(names.BUDGET, str(budget))] if budget is not None else []
        self._client.log_batch(run_id, params=params[:BATCH_PARAMS], tags=tags)
        files = {names.STUDY_FILE: self._card.study_file}
        if space:
            files[names.SPACE_FILE] = json.dumps(space, indent=2, default=str)
        self._log_texts(run_id, files)

    def _find(self, key: RunKey) -> _Run | None:
        found = self._search(
            f"tags.`{names.KIND}` = '{names.KIND_TRIAL}' "
            f"and tags.`{names.ARCHITECTURE}` = '{_quoted(key.architecture)}' "
            f"and tags.`{names.TRIAL}` = '{key.number}' "
            f"and tags.`{names.ATTEMPT}` = '{key.attempt}'"
        )
        if not found:
            return None
        run_id = str(found[0].info.run_id)
        # One batch writes all of an epoch's points, so one of them tells which epochs are there.
        history = self._client.get_metric_history(run_id, names.EPOCH_SECONDS)
        return _Run(
            run_id,
            params=set(found[0].data.params),
            epochs={point.step for point in history},
            started_ms=found[0].info.start_time,
        )

    def _create(self, key: RunKey, record: TrialRecord, job: TrialJob | None) -> _Run:
        started = _milliseconds(record.started) or int(time.time() * 1000)
        tags = {
            **common_tags(self._card, record.architecture),
            names.KIND: names.KIND_TRIAL,
            names.PARENT: self.architecture(record.architecture),
            names.TRIAL: str(record.number),
            names.ATTEMPT: str(key.attempt),
            names.SLOT: str(record.slot),
            names.STATE: record.state,
            names.ORIGIN: record.origin,
            names.SEARCHED: names.comma_list(record.searched),
        }
        if job is not None:
            tags[names.SEED] = str(job.seed)
            tags[names.PRECISION] = job.precision
        run = self._client.create_run(
            self.experiment_id,
            start_time=started,
            tags={k: v[:LONGEST_VALUE] for k, v in tags.items()},
            run_name=names.run_name(record, key.attempt),
        )
        run_id = str(run.info.run_id)
        self._client.log_inputs(run_id, datasets=dataset_inputs(self._card))
        return _Run(run_id, started_ms=started)

    def _search(self, condition: str) -> list[Any]:
        return list(
            self._client.search_runs(
                [self.experiment_id],
                condition,
                order_by=["attributes.start_time ASC", "attributes.run_id ASC"],
                max_results=2,
            )
        )

    # What is written.

    def _log_params(self, run: _Run, params: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        new = [
            Param(name, names.param_text(value)[:LONGEST_VALUE])
            for name, value in params.items()
            if name not in run.params
        ]
        for start in range(0, len(new), BATCH_PARAMS):
            self._client.log_batch(run.run_id, params=new[start : start + BATCH_PARAMS])
        run.params.update(params)

    def _log_texts(self, run_id: str, files: Mapping[str, str]) -> None:
        present = {name: text for name, text in files.items() if text}
        if not present:
            return
        with tempfile.TemporaryDirectory(prefix="hpo-") as folder:
            for name, text in present.items():
                (Path(folder) / name).write_text(text, encoding="utf-8")
            self._client.log_artifacts(run_id, folder)

    def _update_parent(self, record: TrialRecord, run_id: str, ended_ms: int) -> None:
        from mlflow.entities import Metric, RunTag

        if record.state != "complete" or record.value is None or record.origin == SINGLE:
            return
        parent = self.architecture(record.architecture)
        tags = self._client.get_run(parent).data.tags
        best = float(tags[names.BEST_VALUE]) if names.BEST_VALUE in tags else None
        # Of equals the earlier number, as wherever a trial is called the best; with several
        # workers it may be told later.
        earlier = record.value == best and record.number < int(tags[names.BEST_TRIAL])
        if not earlier and not self._card.better(record.value, best):
            return
        note = (
            f"Best so far: **{self._card.objective} {record.value:.4f}** "
            f"in trial {record.number} ({names.run_name(record)})."
        )
        self._client.log_batch(
            parent,
            metrics=[Metric(names.BEST_OBJECTIVE, record.value, ended_ms, record.number)],
            tags=[
                RunTag(names.BEST_TRIAL, str(record.number)),
                RunTag(names.BEST_VALUE, repr(record.value)),
                RunTag(names.BEST_RUN, run_id),
                RunTag(names.NOTE, note),
            ],
        )


def _epoch_times(record: TrialRecord) -> list[int]:
    at = float(_milliseconds(record.started) or 0)
    times = []
    for report in record.epochs:
        at += report.seconds * 1000
        times.append(int(at))
    return times


def _milliseconds(iso: str) -> int:
    return int(datetime.fromisoformat(iso).timestamp() * 1000) if iso else 0


def _quoted(text: str) -> str:
    return text.replace("'", "\\'")
