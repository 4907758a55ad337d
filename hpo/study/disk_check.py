"""The checkpoints of a study on this disk against its trials: what is half, wrong or left over."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hpo.registry.promotion import rank_key
from hpo.spec.confirmation import way_on
from hpo.spec.errors import EnvironmentProblem, IntegrityError
from hpo.spec.records import TrialRecord
from hpo.spec.workspace import Workspace
from hpo.study.checkpoints import folder_of
from hpo.tracking.model_folder import check_sha256
from hpo.training.state import remove_state

_FIRST_SINGLE = 10**9
"""Single runs are numbered by the time in seconds; trials of a study never come so far."""


_TOO_MANY = ("leftover checkpoint", "leftover state")
"""What a living worker has kept of its own trials, until it sees that it is not wanted."""

UnlessKnown = Callable[[str, int, Callable[[], object]], object]
Copies = Callable[[TrialRecord], Path | None]


@dataclass(frozen=True)
class Leftover:
    """Something on disk that is not as the trials say.

    Args:
        kind: for programs.
        architecture: label.
        number: of the trial; None for what belongs to none.
        what: one sentence for people.
        mend: makes it right; doing it twice is doing it once.
    """

    kind: Literal[
        "half-written file",
        "wrong checksum",
        "orphaned folder",
        "leftover checkpoint",
        "leftover state",
    ]
    architecture: str
    number: int | None
    what: str
    mend: Callable[[], None]


def _no_copy(record: TrialRecord) -> Path | None:
    return None


def leftovers(
    workspace: Workspace,
    study: str,
    read: Callable[[], Sequence[TrialRecord]],
    direction: Literal["maximize", "minimize"],
    keep: int,
    *,
    unless_known: UnlessKnown,
    copies: Copies = _no_copy,
    over: bool = False,
    others: Callable[[], Collection[tuple[str, int]]] = frozenset,
) -> list[Leftover]:
    """Return what is wrong with a study's checkpoints.

    The study may be worked on meanwhile. A trial is in Optuna before it has a folder, so the
    folders are listed before the trials are read: one that has no trial then never had one.

    Args:
        workspace: where they are.
        study: its name.
        read: returns every attempt.
        direction: of the objective.
        keep: how many checkpoints an architecture keeps.
        unless_known: removes a folder if Optuna does not know its trial at that moment; the number
            may have been given to a trial since.
        copies: returns a whole copy of a trial's checkpoint, or None.
        over: whether the study has come to its end, so that no trial is taken a rung further.
        others: returns the trials that other workers look after. These tidy up after themselves,
            so that nothing of theirs is looked at, and nothing is called too many while there are
            any.
    """
    folders = [
        (label.name, folder)
        for label in _folders(workspace.checkpoints / study)
        for folder in _folders(label)
        if _is_trial(folder)
    ]
    records = read()
    theirs = others()
    found: list[Leftover] = []
    known = {(r.architecture, r.number): r for r in records}
    kept = _kept(workspace, records, direction, keep)
    filled = {(r.architecture, r.slot, r.rung or 0) for r in records if _fills_its_place(r)}
    for label, folder in folders:
        number = int(folder.name)
        record = known.get((label, number))
        if record is None:
            what = f"{label} #{number}: a folder of a trial that Optuna does not know ({folder})"
            mend = _remover(folder, label, number, unless_known)
            found.append(Leftover("orphaned folder", label, number, what, mend))
        elif record.state not in ("running", "waiting") and (label, number) not in theirs:
            found += _of_trial(folder, record, copies, is_kept=(label, number) in kept)
            # A complete trial has left its state to the next rung.
            left = record.rung is not None and record.state == "complete" and not over
            next_place = (record.rung or 0) + left
            if (label, record.slot, next_place) in filled and any(folder.glob("state*")):
                what = f"{label} #{number}: a state that nobody goes on from"
                mend = _state_remover(folder)
                found.append(Leftover("leftover state", label, number, what, mend))
    return [f for f in found if not (theirs and f.kind in _TOO_MANY)]


def trials_on_disk(workspace: Workspace) -> dict[str, int]:
    """Return how many folders of trials each study has here; single runs are no trials."""
    found: dict[str, int] = {}
    for study in _folders(workspace.checkpoints):
        trials = [f for label in _folders(study) for f in _folders(label) if _is_trial(f)]
        if trials:
            found[study.name] = len(trials)
    return found


def _is_trial(folder: Path) -> bool:
    return folder.name.isdigit() and int(folder.name) < _FIRST_SINGLE


def _fills_its_place(record: TrialRecord) -> bool:
    """Tell whether a trial has ended for good, so that its place is not asked for again."""
    return record.state in ("complete", "pruned") or (record.state == "failed" and not record.lost)


def _kept(
    workspace: Workspace,
    records: Sequence[TrialRecord],
    direction: Literal["maximize", "minimize"],
    keep: int,
) -> set[tuple[str, int]]:
    """Return the best complete trials of each architecture that have a checkpoint here."""
    by_label: dict[str, list[TrialRecord]] = {}
    for record in records:
        if record.state == "complete" and _checkpoint(workspace, record).is_file():
            by_label.setdefault(record.architecture, []).append(record)
    return {
        (label, record.number)
        for label, own in by_label.items()
        for record in sorted(own, key=lambda r: rank_key(r, direction))[:keep]
    }


def _of_trial(
    folder: Path, record: TrialRecord, copies: Copies, *, is_kept: bool
) -> list[Leftover]:
    label, number = record.architecture, record.number
    found = []
    for half in folder.glob(".*.part*"):
        what = f"{label} #{number}: a file that was not written to its end ({half})"
        found.append(Leftover("half-written file", label, number, what, _unlinker(half)))
    checkpoint = folder / "model.keras"
    if not checkpoint.is_file():
        return found
    if not is_kept:
        what = f"{label} #{number}: a checkpoint that is not among the best kept ({checkpoint})"
        return [*found, Leftover("leftover checkpoint", label, number, what, _unlinker(checkpoint))]
    damaged = _damaged(checkpoint, record, copies)
    return found if damaged is None else [*found, damaged]


def _damaged(checkpoint: Path, record: TrialRecord, copies: Copies) -> Leftover | None:
    label, number = record.architecture, record.number
    sha256 = (record.result.checkpoint_sha256 if record.result else None) or ""
    try:
        check_sha256(checkpoint, sha256)
    except FileNotFoundError:
        return None  # A worker whose trial was better has just deleted it.
    except IntegrityError:
        what = f"{label} #{number}: the checkpoint is not the file that was recorded ({checkpoint})"
        if copies(record) is not None:
            what += "; MLflow's copy is, and takes its place"
        else:
            what += (
                ", and MLflow has no whole copy: the damaged file is removed, and this trial's "
                f"model is lost. {way_on(record.study)}"
            )
        mend = _restorer(checkpoint, record, copies)
        return Leftover("wrong checksum", label, number, what, mend)
    return None


def _checkpoint(workspace: Workspace, record: TrialRecord) -> Path:
    folder = folder_of(workspace, record.study, record.architecture, record.number)
    return folder / "model.keras"


def _folders(parent: Path) -> list[Path]:
    return sorted(p for p in parent.iterdir() if p.is_dir()) if parent.is_dir() else []


def _remover(
    folder: Path, label: str, number: int, unless_known: UnlessKnown
) -> Callable[[], None]:
    def remove() -> None:
        unless_known(label, number, lambda: shutil.rmtree(folder, ignore_errors=True))

    return remove


def _restorer(checkpoint: Path, record: TrialRecord, copies: Copies) -> Callable[[], None]:
    def restore() -> None:
        copy = copies(record)
        if copy is None:
            checkpoint.unlink(missing_ok=True)
            return
        part = checkpoint.with_name(f".{os.getpid()}.part.keras")
        try:
            shutil.copyfile(copy, part)
            part.replace(checkpoint)
        except OSError as error:
            raise EnvironmentProblem(
                "cannot put the checkpoint back from MLflow's copy",
                got=error.strerror or str(error),
                where=str(checkpoint),
            ) from error
        finally:
            part.unlink(missing_ok=True)

    return restore


def _state_remover(folder: Path) -> Callable[[], None]:
    return lambda: remove_state(str(folder))


def _unlinker(file: Path) -> Callable[[], None]:
    return lambda: file.unlink(missing_ok=True)
