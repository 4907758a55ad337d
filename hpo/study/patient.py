"""One study, looked at where its parts are kept: Optuna, MLflow, the disk and the registry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.spec.errors import HpoError
from hpo.spec.records import TrialRecord
from hpo.spec.workspace import Workspace
from hpo.study.diagnosis import Place, Problem
from hpo.tracking.failures import in_a_sentence

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
        # A checkpoint that MLflow holds whole is put back before anything of MLflow is deleted.
        on_disk = self._look_at_disk()
        problems += self._look_at_mlflow() + on_disk
        # Asked again, since the above may have taken minutes.
        if not self._at_work and not self._is_at_work():
            problems += self._look_at_models(self._records())
            problems += self._look_at_registry()
        return problems

    def mend(self) -> None:
        """Mend what was seen at the last look; what fails is noted, and seen again."""
        for step in self._mending:
            try:
                step()
            except Exception as error:
                # Broad: MLflow, its server, the network and the disk each have errors of their own.
                self._failed.append(f"Could not mend this: {in_a_sentence(error)}")

    def _problem(
        self,
        place: Place,
        kind: str,
        label: str,
        number: int | None,
        what: str,
        *,
        fixable: bool = True,
        study: str = "",
    ) -> Problem:
        return Problem(study or self.name, place, kind, label, number, what, fixable)

    def _records(self) -> list[TrialRecord]:
        from hpo.search.studies import read_trials

        return read_trials(self._url, self.name, attempts=True)

    # Optuna

    def _look_at_storage(self) -> list[Problem]:
        from hpo.search.inspection import inspecting

        with inspecting(self._url, self._spec) as inspection:
            deserted, doubled = inspection.deserted(), inspection.doubled()
            # Whoever has just run the last trial logs its models, and may promote.
            self._at_work = inspection.at_work() or bool(inspection.with_others())
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

    def _is_at_work(self) -> bool:
        from hpo.search.inspection import inspecting

        with inspecting(self._url, self._spec) as inspection:
            return inspection.at_work() or bool(inspection.with_others())

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
        # Not while another process logs a model or repairs: its work is half done.
        with inspecting(self._url, self._spec) as inspection, inspection.alone("mlflow"):
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
                study=d.study,
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
                f"{r.title} is among the best, but MLflow lacks its model",
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
        from hpo.study.reconciling import alone_with_mlflow

        with alone_with_mlflow(self._url, self._spec):
            self._failed += log_models(client, missing, dataset)

    # Disk

    def _look_at_disk(self) -> list[Problem]:
        from hpo.study.disk_check import leftovers

        found = leftovers(
            self.workspace,
            self.name,
            self._records,
            self._spec.objective.direction,
            max(1, self._spec.models_kept),
            unless_known=self._unless_known,
            copies=self._copy_of,
            others=self._with_others,
        )
        self._mending += [leftover.mend for leftover in found]
        return [self._problem("disk", f.kind, f.architecture, f.number, f.what) for f in found]

    def _with_others(self) -> set[tuple[str, int]]:
        from hpo.search.inspection import inspecting

        with inspecting(self._url, self._spec) as inspection:
            return inspection.with_others()

    def _unless_known(self, label: str, number: int, remove: Callable[[], object]) -> None:
        from hpo.search.inspection import inspecting

        with inspecting(self._url, self._spec) as inspection:
            inspection.unless_known(label, number, remove)

    def _copy_of(self, record: TrialRecord) -> Path | None:
        from hpo.study.models import logged_copy

        client = self._client()
        return None if client is None else logged_copy(client, record)

    # Registry

    def _look_at_registry(self) -> list[Problem]:
        """Look for a registration that was cut off between its steps."""
        from hpo.registry.consistency import half_promoted
        from hpo.study.finishing import finish
        from hpo.study.reconciling import alone_with_registry

        client = self._client()
        if client is None:
            return []
        with alone_with_registry(self._url):
            half = half_promoted(client, self.name)
        if half is None:
            return []
        self._mending.append(lambda: finish(client, self.name, self.workspace))
        return [self._problem("registry", "registration half done", "", None, half.why)]
