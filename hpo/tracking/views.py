"""Views of a study that MLflow's page offers under "Views": which runs, columns and order.

MLflow 3.17 keeps a saved view as a tag of the experiment, ``mlflow.sharedViewState.<id>``, holding
``{"name", "createdAt", "updatedAt", "state"}`` with the state as JSON text; a link with
``viewStateShareKey=<id>`` opens it. Without one the runs table shows neither parameters nor
metrics, and the charts only ten runs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from hpo.tracking import names

TRIALS_VIEW = "hpo-trials"

_COLUMNS = (
    ("metrics", names.METRIC_OBJECTIVE),
    ("tags", names.STATE),
    ("params", names.ARCHITECTURE_PARAM),
    ("params", "optimizer"),
    ("params", "learning_rate"),
    ("params", "batch_size"),
    ("metrics", names.EPOCHS_RUN),
    ("metrics", names.SECONDS_PREFIX + "total"),
)


def trials_view(direction: str, searched: Sequence[str] = ()) -> dict[str, str]:
    """Return the tag of the view "Trials, best first", over all architectures.

    Args:
        direction: ``maximize`` or ``minimize``.
        searched: parameters to show beside the usual ones.
    """
    columns = [_column(kind, name) for kind, name in _COLUMNS]
    columns += [_column("params", name) for name in searched]
    columns = list(dict.fromkeys(columns))
    state = {
        "searchFilter": f"tags.`{names.KIND}` = '{names.KIND_TRIAL}'",
        "orderByKey": _column("metrics", names.METRIC_OBJECTIVE),
        "orderByAsc": direction == "minimize",
        "selectedColumns": columns,
        "columnOrder": columns,
        "runsHiddenMode": "SHOW_ALL",
    }
    # The times only order the list of views; a fixed one keeps writing it idempotent.
    view = {"name": "Trials, best first", "createdAt": 1, "updatedAt": 1}
    return {names.VIEW_PREFIX + TRIALS_VIEW: json.dumps({**view, "state": json.dumps(state)})}


def experiments_link(address: str) -> str:
    """Return the link that opens the list of studies; the bare address opens MLflow's home page."""
    return f"{address.rstrip('/')}/#/experiments"


def trials_link(address: str, experiment_id: str) -> str:
    """Return the link that opens a study's trials in MLflow's page at ``address``."""
    query = urlencode({"workflowType": "machine_learning", "viewStateShareKey": TRIALS_VIEW})
    return f"{address}/#/experiments/{quote(experiment_id)}/runs?{query}"


def _column(kind: str, name: str) -> str:
    return f"{kind}.`{name}`"
