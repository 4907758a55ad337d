"""What MLflow's database holds of a study's trials, read by plain SQL as another program would."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

_QUERY = """
SELECT r.run_uuid, r.status,
       (SELECT value FROM tags t WHERE t.run_uuid = r.run_uuid AND t.key = 'hpo.trial'),
       (SELECT value FROM tags t WHERE t.run_uuid = r.run_uuid AND t.key = 'hpo.state'),
       (SELECT value FROM params p WHERE p.run_uuid = r.run_uuid AND p.key = 'layers'),
       (SELECT value FROM latest_metrics m WHERE m.run_uuid = r.run_uuid AND m.key = 'objective')
FROM runs r
JOIN tags k ON k.run_uuid = r.run_uuid AND k.key = 'hpo.kind' AND k.value = 'trial'
WHERE r.lifecycle_stage = 'active'
"""

_STATUS = {"FINISHED": "complete", "KILLED": "pruned", "FAILED": "failed", "RUNNING": "running"}


def trial_runs(database: Path) -> dict[int, tuple[Any, ...]]:
    """Return by trial number: state, objective, the parameter ``layers``, and the run's id.

    Raises:
        AssertionError: a trial has two runs, or its status and its state tag differ.
    """
    found: dict[int, tuple[Any, ...]] = {}
    with contextlib.closing(sqlite3.connect(database)) as connection:
        for run_id, status, number, state, layers, objective in connection.execute(_QUERY):
            assert int(number) not in found, f"trial {number} has two runs"
            assert _STATUS[status] == state, f"trial {number} is {status} and {state}"
            found[int(number)] = (state, objective, int(layers), run_id)
    return found


def curve_points(database: Path) -> dict[tuple[int, str], list[int]]:
    """Return by trial number and metric the steps of its curve, in order, doubles included."""
    query = """
    SELECT t.value, m.key, m.step FROM metrics m
    JOIN tags t ON t.run_uuid = m.run_uuid AND t.key = 'hpo.trial'
    JOIN runs r ON r.run_uuid = m.run_uuid AND r.lifecycle_stage = 'active'
    ORDER BY m.step
    """
    points: dict[tuple[int, str], list[int]] = {}
    with contextlib.closing(sqlite3.connect(database)) as connection:
        for number, key, step in connection.execute(query):
            points.setdefault((int(number), key), []).append(int(step))
    return points
