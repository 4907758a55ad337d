"""A record that the tests of runs in MLflow change."""

from __future__ import annotations

from hpo.spec.records import TrialRecord


def record(**changes: object) -> TrialRecord:
    facts: dict[str, object] = {
        "study": "thesis",
        "architecture": "cnn",
        "number": 3,
        "state": "complete",
        "value": 0.61,
        "params": {"optimizer": "adam", "learning_rate": 0.0012, "batch_size": 64},
        "searched": {"learning_rate": 0.0012},
    }
    return TrialRecord(**{**facts, **changes})  # type: ignore[arg-type]
