"""Rungs and stored trials: how configurations stand, and the trial that leads one further."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hpo.search import trials as stored
from hpo.search.budgets import planned_epochs
from hpo.search.options import stated
from hpo.search.ranks import epochs, sentence
from hpo.search.repeats import has_own_value
from hpo.search.rungs import Ladder, Standing, agreements
from hpo.spec.records import RankAgreement, TrialRecord
from hpo.spec.study import StudySpec

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

Places = Mapping[tuple[int, int], "FrozenTrial"]
"""Optuna's trials by slot and rung, lost attempts left out."""

_ITS_OWN = (stored.SLOT, stored.SEED, stored.ORIGIN)
"""Attributes that a configuration keeps from rung to rung."""


def ladder_of(spec: StudySpec, label: str) -> Ladder | None:
    """Return an architecture's ladder; None if its study has no rungs."""
    if spec.fidelity is None:
        return None
    epochs = planned_epochs(spec.architectures[label].fixed)
    maximize = _is_maximized(spec.objective.metric)
    return Ladder(spec.fidelity, epochs, spec.trials_of(label), maximize)


class Climb:
    """Takes the configurations of one architecture from rung to rung.

    Args:
        ladder: the rule.
        spec: the study file.
        label: the architecture's name in it.
    """

    def __init__(self, ladder: Ladder, spec: StudySpec, label: str) -> None:
        self.ladder = ladder
        self._label = label
        self._fixed = spec.architectures[label].fixed
        space = spec.architectures[label].space
        startup = stated("sampler", spec.sampler.name, spec.sampler.options)
        # BOHB fits its model where there are at least as many points as parameters, and three more;
        # a sampler that draws its first trials at random does so by the number that it sees.
        self._enough = max(len(space.parameters) + 3, int(startup.get("n_startup_trials") or 0))
        self._off: set[int] = set()
        self._told_settled: set[int] = set()

    def standings(self, places: Places) -> list[Standing]:
        """Return how the configurations stand."""
        maximize = self.ladder.maximize
        return [_standing(slot, rung, t, maximize) for (slot, rung), t in sorted(places.items())]

    def firsts(self, places: Places) -> dict[int, FrozenTrial]:
        """Return each configuration's first trial, by slot."""
        return {slot: t for (slot, rung), t in places.items() if rung == self.ladder.base(slot)}

    def seen(self, places: Places) -> dict[int, FrozenTrial]:
        """Return what a sampler sees, by slot: the trials of one rung, and those that run."""
        rung = self.ladder.model_rung(self.standings(places), self._enough)
        found = {slot: t for (slot, _), t in places.items() if not t.state.is_finished()}
        found.update({slot: t for (slot, at), t in places.items() if at == rung})
        return found

    def beginning(self, slot: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the overrides and the user attributes of a configuration's first trial."""
        base = self.ladder.base(slot)
        return {"epochs": self.ladder.rungs[base]}, {stored.RUNG: base, stored.RUNGS: []}

    def next_trial(self, below: FrozenTrial, worker: str) -> FrozenTrial:
        """Return the running trial that takes ``below``'s configuration one rung further.

        Args:
            below: a complete trial; a retry of it may have changed its parameters.
            worker: who runs it.
        """
        from optuna.trial import TrialState, create_trial

        slot, rung = stored.place(below)
        overrides = {
            **below.user_attrs.get(stored.OVERRIDES, {}),
            "epochs": self.ladder.rungs[rung + 1],
        }
        return create_trial(
            state=TrialState.RUNNING,
            params=below.params,
            distributions=below.distributions,
            user_attrs={
                **{key: below.user_attrs[key] for key in _ITS_OWN},
                **{key: v for key, v in below.user_attrs.items() if key == stored.MOVED},
                stored.PARAMS: stored.plain({**self._fixed, **below.params, **overrides}),
                stored.OVERRIDES: stored.plain(overrides),
                stored.RUNG: rung + 1,
                stored.RUNGS: list(self.ladder.ends_before(slot, rung + 1)),
                stored.CONTINUES: below.number,
                stored.WORKER: worker,
                stored.STARTED: time.time(),
            },
        )

    def news(self, standings: list[Standing]) -> list[str]:
        """Return what has changed since the last call: at which rungs nothing is stopped."""
        off = self.ladder.unreliable(standings)
        said = [
            f"{self._label}: {sentence(off[rung])}, under "
            f"{self.ladder.spec.min_rank_correlation:g}: nothing is stopped after "
            f"{epochs(self.ladder.rungs[rung])} any more."
            for rung in sorted(set(off) - self._off)
        ]
        again = self.ladder.agreements(standings) if self._off - set(off) else []
        said += [
            f"{self._label}: {sentence(again[rung])}; the best after "
            f"{epochs(self.ladder.rungs[rung])} go on, as before."
            for rung in sorted(self._off - set(off))
        ]
        self._off = set(off)
        return said

    def settled(self, places: Places, *, over: bool) -> list[int]:
        """Return, once, the trials from whose state nobody will go on; see ``Ladder.settled``."""
        new = self.ladder.settled(self.standings(places), over=over) - self._told_settled
        self._told_settled |= new
        return sorted(new)


def _standing(slot: int, rung: int, trial: FrozenTrial, maximize: bool) -> Standing:
    value = trial.values[0] if trial.values else None
    if not trial.state.is_finished():
        return Standing(slot, rung, trial.number, "running")
    if trial.state.name != "COMPLETE" or value is None:
        return Standing(slot, rung, trial.number, "failed")
    before = trial.user_attrs.get(stored.RUNGS, [])
    own = _best_since(before, trial.intermediate_values, maximize)
    return Standing(slot, rung, trial.number, "complete", value, own, has_own_value(trial))


def standing_of(record: TrialRecord, objective: str) -> Standing:
    """Return how a configuration stands by one of its trials, as it was read from the storage.

    Args:
        record: the trial.
        objective: the metric of its epochs that is the study's (first) objective.
    """
    rung = record.rung or 0
    if record.state in ("running", "waiting"):
        return Standing(record.slot, rung, record.number, "running")
    if record.state != "complete" or record.value is None:
        return Standing(record.slot, rung, record.number, "failed")
    read = {e.epoch: e.metrics[objective] for e in record.epochs if objective in e.metrics}
    own = _best_since(record.rungs, read, _is_maximized(objective))
    evidence = record.repeats is None
    return Standing(record.slot, rung, record.number, "complete", record.value, own, evidence)


def _best_since(before: Sequence[int], read: Mapping[int, float], maximize: bool) -> float | None:
    """Return the best of what epochs after the rungs ``before`` read; None if nothing is known."""
    last = before[-1] if before else 0
    return stored.best_of((v for epoch, v in read.items() if epoch > last), maximize=maximize)


def _is_maximized(objective: str) -> bool:
    return objective != "val_loss"


def filled_slots(spec: StudySpec, label: str, records: Iterable[TrialRecord]) -> frozenset[int]:
    """Return the places of an architecture's budget at which nothing is left to do.

    Args:
        spec: the study file.
        label: the architecture's name in it.
        records: trials of the study, lost attempts left out.
    """
    own = [record for record in records if record.architecture == label]
    ended = {r.slot for r in own if r.state in ("complete", "pruned", "failed")}
    ladder = ladder_of(spec, label)
    if ladder is not None:
        metric = spec.objective.metric
        ended -= ladder.waiting([standing_of(record, metric) for record in own])
    return frozenset(ended)


def agreements_of(records: Iterable[TrialRecord], objective: str) -> list[RankAgreement]:
    """Return the rank correlations of one architecture's rungs; [] in a study without rungs.

    Args:
        records: its trials.
        objective: the study's (first) objective.
    """
    on_rungs = [record for record in records if record.rung is not None]
    epochs = {record.rung or 0: int(record.params.get("epochs", 0)) for record in on_rungs}
    if sorted(epochs) != list(range(len(epochs))):
        return []  # some rung has no trial yet, as in Hyperband at its very beginning
    standings = [standing_of(record, objective) for record in on_rungs]
    return agreements(standings, [epochs[r] for r in sorted(epochs)])
