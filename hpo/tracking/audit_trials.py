"""Comparing one trial's run with its record."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from hpo.spec.records import TrialRecord
from hpo.tracking import names, run_metrics, run_texts
from hpo.tracking.difference import ENDED, Difference, Kind, Remedy
from hpo.tracking.experiment import LONGEST_VALUE
from hpo.tracking.logged_models import local_folder
from hpo.tracking.store import is_server

# MLflow's server takes no more in one question of histories.
_BULK_RUNS = 100
_BULK_POINTS = 25_000
_BULK_ROUTE = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"


def compare(run: Any, record: TrialRecord, steps: Sequence[int], parent: str) -> list[Difference]:
    """Return where a run differs from its trial.

    Args:
        run: MLflow's, with its data.
        record: the trial.
        steps: of the points in the run's curve, one for each point.
        parent: id of the architecture's run; "" if it has none.
    """
    title = record.title

    def difference(kind: Kind, what: str, remedy: Remedy) -> Difference:
        return Difference(
            kind, record.architecture, record.number, f"{title}: {what}", remedy, run.info.run_id
        )

    found = [difference("parameter differs", *rest) for rest in _parameters(run, record)]
    if record.state in ("running", "waiting"):
        return found
    found += [difference("state differs", *rest) for rest in _state(run, record)]
    found += [difference("value differs", *rest) for rest in _value(run, record)]
    found += [difference("epochs differ", *rest) for rest in _epochs(record, steps)]
    found += [difference("file broken", *rest) for rest in _files(run, record)]
    if parent and run.data.tags.get(names.PARENT) != parent:
        what = "its run is not under the run of its architecture"
        found.append(difference("parent differs", what, "parent"))
    if record.mlflow_run_id != run.info.run_id:
        told = record.mlflow_run_id or "none"
        what = f"Optuna names the run {told}, MLflow {run.info.run_id}"
        found.append(difference("run id differs", what, "run id"))
    return found


_Found = Iterator[tuple[str, Remedy]]


def _parameters(run: Any, record: TrialRecord) -> _Found:
    given = {**(record.result.params if record.result else {}), **record.params}
    given[names.ARCHITECTURE_PARAM] = record.architecture
    for name, value in given.items():
        want = run_texts.param_text(value)[:LONGEST_VALUE]
        have = run.data.params.get(name)
        if have is None:
            yield f"MLflow lacks the parameter {name}={_short(want)}", "replay"
        elif have != want:
            yield f"MLflow has {name}={_short(have)}, Optuna {_short(want)}", "rewrite"


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _state(run: Any, record: TrialRecord) -> _Found:
    status, told = run.info.status, run.data.tags.get(names.STATE)
    if (status, told) == (names.STATUS[record.state], record.state):
        return
    # A run that never ended lacks its end; one that ended otherwise holds what must go.
    ended_otherwise = told in ENDED and told != record.state
    remedy: Remedy = "rewrite" if ended_otherwise else "replay"
    yield f"MLflow says {status} ({told}), Optuna {record.state}", remedy


def _value(run: Any, record: TrialRecord) -> _Found:
    have = run.data.metrics.get(names.METRIC_OBJECTIVE)
    if record.state == "complete":
        # As it is written: MLflow holds no infinity.
        want = run_metrics.summary_metrics(record).get(names.METRIC_OBJECTIVE)
        if have is None and want is not None:
            yield f"MLflow has no value, Optuna {want:.6g}", "replay"
        elif have is not None and (want is None or not _same(have, want)):
            yield f"MLflow has the value {have:.6g}, Optuna {want}", "rewrite"
        return
    if have is not None:
        yield f"MLflow ranks it by {have:.6g}, though it is {record.state}", "rewrite"
    objective = run.data.tags.get(names.OBJECTIVE, "")
    last = run_metrics.last_value(record, objective)
    want_text = "" if last is None else run_texts.last_value_text(last)
    have_text = run.data.tags.get(names.LAST_VALUE, "")
    if have_text != want_text:
        yield f"MLflow has the last value '{have_text}', Optuna '{want_text}'", "replay"


def _same(first: float, second: float) -> bool:
    both_nan = math.isnan(first) and math.isnan(second)
    return both_nan or math.isclose(first, second, rel_tol=1e-9)


def _epochs(record: TrialRecord, steps: Sequence[int]) -> _Found:
    want = {report.epoch for report in record.epochs}
    counted = Counter(steps)
    missing = sorted(want - set(counted))
    extra = sorted(set(counted) - want)
    doubled = sorted(step for step, count in counted.items() if count > 1)
    if missing:
        yield f"its curve in MLflow lacks the epochs {_listed(missing)}", "replay"
    if extra:
        yield f"its curve in MLflow has epochs that Optuna lacks: {_listed(extra)}", "rewrite"
    if doubled:
        yield f"its curve in MLflow has epochs twice: {_listed(doubled)}", "rewrite"


def _listed(steps: Sequence[int]) -> str:
    shown = ", ".join(map(str, steps[:8]))
    return shown if len(steps) <= 8 else f"{shown} and {len(steps) - 8} more"


def _files(run: Any, record: TrialRecord) -> _Found:
    """Look at the files that can be written again, where they are on this machine."""
    folder = local_folder(run.info.artifact_uri)
    if folder is None or record.result is None:
        return
    wanted = {
        names.ENVIRONMENT_FILE: record.result.environment,
        names.CONFUSION_FILE: record.result.confusion,
    }
    for name, content in wanted.items():
        if not content:
            continue
        try:
            json.loads((folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            yield f"its file {name} in MLflow is missing or cut short", "replay"


def epoch_steps(client: Any, run_ids: Sequence[str]) -> dict[str, list[int]]:
    """Return the steps of the points in each run's curve, a hundred runs at a time.

    One batch writes all of an epoch's points, so the points of one metric tell of all.
    """
    found: dict[str, list[int]] = {}
    for start in range(0, len(run_ids), _BULK_RUNS):
        part = run_ids[start : start + _BULK_RUNS]
        points = _bulk(client, part)
        if points is not None and len(points) < _BULK_POINTS:
            for run_id, step in points:
                found.setdefault(run_id, []).append(step)
            continue
        for run_id in part:
            history = client.get_metric_history(run_id, names.EPOCH_SECONDS)
            found[run_id] = [point.step for point in history]
    return found


def _bulk(client: Any, run_ids: Sequence[str]) -> list[tuple[str, int]] | None:
    """Ask for the histories of several runs at once; None where that cannot be had."""
    store = client._tracking_client.store
    if hasattr(store, "get_metric_history_bulk"):
        points = store.get_metric_history_bulk(list(run_ids), names.EPOCH_SECONDS, _BULK_POINTS)
        return [(point.run_id, point.step) for point in points]
    if not is_server(client.tracking_uri) or not hasattr(store, "get_host_creds"):
        return None
    from mlflow.utils.rest_utils import http_request

    # What MLflow's page asks for its charts; the client has no call for it.
    answer = http_request(
        store.get_host_creds(),
        _BULK_ROUTE,
        "GET",
        params={
            "run_id": list(run_ids),
            "metric_key": names.EPOCH_SECONDS,
            "max_results": _BULK_POINTS,
        },
    )
    if answer.status_code != 200:
        return None
    return [(point["run_id"], int(point["step"])) for point in answer.json()["metrics"]]
