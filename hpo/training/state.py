"""The state of a half-trained trial on disk: whole, or known not to be.

Two files: ``state-<epoch>.npz`` holds the arrays, ``state.json`` all else, the name and the sha256
of the other file, and a sha256 of its own. ``state.json`` is renamed into place last and the arrays
of the epoch before are deleted after that, so a kill at any moment leaves one epoch's state whole.
Nothing is pickled: a state can be damaged, but it cannot run code.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.spec.records import EpochReport, TrialJob

FORMAT = 3
"""Counted up when what a state holds, or what continuing does with it, changes."""

_DOCUMENT = "state.json"

Array = npt.NDArray[Any]


class StateUnusable(Exception):
    """There is no state to go on from; its text says why, for a note on the result."""


@dataclass(frozen=True)
class TrainingState:
    """All that the epochs after the last finished one depend on.

    Args:
        trial: what is trained on what, plain data: whoever goes on must say the same of itself.
        epochs: the finished epochs, from the first; at least one.
        numbers: plain data by the name of its owner.
        arrays: arrays by the name of their owner, in the owner's order; numeric ones only.
    """

    trial: dict[str, Any]
    epochs: list[EpochReport]
    numbers: dict[str, Any]
    arrays: dict[str, list[Array]]


def trial_identity(
    job: TrialJob,
    params: Mapping[str, Any],
    dataset_digest: str,
    weights: str,
    versions: Mapping[str, str],
) -> dict[str, Any]:
    """Return all in which a state and the trial that goes on from it must agree.

    Args:
        job: its folders and its number of cores may differ.
        params: every parameter with its default filled in.
        dataset_digest: of the faces that are trained on.
        weights: the weights begun with, with their checksum.
        versions: from ``backend.versions``. Other versions compute other digits, and order an
            optimizer's variables as they like.
    """
    named = ("architecture", "seed", "objective", "direction", "precision")
    limits = ("train_limit", "validation_limit", "data_seed")
    return {
        # Left out where they say nothing, so that states of before there were such still fit.
        **({"rungs": list(job.rungs)} if job.rungs else {}),
        **({"leakage": job.leakage} if job.leakage != "keep" else {}),
        **{name: getattr(job, name) for name in named + limits},
        **{f"parameter {name}": value for name, value in params.items()},
        **{name: versions[name] for name in ("keras", "backend", versions["backend"])},
        "dataset digest": dataset_digest,
        "weights": weights,
    }


def identity_below(trial: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the identity of the trial at the rung below; None where there is none.

    The rate of a step follows from the rungs' ends, so the shorter trial is the beginning of the
    longer one, epoch by epoch, and its state one of the longer's.

    Args:
        trial: from ``trial_identity``.
    """
    *before, last = trial.get("rungs") or [None]
    if last is None:
        return None
    below = {**trial, "parameter epochs": last, "rungs": before}
    if not before:
        del below["rungs"]
    return below


def write_state(state: TrainingState, folder: str) -> None:
    """Write ``state`` to ``folder``, made if absent, in place of the one that is there.

    Raises:
        OSError: it cannot be written; the one that was there still stands.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    arrays = target / f"state-{len(state.epochs)}.npz"
    part = target / f".{os.getpid()}.part.npz"
    document = target / f".{os.getpid()}.part.json"
    try:
        named = {
            f"{name}.{k}": a for name, rows in state.arrays.items() for k, a in enumerate(rows)
        }
        # Not compressed: weights hardly shrink, and deflating them takes ten times as long. Not
        # flushed to the disk either: a kill loses nothing without it, and what a power cut damages
        # the checksum tells.
        np.savez(part, allow_pickle=False, **named)
        body = _plain(
            {
                "format": FORMAT,
                "trial": state.trial,
                "epochs": [epoch.to_json() for epoch in state.epochs],
                "numbers": state.numbers,
                "arrays": {"file": arrays.name, "sha256": _digest_of(part)},
            }
        )
        document.write_text(json.dumps({"sha256": _digest(body), "state": body}), encoding="utf-8")
        part.replace(arrays)
        document.replace(target / _DOCUMENT)
    finally:
        for leftover in (part, document):
            with contextlib.suppress(OSError):
                leftover.unlink(missing_ok=True)
    for older in target.glob("state-*.npz"):
        if older != arrays:
            with contextlib.suppress(OSError):
                older.unlink()


def read_state(folder: str, trial: Mapping[str, Any]) -> TrainingState:
    """Return the state in ``folder``, checked against its checksums.

    Args:
        folder: where ``write_state`` wrote it.
        trial: what the reader is about to train, as in ``TrainingState``.

    Raises:
        StateUnusable: there is none, it is damaged, or it is another trial's.
    """
    body = _read_document(Path(folder))
    stored, own = body["trial"], _plain(trial)
    below = identity_below(own)
    if below is not None and stored == below:
        own = below
    differing = sorted(k for k in {*stored, *own} if stored.get(k) != own.get(k))
    if differing:
        raise StateUnusable(
            f"its state is another trial's, which differs in {', '.join(differing)}"
        )
    arrays = _read_arrays(Path(folder) / body["arrays"]["file"], body["arrays"]["sha256"])
    return TrainingState(stored, _epochs(body), body["numbers"], arrays)


def finished_epochs(folder: str) -> list[EpochReport]:
    """Return the epochs that the state in ``folder`` goes on from, without reading its arrays.

    Whether a trial does go on from them, only training can tell: its first report is then that of
    the epoch after them.

    Raises:
        StateUnusable: there is no state, or it is damaged.
    """
    return _epochs(_read_document(Path(folder)))


def remove_state(folder: str) -> None:
    """Delete the state in ``folder``, if any, and the folder if nothing else is in it."""
    target = Path(folder)
    # The document first: arrays without it are no state, it without them is a damaged one.
    for pattern in (_DOCUMENT, "state-*.npz", ".*.part.npz", ".*.part.json"):
        for file in target.glob(pattern):
            with contextlib.suppress(OSError):
                file.unlink()
    with contextlib.suppress(OSError):
        target.rmdir()


def _read_document(folder: Path) -> dict[str, Any]:
    try:
        document = json.loads((folder / _DOCUMENT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StateUnusable("there is no state") from None
    except OSError as error:
        raise StateUnusable(f"its state cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise StateUnusable(f"{_DOCUMENT} is damaged") from error
    body = document.get("state") if isinstance(document, dict) else None
    if not isinstance(body, dict) or document.get("sha256") != _digest(body):
        raise StateUnusable(f"{_DOCUMENT} is damaged")
    if body.get("format") != FORMAT:
        raise StateUnusable(f"its state has format {body.get('format')}, not {FORMAT}")
    return body


def _read_arrays(path: Path, sha256: str) -> dict[str, list[Array]]:
    found: dict[str, list[Array]] = {}
    try:
        if _digest_of(path) != sha256:
            raise StateUnusable(f"{path.name} is damaged")
        with np.load(path, allow_pickle=False) as file:
            # In the order of writing, which is that of the owners' lists.
            for key in file.files:
                found.setdefault(key.rpartition(".")[0], []).append(file[key])
    except FileNotFoundError:
        raise StateUnusable(f"{path.name} is missing") from None
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise StateUnusable(f"{path.name} cannot be read: {error}") from error
    return found


def _epochs(body: Mapping[str, Any]) -> list[EpochReport]:
    return [EpochReport.from_json(epoch) for epoch in body["epochs"]]


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``data`` as JSON gives it back: tuples as lists, keys as text."""
    plain: dict[str, Any] = json.loads(json.dumps(data))
    return plain


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _digest_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
