"""The engine of a confirmation: one configuration, run with one seed after another while it races.

A confirmation is a study of its own, ``<study>.confirmation``, with one label per configuration. So
leases, retries, resumption and the doctor hold for its trials as for any, and no sampler, budget or
report of the search sees them. A place of the budget is a seed. Which places are open follows from
the runs that have ended, of all configurations (``hpo.evidence.racing``): nobody keeps the race, so
any worker goes on with it where another was killed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hpo.evidence.confirmation import runs_of
from hpo.evidence.racing import Race, race
from hpo.search import trials as stored
from hpo.search.creation import optuna_name
from hpo.search.optuna_engine import OptunaEngine
from hpo.spec.confirmation import ORIGIN, read_candidate
from hpo.spec.seeds import derive_seed

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from hpo.search.configurations import Enqueued
    from hpo.search.draws import Draw
    from hpo.search.engine import Proposal

ENGINE = "hpo.study.racing_engine:RacingEngine"
OF = "of"
"""Option: the study whose configurations race."""


class RacingEngine(OptunaEngine):
    """Runs a configuration again while it races; see ``LedgerEngine`` for arguments and errors."""

    def prepare(self) -> None:
        """Prepare to draw nothing, and remember no race."""
        super().prepare()
        self._judged: tuple[Any, Race] | None = None
        self._waits = False

    def draw(
        self, known: Mapping[int, FrozenTrial], slot: int, first: Enqueued | None, attempt: int
    ) -> Draw | None:
        """Return the configuration with the seed of this place; see ``LedgerEngine.draw``."""
        drawn = super().draw(known, slot, first, attempt)
        if drawn is None:
            return None
        attributes = {
            stored.ORIGIN: ORIGIN,
            stored.SEED: derive_seed(self.spec.seed, self.label, ORIGIN, slot),
            stored.RUNGS: self._rungs(),
        }
        return replace(drawn, attributes=attributes, may_repeat=True)

    def open_places(self) -> int:
        """Return how many seeds the configuration may be run with by now."""
        standing = self._race()
        allowed = standing.allowed[self.label]
        racing = self.label not in standing.stopped
        self._waits = racing and allowed < self.spec.trials_of(self.label)
        return allowed

    def _propose_next(self) -> Proposal | None:
        self._waits = False
        proposal = super()._propose_next()
        if proposal is None and self._waits:
            # More places may open when the others have ended their runs.
            self.busy = True
        return proposal

    def _race(self) -> Race:
        records = [r for label in self.spec.architectures for r in self._ended_of(label)]
        ended = frozenset((r.architecture, r.number) for r in records)
        if self._judged is None or self._judged[0] != ended:
            objective, seeds = self.spec.objective, self.spec.trials_of(self.label)
            runs: dict[str, Any] = {label: [] for label in self.spec.architectures}
            runs |= runs_of(records, seeds, objective.metric, objective.direction)
            self._judged = ended, race(runs, seeds, seed=self.spec.seed)
        return self._judged[1]

    def _ended_of(self, label: str) -> list[Any]:
        name = optuna_name(self.spec.name, label)
        try:
            study_id = self._database.get_study_id_from_name(name)
        except KeyError:  # It is begun when a worker comes to it.
            return []
        return [
            stored.read_trial(
                trial,
                study=self.spec.name,
                architecture=label,
                space={},
                goals=self.goals,
            )
            for trial in self._database.get_all_trials(study_id, deepcopy=False)
            if trial.state.is_finished() and not stored.is_lost(trial)
        ]

    def _rungs(self) -> list[int]:
        """Return where the search ended the rungs below: the schedule began anew there."""
        architecture, number = read_candidate(self.label)
        name = optuna_name(str(self.spec.engine.options[OF]), architecture)
        database = self._database
        study_id = database.get_study_id_from_name(name)
        trial_id = database.get_trial_id_from_study_id_trial_number(study_id, number)
        rungs = database.get_trial(trial_id).user_attrs.get(stored.RUNGS, [])
        return [int(epochs) for epochs in rungs]
