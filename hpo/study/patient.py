"""One study, looked at where its parts are kept: Optuna, MLflow, the disk and the registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hpo.spec.errors import HpoError
from hpo.spec.records import TrialRecord
from hpo.spec.workspace import Workspace
from hpo.study.diagnosis import Place, Problem

if TYPE_CHECKING:
    from hpo.spec.study import StudySpec


class Patient:
    """One study under examination.

    Args:
        name: of the study.
        workspace: where it is.
    """

    def __init__(self, name: str, workspace: Workspace) -> None:
        from hpo.search.studies import read_spec

        self.name = name
        self.workspace = workspace
        self.notes: list[str] = []
        self._url = workspace.storage_url()
        self._spec: StudySpec = read_spec(self._url, name)
        self._mending: list[Callable[[], None]] = []
        self._failed: list[str] = []

    def look(self) -> list[Problem]:
        """Return what is wrong, and remember how to mend it."""
        self._mending = []
        self.notes, self._failed = self._failed, []
        problems = self._look_at_storage()
        records = self._records()
        problems += self._look_at_mlflow()
        problems += self._look_at_disk(records)
        if not self._at_work:
            problems += self._look_at_models(records)
            problems += self._look_at_registry()
        return problems

    def mend(self) -> None:
        """Mend what was seen at the last look; what fails is noted, and seen again."""
        for step in self._mending:
            try:
                step()
            except HpoError as error:
                self._failed.append(f"Could not mend this: {error}")

    def _problem(
        self,
        place: Place,
        kind: str,
        label: str,
        number: int | None,
        what: str,
        *,
        fixable: bool = True,
    ) -> Problem:
        return Problem(self.name, place, kind, label, number, what, fixable)

    def _records(self) -> list[TrialRecord]:
        from hpo.search.studies import read_trials

        return read_trials(self._url, self.name, attempts=True)

    # Optuna

    def _look_at_storage(self) -> list[Problem]:
        from hpo.search.inspection import inspecting

        with inspecting(self._url, self._spec) as inspection:
            deserted, doubled = inspection.deserted(), inspection.doubled()
            self._at_work = inspection.at_work()
        if deserted:
            self._mending.append(self._release)
        if self._at_work:
            self.notes.append(f"Study '{self.name}' is being worked on; its trials change.")
        problems = [
            self._problem(
                "optuna",
                "trial deserted",
                d.architecture,
                d.number,
                f"{d.architecture} #{d.number} is RUNNING, but nobody runs it: {d.why}",
            )
            for d in deserted
        ]
        for label, slot, numbers in doubled:
            told = " and ".join(f"#{n}" for n in numbers)
            what = f"{label}: trials {told} fill the same place {slot} of the budget"
            problems.append(
                self._problem("optuna", "place doubled", label, numbers[-1], what, fixable=False)
            )
        return problems

    def _release(self) -> None:
        from hpo.search.inspection import inspecting

        with inspecting(self._url, self._spec) as inspection:
            inspection.release()

    # MLflow

    def _client(self) -> Any:
        from hpo.tracking.store import open_existing

        return open_existing(self.workspace.tracking_uri(), self.workspace.runs / "artifacts")

    def _look_at_mlflow(self) -> list[Problem]:
        from hpo.search.inspection import inspecting
        from hpo.study.reconciling import look

        client = self._client()
        if client is None:
            return []
        with inspecting(self._url, self._spec) as inspection:
            found, _ = look(client, self._url, self._spec, inspection)
        if any(difference.fixable for difference in found):
            self._mending.append(lambda: self._reconcile(client))
        return [
            self._problem(
                "registry" if d.kind == "version broken" else "mlflow",
                d.kind,
                d.architecture,
                d.number,
                d.what,
                fixable=d.fixable,
            )
            for d in found
        ]

    def _reconcile(self, client: Any) -> None:
        from hpo.study.reconciling import reconcile

        reconcile(client, self._url, self._spec, self.workspace.runs / "artifacts")

    def _look_at_models(self, records: list[TrialRecord]) -> list[Problem]:
        """Look for best trials whose models should be in MLflow and are not."""
        from hpo.study.models import missing_models

        client = self._client()
        if client is None:
            return []
        # Of a lost attempt's place nothing is done.
        trials = [record for record in records if not record.lost]
        done = {label for label in self._spec.architectures if self._is_done(label, trials)}
        missing = missing_models(client, [r for r in trials if r.architecture in done], self._spec)
        if not missing:
            return []
        try:
            dataset = self._dataset()
        except HpoError as error:
            self.notes.append(f"Models cannot be logged without the study's faces: {error}")
            return []
        self._mending.append(lambda: self._log(client, missing, dataset))
        return [
            self._problem(
                "mlflow",
                "model missing",
                r.architecture,
                r.number,
                f"{r.architecture} #{r.number} is among the best, but MLflow lacks its model",
            )
            for r in missing
        ]

    def _is_done(self, label: str, records: list[TrialRecord]) -> bool:
        from hpo.search.climbing import filled_slots

        return filled_slots(self._spec, label, records) >= set(self._spec.slots_of(label))

    def _dataset(self) -> Any:
        from hpo.data import library, store

        return store.open_faces(library.find_faces(self.workspace, self._spec.data.dataset))

    def _log(self, client: Any, missing: list[TrialRecord], dataset: Any) -> None:
        from hpo.study.models import log_models

        self.notes += log_models(client, missing, dataset)

    # Disk

    def _look_at_disk(self, records: list[TrialRecord]) -> list[Problem]:
        from hpo.study.disk_check import leftovers

        keep = max(1, self._spec.models_kept)
        direction = self._spec.objective.direction
        found = leftovers(self.workspace, self.name, records, direction, keep)
        self._mending += [leftover.mend for leftover in found]
        return [self._problem("disk", f.kind, f.architecture, f.number, f.what) for f in found]

    # Registry

    def _look_at_registry(self) -> list[Problem]:
        """Look for a registration that was cut off between its steps."""
        from hpo.registry.consistency import half_promoted
        from hpo.study.finishing import finish

        client = self._client()
        if client is None:
            return []
        half = half_promoted(client, self.name)
        if half is None:
            return []
        self._mending.append(lambda: finish(client, self.name, half, self.workspace))
        return [self._problem("registry", "registration half done", "", None, half.why)]
