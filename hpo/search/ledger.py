"""What every engine shares: a slot of the budget is claimed, drawn for, judged and told of.

Claiming a slot reads which are free, draws its configuration and inserts a RUNNING trial that holds
everything, all under a lock, the insertion in one transaction: a process killed at any moment
leaves no half-made trial, and workers never share a slot. A lost attempt's slot is asked for again
with its configuration and seed (``retries``), so that a resumed study proposes what an
uninterrupted one would have.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from hpo.search import filling, retries
from hpo.search import trials as stored
from hpo.search.attempts import Attempts
from hpo.search.attendance import Attendance
from hpo.search.claims import Claims
from hpo.search.climbing import Climb, ladder_of
from hpo.search.configurations import Baselines, fold_fixed, resolve_enqueue
from hpo.search.creation import create_or_load, optuna_name
from hpo.search.engine import Proposal
from hpo.search.evolution import (
    SPACE,
    SPACES,
    Present,
    evolved_meanwhile,
    space_at,
    stored_space,
    version_of,
)
from hpo.search.goals import Goals
from hpo.search.locks import claiming
from hpo.search.reconnecting import LONGEST_WAIT_SECONDS, LeaseLost, Reconnecting
from hpo.search.storage import explained, open_storage, sqlite_path
from hpo.search.warm_start import WARM, Warm
from hpo.search.worker_identity import identity
from hpo.spec.catalogue import resolve
from hpo.spec.errors import NotFoundError
from hpo.spec.evolving import arranged
from hpo.spec.records import EpochReport, TrialRecord, TrialResult
from hpo.spec.study import StudySpec

_LONGEST_PAUSE_SECONDS = 5.0
"""A worker that waits for work asks the database every two seconds, however short the lease."""


class LedgerEngine(Claims):
    """Everything of an engine but the choice of configurations, which ``draw`` makes.

    Args:
        storage_url: of Optuna's storage.
        spec: the study file.
        label: the architecture's name in it.
        resume: whether the study may exist already.
        baselines: of this architecture, for ``enqueue: [thesis]`` and ``[default]``.
        dataset_digest: of the data that the study is bound to; "" binds it to none.
        digests: others that an earlier study may have recorded of the same faces.

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
        baselines: Baselines | None = None,
        dataset_digest: str = "",
        digests: Collection[str] = (),
    ) -> None:
        self.storage_url = storage_url
        self.spec = spec
        self.label = label
        self.architecture = spec.architectures[label]
        self.goals = Goals.of(spec)
        self.maximize = self.goals.maximize[0]
        self.first = resolve_enqueue(self.architecture, baselines, label)
        self.space = fold_fixed(self.architecture.space, self.architecture.fixed)
        self.notes = [f"{label}: {note}" for entry in self.first for note in entry.notes]
        self.study_name = optuna_name(spec.name, label)
        ladder = ladder_of(spec, label)
        self.climb = Climb(ladder, spec, label) if ladder is not None else None
        self._make_pruner = resolve("pruner", spec.pruner.name, "pruner")
        self.pruner()  # so that wrong options speak before anything is written
        self.prepare()
        self._me = identity()
        self._database = open_storage(storage_url)
        with explained(storage_url):
            study_id = create_or_load(
                self._database,
                spec,
                label,
                resume=resume,
                dataset_digest=dataset_digest,
                digests=digests,
            )
            attributes = self._database.get_study_user_attrs(study_id)
        self._spaces = {key: attributes.get(key, {}) for key in (SPACE, SPACES)}
        self._take_order(attributes)
        self.warm = Warm.from_plain(attributes.get(WARM))
        self.first = [*self.first, *self.warm.enqueued()]
        self._attempts = Attempts(
            self._database,
            study_id,
            goals=self.goals,
            present=Present(self.space, self.architecture.fixed, version_of(attributes)),
        )
        lease = spec.limits.lease_seconds
        self._attendance = Attendance(max(lease / 2, _LONGEST_PAUSE_SECONDS))
        self.steadily = Reconnecting(
            local=sqlite_path(storage_url) is not None,
            saw=lambda answered: self._attendance.saw(answered=answered),
        )
        self.busy = False
        self.elsewhere: list[str] = []
        self._filled = self._over = False
        self._running: set[int] = set()
        self._ended: list[int] = []
        self._news: list[str] = []
        self._looked_at = 0.0
        if resume:
            self._ended += self.recover()

    def _take_order(self, attributes: Mapping[str, Any]) -> None:
        """Search parameters and choices in the order in which the study first had them."""
        space = arranged(self.architecture.space, stored_space(attributes))
        if space.to_plain() != self.architecture.space.to_plain() or list(space.root) != list(
            self.architecture.space.root
        ):
            self.architecture = self.architecture.model_copy(update={"space": space})
            self.space = fold_fixed(space, self.architecture.fixed)
            self.prepare()

    # Claiming

    def ask(self) -> Proposal | None:
        """Claim the lowest free slot of the budget; see ``Engine.ask``."""
        with explained(self.storage_url):
            # One slot at a time, so that other workers get the lock between.
            while (proposal := self.steadily(self._claim_next)) is None and self._filled:
                pass
            return proposal

    def _claim_next(self) -> Proposal | None:
        self._filled = False
        with claiming(self._database, self.study_name) as still_held:
            version = self._attempts.has_evolved()
            if version is not None:
                raise evolved_meanwhile(self.spec.name, self.label, version)
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

        It is given up if its place is another's too: the right to claim went with the connection,
        and whoever had it next may not have seen this claim yet.
        """
        attempts = self._attempts.all()
        filled = Counter(stored.place(t) for t in attempts if not stored.is_lost(t))
        for trial in attempts:
            own = trial.user_attrs.get(stored.WORKER) == self._me
            if not own or trial.state.is_finished() or trial.number in self._running:
                continue
            place = stored.place(trial)
            if filled[place] == 1 and not stored.is_lost(trial):
                return self._proposal(trial.number, trial, retries.lost_at(attempts, *place))
            self._attempts.lose(trial.number, "interrupted: the right to claim was lost")
        return None

    def _reap(self) -> None:
        """Take slots from dead workers, as often as workers give signs of life."""
        now = time.monotonic()
        if now - self._looked_at >= self.spec.limits.lease_seconds / 4 or self._looked_at == 0.0:
            self._looked_at = now
            self._ended += self._recover()

    def take_ended(self) -> list[int]:
        """Return, once, what ``ask`` found dead and ended; see ``Engine.take_ended``."""
        ended, self._ended = self._ended, []
        return ended

    def take_settled(self) -> list[int]:
        """Return, once, from whose states nobody will go on; see ``Engine.take_settled``."""
        climb = self.climb
        if climb is None:
            return []
        with explained(self.storage_url):
            places = stored.places(self.steadily(self._attempts.all))
        return climb.settled(places, over=self._over)

    def take_notes(self) -> list[str]:
        """Return, once, what came up; see ``Engine.take_notes``."""
        news, self._news = self._news, []
        return news

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

    def record_epoch(self, number: int, report: EpochReport, *, inherited: bool = False) -> bool:
        """Store an epoch and, for the pruner, its objective; see ``Engine.record_epoch``."""
        with explained(self.storage_url):
            return self.steadily(
                lambda: self._attempts.record_epoch(number, report, inherited=inherited)
            )

    def should_prune(self, number: int) -> bool:
        """Ask the pruner about a running trial; see ``Engine.should_prune``."""
        if self.spec.pruner.name == "none":
            return False
        with explained(self.storage_url):
            return self.steadily(lambda: self._judge(number))

    def _judge(self, number: int) -> bool:
        from optuna.samplers import RandomSampler

        known = {s: t for s, t in self._attempts.by_slot().items() if not filling.is_filling(t)}
        slot = next((s for s, t in known.items() if t.number == number), None)
        if slot is None:  # lost meanwhile, or space-filling
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

    def done(self) -> int:
        """Return how many places have a trial that has ended; see ``Engine.done``."""
        with explained(self.storage_url):
            places = stored.places(self.steadily(self._attempts.all))
        return len({slot for (slot, _), trial in places.items() if trial.state.is_finished()})

    def record(self, number: int) -> TrialRecord:
        """Return a trial as it is stored now; see ``Engine.record``."""
        try:
            with explained(self.storage_url):
                trial = self.steadily(lambda: self._attempts.get(number))
                version = trial.user_attrs.get(stored.SPACE_VERSION, 1)
                run_id = trial.user_attrs.get(stored.RUN_ID) or self.steadily(
                    lambda: self._attempts.late_run_id(number)
                )
        except KeyError:
            raise NotFoundError(f"'{self.study_name}' has no trial {number}") from None
        return stored.read_trial(
            trial,
            study=self.spec.name,
            architecture=self.label,
            space=space_at(self._spaces, version),
            goals=self.goals,
            run_id=run_id,
        )
