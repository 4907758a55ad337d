"""What a report knows, as plain data: written to ``study.json``, from which the page is redrawn."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from hpo.spec.errors import DataError, NotFoundError

FORMAT = 1


@dataclass(frozen=True)
class ReportData:
    """A study as its report shows it; every field is JSON-able.

    Args:
        study: the study file as plain data.
        objective: ``name, direction, label, percent`` (whether values are shares shown in %).
        classes: names of the classes, in label order.
        summary: sentences with their intervals and numbers of observations.
        caveats: what the reader must know to judge them.
        facts: counts and totals of the whole study.
        majority: ``rate, label, n`` of the most frequent validation class; {} if unknown.
        architectures: one dict per architecture, in the order of the study file: counts, best
            trial, intervals, gain over the thesis's configuration, the sampler's own best,
            seconds per state, trials left.
        thesis: the thesis's numbers, one dict per published run.
        importance: architecture → evaluator → ``ImportanceTable`` as plain data.
        shared_importance: the same over all architectures, by evaluator; {} where none share.
        contours: architecture → pairs of foremost parameters with a smoothed surface over them.
        confusion: architecture → ``number, matrix`` of its best trial, and ``without_copies``, the
            matrix over the faces that training has no copy of, where these are a part.
        comparison: the architectures at equal budgets, their costs, and tuning against the choice
            of architecture (``comparison.comparison``); {} in reports of before it was made.
        card: what a model card says (``model_cards.card_facts``) of the run that a confirmation
            says to serve, or else of the best trial; {} if none is complete, and in reports of
            before it was made.
        confirmation: what the re-runs of the best support: ``facts`` (as
            ``hpo.study.confirmed.confirmed`` returns them), ``sentences``, ``openings``
            of the test split and ``test``, their sentences, and ``searched_after``, when it was
            first opened, where trials of the search began after that; {} where there is none of
            either.
        trials: one dict per trial, epoch curves included.
        format: version of this layout.
    """

    study: dict[str, Any]
    objective: dict[str, Any]
    classes: list[str]
    summary: list[str] = field(default_factory=list)
    caveats: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    majority: dict[str, Any] = field(default_factory=dict)
    architectures: list[dict[str, Any]] = field(default_factory=list)
    thesis: list[dict[str, Any]] = field(default_factory=list)
    importance: dict[str, dict[str, Any]] = field(default_factory=dict)
    shared_importance: dict[str, Any] = field(default_factory=dict)
    contours: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    confusion: dict[str, dict[str, Any]] = field(default_factory=dict)
    comparison: dict[str, Any] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)
    confirmation: dict[str, Any] = field(default_factory=dict)
    trials: list[dict[str, Any]] = field(default_factory=list)
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """Return one key per field, numbers that are not finite as None."""
        plain: dict[str, Any] = finite(dataclasses.asdict(self))
        return plain

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the report data; keys that a newer version wrote are passed over."""
        known = {f.name for f in dataclasses.fields(cls)}
        return cls(**{key: value for key, value in data.items() if key in known})

    @property
    def name(self) -> str:
        """Return the study's name."""
        return str(self.study.get("name", "study"))

    @property
    def labels(self) -> list[str]:
        """Return the labels of the architectures, in order."""
        return [entry["label"] for entry in self.architectures]

    def trials_of(self, label: str, *states: str) -> list[dict[str, Any]]:
        """Return the trials of one architecture, in any of ``states`` if some are named."""
        return [
            t
            for t in self.trials
            if t["architecture"] == label and (not states or t["state"] in states)
        ]


def finite(value: Any) -> Any:
    """Return plain data in which every float that is not finite became None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if value is None or isinstance(value, str | int):
        return value
    return finite(value.item()) if hasattr(value, "item") else str(value)


def write_atomically(path: Path, content: str | bytes) -> Path:
    """Write a whole file or nothing: to a temporary name beside it, then renamed."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        # mkstemp makes files that only their owner may read; a report is for others.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        # Ctrl-C included: nothing half-written is left behind.
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def dump_data(data: ReportData, path: Path) -> Path:
    """Write ``study.json``: stable key order, one trial per line so that diffs stay readable."""
    plain = data.to_json()
    parts = []
    for key, value in plain.items():
        if key == "trials" and value:
            rows = ",\n".join("    " + json.dumps(row, ensure_ascii=False) for row in value)
            text = f"[\n{rows}\n  ]"
        else:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        parts.append(f"  {json.dumps(key)}: {text}")
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_atomically(path, "{\n" + ",\n".join(parts) + "\n}\n")


def load_data(path: Path) -> ReportData:
    """Read what ``dump_data`` wrote.

    Raises:
        NotFoundError: there is no such file.
        DataError: it is no report data, or of a newer layout.
    """
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFoundError(
            "there is no such report data",
            where=str(path),
            expected="a study.json that 'hpo report STUDY' wrote",
        ) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(
            "this file is no JSON, and so no report data",
            where=str(path),
            expected="a study.json that 'hpo report STUDY' wrote",
        ) from error
    except OSError as error:
        raise DataError(
            "this file cannot be read as report data",
            where=str(path),
            expected="a study.json that 'hpo report STUDY' wrote",
            got=str(error),
        ) from error
    required = {"study", "objective", "classes", "trials"}
    if not isinstance(plain, dict) or not required <= plain.keys():
        raise DataError(
            "this JSON is no report data",
            where=str(path),
            expected=f"an object with the keys {', '.join(sorted(required))}",
            hint="Name the study.json that 'hpo report STUDY' wrote",
        )
    if not isinstance(plain.get("format"), int) or plain["format"] > FORMAT:
        raise DataError(
            "this report data is of another layout",
            where=str(path),
            expected=f"format {FORMAT} or older",
            got=f"format {plain.get('format')}",
            hint="Redraw it with the version of hpo that wrote it, or a newer one",
        )
    return ReportData.from_json(plain)
