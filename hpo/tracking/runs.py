"""A study's runs in MLflow, each written once however often it is told.

Runs are found by their tags (architecture, trial), curves by the steps that are there, parameters
by their names. So a resumed study goes on with its runs, a write whose answer was lost is told
again, and replaying records out of Optuna's storage adds only what is missing.
Everything here is synchronous and for one thread; ``mirror`` puts it behind training.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from hpo.spec.records import EpochReport, RankAgreement, TrialJob, TrialRecord
from hpo.tracking import names, run_metrics, run_texts
from hpo.tracking.cards import StudyCard
from hpo.tracking.clock import EpochClock, milliseconds
from hpo.tracking.descriptions import (
    common_tags,
    dataset_inputs,
    experiment_tags,
    outcome_files,
    outcome_tags,
)
from hpo.tracking.experiment import BATCH_PARAMS, LONGEST_VALUE, Experiment
from hpo.tracking.parents import ParentRuns
from hpo.tracking.store import ensure_experiment
from hpo.tracking.views import is_untouched, trials_view

# MLflow takes at most a thousand points in one batch.
BATCH_METRICS = 900


class RunKey(NamedTuple):
    """Which trial a run mirrors; every attempt at a slot is a trial with a number of its own."""

    architecture: str
    number: int


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
        self.card = card
        self._runs: dict[RunKey, _Run] = {}
        experiment_id = ensure_experiment(
            client,
            card.name,
            experiment_tags(card),
            artifact_root,
            first_tags=trials_view(
                card.direction,
                card.searched,
                card.objective,
                further=card.further,
                standing=bool(card.bounds) or len(card.goals) > 1,
                reruns=bool(card.confirms),
            ),
            untouched=is_untouched,
        )
        self.experiment = Experiment(client, experiment_id)
        self.parents = ParentRuns(self.experiment, card)

    def architecture(
        self, label: str, space: Mapping[str, Any] | None = None, budget: int | None = None
    ) -> str:
        """Return the id of an architecture's run, made or reopened.

        Args:
            label: of the architecture in the study file.
            space: its search space as plain data, kept as a file.
            budget: trials that it may run.
        """
        if space is not None or budget is not None:
            self.parents.describe(label, space or {}, budget)
        return self.parents.open(label)

    def log_ranks(self, label: str, ranks: Sequence[RankAgreement], at_ms: int) -> None:
        """Note in an architecture's run how well each rung foretells the next.

        Args:
            label: of the architecture.
            ranks: one for each pair of rungs.
            at_ms: when that was known, in milliseconds since 1970.
        """
        self.parents.log(label, run_metrics.rank_metrics(ranks), at_ms)

    def finish_architecture(self, label: str, state: str = "complete") -> None:
        """End an architecture's run; ``state`` is ``complete``, ``failed`` or ``interrupted``."""
        self.parents.finish(label, state)

    def trial(self, record: TrialRecord, job: TrialJob | None = None) -> str:
        """Return the id of a trial's run, made if need be, with its parameters and data."""
        key = RunKey(record.architecture, record.number)
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
        batch: list[Any] = []
        for report, at in new:
            points = [
                Metric(name, value, at, report.epoch)
                for name, value in run_metrics.epoch_metrics(report).items()
            ]
            # All points of an epoch go in one batch, so that one of them tells that all are there.
            if len(batch) + len(points) > BATCH_METRICS:
                self._client.log_batch(run.run_id, metrics=batch)
                batch = []
            batch += points
        if batch:
            self._client.log_batch(run.run_id, metrics=batch)
        run.epochs.update(report.epoch for report, _ in new)

    def finish(self, record: TrialRecord, job: TrialJob | None = None) -> str:
        """Bring a trial's run up to ``record``, end it, and return its id."""
        from mlflow.entities import Metric, RunTag

        run_id = self.trial(record, job)
        key = RunKey(record.architecture, record.number)
        run = self._runs[key]
        clock = EpochClock(dataclasses.replace(record, epochs=[]))
        self.epochs(key, record.epochs, [clock.tick(report) for report in record.epochs])
        if record.state in ("running", "waiting"):
            return run_id
        result = record.result
        if result is not None:
            self._log_params(run, result.params)
        ended = milliseconds(record.finished) or run.started_ms + int(record.seconds * 1000)
        # Step 0 and the end's own time: told again, the same points fall on themselves.
        metrics = [Metric(k, v, ended, 0) for k, v in run_metrics.summary_metrics(record).items()]
        tags = [RunTag(k, v[:LONGEST_VALUE]) for k, v in outcome_tags(self.card, record).items()]
        self._client.log_batch(run_id, metrics=metrics, tags=tags)
        try:
            self.experiment.log_texts(run_id, outcome_files(self.card, record))
        finally:
            # Where files cannot be kept, a run still says how its trial ended.
            self._client.update_run(run_id, name=run_texts.run_name(record))
            self._client.set_terminated(run_id, names.STATUS[record.state], end_time=ended)
        self.parents.note_best(record, run_id, ended)
        # What is known of finished runs would add up, and can be looked up.
        self._runs.pop(key, None)
        return run_id

    def forget(self, key: RunKey | None = None) -> bool:
        """Look runs up anew, a trial's or else an architecture's; return whether any was known."""
        known = self._runs.pop(key, None) is not None if key is not None else False
        return self.parents.forget() or known

    # Finding and making runs.

    def _find(self, key: RunKey) -> _Run | None:
        found = self.experiment.find(
            {
                names.KIND: names.KIND_TRIAL,
                names.ARCHITECTURE: key.architecture,
                names.TRIAL: str(key.number),
            }
        )
        if not found:
            return None
        run_id = str(found[0].info.run_id)
        if not found[0].inputs.dataset_inputs:
            self._client.log_inputs(run_id, datasets=dataset_inputs(self.card))
        history = self._client.get_metric_history(run_id, names.EPOCH_SECONDS)
        return _Run(
            run_id,
            params=set(found[0].data.params),
            epochs={point.step for point in history},
            started_ms=found[0].info.start_time,
        )

    def _create(self, key: RunKey, record: TrialRecord, job: TrialJob | None) -> _Run:
        started = milliseconds(record.started) or int(time.time() * 1000)
        tags = {
            **common_tags(self.card, record.architecture),
            names.KIND: names.KIND_TRIAL,
            names.PARENT: self.parents.above(record),
            names.TRIAL: str(record.number),
            names.ATTEMPT: str(record.attempt),
            names.SLOT: str(record.slot),
            names.STATE: record.state,
            names.ORIGIN: record.origin,
            names.SEARCHED: run_texts.comma_list(record.searched),
            names.SPACE_VERSION: str(record.space_version),
        }
        if record.retry_of is not None:
            tags[names.RETRY_OF] = str(record.retry_of)
        if record.repeats is not None:
            tags[names.REPEATS] = str(record.repeats)
        if record.rung is not None:
            tags[names.RUNG] = str(record.rung)
        if record.continues is not None:
            tags[names.CONTINUES] = str(record.continues)
        if job is not None:
            tags[names.SEED] = str(job.seed)
            tags[names.PRECISION] = job.precision
        run = self._client.create_run(
            self.experiment.experiment_id,
            start_time=started,
            tags={k: v[:LONGEST_VALUE] for k, v in tags.items()},
            run_name=run_texts.run_name(record),
        )
        # An earlier request may have made it although its answer was lost, or another worker may
        # have been as fast. Looked up rather than taken, so that all agree on the one that stays.
        return self._find(key) or _Run(str(run.info.run_id), started_ms=started)

    # What is written.

    def _log_params(self, run: _Run, params: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        new = [
            Param(name, run_texts.param_text(value)[:LONGEST_VALUE])
            for name, value in params.items()
            if name not in run.params
        ]
        for start in range(0, len(new), BATCH_PARAMS):
            self._client.log_batch(run.run_id, params=new[start : start + BATCH_PARAMS])
        run.params.update(params)
