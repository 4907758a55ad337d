"""The test split's word on a winner, in the runs that mirror it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hpo.tracking import names
from hpo.tracking.clock import milliseconds


@dataclass(frozen=True)
class Look:
    """What an opening of the test split said of a configuration.

    Args:
        title: of the configuration, such as ``cnn #4``.
        runs: by id, the metrics of each of its runs; one that MLflow never named ("") is passed
            over.
        means: of all of them.
        opened: when the split was opened, ISO 8601 (UTC).
    """

    title: str
    runs: Mapping[str, Mapping[str, float]]
    means: Mapping[str, float]
    opened: str


def lacks_opening(client: Any, look: Look) -> bool:
    """Tell whether one of a configuration's runs, or the run above them, lacks what was said.

    Args:
        client: of MLflow, from ``tracking.store.open_client``.
        look: what was said.
    """
    return bool(_lacking(client, look))


def log_opening(client: Any, look: Look) -> None:
    """Add test metrics to a configuration's runs, and their means to the run above; twice is once.

    Args:
        client, look: as for ``lacks_opening``.
    """
    from mlflow.entities import Metric, RunTag

    at = milliseconds(look.opened)
    for run_id, metrics in _lacking(client, look).items():
        client.log_batch(
            run_id,
            metrics=[Metric(name, value, at, 0) for name, value in metrics.items()],
            tags=[RunTag(names.TEST_OPENED, look.opened)],
        )


def _lacking(client: Any, look: Look) -> dict[str, Mapping[str, float]]:
    """Return what is to be added, by the id of the run; what is deleted lacks nothing."""
    there = [run for run_id in look.runs if run_id and (run := _found(client, run_id))]
    above = sorted({parent for run in there if (parent := run.data.tags.get(names.PARENT))})
    wanted = {run.info.run_id: look.runs[run.info.run_id] for run in there}
    wanted |= dict.fromkeys(above, look.means)
    there += [run for run_id in above if (run := _found(client, run_id))]
    return {
        run.info.run_id: wanted[run.info.run_id]
        for run in there
        if run.info.lifecycle_stage != "deleted"
        and not (
            run.data.tags.get(names.TEST_OPENED) == look.opened
            and wanted[run.info.run_id].keys() <= run.data.metrics.keys()
        )
    }


def _found(client: Any, run_id: str) -> Any | None:
    """Return a run; None of one that this MLflow does not know, which is another's finding."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
