"""What a study is, in facts: objective, architectures, data, time, machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.results import STATES
from hpo.spec.records import TrialRecord


def objective_of(study: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``name, direction, label, percent`` of a study's (first) objective."""
    given = study.get("objective") or {}
    name = given if isinstance(given, str) else given.get("metric", "val_accuracy")
    direction = "minimize" if "loss" in name else "maximize"
    label = name.replace("val_", "validation ").replace("_", " ")
    return {
        "name": name,
        "direction": direction,
        "label": label,
        "percent": any(word in name for word in ("accuracy", "f1", "recall", "precision")),
    }


def labels_of(study: Mapping[str, Any], records: Sequence[TrialRecord]) -> list[str]:
    """Return the architectures in the order of the study file, then any others by name."""
    listed = study.get("architectures")
    named = list(listed) if isinstance(listed, Mapping | list) else []
    return [*named, *sorted({r.architecture for r in records} - set(named))]


def catalogue_name(study: Mapping[str, Any], label: str) -> str:
    """Return which architecture of the catalogue, or whose own, is meant by a label."""
    listed = study.get("architectures")
    section = listed.get(label) if isinstance(listed, Mapping) else None
    return str(section.get("architecture", label)) if isinstance(section, Mapping) else label


def facts_of(
    records: Sequence[TrialRecord], study: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return how many trials of which states there are, how long they took, on which data.

    ``seconds`` are those of all trials added up, sizes are faces, times ISO 8601 (UTC).
    """
    data = study.get("data")
    dataset = str(data.get("dataset", "")) if isinstance(data, Mapping) else str(data or "")
    results = [r.result for r in records if r.result is not None]
    environments = [r.environment for r in results if r.environment]
    plain_name = dataset.lower().replace("-", "").replace("_", "")
    return {
        "trials": len(records),
        "counts": {state: sum(r.state == state for r in records) for state in STATES},
        "seconds": round(sum(e["seconds"] for e in entries), 2),
        "epochs": sum(e["epochs"] for e in entries),
        "dataset": dataset or "unknown",
        "on_thesis_data": "fer2013" in plain_name,
        "validation_sizes": sorted({r.validation_size for r in results if r.validation_size}),
        "train_sizes": sorted({r.train_size for r in results if r.train_size}),
        "started": min((r.started for r in records if r.started), default=""),
        "finished": max((r.finished for r in records if r.finished), default=""),
        "space_versions": {
            label: max((r.space_version for r in records if r.architecture == label), default=1)
            for label in dict.fromkeys(r.architecture for r in records)
        },
        "environment": environments[-1] if environments else {},
        "devices": sorted({e["device"] for e in environments if e.get("device")}),
    }
