"""What to run next: a lost place again, a configuration one rung further, or a new one.

All of it happens under the lock of a claim, and depends on what is stored alone.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hpo.search import filling, retries
from hpo.search import trials as stored
from hpo.search.attempts import Attempts
from hpo.search.budgets import epochs_left, promised_epochs, time_is_up
from hpo.search.climbing import Climb, Places
from hpo.search.configurations import Enqueued
from hpo.search.draws import Draw, kept
from hpo.search.engine import Proposal
from hpo.search.goals import Goals
from hpo.search.repeats import has_own_value, twin_of, unpaid
from hpo.search.rungs import Standing
from hpo.search.samplers import PLACE
from hpo.search.warm_start import Warm
from hpo.spec.sections import FIRST_FILLING_SLOT
from hpo.spec.seeds import derive_seed
from hpo.spec.space import SearchSpace
from hpo.spec.study import ArchitectureSpec, StudySpec

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from hpo.search.view import SlotView

RESAMPLES = 5
"""How often a configuration that was tried before is drawn again before it is accepted."""


class Claims(ABC):
    """The claiming half of an engine; ``LedgerEngine`` opens the storage and fills the fields."""

    spec: StudySpec
    label: str
    architecture: ArchitectureSpec
    space: SearchSpace
    first: list[Enqueued]
    warm: Warm
    goals: Goals
    maximize: bool
    """The direction of the (first) objective."""
    study_name: str
    climb: Climb | None
    busy: bool
    elsewhere: list[str]
    _attempts: Attempts
    _me: str
    _make_pruner: Any
    _running: set[int]
    _ended: list[int]
    _news: list[str]
    _filled: bool
    """Whether the last claim filled a slot and left nothing to run."""
    _over: bool
    """Whether at the last claim nothing ran and nothing was left to do."""

    # What an engine of its own provides

    @abstractmethod
    def prepare(self) -> None:
        """Check the engine's options before anything is written."""

    @abstractmethod
    def draw(
        self, known: Mapping[int, FrozenTrial], slot: int, first: Enqueued | None, attempt: int
    ) -> Draw | None:
        """Return a configuration for ``slot``; None if there is none left.

        Args:
            known: Optuna's trials by slot, without this one.
            slot: from 0.
            first: the enqueued configuration that belongs there.
            attempt: 0, or how often a repeated configuration was thrown back.
        """

    def open_places(self) -> int:
        """Return how many places of the budget may be filled by now: all, unless it is a race."""
        return self.spec.trials_of(self.label)

    def suggest(
        self,
        known: Mapping[int, FrozenTrial],
        slot: int,
        sampler: Any,
        values: Mapping[str, Any],
        overrides: Mapping[str, Any],
    ) -> FrozenTrial:
        """Return a trial of the view at ``slot``, walked through the space.

        Args:
            known: Optuna's trials by slot, without this one.
            slot: from 0.
            sampler: fills what ``values`` leave open.
            values: given values of searched parameters.
            overrides: values that replace searched parameters, and are not recorded as searched.
        """
        from hpo.search.view import asking

        # What an earlier study learned stands before this one's own trials.
        before = self.warm.trials(self.space)
        number = len(before) + slot
        asked = asking(number, values, {PLACE: slot - len(self.first)})
        shifted = {len(before) + at: trial for at, trial in known.items()}
        view = self.view(shifted, *before, asked)
        trial = view.study(sampler, self.pruner()).ask()
        self.space.suggest(trial, {**self.architecture.fixed, **overrides})
        return view.get_trial(number)

    # Claiming

    def _propose_next(self) -> Proposal | None:
        attempts = self._attempts.all()
        running = {trial.number for trial in attempts if not trial.state.is_finished()}
        others = [trial for trial in attempts if trial.number in running - self._running]
        self.busy = bool(others)
        self.elsewhere = [trial.user_attrs.get(stored.WORKER, "") for trial in others]
        search, proposal = filling.searched(attempts), None
        if not time_is_up(self.spec.budget, search, time.time()):
            proposal = self._next_of(search)
        if proposal is None and not self._filled:
            proposal = self._next_filling([t for t in attempts if filling.is_filling(t)])
        self._over = proposal is None and not self._filled and not running
        return proposal

    def _next_of(self, attempts: list[FrozenTrial]) -> Proposal | None:
        """Claim what was lost, else what goes on to its next rung, else the next slot."""
        places = stored.places(attempts)
        lost_places = {stored.place(t) for t in attempts if stored.is_lost(t)} - places.keys()
        open_places = self.open_places()
        for slot, rung in sorted(lost_places):
            if slot < open_places:
                return self._again(places, retries.lost_at(attempts, slot, rung))
        standings = self.climb.standings(places) if self.climb is not None else []
        if self.climb is not None:
            self._news += self.climb.news(standings)
            for below in self.climb.ladder.promotions(standings):
                proposal = self._go_on(self.climb, places, below)
                if proposal is not None:
                    return proposal
        begun = {slot for slot, _ in places}
        for slot in range(open_places):
            if slot not in begun:
                proposal = self._begin(places, slot)
                if proposal is not None or self._filled:
                    return proposal
                break
        if self.climb is not None:
            last = self.climb.ladder.last_resort(standings)
            return self._go_on(self.climb, places, last) if last is not None else None
        return None

    def _next_filling(self, attempts: list[FrozenTrial]) -> Proposal | None:
        """Claim a space-filling trial: one that was lost, else the next."""
        places = stored.places(attempts)
        for slot, rung in sorted({stored.place(t) for t in attempts} - places.keys()):
            if slot in self.spec.slots_of(self.label):
                return self._again(places, retries.lost_at(attempts, slot, rung))
        free = filling.free_slot(self.spec, places)
        if free is None:
            return None
        # The view counts the sampler's trials after those that are tried first.
        at = free - FIRST_FILLING_SLOT + len(self.first)
        sampler = filling.sampler(self.spec, self.label, self.space)
        chosen = Draw(self.suggest({}, at, sampler, {}, {}))
        return self._insert(self._template(free, chosen, None, filling.ANYTHING), places, [])

    def _again(self, places: Places, lost: list[FrozenTrial]) -> Proposal | None:
        """Claim a place whose earlier attempts were lost."""
        if retries.is_hopeless(lost):
            self._ended.append(self._attempts.insert(retries.given_up(lost)))
            self._filled = True
            return None
        return self._insert(retries.template(lost, self._me), places, lost)

    def _go_on(self, climb: Climb, places: Places, below: Standing) -> Proposal | None:
        """Claim the next rung of a configuration."""
        template = climb.next_trial(places[below.slot, below.rung], self._me)
        return self._insert(template, places, [])

    def _begin(self, places: Places, slot: int) -> Proposal | None:
        """Claim a slot with a configuration of its own, or fill it with what is known of one."""
        first = self.first[slot] if slot < len(self.first) else None
        tried = {at: trial for (at, _), trial in places.items()}
        seen = tried
        if self.climb is not None:
            tried, seen = self.climb.firsts(places), self.climb.seen(places)
        chosen, twin = self._draw_new(seen, tried, slot, first)
        if chosen is None:
            return None
        template = self._template(slot, chosen, twin, first)
        if twin is not None and self._is_reused(chosen, twin, first):
            original = self._attempts.get(twin.number)
            self._ended.append(self._attempts.insert(unpaid(template, original)))
            self._filled = True
            return None
        return self._insert(template, places, [])

    def _insert(
        self, template: FrozenTrial, places: Places, lost: list[FrozenTrial]
    ) -> Proposal | None:
        """Store a trial if its epochs fit into the budget."""
        told = template.user_attrs
        left = epochs_left(self.spec.budget, places.values())
        beyond = filling.is_filling(template)
        if left is not None and promised_epochs(told) > left and not beyond:
            return None
        return self._proposal(self._attempts.insert(template), template, lost)

    def _proposal(self, number: int, trial: FrozenTrial, lost: list[FrozenTrial]) -> Proposal:
        told = trial.user_attrs
        return Proposal(
            number=number,
            slot=told[stored.SLOT],
            params=dict(trial.params),
            trial_seed=told[stored.SEED],
            origin=told[stored.ORIGIN],
            overrides=dict(told[stored.OVERRIDES]),
            repeat_of=told.get(stored.REPEAT),
            retry_of=told.get(stored.RETRY_OF),
            lost=tuple(trial.user_attrs[stored.LOST] for trial in lost),
            earlier=tuple(trial.number for trial in lost),
            rungs=tuple(told.get(stored.RUNGS, ())),
            continues=told.get(stored.CONTINUES),
            to_be_continued=self.climb is not None
            and told.get(stored.RUNG, 0) < self.climb.ladder.top,
        )

    def _draw_new(
        self,
        seen: Mapping[int, FrozenTrial],
        tried: Mapping[int, FrozenTrial],
        slot: int,
        first: Enqueued | None,
    ) -> tuple[Draw | None, FrozenTrial | None]:
        """Draw, again if need be, what was neither tried nor shown; else the least dear."""
        best: tuple[Draw | None, FrozenTrial | None] = (None, None)
        shown: Draw | None = None
        for attempt in range(RESAMPLES + 1):
            chosen = self.draw(seen, slot, first, attempt)
            if chosen is None:
                return None, None
            if self.climb is not None:
                overrides, attributes = self.climb.beginning(slot)
                chosen = replace(
                    chosen,
                    overrides={**chosen.overrides, **overrides},
                    attributes={**chosen.attributes, **attributes},
                )
            twin = twin_of(self._configuration(chosen), tried, self.architecture.fixed)
            new = twin is None and not self.warm.shows(chosen.trial.params)
            if new or first is not None or chosen.may_repeat:
                return chosen, twin
            if twin is None:  # of an earlier study alone: it is trained if nothing new comes up
                shown = shown or chosen
                continue
            # One that still runs has no value to take over yet.
            if best[1] is None or (has_own_value(twin) and not has_own_value(best[1])):
                best = chosen, twin
        return (shown, None) if shown is not None else best

    def _configuration(self, chosen: Draw) -> dict[str, Any]:
        return {**self.architecture.fixed, **chosen.trial.params, **chosen.overrides}

    def _is_reused(self, chosen: Draw, twin: FrozenTrial, first: Enqueued | None) -> bool:
        """Tell whether a repeat takes its twin's value: one that nobody asked for in words."""
        # Where nothing is searched, several trials can only be meant to differ by their seed.
        searched = bool(chosen.trial.params)
        return self.spec.repeats == "reuse" and first is None and searched and has_own_value(twin)

    def _template(
        self, slot: int, chosen: Draw, twin: FrozenTrial | None, first: Enqueued | None
    ) -> FrozenTrial:
        from optuna.trial import TrialState, create_trial

        attributes = {
            stored.SLOT: slot,
            stored.SEED: derive_seed(self.spec.seed, self.label, "trial", slot),
            stored.ORIGIN: first.origin if first else "sampler",
            stored.PARAMS: self._configuration(chosen),
            stored.OVERRIDES: chosen.overrides,
            stored.WORKER: self._me,
            stored.STARTED: time.time(),
            **chosen.attributes,
        }
        if first is not None and first.moved:
            attributes[stored.MOVED] = stored.plain(first.moved)
        if twin is not None:
            attributes[stored.REPEAT] = twin.number
        return create_trial(
            state=TrialState.RUNNING,
            params=chosen.trial.params,
            distributions=chosen.trial.distributions,
            user_attrs=stored.plain(attributes),
            system_attrs=kept(chosen.trial.system_attrs),
        )

    # What samplers and pruners are shown

    def pruner(self) -> Any:
        """Return a pruner, made afresh: it holds nothing between decisions."""
        fixed = self.architecture.fixed.get("epochs")
        epochs = fixed if isinstance(fixed, int) else None
        return self._make_pruner(self.spec.pruner.options, epochs)

    def view(self, known: Mapping[int, FrozenTrial], *extra: FrozenTrial) -> SlotView:
        """Return what samplers and pruners see: ``known`` by slot, and ``extra`` ones."""
        from hpo.search.view import SlotView, shown

        seen = [
            shown(trial, slot)
            for slot, trial in known.items()
            if stored.REPEATS not in trial.user_attrs  # its value has been seen already
        ]
        return SlotView(self.study_name, self.goals.maximize, [*seen, *extra])
