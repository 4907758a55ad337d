"""The door of the search room: what an engine does for whoever runs trials."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from hpo.search.configurations import Baselines, Origin
from hpo.search.reconnecting import Reconnecting
from hpo.spec.catalogue import resolve
from hpo.spec.records import EpochReport, TrialRecord, TrialResult
from hpo.spec.study import StudySpec


@dataclass(frozen=True)
class Proposal:
    """A claimed trial: what to run.

    Args:
        number: Optuna's number of the trial within its architecture; names the attempt.
        slot: which place of the budget it fills, from 0; attempts at one slot share it.
        params: the searched values.
        trial_seed: seeds the training; the same for every attempt at the slot.
        origin: ``"sampler"``, ``"enqueued"``, ``"thesis"``, ``"default"``, ``"warm_start"``,
            ``"space-filling"`` or ``"confirmation"``.
        overrides: values stronger than the study's fixed ones (an enqueued configuration's, or the
            epochs that a keras-tuner Hyperband round allows).
        repeat_of: number of an earlier trial with the same configuration; None if it is new.
        retry_of: number of the attempt that it replaces; None if it is the slot's first.
        lost: why earlier attempts at the slot were lost, in their order; as in ``TrialResult``.
        earlier: their numbers.
        rungs: epochs at which earlier rungs of the configuration ended.
        continues: number of the trial at the rung below, whose state is gone on from; None if
            there is none.
        to_be_continued: whether there is a rung above.
    """

    number: int
    slot: int
    params: dict[str, Any]
    trial_seed: int
    origin: Origin = "sampler"
    overrides: dict[str, Any] = field(default_factory=dict)
    repeat_of: int | None = None
    retry_of: int | None = None
    lost: tuple[str, ...] = ()
    earlier: tuple[int, ...] = ()
    rungs: tuple[int, ...] = ()
    continues: int | None = None
    to_be_continued: bool = False

    def configuration(self, fixed: Mapping[str, Any]) -> dict[str, Any]:
        """Return all values to train with, given what the study fixes."""
        return {**fixed, **self.params, **self.overrides}


class Engine(Protocol):
    """Proposes trials of one architecture of a study and keeps their records.

    Made with ``(storage_url, spec, label, *, resume=False, baselines=None)``. Several engines, in
    several processes, may serve one study: the budget holds over all of them. A call about a trial
    that is no longer this worker's to change (its slot was given to another attempt) returns False
    and changes nothing.
    """

    notes: list[str]
    """What a person should know before the search, such as values clamped to the space."""

    busy: bool
    """Whether other workers ran trials, whose slots may yet come free, at the last ``ask``."""

    elsewhere: list[str]
    """Who ran them (``worker_identity``), a name for each trial."""

    steadily: Reconnecting
    """How operations wait for a database that is away, and whom they tell of it."""

    def ask(self) -> Proposal | None:
        """Claim the lowest free slot; None when none is free, or the budget or space exhausted.

        Space-filling trials, which are beyond the budget, are claimed last.

        Slots of dead workers are taken from them first; see ``take_ended``.
        """
        ...

    def take_ended(self) -> list[int]:
        """Return, once, the numbers of other workers' trials that this engine has ended."""
        ...

    def beat(self, numbers: Iterable[int]) -> None:
        """Give a sign of life for running trials; may be called from any thread; never raises."""
        ...

    def take_settled(self) -> list[int]:
        """Return, once, the numbers of complete trials from whose state nobody will go on."""
        ...

    def take_notes(self) -> list[str]:
        """Return, once, what a person should know that came up since the search began."""
        ...

    def record_epoch(self, number: int, report: EpochReport, *, inherited: bool = False) -> bool:
        """Store an epoch of a running trial.

        Args:
            number: of the trial.
            report: the epoch.
            inherited: it was trained by the trial that this one continues, and counts there.
        """
        ...

    def should_prune(self, number: int) -> bool:
        """Tell whether the pruner would stop the trial after its last recorded epoch."""
        ...

    def finish(self, number: int, result: TrialResult) -> bool:
        """Store the result and end the trial; a failed one has used up its slot."""
        ...

    def set_run_id(self, number: int, run_id: str) -> None:
        """Store which MLflow run mirrors a trial; it may have ended."""
        ...

    def done(self) -> int:
        """Return how many places of the budget have a trial that has ended, by any worker."""
        ...

    def record(self, number: int) -> TrialRecord:
        """Return a trial as it is stored now, lost attempts too.

        Raises:
            NotFoundError: there is no such trial.
        """
        ...

    def release(
        self,
        number: int,
        reason: str,
        change: Mapping[str, Any] | None = None,
        result: TrialResult | None = None,
    ) -> bool:
        """End a running trial whose slot is to be asked for again (Ctrl-C, a crash).

        Args:
            number: of the trial.
            reason: why, as in ``TrialResult``.
            change: parameters that the next attempt sets otherwise.
            result: what is known of how it went.
        """
        ...

    def recover(self) -> list[int]:
        """End what dead workers left running; return the numbers of those trials."""
        ...


def open_engine(
    storage_url: str,
    spec: StudySpec,
    label: str,
    *,
    resume: bool = False,
    baselines: Baselines | None = None,
    dataset_digest: str = "",
    digests: Collection[str] = (),
) -> Engine:
    """Return the engine that ``spec.engine`` names, its study made or loaded.

    Args:
        storage_url: of Optuna's storage.
        spec: the study file.
        label: the architecture's name in it.
        resume: whether the study may exist already.
        baselines: of this architecture, for ``enqueue: [thesis]`` and ``[default]``.
        dataset_digest: of the data that the study is bound to; "" binds it to none.
        digests: others that an earlier study may have recorded of the same faces.

    Raises:
        SpecError: the study exists with another space or other data, or an option or enqueued
            value is wrong.
        InputError: the study exists, and ``resume`` is False.
        EnvironmentProblem: the storage cannot be used.
    """
    factory = resolve("engine", spec.engine.name, "engine")
    engine: Engine = factory(
        storage_url,
        spec,
        label,
        resume=resume,
        baselines=baselines,
        dataset_digest=dataset_digest,
        digests=digests,
    )
    return engine
