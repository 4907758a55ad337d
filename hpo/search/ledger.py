"""What every engine shares: a slot of the budget is claimed, drawn for, judged and told of.

Claiming a slot reads which are free, draws its configuration and inserts a RUNNING trial that holds
everything, all under a lock, the insertion in one transaction: a process killed at any moment
leaves no half-made trial, and workers never share a slot. A lost attempt's slot is asked for again
with its configuration and seed (``retries``), so that a resumed study proposes what an
uninterrupted one would have.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from hpo.search import retries
from hpo.search import trials as stored
from hpo.search.attempts import Attempts
from hpo.search.attendance import Attendance
from hpo.search.budgets import epochs_left, planned_epochs, time_is_up
from hpo.search.configurations import Enqueued, fold_fixed, resolve_enqueue
from hpo.search.creation import create_or_load, optuna_name
from hpo.search.draws import Draw, kept, repeated
from hpo.search.engine import Proposal
from hpo.search.locks import claiming
from hpo.search.reconnecting import LONGEST_WAIT_SECONDS, LeaseLost, Reconnecting
from hpo.search.samplers import PLACE
from hpo.search.storage import explained, open_storage, sqlite_path
from hpo.search.worker_identity import identity
from hpo.spec.catalogue import resolve
from hpo.spec.errors import NotFoundError
from hpo.spec.records import EpochReport, TrialRecord, TrialResult
from hpo.spec.seeds import derive_seed
from hpo.spec.study import StudySpec

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from hpo.search.view import SlotView

RESAMPLES = 5
"""How often a configuration that was tried before is drawn again before it is accepted."""

_LONGEST_PAUSE_SECONDS = 5.0
"""A worker that waits for work asks the database every two seconds, however short the lease."""


class LedgerEngine(ABC):
    """Everything of an engine but the choice of configurations, which ``draw`` makes.

    Args:
        storage_url: of Optuna's storage.
        spec: the study file.
        label: the architecture's name in it.
        resume: whether the study may exist already.
        thesis: the thesis's configuration of this architecture, for ``enqueue: [thesis]``.
        dataset_digest: of the data that the study is bound to; "" binds it to none.

    Raises:
        SpecError: the study exists with another space, or an option or enqueued value is wrong.
        InputError: the study exists, and ``resume`` is False.
        EnvironmentProblem: the storage cannot be used.
    """

    def __init__(
        self,
        storage_url: str,
        spec: StudySpec,
        label: str,
        *,
        resume: bool = False,
        thesis: Mapping[str, Any] | None = None,
        dataset_digest: str = "",
    ) -> None:
        self.storage_url = storage_url
        self.spec = spec
        self.label = label
        self.architecture = spec.architectures[label]
        self.maximize = spec.objective.direction == "maximize"
        self.first = resolve_enqueue(self.architecture, thesis, label)
        self.space = fold_fixed(self.architecture.space, self.architecture.fixed)
        self.notes = [f"{label}: {note}" for entry in self.first for note in entry.notes]
        self.study_name = optuna_name(spec.name, label)
        self._make_pruner = resolve("pruner", spec.pruner.name, "pruner")
        self.pruner()  # so that wrong options speak before anything is written
        self.prepare()
        self._me = identity()
        self._database = open_storage(storage_url)
        with explained(storage_url):
            study_id = create_or_load(
                self._database, spec, label, resume=resume, dataset_digest=dataset_digest
            )
        self._attempts = Attempts(
            self._database,
            study_id,
            metric=spec.objective.metric,
            maximize=self.maximize,
        )
        lease = spec.limits.lease_seconds
        self._attendance = Attendance(max(lease / 2, _LONGEST_PAUSE_SECONDS))
        self.steadily = Reconnecting(
            local=sqlite_path(storage_url) is not None,
            saw=lambda answered: self._attendance.saw(answered=answered),
        )
        self.busy = False
        self._running: set[int] = set()
        self._ended: list[int] = []
        self._looked_at = 0.0
        if resume:
            self._ended += self.recover()

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

        view = self.view(known, asking(slot, values, {PLACE: slot - len(self.first)}))
        trial = view.study(sampler, self.pruner()).ask()
        self.space.suggest(trial, {**self.architecture.fixed, **overrides})
        return view.get_trial(slot)

    # Claiming

    def ask(self) -> Proposal | None:
        """Claim the lowest free slot of the budget; see ``Engine.ask``."""
        with explained(self.storage_url):
            return self.steadily(self._claim_next)

    def _claim_next(self) -> Proposal | None:
        with claiming(self._database, self.study_name) as still_held:
            proposal = self._claimed_unknown()
            if proposal is None:
                self._reap()
                proposal = self._propose_next()
            if proposal is None:
                return None
            if not still_held():
                raise LeaseLost  # and whether it counts is judged by the next to hold the right
        self._running.add(proposal.number)
        self.beat([proposal.number])
        return proposal

    def _claimed_unknown(self) -> Proposal | None:
        """Take up a claim of this engine's that it did not come to know of: the connection broke.

        It is given up if its slot is another's too: the right to claim went with the connection,
        and whoever had it next may not have seen this claim yet.
        """
        attempts = self._attempts.all()
        filled = Counter(t.user_attrs.get(stored.SLOT) for t in attempts if not stored.is_lost(t))
        for trial in attempts:
            own = trial.user_attrs.get(stored.WORKER) == self._me
            if not own or trial.state.is_finished() or trial.number in self._running:
                continue
            slot = trial.user_attrs[stored.SLOT]
            if filled[slot] == 1 and not stored.is_lost(trial):
                return _proposal(trial.number, trial, retries.lost_at(attempts, slot))
            self._attempts.lose(trial.number, "interrupted: the right to claim was lost")
        return None

    def _reap(self) -> None:
        """Take slots from dead workers, as often as workers give signs of life."""
        now = time.monotonic()
        if now - self._looked_at >= self.spec.limits.lease_seconds / 4 or self._looked_at == 0.0:
            self._looked_at = now
            self._ended += self._recover()

    def _propose_next(self) -> Proposal | None:
        attempts = self._attempts.all()
        known = stored.slots(attempts)
        self.busy = any(
            not trial.state.is_finished() and trial.number not in self._running
            for trial in attempts
        )
        if time_is_up(self.spec.budget, attempts, time.time()):
            return None
        for slot in range(self.spec.trials_of(self.label)):
            if slot in known:
                continue
            lost = retries.lost_at(attempts, slot)
            if retries.is_hopeless(lost):
                self._ended.append(self._attempts.insert(retries.given_up(lost)))
                continue
            if lost:
                return self._insert(retries.template(lost, self._me), known, lost)
            first = self.first[slot] if slot < len(self.first) else None
            chosen, repeat_of = self._draw_new(known, slot, first)
            if chosen is None:
                return None
            return self._insert(self._template(slot, chosen, repeat_of, first), known, lost)
        return None

    def _insert(
        self, template: FrozenTrial, known: Mapping[int, FrozenTrial], lost: list[FrozenTrial]
    ) -> Proposal | None:
        """Store a trial if its epochs fit into the budget."""
        left = epochs_left(self.spec.budget, known)
        if left is not None and planned_epochs(template.user_attrs[stored.PARAMS]) > left:
            return None
        return _proposal(self._attempts.insert(template), template, lost)

    def _draw_new(
        self, known: dict[int, FrozenTrial], slot: int, first: Enqueued | None
    ) -> tuple[Draw | None, int | None]:
        repeat_of = None
        chosen = None
        for attempt in range(RESAMPLES + 1):
            chosen = self.draw(known, slot, first, attempt)
            if chosen is None:
                return None, None
            repeat_of = repeated(chosen, known)
            if repeat_of is None or first is not None or chosen.may_repeat:
                break
        return chosen, repeat_of

    def _template(
        self, slot: int, chosen: Draw, repeat_of: int | None, first: Enqueued | None
    ) -> FrozenTrial:
        from optuna.trial import TrialState, create_trial

        params = chosen.trial.params
        attributes = {
            stored.SLOT: slot,
            stored.SEED: derive_seed(self.spec.seed, self.label, "trial", slot),
            stored.ORIGIN: first.origin if first else "sampler",
            stored.PARAMS: {**self.architecture.fixed, **params, **chosen.overrides},
            stored.OVERRIDES: chosen.overrides,
            stored.WORKER: self._me,
            stored.STARTED: time.time(),
            **chosen.attributes,
        }
        if repeat_of is not None:
            attributes[stored.REPEAT] = repeat_of
        return create_trial(
            state=TrialState.RUNNING,
            params=params,
            distributions=chosen.trial.distributions,
            user_attrs=stored.plain(attributes),
            system_attrs=kept(chosen.trial.system_attrs),
        )

    def take_ended(self) -> list[int]:
        """Return, once, what ``ask`` found dead and ended; see ``Engine.take_ended``."""
        ended, self._ended = self._ended, []
        return ended

    def beat(self, numbers: Iterable[int]) -> None:
        """Give a sign of life; see ``Engine.beat``."""
        for number in numbers:
            try:
                self._attempts.beat(number)
            except Exception:
                # Broad, whatever the driver raises: others take a trial only after several signs
                # that failed to come, and the next one is near.
                self._attendance.saw(answered=False)
            else:
                self._attendance.saw(answered=True)

    # Running and ending

    def record_epoch(self, number: int, report: EpochReport) -> bool:
        """Store an epoch and, for the pruner, its objective; see ``Engine.record_epoch``."""
        with explained(self.storage_url):
            return self.steadily(lambda: self._attempts.record_epoch(number, report))

    def should_prune(self, number: int) -> bool:
        """Ask the pruner about a running trial; see ``Engine.should_prune``."""
        if self.spec.pruner.name == "none":
            return False
        with explained(self.storage_url):
            return self.steadily(lambda: self._judge(number))

    def _judge(self, number: int) -> bool:
        from optuna.samplers import RandomSampler

        known = self._attempts.by_slot()
        slot = next((s for s, t in known.items() if t.number == number), None)
        if slot is None:
            return False
        view, pruner = self.view(known), self.pruner()
        study = view.study(RandomSampler(seed=0), pruner)
        decision = bool(pruner.prune(study, view.get_trial(slot)))
        return self._attempts.keep(known[slot], view.get_trial(slot).system_attrs) and decision

    def finish(self, number: int, result: TrialResult) -> bool:
        """Store the result, then end the trial; see ``Engine.finish``."""
        with explained(self.storage_url):
            held = self.steadily(lambda: self._attempts.finish(number, result))
        self._running.discard(number)
        return held

    def set_run_id(self, number: int, run_id: str) -> None:
        """Store which MLflow run mirrors the trial; see ``Engine.set_run_id``."""
        with explained(self.storage_url):
            self.steadily(lambda: self._attempts.set_run_id(number, run_id))

    def release(
        self,
        number: int,
        reason: str,
        change: Mapping[str, Any] | None = None,
        result: TrialResult | None = None,
    ) -> bool:
        """Give the slot back; see ``Engine.release``."""
        with explained(self.storage_url):
            held = self.steadily(lambda: self._attempts.lose(number, reason, change, result))
        self._running.discard(number)
        return held

    def recover(self) -> list[int]:
        """Finish what was only left untold, lose the rest; see ``Engine.recover``."""
        with explained(self.storage_url):
            return self.steadily(self._recover)

    def _recover(self) -> list[int]:
        # Silence speaks against others only if they could be heard. Who has just come, or was cut
        # off, cannot know that: but longer than this nobody waits for a database.
        lease = self.spec.limits.lease_seconds
        heard = self._attendance.seconds() > lease
        patience = lease if heard else lease + LONGEST_WAIT_SECONDS
        return self._attempts.recover(self._me, silent_for=patience, spare=self._running)

    # Reading

    def record(self, number: int) -> TrialRecord:
        """Return a trial as it is stored now; see ``Engine.record``."""
        try:
            with explained(self.storage_url):
                trial = self.steadily(lambda: self._attempts.get(number))
                run_id = trial.user_attrs.get(stored.RUN_ID) or self.steadily(
                    lambda: self._attempts.late_run_id(number)
                )
        except KeyError:
            raise NotFoundError(f"'{self.study_name}' has no trial {number}") from None
        return stored.read_trial(
            trial,
            study=self.spec.name,
            architecture=self.label,
            space=self.architecture.space.to_plain(),
            maximize=self.maximize,
            run_id=run_id,
        )

    def pruner(self) -> Any:
        """Return a pruner, made afresh: it holds nothing between decisions."""
        fixed = self.architecture.fixed.get("epochs")
        epochs = fixed if isinstance(fixed, int) else None
        return self._make_pruner(self.spec.pruner.options, epochs)

    def view(self, known: Mapping[int, FrozenTrial], *extra: FrozenTrial) -> SlotView:
        """Return what samplers and pruners see: ``known`` by slot, and ``extra`` ones."""
        from hpo.search.view import SlotView, shown

        seen = [shown(trial, slot) for slot, trial in known.items()]
        return SlotView(self.study_name, self.maximize, [*seen, *extra])


def _proposal(number: int, trial: FrozenTrial, lost: list[FrozenTrial]) -> Proposal:
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
    )
