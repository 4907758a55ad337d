"""Views of a study that MLflow's page offers under "Views": which runs, columns, order and charts.

MLflow 3.17 keeps a saved view as a tag of the experiment, ``mlflow.sharedViewState.<id>``, holding
``{"name", "createdAt", "updatedAt", "state"}`` with the state as JSON text; a link with
``viewStateShareKey=<id>`` opens it. Without one the runs table shows neither parameters nor
metrics, and the charts only ten runs, a bar for each of their metrics. Charts are in the state as
``compareRunCharts``, in sections of ``compareRunSections``.

What MLflow's page does not let one set: the titles of scatter charts, which are the raw names of
their two axes, and the scale of these axes, which is linear, also for a parameter that was searched
on a log scale. So the names of the sections say what is drawn.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from hpo.tracking import names

TRIALS_VIEW = "hpo-trials"
CHARTED_RUNS = 500
"""Runs in a chart: the most that MLflow's page offers."""
CHARTED_PARAMS = 8
"""Axes of parameters in parallel coordinates: more cannot be read."""
_WORKFLOW = urlencode({"workflowType": "machine_learning"})
"""Without it MLflow shows its pages for language models around a run."""

_MADE = 1
"""The time of our own view: times only order the list of views, and a fixed one keeps writing it
idempotent and tells it from what a person has saved."""

_SECONDS = names.SECONDS_PREFIX + "total"

_COLUMNS = (
    ("metrics", names.METRIC_OBJECTIVE),
    ("tags", names.STATE),
    ("params", names.ARCHITECTURE_PARAM),
    ("params", "optimizer"),
    ("params", "learning_rate"),
    ("params", "batch_size"),
    ("metrics", names.EPOCHS_RUN),
    ("metrics", _SECONDS),
)


_RERUN_COLUMNS = (
    ("metrics", names.METRIC_OBJECTIVE),
    ("tags", names.STATE),
    ("params", names.ARCHITECTURE_PARAM),
    ("tags", names.SEED),
    ("metrics", names.BEST_PREFIX + "val_macro_f1"),
    ("metrics", names.BEST_PREFIX + "val_loss"),
    ("metrics", names.BEST_EPOCH),
    ("metrics", _SECONDS),
)


def trials_view(
    direction: str,
    searched: Sequence[str] = (),
    objective: str = "val_accuracy",
    *,
    further: Sequence[str] = (),
    standing: bool = False,
    reruns: bool = False,
) -> dict[str, str]:
    """Return the tag of the view "Trials, best first", over all architectures.

    Args:
        direction: ``maximize`` or ``minimize``.
        searched: parameters to show beside the usual ones.
        objective: the metric whose curves are drawn.
        further: other metrics that trials are judged by, as objectives or constraints.
        standing: show who stands on the Pareto front, and who breaks a constraint.
        reruns: for a confirmation, whose runs have seeds, and parameters only to tell
            configurations apart (``searched``).
    """
    columns = [_column(kind, name) for kind, name in (_RERUN_COLUMNS if reruns else _COLUMNS)]
    beside = [_column("metrics", names.BEST_PREFIX + metric) for metric in further]
    beside += [_column("tags", names.PARETO)] if standing else []
    columns[1:1] = beside
    varied = [_column("params", name) for name in searched]
    columns = list(dict.fromkeys([*columns, *varied]))
    if searched and not reruns:
        columns.sort(key=lambda column: _place(column, varied))
    state = {
        "searchFilter": f"tags.`{names.KIND}` = '{names.KIND_TRIAL}'",
        "orderByKey": _column("metrics", names.METRIC_OBJECTIVE),
        "orderByAsc": direction == "minimize",
        "selectedColumns": columns,
        "columnOrder": columns,
        "runsHiddenMode": "SHOW_ALL",
        "compareRunCharts": _charts(objective, searched, further, reruns=reruns),
        "compareRunSections": [
            {"uuid": uuid, "name": name, "display": True, "isReordered": False}
            for uuid, name in _sections(objective, further, reruns=reruns).items()
        ],
        # MLflow would add a chart for each of some forty metrics.
        "isAccordionReordered": True,
    }
    title = "Re-runs, best first" if reruns else "Trials, best first"
    view = {"name": title, "createdAt": _MADE, "updatedAt": _MADE}
    return {names.VIEW_PREFIX + TRIALS_VIEW: json.dumps({**view, "state": json.dumps(state)})}


def is_untouched(view: str) -> bool:
    """Tell whether a stored view is as this package made it: MLflow's page notes when it saves."""
    try:
        stored = json.loads(view)
    except ValueError:
        return False
    return isinstance(stored, dict) and stored.get("updatedAt") == _MADE


def experiments_link(address: str) -> str:
    """Return the link that opens the list of studies; the bare address opens MLflow's home page."""
    return f"{address.rstrip('/')}/#/experiments"


def trials_link(address: str, experiment_id: str) -> str:
    """Return the link that opens a study's trials in MLflow's page at ``address``."""
    query = f"{_WORKFLOW}&{urlencode({'viewStateShareKey': TRIALS_VIEW})}"
    return f"{address}/#/experiments/{quote(experiment_id)}/runs?{query}"


def run_path(experiment_id: str, run_id: str, artifact: str = "") -> str:
    """Return the link to a run, or to one of its artifacts, from another of MLflow's pages."""
    path = f"#/experiments/{quote(experiment_id, safe='')}/runs/{quote(run_id, safe='')}"
    return f"{path}{f'/artifacts/{quote(artifact)}' if artifact else ''}?{_WORKFLOW}"


def _sections(objective: str, further: Sequence[str], *, reruns: bool) -> dict[str, str]:
    """Return the sections of charts, in order, with what is drawn in each."""
    searched = "Configurations" if reruns else "What was searched"
    axis = "configuration" if reruns else "learning rate (linear axis)"
    others = {"hpo-further": f"{objective} against {', '.join(further)}"} if further else {}
    return {
        "hpo-curves": f"{objective} by epoch",
        **others,
        "hpo-parallel": f"{searched}, and the objective",
        "hpo-scatter": f"The objective against {axis}, and against seconds",
    }


def _charts(
    objective: str, searched: Sequence[str], further: Sequence[str], *, reruns: bool
) -> list[dict[str, Any]]:
    """Return the charts of a study: curves, what was searched against what came of it, and time."""
    first = names.ARCHITECTURE_PARAM if reruns else "learning_rate"
    names_of = list(dict.fromkeys([first, *searched]))
    reached = {"key": names.METRIC_OBJECTIVE, "type": "METRIC"}
    seconds = {"key": _SECONDS, "type": "METRIC"}
    return [
        _chart(
            "LINE",
            "hpo-curves",
            "curves",
            f"{objective} by epoch",
            metricKey=objective,
            selectedMetricKeys=[objective],
            xAxisKey="step",
            lineSmoothness=0,
            scaleType="linear",
            xAxisScaleType="linear",
            range={},
            yAxisKey="metric",
            yAxisExpressions=[],
            selectedXAxisMetricKey="",
            ignoreOutliers=False,
            useGlobalXaxisKey=True,
            useGlobalLineSmoothing=True,
        ),
        _chart(
            "PARALLEL",
            "hpo-parallel",
            "parallel",
            "Configurations, and the objective"
            if reruns
            else "What was searched, and the objective",
            selectedParams=names_of[:CHARTED_PARAMS],
            selectedMetrics=[
                *(names.BEST_PREFIX + metric for metric in further),
                # Lines are coloured by the last axis.
                names.METRIC_OBJECTIVE,
            ],
            showAllRuns=True,
        ),
        _chart(
            "SCATTER",
            "hpo-scatter",
            "configuration" if reruns else "learning-rate",
            "Objective by configuration" if reruns else "Objective against learning rate",
            xaxis={"key": first, "type": "PARAM"},
            yaxis=reached,
        ),
        _chart(
            "SCATTER",
            "hpo-scatter",
            "time",
            "Objective against seconds",
            xaxis=seconds,
            yaxis=reached,
        ),
        *(
            _chart(
                "SCATTER",
                "hpo-further",
                f"against-{metric}",
                f"Objective against {metric}",
                xaxis={"key": names.BEST_PREFIX + metric, "type": "METRIC"},
                yaxis=reached,
            )
            for metric in further
        ),
    ]


def _place(column: str, varied: Sequence[str]) -> int:
    """Return which part of the table a column belongs to: what was not searched comes last."""
    if column in (_column("metrics", names.EPOCHS_RUN), _column("metrics", _SECONDS)):
        return 2
    if not column.startswith("params.") or column == _column("params", names.ARCHITECTURE_PARAM):
        return 0
    return 1 if column in varied else 3


def _chart(kind: str, section: str, name: str, title: str, **settings: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "uuid": f"hpo-{name}",
        "displayName": title,
        "metricSectionId": section,
        "runsCountToCompare": CHARTED_RUNS,
        "deleted": False,
        "isGenerated": False,
        **settings,
    }


def _column(kind: str, name: str) -> str:
    return f"{kind}.`{name}`"
