"""Which configuration is trained on to which rung: a function of how all of them stand.

Asynchronous successive halving (Li et al. 2020, arXiv:1810.05934, algorithm 2), Hyperband over it,
and the baseline that looks once. Nothing here remembers or draws anything, so the same trials give
the same step, whoever asks and whatever was interrupted between.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from hpo.search.ranks import agreement, is_low
from hpo.spec.fidelity import FidelitySpec
from hpo.spec.records import RankAgreement

_ROUND = 500
"""So many slots stand for all; a round of Hyperband over five rungs has fewer."""


@dataclass(frozen=True)
class Standing:
    """A trial of a configuration at a rung, lost attempts left out.

    Args:
        slot: the configuration's.
        rung: from 0.
        number: of the trial.
        state: ``failed`` is anything that ended without a value.
        value: the objective, the best over all of its epochs; None unless complete.
        own: the best over those since the rung below; None unless complete, or where not known.
        evidence: it was trained, and is no repeat of another's value.
    """

    slot: int
    rung: int
    number: int
    state: Literal["running", "complete", "failed"]
    value: float | None = None
    own: float | None = None
    evidence: bool = True


class Ladder:
    """The rungs of an architecture and the rule that leads from one to the next.

    Args:
        spec: the study file's section.
        epochs: of a full training.
        trials: how many configurations the budget has.
        maximize: the objective's direction.
    """

    def __init__(self, spec: FidelitySpec, epochs: int, trials: int, maximize: bool) -> None:
        self.spec = spec
        self.rungs = spec.rungs_of(epochs)
        self.top = len(self.rungs) - 1
        self.maximize = maximize
        self._trials = trials
        self._sign = -1.0 if maximize else 1.0

    def base(self, slot: int) -> int:
        """Return the rung at which a configuration starts; in Hyperband its bracket's."""
        if self.spec.name != "hyperband":
            return 0
        return self._brackets[slot % len(self._brackets)]

    @cached_property
    def _brackets(self) -> list[int]:
        """Return the base rungs of successive slots, one round of Hyperband, evenly mixed.

        Bracket s of s_max starts ⌈(s_max + 1) / (s + 1) · η^s⌉ configurations s rungs below the top
        (Li et al. 2018, JMLR 18:185, algorithm 1). Hyperband runs them one after another; mixed, a
        budget that ends within a round still has its share of each.
        """
        eta, count = self.spec.reduction_factor, self.top + 1
        share = {self.top - s: math.ceil(count / (s + 1) * eta**s) for s in range(count)}
        total, given = sum(share.values()), dict.fromkeys(share, 0)
        order = []
        for place in range(total):
            due = {base: share[base] * (place + 1) / total - given[base] for base in share}
            chosen = max(sorted(due), key=lambda base: due[base])
            given[chosen] += 1
            order.append(chosen)
        return order

    def ends_before(self, slot: int, rung: int) -> tuple[int, ...]:
        """Return the epochs at which a configuration's earlier rungs ended."""
        return self.rungs[self.base(slot) : rung]

    def mean_epochs(self) -> float:
        """Return how many epochs a configuration comes to train on average, if ranks hold."""
        slots = range(min(self._trials, _ROUND))
        total = 0.0
        for slot in slots:
            base, share = self.base(slot), 1.0
            total += self.rungs[base]
            for rung in range(base + 1, self.top + 1):
                keep = self.spec.keep
                share *= keep / self._trials if keep else 1 / self.spec.reduction_factor
                total += min(1.0, share) * (self.rungs[rung] - self.rungs[rung - 1])
        return total / len(slots)

    # Going on

    def promotions(self, standings: Sequence[Standing]) -> Iterator[Standing]:
        """Yield the trials whose configurations go on now, the highest rung and the best first."""
        taken = {(s.slot, s.rung) for s in standings}
        off = self.unreliable(standings)
        for rung in reversed(range(self.top)):
            going = []
            for ranked in self._groups(standings, rung):
                going += ranked[: self._allowed(ranked, standings, everyone=rung in off)]
            for standing in sorted(going, key=self._order):
                if (standing.slot, rung + 1) not in taken:
                    yield standing

    def _allowed(
        self, ranked: Sequence[Standing], standings: Sequence[Standing], *, everyone: bool
    ) -> int:
        if everyone:
            return len(ranked)
        if self.spec.keep is None:
            return len(ranked) // self.spec.reduction_factor
        begun = {s.slot for s in standings if s.rung == 0 and s.state != "running"}
        return self.spec.keep if begun >= set(range(self._trials)) else 0

    def last_resort(self, standings: Sequence[Standing]) -> Standing | None:
        """Return the trial to go on with when there is nothing else to do; None if there is none.

        Few configurations may end before any has come to the top; a study has a finished best.
        """
        if any(s.state == "running" for s in standings):
            return None
        complete = [s for s in standings if s.state == "complete" and s.evidence]
        if not complete or any(s.rung == self.top for s in complete):
            return None
        taken = {(s.slot, s.rung) for s in standings}
        open_ = [s for s in complete if (s.slot, s.rung + 1) not in taken]
        return min(open_, key=lambda s: (-s.rung, *self._order(s)), default=None)

    def waiting(self, standings: Sequence[Standing]) -> set[int]:
        """Return the slots of configurations that are trained now, or are to go on."""
        found = {s.slot for s in standings if s.state == "running"}
        found |= {s.slot for s in self.promotions(standings)}
        if not found and {s.slot for s in standings} >= set(range(self._trials)):
            last = self.last_resort(standings)
            found = {last.slot} if last is not None else set()
        return found

    # What is known of the rungs

    def agreements(self, standings: Sequence[Standing]) -> list[RankAgreement]:
        """Return the rank correlation of each rung with the next, from the lowest."""
        return agreements(standings, self.rungs)

    def unreliable(self, standings: Sequence[Standing]) -> dict[int, RankAgreement]:
        """Return the rungs at which nothing is stopped, since their ranks foretell too little."""
        least = self.spec.min_rank_correlation
        return {i: a for i, a in enumerate(self.agreements(standings)) if is_low(a, least)}

    def model_rung(self, standings: Sequence[Standing], least: int) -> int:
        """Return the highest rung with at least ``least`` values, for samplers; else the lowest.

        Of the rungs that configurations start at, the lowest has the most values.
        """
        for rung in reversed(range(self.top + 1)):
            if len(values_at(standings, rung)) >= least:
                return rung
        return 0

    # States on disk

    def settled(self, standings: Sequence[Standing], *, over: bool) -> set[int]:
        """Return the numbers of complete trials from whose state nobody will go on.

        Their configuration has ended at the next rung, or so many are better that it cannot be
        promoted any more (unless the rung turns out to be unreliable: it starts over then).

        Args:
            standings: of all configurations.
            over: nothing more is to be done.
        """
        ended = {(s.slot, s.rung) for s in standings if s.state != "running"}
        begun = {(s.slot, s.rung) for s in standings}
        off = self.unreliable(standings)
        found = set()
        for rung in range(self.top + 1):
            for ranked in self._groups(standings, rung):
                most = self._most(ranked) if rung < self.top else 0
                for place, standing in enumerate(ranked):
                    gone_on = (standing.slot, rung + 1) in ended
                    going_on = (standing.slot, rung + 1) in begun
                    hopeless = place >= most and rung not in off and not going_on
                    if over or gone_on or hopeless:
                        found.add(standing.number)
        return found

    def _most(self, ranked: Sequence[Standing]) -> int:
        """Return how many of a rung may come to be promoted, if ranks hold."""
        if self.spec.keep is not None:
            return self.spec.keep
        base, rung = self.base(ranked[0].slot), ranked[0].rung
        started = sum(self.base(slot) == base for slot in range(self._trials))
        eta = self.spec.reduction_factor
        return max(1, len(ranked) // eta, started // int(eta ** (rung - base + 1)))

    # Ordering

    def _groups(self, standings: Iterable[Standing], rung: int) -> list[list[Standing]]:
        """Return the complete trials of a rung, those of a bracket together, the best first."""
        groups: dict[int, list[Standing]] = {}
        for s in standings:
            if s.rung == rung and s.state == "complete" and s.evidence:
                groups.setdefault(self.base(s.slot), []).append(s)
        return [sorted(groups[base], key=self._order) for base in sorted(groups)]

    def _order(self, standing: Standing) -> tuple[float, int]:
        assert standing.value is not None
        return self._sign * standing.value, standing.slot


def values_at(standings: Iterable[Standing], rung: int) -> dict[int, float]:
    """Return the values of a rung by slot, those that are evidence."""
    return {
        s.slot: s.value
        for s in standings
        if s.rung == rung and s.state == "complete" and s.evidence and s.value is not None
    }


def _own_at(standings: Iterable[Standing], rung: int) -> dict[int, float]:
    return {s.slot: s.own for s in standings if s.rung == rung and s.evidence and s.own is not None}


def agreements(standings: Sequence[Standing], rungs: Sequence[int]) -> list[RankAgreement]:
    """Return the rank correlation of each rung with the next, from the lowest.

    It is one of what configurations reached at each rung's own epochs. Their values would agree
    by themselves: the best so far at a rung is among what the next one's is the best of, and of
    networks that learn nothing a lucky epoch stays the best at every rung from there on. The best
    of the own epochs, and not the last one, since the objective is that of the best epoch.

    Args:
        standings: of all configurations.
        rungs: in epochs.
    """
    found = []
    for rung in range(len(rungs) - 1):
        here, there = _own_at(standings, rung), _own_at(standings, rung + 1)
        slots = sorted(here)
        pairs = [(i, there[slot]) for i, slot in enumerate(slots) if slot in there]
        first = [here[slot] for slot in slots]
        found.append(agreement(rungs[rung], rungs[rung + 1], first, pairs))
    return found
