"""Which checkpoints of a study stay on disk: the best few of each architecture."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hpo.registry.promotion import rank_key
from hpo.spec.records import TrialRecord
from hpo.spec.workspace import Workspace

LOG = "log.txt"
"""What a trial's process said, in the trial's folder."""


def folder_of(workspace: Workspace, study: str, label: str, number: int) -> Path:
    """Return the folder of a trial: its checkpoint and the log of its process."""
    return workspace.checkpoints / study / label / str(number)


@dataclass
class Keeper:
    """Keeps the checkpoints of the best complete trials and deletes the others as they fall out.

    Args:
        workspace: where they are.
        direction: ``maximize`` or ``minimize`` of the objective.
        keep: how many per architecture.
    """

    workspace: Workspace
    direction: Literal["maximize", "minimize"]
    keep: int
    _kept: dict[str, list[TrialRecord]] = field(default_factory=dict)

    def remember(self, records: Iterable[TrialRecord]) -> None:
        """Take in the trials of an earlier run."""
        for record in records:
            if _checkpoint(record) is not None:
                self._kept.setdefault(record.architecture, []).append(record)

    def judge(self, record: TrialRecord) -> None:
        """Keep the trial's checkpoint if it is among the best, delete what is not."""
        if _checkpoint(record) is None:
            if record.state in ("pruned", "failed"):
                self._drop(record)
            return
        ranked = sorted(
            [*self._kept.get(record.architecture, []), record],
            key=lambda r: rank_key(r, self.direction),
        )
        self._kept[record.architecture] = ranked[: self.keep]
        for fallen in ranked[self.keep :]:
            self._drop(fallen)

    def kept(self, label: str) -> list[TrialRecord]:
        """Return the trials of an architecture whose checkpoints are kept, the best first."""
        return sorted(self._kept.get(label, []), key=lambda r: rank_key(r, self.direction))

    def _drop(self, record: TrialRecord) -> None:
        folder = folder_of(self.workspace, record.study, record.architecture, record.number)
        for file in folder.glob("*.keras"):
            file.unlink(missing_ok=True)
        # The log of a failed trial's process is what tells why; those of the others tell nothing.
        if record.state == "failed":
            return
        if record.state == "complete" and any(folder.glob("state*")):
            # The next rung goes on from it, however many are better now.
            (folder / LOG).unlink(missing_ok=True)
            return
        shutil.rmtree(folder, ignore_errors=True)


def _checkpoint(record: TrialRecord) -> Path | None:
    result = record.result
    if record.state != "complete" or result is None or not result.checkpoint:
        return None
    path = Path(result.checkpoint)
    return path if path.is_file() else None
