"""Telling a watcher of trials that run elsewhere, from what the storage holds of them."""

from __future__ import annotations

import contextlib
import time

from hpo.execution.watch import Watcher, told_origin
from hpo.spec.errors import EnvironmentProblem, NotFoundError
from hpo.spec.records import TrialRecord, TrialResult

_ENDED = ("complete", "pruned", "failed")
_LOOK_SECONDS = 2.0
_SHARE = 0.1
"""At most this part of the time is spent reading: a long study on a slow database is read less."""

Key = tuple[str, int]


class Follower:
    """Reads a study's trials every few seconds and tells what is new.

    Args:
        storage_url: of Optuna's storage.
        study: the study's name.
        watcher: is told.
        known: trials that the watcher is not to hear of: those of an earlier run.
    """

    def __init__(
        self, storage_url: str, study: str, watcher: Watcher, known: list[TrialRecord]
    ) -> None:
        self._url = storage_url
        self._study = study
        self._watcher = watcher
        self._epochs: dict[Key, int] = {}
        self._ended = {_key(r) for r in known if r.state in _ENDED}
        self._away = False
        self._next_look = 0.0
        self.finished = 0
        """Trials that ended, lost attempts left out, since this follows them."""

    def look(self, *, now: bool = False) -> None:
        """Tell what is new, if it is time to look again.

        Args:
            now: look at once.
        """
        began = time.monotonic()
        if not now and began < self._next_look:
            return
        try:
            self._tell()
        except EnvironmentProblem as error:
            # The workers wait for it to come back as well.
            if not self._away:
                self._watcher.note(f"The trials cannot be read: {error}")
            self._away = True
        else:
            self._away = False
        ended = time.monotonic()
        self._next_look = ended + max(_LOOK_SECONDS, (ended - began) / _SHARE)

    def _tell(self) -> None:
        from hpo.search.studies import read_trials

        with contextlib.suppress(NotFoundError):  # No worker has begun it yet.
            for record in read_trials(self._url, self._study, attempts=True):
                if _key(record) not in self._ended:
                    self._tell_of(record)

    def _tell_of(self, record: TrialRecord) -> None:
        key, watcher = _key(record), self._watcher
        label, number = key
        if key not in self._epochs:
            self._epochs[key] = 0
            planned = int(record.params.get("epochs", 0))
            origin = told_origin(record.origin, record.slot, record.continues)
            watcher.trial_started(label, number, dict(record.searched), planned, origin)
        for report in record.epochs[self._epochs[key] :]:
            watcher.epoch_finished(label, number, report)
        self._epochs[key] = len(record.epochs)
        if record.state not in _ENDED:
            return
        self._ended.add(key)
        result = record.result or TrialResult(state=record.state, value=record.value)
        if record.lost:
            watcher.trial_released(
                label, number, f"{(result.reason or 'lost').rstrip('.')}; it is run again"
            )
        else:
            self.finished += 1
            watcher.trial_finished(label, number, result, record.seconds)


def _key(record: TrialRecord) -> Key:
    return record.architecture, record.number
