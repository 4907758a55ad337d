"""The default engine: Optuna's samplers, seeded by study and slot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hpo.search.configurations import Enqueued
from hpo.search.draws import Draw
from hpo.search.ledger import LedgerEngine
from hpo.search.samplers import SpaceExhausted, is_fixed_sequence
from hpo.spec.catalogue import resolve
from hpo.spec.seeds import derive_seed

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


class OptunaEngine(LedgerEngine):
    """Searches with the study file's sampler; see ``LedgerEngine`` for arguments and errors."""

    def prepare(self) -> None:
        """Make the sampler once, so that wrong options speak before anything is written."""
        self._make_sampler = resolve("sampler", self.spec.sampler.name, "sampler")
        self._sequence: Any = None
        self._is_sequence = is_fixed_sequence(self._make_sampler)
        sampler = self._sampler(0, 0)
        if self._is_sequence:
            self._sequence = sampler

    def _sampler(self, slot: int, attempt: int) -> Any:
        if self._sequence is not None:
            return self._sequence
        parts: tuple[str | int, ...] = (self.spec.seed, self.label, "sampler")
        if not self._is_sequence:
            parts += (slot, attempt)
        return self._make_sampler(self.spec.sampler.options, derive_seed(*parts), self.space)

    def draw(
        self, known: Mapping[int, FrozenTrial], slot: int, first: Enqueued | None, attempt: int
    ) -> Draw | None:
        """Let the sampler fill what ``first`` leaves open; see ``LedgerEngine.draw``."""
        values = first.values if first else {}
        overrides = first.overrides if first else {}
        try:
            trial = self.suggest(known, slot, self._sampler(slot, attempt), values, overrides)
        except SpaceExhausted:
            return None
        return Draw(trial, dict(overrides), may_repeat=self._is_sequence)
