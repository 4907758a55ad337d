"""Bringing MLflow to what Optuna's storage holds, difference by difference.

Every step may be repeated and may be the last: what is deleted before it is written anew is then
missing, and missing runs are written by the next repair.
"""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpo.spec.records import TrialRecord
from hpo.tracking import names
from hpo.tracking.audit_models import is_registered
from hpo.tracking.clock import milliseconds
from hpo.tracking.difference import ENDED, Difference
from hpo.tracking.experiment import all_runs
from hpo.tracking.logged_models import (
    delete_model,
    list_models,
    registered_versions,
    run_models,
)
from hpo.tracking.over_seeds import of_records
from hpo.tracking.parents import best_of
from hpo.tracking.runs import RunKey, StudyRuns

SetRunId = Callable[[str, int, str], object]


def repair(
    runs: StudyRuns,
    found: Iterable[Difference],
    records: Sequence[TrialRecord],
    set_run_id: SetRunId | None = None,
) -> list[Difference]:
    """Mend what ``audit.differences`` found; return what cannot be mended here.

    Models of a run that is written anew go with it unless they are registered; the caller logs
    them again, as it does those that were broken.

    Args:
        runs: of the study.
        found: what differs.
        records: those that were compared.
        set_run_id: stores a run's id with its trial, given architecture, number and id. Without
            it, ids that differ stay.
    """
    found = list(found)
    left = [difference for difference in found if not difference.fixable]
    repairing = _Repair(runs, records)
    repairing.delete(found)
    repairing.tell(found)
    repairing.mend_architectures(found)
    stale = repairing.new_ids(found)
    for key, run_id in stale.items():
        if set_run_id is not None:
            set_run_id(key.architecture, key.number, run_id)
    if set_run_id is None:
        left += [d for d in found if d.remedy == "run id"]
    return left


class _Repair:
    def __init__(self, runs: StudyRuns, records: Sequence[TrialRecord]) -> None:
        self._runs = runs
        self._client = runs.experiment.client
        self._records = {RunKey(r.architecture, r.number): r for r in records}
        self._written: dict[RunKey, str] = {}
        self._kept: dict[RunKey, _Kept] = {}
        self._versions = registered_versions(self._client)

    def delete(self, found: Sequence[Difference]) -> None:
        """Delete runs and models that are too many, broken or to be written anew."""
        doomed = {d.run_id: d for d in found if d.remedy in ("delete run", "rewrite")}
        for run_id, difference in doomed.items():
            run = self._client.get_run(run_id)
            if difference.remedy == "rewrite" and difference.number is not None:
                key = RunKey(difference.architecture, difference.number)
                self._kept[key] = _Kept.of(self._client, run)
            for model in run_models(self._client, run):
                self._delete_model(model)
            if run.info.lifecycle_stage != "deleted":
                self._client.delete_run(run_id)
        broken = {d.model_id for d in found if d.remedy == "delete model"}
        if broken:
            for model in list_models(self._client, self._runs.experiment.experiment_id):
                if model.model_id in broken:
                    self._delete_model(model)
        self._runs.forget()

    def _delete_model(self, model: Any) -> None:
        if not is_registered(model, self._versions):
            delete_model(self._client, model)

    def tell(self, found: Sequence[Difference]) -> None:
        """Tell the records of trials again whose runs are missing or lack something."""
        keys = {
            RunKey(d.architecture, d.number)
            for d in found
            if d.remedy in ("replay", "rewrite") and d.number is not None
        }
        for key in sorted(keys & self._records.keys()):
            kept = self._kept.get(key, _Kept())
            self._runs.forget(key)
            run_id = self._runs.finish(kept.put_into(self._records[key]))
            for name, value in kept.tags.items():
                self._client.set_tag(run_id, name, value)
            self._written[key] = run_id

    def mend_architectures(self, found: Sequence[Difference]) -> None:
        """Leave the runs of architectures as their trials are, those that were just told too."""
        touched = {d.architecture for d in found if d.remedy in ("parent", "best")}
        touched |= {key.architecture for key in self._written}
        for label in sorted(touched):
            self._mend_architecture(label)

    def _mend_architecture(self, label: str) -> None:
        records = [r for r in self._records.values() if r.architecture == label]
        parents = self._runs.parents
        parent = parents.open(label)
        if not self._client.get_run(parent).data.params:
            space = next((record.space for record in reversed(records)), {})
            parents.describe(label, space, None)
        tags = {names.KIND: names.KIND_TRIAL, names.ARCHITECTURE: label}
        run_ids = {}
        for run in all_runs(self._client, self._runs.experiment.experiment_id, tags):
            run_ids[run.data.tags.get(names.TRIAL)] = run.info.run_id
            if run.data.tags.get(names.PARENT) != parent:
                self._client.set_tag(run.info.run_id, names.PARENT, parent)
        best = best_of(records, self._runs.card.direction)
        if best is None:
            parents.no_best(label)
        elif str(best.number) in run_ids:
            parents.set_best(best, run_ids[str(best.number)], milliseconds(best.finished))
        if self._runs.card.confirms:
            ended = max((milliseconds(record.finished) for record in records), default=0)
            parents.note_seeds(label, of_records(records), ended)
        if all(record.state in ENDED for record in records):
            parents.close(label, records)

    def new_ids(self, found: Sequence[Difference]) -> dict[RunKey, str]:
        """Return the run ids that Optuna does not hold."""
        ids = {
            RunKey(d.architecture, d.number): d.run_id
            for d in found
            if d.remedy == "run id" and d.number is not None
        }
        ids |= self._written
        return {k: v for k, v in ids.items() if self._records[k].mlflow_run_id != v}


@dataclass(frozen=True)
class _Kept:
    """What only the run holds that is to be written anew: Optuna's storage leaves it out."""

    summary: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, client: Any, run: Any) -> _Kept:
        tags = {k: run.data.tags[k] for k in (names.SEED, names.PRECISION) if k in run.data.tags}
        summary = ""
        with (
            tempfile.TemporaryDirectory(prefix="hpo-") as folder,
            # It is only a table for people, and may never have been written.
            contextlib.suppress(Exception),
        ):
            path = client.download_artifacts(run.info.run_id, names.SUMMARY_FILE, folder)
            summary = Path(path).read_text(encoding="utf-8")
        return cls(summary, tags)

    def put_into(self, record: TrialRecord) -> TrialRecord:
        if record.result is None or not self.summary:
            return record
        result = dataclasses.replace(record.result, model_summary=self.summary)
        return dataclasses.replace(record, result=result)
