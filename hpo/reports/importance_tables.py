"""Importance for a report: of each architecture and of what all share, computed once per state."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hpo.evidence.evaluators import MEANING
from hpo.evidence.importance import METHOD, REFUSE_BELOW, importance
from hpo.evidence.importance_table import ImportanceTable
from hpo.evidence.optuna_study import joined_space, observations
from hpo.reports.data import finite, write_atomically
from hpo.spec.records import TrialRecord

ARCHITECTURE = "architecture"
"""The parameter that stands for the architecture where all are taken together."""

Tables = dict[str, dict[str, Any]]
"""Evaluator → ``ImportanceTable`` as plain data."""


class Remembered:
    """What was computed of a study before, in a file beside its report.

    Args:
        path: the file; None remembers nothing. One that cannot be read is taken for empty.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._used: dict[str, Tables] = {}
        self._known: dict[str, Tables] = {}
        if path is not None:
            try:
                self._known = dict(json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError):
                self._known = {}

    def tables(self, key: str, compute: Callable[[], Tables]) -> Tables:
        """Return what is known under ``key``, else what ``compute`` returns."""
        found = self._known.get(key)
        self._used[key] = compute() if found is None else found
        return self._used[key]

    def save(self) -> None:
        """Write what was asked for since the file was read; what was not is of an older state."""
        if self._path is not None and self._used != self._known:
            write_atomically(self._path, json.dumps(self._used, allow_nan=False) + "\n")


def of_architecture(
    records: Sequence[TrialRecord],
    study: Mapping[str, Any],
    direction: str,
    halves: int,
    remembered: Remembered,
) -> Tables:
    """Return the importance of one architecture's parameters, by evaluator.

    Args:
        records: its trials.
        study: the study file as plain data.
        direction: of the objective.
        halves: random halves of the trials behind the intervals.
        remembered: what was computed before.
    """
    seed = study.get("seed", 0)
    asked: dict[str, Any] = {
        "seed": seed if isinstance(seed, int) else 0,
        "halves": halves,
        "direction": direction,
        "sampler": _sampler(study),
    }

    def compute() -> Tables:
        return {
            name: finite(table.to_json()) for name, table in importance(records, **asked).items()
        }

    return remembered.tables(_digest(records, asked), compute)


def of_all(
    grouped: Mapping[str, Sequence[TrialRecord]],
    study: Mapping[str, Any],
    direction: str,
    halves: int,
    remembered: Remembered,
) -> Tables:
    """Return the importance of the parameters that all architectures share; {} if they share none.

    Trials of all architectures are read together, with the architecture itself as one more
    parameter: so its level is not taken for another's effect, and it is said how much it matters.
    Ranges that differ are joined. Parameters that one architecture alone has are noise here.

    Args:
        grouped: the trials by architecture.
        study, direction, halves, remembered: as in ``of_architecture``.
    """
    spaces = {label: joined_space(records) for label, records in grouped.items()}
    shared = set.intersection(*map(set, spaces.values())) if len(spaces) > 1 else set()
    if not shared:
        return {}
    usable = {label: len(observations(records)[0]) for label, records in grouped.items()}
    fewest = min(usable, key=lambda label: usable[label])
    if usable[fewest] < REFUSE_BELOW:
        said = (
            f"what all share is read where each architecture has {REFUSE_BELOW} usable trials, and "
            f"{fewest} has {usable[fewest]}"
        )
        return {
            name: finite(ImportanceTable(name, meaning, refused=said).to_json())
            for name, meaning in MEANING.items()
        }
    labels = {"type": "categorical", "choices": list(grouped)}
    together = [
        dataclasses.replace(
            record,
            architecture="",
            searched={n: v for n, v in record.searched.items() if n in shared}
            | {ARCHITECTURE: label},
            space={n: e for n, e in record.space.items() if n in shared} | {ARCHITECTURE: labels},
        )
        for label, records in grouped.items()
        for record in records
    ]
    return of_architecture(together, study, direction, halves, remembered)


def _sampler(study: Mapping[str, Any]) -> str:
    """Return the study's sampler; "" where trials at rungs were chosen by what came before."""
    if study.get("fidelity"):
        return ""
    sampler = study.get("sampler")
    return str(sampler.get("name", "") if isinstance(sampler, Mapping) else sampler or "")


def _digest(records: Sequence[TrialRecord], asked: Mapping[str, Any]) -> str:
    """Return a key that changes with whatever changes the answer."""
    usable, left_out = observations(records)
    state = {
        "method": METHOD,
        "scikit-learn": version("scikit-learn"),
        "asked": dict(asked),
        "space": joined_space(records),
        "trials": [dataclasses.asdict(observation) for observation in usable],
        "left_out": left_out,
    }
    text = json.dumps(state, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()
