"""The runs of architectures: one per architecture of a study, above the runs of its trials."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from hpo.spec.confirmation import ORIGIN as CONFIRMATION
from hpo.spec.ranking import rank_key
from hpo.spec.records import SINGLE, TrialRecord
from hpo.tracking import names, run_texts
from hpo.tracking.cards import StudyCard
from hpo.tracking.clock import milliseconds
from hpo.tracking.descriptions import common_tags, dataset_inputs
from hpo.tracking.experiment import BATCH_PARAMS, LONGEST_VALUE, Experiment, all_runs
from hpo.tracking.findings import with_findings
from hpo.tracking.over_seeds import OverSeeds, over_seeds
from hpo.tracking.reports import report_link
from hpo.tracking.views import run_path


class ParentRuns:
    """The architectures' runs of one study.

    Args:
        experiment: of the study.
        card: the study.
    """

    def __init__(self, experiment: Experiment, card: StudyCard) -> None:
        self._experiment = experiment
        self._client = experiment.client
        self._card = card
        self._ids: dict[str, str] = {}

    def open(self, label: str) -> str:
        """Return the id of an architecture's run, made or reopened."""
        if label not in self._ids:
            run_id = self._find(label) or self._create(label)
            if not self._client.get_run(run_id).inputs.dataset_inputs:
                self._client.log_inputs(run_id, datasets=dataset_inputs(self._card))
            self._ids[label] = run_id
        return self._ids[label]

    def above(self, record: TrialRecord) -> str:
        """Return the id of the run that a trial's run stands under, made or reopened.

        A single run is none of the study's trials: it neither begins the study nor ends it, so the
        run above it keeps its state. Where there is none yet, the one that is made is an ended one.
        """
        label = record.architecture
        if record.origin != SINGLE:
            return self.open(label)
        run_id = self._ids.get(label)
        if run_id is None:
            found = self._search(label)
            run_id = str(found.info.run_id) if found else None
        if run_id is None:
            run_id = self._create(label)
            self.finish(label, "complete")
        return run_id

    def forget(self) -> bool:
        """Look the runs up anew; return whether any was known."""
        known = bool(self._ids)
        self._ids.clear()
        return known

    def describe(self, label: str, space: Mapping[str, Any], budget: int | None) -> None:
        """Add the study's settings and file, the architecture's space and its budget of trials."""
        from mlflow.entities import Param, RunTag

        run_id = self.open(label)
        known = self._client.get_run(run_id).data.params
        params = [
            Param(k, run_texts.param_text(v)[:LONGEST_VALUE])
            for k, v in {**self._card.settings, "seed": self._card.seed}.items()
            if k not in known
        ]
        tags = [RunTag(names.BUDGET, str(budget))] if budget is not None else []
        self._client.log_batch(run_id, params=params[:BATCH_PARAMS], tags=tags)
        files = {names.STUDY_FILE: self._card.study_file}
        if space:
            files[names.SPACE_FILE] = json.dumps(space, indent=2, default=str)
        self._experiment.log_texts(run_id, files)

    def finish(self, label: str, state: str, ended_ms: int | None = None) -> None:
        """End an architecture's run.

        Args:
            label: of the architecture.
            state: ``complete``, ``failed`` or ``interrupted``.
            ended_ms: when, in milliseconds since 1970; by default now.
        """
        status = {"complete": "FINISHED", "failed": "FAILED"}.get(state, "KILLED")
        run_id = self.open(label)
        self._client.set_tag(run_id, names.STATE, state)
        self._client.set_terminated(run_id, status, end_time=ended_ms)

    def close(self, label: str, records: Iterable[TrialRecord]) -> None:
        """End an architecture's run as its trials say: ``interrupted`` if the budget has room."""
        own = [record for record in records if record.origin != SINGLE]
        # An attempt that was lost has no result, and its slot is to be filled again.
        filled = {record.slot for record in own if record.result is not None}
        budget = self._client.get_run(self.open(label)).data.tags.get(names.BUDGET)
        complete = budget is None or len(filled) >= int(budget)
        ended = max((milliseconds(record.finished) for record in own), default=0)
        self.finish(label, "complete" if complete else "interrupted", ended or None)

    def log(self, label: str, metrics: Mapping[str, float], at_ms: int) -> None:
        """Add metrics to an architecture's run; told again with its time, they fall on themselves.

        Args:
            label: of the architecture.
            metrics: by name.
            at_ms: in milliseconds since 1970.
        """
        from mlflow.entities import Metric

        points = [Metric(name, value, at_ms, 0) for name, value in metrics.items()]
        if points:
            self._client.log_batch(self.open(label), metrics=points)

    def note_best(self, record: TrialRecord, run_id: str, ended_ms: int) -> None:
        """Say in the run of its architecture that a trial is the best so far, if it is.

        Args:
            record: of the trial.
            run_id: of the trial.
            ended_ms: when it ended, in milliseconds since 1970.
        """
        if record.state != "complete" or record.value is None or record.origin == SINGLE:
            return
        if self._card.confirms:
            self.note_seeds(record.architecture, self._seeds(record.architecture), ended_ms)
        if not record.feasible:
            return
        parent = self.open(record.architecture)
        tags = self._client.get_run(parent).data.tags
        best = float(tags[names.BEST_VALUE]) if names.BEST_VALUE in tags else None
        ahead = record.value == best and self._is_ahead(record, tags)
        if not ahead and not self._card.better(record.value, best):
            return
        self.set_best(record, run_id, ended_ms)

    def _is_ahead(self, record: TrialRecord, tags: Mapping[str, str]) -> bool:
        """Return whether a trial is the best before the one that its parent's tags call so.

        Both have the same value. The higher rung comes first, then the earlier number, as wherever
        a trial is called the best; with several workers it may be told later.
        """
        rung = 0
        if record.rung is not None:
            best = self._client.get_run(tags[names.BEST_RUN]).data.tags
            rung = int(best.get(names.RUNG, 0))
        return (-(record.rung or 0), record.number) < (-rung, int(tags[names.BEST_TRIAL]))

    def set_best(self, record: TrialRecord, run_id: str, ended_ms: int) -> None:
        """Say that a trial is the best, whatever was said before.

        Of a configuration's seeds the best is the luckiest: its tags find the run that a promotion
        would serve, and people read the mean (``note_seeds``).
        """
        from mlflow.entities import Metric, RunTag

        assert record.value is not None
        parent, experiment = self.open(record.architecture), self._experiment.experiment_id
        metrics = [Metric(names.BEST_OBJECTIVE, record.value, ended_ms, record.number)]
        tags = [
            RunTag(names.BEST_TRIAL, str(record.number)),
            RunTag(names.BEST_VALUE, repr(record.value)),
            RunTag(names.BEST_RUN, run_id),
        ]
        if self._card.confirms:
            metrics = []
        else:
            note = run_texts.best_note(record, self._card.objective, run_path(experiment, run_id))
            tags.append(RunTag(names.NOTE, self._with_rest(note, parent)))
        self._client.log_batch(parent, metrics=metrics, tags=tags)

    def note_seeds(self, label: str, known: OverSeeds | None, at_ms: int) -> None:
        """Say in the run of a configuration what its runs over seeds come to.

        Args:
            label: of the configuration.
            known: what they come to; None where none is complete.
            at_ms: when the last of them ended, in milliseconds since 1970.
        """
        from mlflow.entities import Metric, RunTag

        if known is None:
            return
        parent = self.open(label)
        note = self._with_rest(known.note(self._card.objective), parent)
        self._client.log_batch(
            parent,
            metrics=[Metric(k, v, at_ms, known.seeds) for k, v in known.metrics().items()],
            tags=[RunTag(names.OVER_SEEDS, known.tag), RunTag(names.NOTE, note)],
        )

    def _seeds(self, label: str) -> OverSeeds | None:
        """Return what the runs of a configuration come to, as MLflow has them."""
        tags = {names.KIND: names.KIND_TRIAL, names.ARCHITECTURE: label}
        runs = all_runs(self._client, self._experiment.experiment_id, tags)
        mirrored = [r for r in runs if r.data.tags.get(names.ORIGIN) == CONFIRMATION]
        # It is there for complete runs alone.
        found = [r.data.metrics.get(names.METRIC_OBJECTIVE) for r in mirrored]
        return over_seeds([value for value in found if value is not None])

    def _with_rest(self, note: str, run_id: str) -> str:
        """Return a note that is written anew, with what other rooms have added to it."""
        tags = self._client.get_run(run_id).data.tags
        note = with_findings(note, tags)
        keeper = tags.get(names.REPORT_RUN)
        if keeper:
            note += f"\n\n{report_link(self._experiment.experiment_id, keeper)}"
        return note

    def no_best(self, label: str) -> None:
        """Take back what was said of the best trial: none is complete."""
        run_id = self.open(label)
        tags = self._client.get_run(run_id).data.tags
        for name in (names.BEST_TRIAL, names.BEST_VALUE, names.BEST_RUN, names.NOTE):
            if name in tags:
                self._client.delete_tag(run_id, name)

    def _find(self, label: str) -> str | None:
        found = self._search(label)
        if found is None:
            return None
        run_id = str(found.info.run_id)
        if found.info.status != "RUNNING":
            self._client.update_run(run_id, status="RUNNING")
        return run_id

    def _search(self, label: str) -> Any:
        found = self._experiment.find(
            {names.KIND: names.KIND_ARCHITECTURE, names.ARCHITECTURE: label}
        )
        return found[0] if found else None

    def _create(self, label: str) -> str:
        tags = {
            **common_tags(self._card, label),
            names.KIND: names.KIND_ARCHITECTURE,
            names.STATE: "running",
        }
        run = self._client.create_run(
            self._experiment.experiment_id,
            tags=tags,
            run_name=run_texts.parent_name(self._card.name, label, self._card.confirms),
        )
        # As for a trial's run: of several, all workers agree on one.
        return self._find(label) or str(run.info.run_id)


def best_of(records: Iterable[TrialRecord], direction: str) -> TrialRecord | None:
    """Return the best complete trial that keeps the constraints; None if there is none."""
    found = [
        record
        for record in records
        if record.state == "complete"
        and record.value is not None
        and record.origin != SINGLE
        and record.feasible
    ]
    way: Literal["maximize", "minimize"] = "maximize" if direction == "maximize" else "minimize"
    return min(found, key=lambda record: rank_key(record, way), default=None)
