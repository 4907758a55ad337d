"""The test split's word on a winner, in the runs that mirror it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.tracking import names
from hpo.tracking.clock import milliseconds


def log_opening(
    client: Any,
    runs: Mapping[str, Mapping[str, float]],
    means: Mapping[str, float],
    opened: str,
) -> None:
    """Add test metrics to the winner's runs, and their means to the run above them.

    Args:
        client: of MLflow, from ``tracking.store.open_client``.
        runs: by id, the metrics of each of the winner's runs; one that MLflow never named ("") is
            passed over.
        means: of all of them.
        opened: when the split was opened, ISO 8601 (UTC).
    """
    from mlflow.entities import Metric, RunTag

    at = milliseconds(opened)
    above = set()
    for run_id, metrics in runs.items():
        if run_id:
            _log(client, run_id, metrics, at, opened, Metric, RunTag)
            parent = client.get_run(run_id).data.tags.get(names.PARENT)
            above |= {parent} if parent else set()
    for run_id in sorted(above):
        _log(client, run_id, means, at, opened, Metric, RunTag)


def _log(
    client: Any,
    run_id: str,
    metrics: Mapping[str, float],
    at: int,
    opened: str,
    metric: Any,
    tag: Any,
) -> None:
    client.log_batch(
        run_id,
        metrics=[metric(name, value, at, 0) for name, value in metrics.items()],
        tags=[tag(names.TEST_OPENED, opened)],
    )
