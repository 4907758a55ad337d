"""``engine: keras-tuner``: its oracles propose, and each proposal is a trial of the Optuna study.

Optuna's storage stays the one record. The oracle lives in memory and is rebuilt from the stored
trials, so it writes no project folder, and three failures in a row do not end the study:

- random and Bayesian oracles are made afresh for each slot, seeded by it, and told every trial;
- Hyperband remembers brackets, so its oracle is kept, and replayed from the stored trials in the
  order of their starts and ends when a study resumes.

A Hyperband trial of a later round trains again from its start, for the epochs of that round:
keras-tuner would go on from a checkpoint, which no other engine's trials have.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hpo.search import keras_tuner_space as words
from hpo.search import trials as stored
from hpo.search.configurations import Enqueued
from hpo.search.draws import Draw
from hpo.search.ledger import LedgerEngine
from hpo.search.options import KerasTunerOptions, read_options
from hpo.search.oracles import oracle_name
from hpo.spec.errors import EnvironmentProblem, SpecError
from hpo.spec.seeds import derive_seed

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

VALUES = "oracle"
"""User attribute: the values as the oracle proposed them, those of its own (``tuner/...``) too."""


class KerasTunerEngine(LedgerEngine):
    """Searches with a keras-tuner oracle; see ``LedgerEngine`` for arguments and errors."""

    def prepare(self) -> None:
        """Choose the oracle and check its options before anything is written."""
        self._options = read_options(KerasTunerOptions, self.spec.engine.options, "engine")
        self._oracle_name = oracle_name(self.spec)
        self._max_epochs = self._options.max_epochs or self.architecture.fixed.get("epochs")
        if self._oracle_name == "hyperband" and not isinstance(self._max_epochs, int):
            raise SpecError(
                "keras-tuner's Hyperband needs to know how many epochs a full training has",
                where=f"architectures.{self.label}",
                hint="Fix epochs, or give the engine max_epochs",
            )
        self._declared = _declared(self.space)
        self._kept: Any = None
        self._told: list[tuple[int, int, str]] = []
        self._placed: set[int] = set()

    def draw(
        self, known: Mapping[int, FrozenTrial], slot: int, first: Enqueued | None, attempt: int
    ) -> Draw | None:
        """Let the oracle fill what ``first`` leaves open; see ``LedgerEngine.draw``."""
        from optuna.samplers import RandomSampler

        proposed: dict[str, Any] = {}
        if first is None and self.space.parameters:
            proposal = self._propose(known, slot, attempt)
            if proposal is None:
                return None
            proposed = proposal
        values = first.values if first else words.decode(self.space, proposed)
        overrides = dict(first.overrides) if first else {}
        if "tuner/epochs" in proposed:
            overrides["epochs"] = int(proposed["tuner/epochs"])
        seed = derive_seed(self.spec.seed, self.label, "rest", slot)
        trial = self.suggest(known, slot, RandomSampler(seed=seed), values, overrides)
        return Draw(
            trial,
            overrides,
            attributes={VALUES: proposed} if proposed else {},
            may_repeat=self._oracle_name == "hyperband",
        )

    def _propose(
        self, known: Mapping[int, FrozenTrial], slot: int, attempt: int
    ) -> dict[str, Any] | None:
        if self._oracle_name == "hyperband":
            if slot in self._placed:  # asked before, but the attempt was lost
                self._kept = None
            self._replay(known)
            return self._place(slot)
        oracle = self._oracle(derive_seed(self.spec.seed, self.label, "oracle", slot, attempt))
        for other, trial in sorted(known.items()):
            self._tell_start(oracle, other, trial)
            self._tell_end(oracle, other, trial)
        with _quiet_fits():
            return _values(oracle.populate_space(str(slot)))

    # Hyperband's memory

    def _place(self, slot: int) -> dict[str, Any] | None:
        self._placed.add(slot)
        return _values(self._kept.populate_space(str(slot)))

    def _replay(self, known: Mapping[int, FrozenTrial]) -> None:
        """Tell the one oracle everything that happened since it was last asked."""
        events = _events(known)
        if self._kept is None or events[: len(self._told)] != self._told:
            self._kept = self._oracle(derive_seed(self.spec.seed, self.label, "oracle"))
            self._told, self._placed = [], set()
        for slot, _number, kind in events[len(self._told) :]:
            trial = known[slot]
            if kind == "end":
                self._tell_end(self._kept, slot, trial)
                continue
            if VALUES in trial.user_attrs and slot not in self._placed:
                self._place(slot)  # moves its brackets as it did the first time
            self._tell_start(self._kept, slot, trial)
        self._told = events

    # Telling

    def _tell_start(self, oracle: Any, slot: int, trial: FrozenTrial) -> None:
        from keras_tuner.engine.trial import Trial

        values = self._declared.copy()
        values.values = {
            **words.encode(self.space, trial.params),
            **{k: v for k, v in trial.user_attrs.get(VALUES, {}).items() if "/" in k},
        }
        told = Trial(hyperparameters=values, trial_id=str(slot), status="RUNNING")
        oracle.trials[str(slot)] = told
        oracle.start_order.append(str(slot))
        oracle.ongoing_trials[str(slot)] = told

    def _tell_end(self, oracle: Any, slot: int, trial: FrozenTrial) -> None:
        if not trial.state.is_finished():
            return
        told = oracle.trials[str(slot)]
        value = trial.values[0] if trial.values else None
        if value is None:
            told.status = "FAILED"
        else:
            # A pruned trial is told as complete with its best: keras-tuner has no other word.
            told.status, told.score = "COMPLETED", value
        oracle.end_order.append(str(slot))
        oracle.ongoing_trials.pop(str(slot), None)

    def _oracle(self, seed: int) -> Any:
        import keras_tuner

        direction = "max" if self.maximize else "min"
        common: dict[str, Any] = {
            "objective": keras_tuner.Objective(self.spec.objective.metric, direction),
            "hyperparameters": self._declared.copy(),
            "seed": max(seed, 1),  # it takes 0 for "no seed"
            "max_consecutive_failed_trials": self.spec.trials_of(self.label) + 1,
        }
        if self._oracle_name == "hyperband":
            return keras_tuner.oracles.HyperbandOracle(
                **common,
                max_epochs=self._max_epochs,
                factor=self._options.factor,
                hyperband_iterations=0,  # without end: the study's budget decides
            )
        common["max_trials"] = self.spec.trials_of(self.label)
        if self._oracle_name == "random":
            return keras_tuner.oracles.RandomSearchOracle(**common)
        return keras_tuner.oracles.BayesianOptimizationOracle(
            **common,
            num_initial_points=self._options.num_initial_points,
            alpha=self._options.alpha,
            beta=self._options.beta,
        )


def _declared(space: Any) -> Any:
    try:
        return words.to_hyperparameters(space)
    except ImportError as error:
        raise EnvironmentProblem(
            "keras-tuner cannot be loaded",
            got=str(error),
            hint="pip install keras-tuner tensorboard, or set engine to optuna",
        ) from error


def _values(response: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the proposal; None if the oracle has stopped or has to wait for others."""
    if response["status"] != "RUNNING":
        return None
    values: dict[str, Any] = response["values"]
    return values


@contextmanager
def _quiet_fits() -> Iterator[None]:
    """Fit the Gaussian process without its notices, on one core.

    A length scale at its bound is its daily bread. Its matrices have as many rows as there are
    trials, too few for threads to pay, and threads fight with the trials that train meanwhile.
    """
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _events(known: Mapping[int, FrozenTrial]) -> list[tuple[int, int, str]]:
    """Return the starts and ends of trials as they happened: ``(slot, number, kind)``."""
    timed = []
    for slot, trial in known.items():
        timed.append((stored.started(trial), 1, slot, trial.number, "start"))
        if trial.state.is_finished():
            timed.append((stored.ended(trial), 0, slot, trial.number, "end"))
    return [(slot, number, kind) for _, _, slot, number, kind in sorted(timed)]
