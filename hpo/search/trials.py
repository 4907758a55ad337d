"""How a trial is stored in Optuna, and how it is read back as a ``TrialRecord``.

Searched values are Optuna's parameters and the objective per epoch its intermediate values, so that
Optuna's own tools understand the study. The rest are user attributes, JSON without NaN (which no
strict reader takes): ``slot``, ``seed``, ``origin``, ``params`` (all), ``epoch:<n>``, ``result``,
``mlflow_run_id``, ``attempt`` and ``retry_of``, and on an attempt whose slot is asked for again
``lost`` (why) and ``retry_with`` (what the next attempt changes). ``repeat_of`` names an earlier
trial with the same configuration, ``repeats`` one whose value was taken over without training.
Where there are rungs, ``rung`` is which, ``rungs`` the epochs of those before it, and ``continues``
the trial at the one below; an epoch that was trained there is marked ``inherited``. Where the space
has grown, ``space_version`` is the version that the trial was drawn from, from 2. ``moved`` is what
a baseline asked for beyond a range, by parameter.
``started`` and ``ended`` are POSIX seconds: Optuna's own times have no zone, and tell of a dead
worker's trial when it was found.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hpo.spec.records import EpochReport, TrialRecord, TrialResult, TrialState

if TYPE_CHECKING:
    from hpo.search.goals import Goals

SLOT, SEED, ORIGIN, PARAMS, OVERRIDES = "slot", "seed", "origin", "params", "overrides"
RESULT, RUN_ID, LOST, WORKER, REPEAT = "result", "mlflow_run_id", "lost", "worker", "repeat_of"
ATTEMPT, RETRY_OF, RETRY_WITH = "attempt", "retry_of", "retry_with"
STARTED, ENDED = "started", "ended"
MOVED = "moved"
REPEATS = "repeats"
RUNG, RUNGS, CONTINUES = "rung", "rungs", "continues"
SPACE_VERSION = "space_version"
_EPOCH = "epoch:"
_INHERITED = "inherited"
EPOCHS_COUNTED = "epochs_counted"  # in memory only: an integer that stands for what it counts

LATE_RUN_ID = "mlflow_run_id:"
"""Prefix of a study's user attribute: the run of a trial (its number follows) that was known only
after the trial's end, when the trial itself takes no attributes any more."""

_STATES: dict[str, TrialState] = {
    "RUNNING": "running",
    "WAITING": "waiting",
    "COMPLETE": "complete",
    "PRUNED": "pruned",
    "FAIL": "failed",
}


def plain(value: Any) -> Any:
    """Return ``value`` as strict JSON: NaN and infinities become strings that float() reads."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "item"):  # a numpy scalar
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


def epoch_attribute(report: EpochReport, *, inherited: bool = False) -> tuple[str, dict[str, Any]]:
    """Return the key and the value under which an epoch is stored.

    Args:
        report: the epoch.
        inherited: it was trained by the trial at the rung below, and counts there.
    """
    data = plain(report.to_json())
    value = {"metrics": data["metrics"], "seconds": data["seconds"]}
    return f"{_EPOCH}{report.epoch}", {**value, **({_INHERITED: True} if inherited else {})}


def result_attribute(result: TrialResult) -> dict[str, Any]:
    """Return what is stored of a result: all but the summary, empty fields left out.

    Predictions, one small number per validation face, are written as a string of digits.
    """
    data: dict[str, Any] = plain(result.to_json())
    del data["model_summary"]
    predictions = data["predictions"]
    if predictions and all(0 <= p <= 9 for p in predictions):
        data["predictions"] = "".join(str(p) for p in predictions)
    return {k: v for k, v in data.items() if v not in (None, "", 0, [], {}) or k == "value"}


def read_result(data: Mapping[str, Any]) -> TrialResult:
    """Return the result that ``result_attribute`` stored."""
    fields = dict(data)
    if isinstance(fields.get("predictions"), str):
        fields["predictions"] = [int(digit) for digit in fields["predictions"]]
    for name in ("metrics", "final_metrics", "seconds"):
        fields[name] = _floats(fields.get(name, {}))
    if fields.get("value") is not None:
        fields["value"] = float(fields["value"])
    return TrialResult.from_json(fields)


def _floats(values: Mapping[str, Any]) -> dict[str, float]:
    return {k: float(v) for k, v in values.items()}


def is_epoch(key: str) -> bool:
    """Tell whether a user attribute of this name holds an epoch."""
    return key.startswith(_EPOCH)


def read_epochs(attributes: Mapping[str, Any]) -> list[EpochReport]:
    """Return the epochs stored among ``attributes``, in order."""
    return sorted(
        (
            EpochReport(
                epoch=int(key.removeprefix(_EPOCH)),
                metrics=_floats(data["metrics"]),
                seconds=float(data["seconds"]),
            )
            for key, data in attributes.items()
            if is_epoch(key)
        ),
        key=lambda report: report.epoch,
    )


def count_epochs(attributes: Mapping[str, Any]) -> int:
    """Return how many epochs of its own are stored among a trial's ``attributes``, or were once."""
    found = sum(is_epoch(k) and not _is_inherited(v) for k, v in attributes.items())
    # Once a retry was stored with the count of the attempt before it: what is there goes first.
    return found or int(attributes.get(EPOCHS_COUNTED, 0))


def _is_inherited(epoch: Any) -> bool:
    return isinstance(epoch, Mapping) and bool(epoch.get(_INHERITED))


def asked_again(trial: Any, names: Collection[str] = ()) -> dict[str, Any]:
    """Return what the search reads of a finished trial's user attributes.

    That leaves out its result, its epochs but for their number, and, unless another attempt takes
    it over, what it set beside the searched parameters.

    Args:
        trial: Optuna's.
        names: parameters whose values are read although the trial may not have searched them.
    """
    dropped = {RESULT, RUN_ID} if is_lost(trial) else {RESULT, RUN_ID, PARAMS}
    kept = {
        sys.intern(key): sys.intern(value) if isinstance(value, str) else value
        for key, value in trial.user_attrs.items()
        if key not in dropped and not is_epoch(key)
    }
    if names and PARAMS not in kept:
        known = trial.user_attrs.get(PARAMS, {})
        kept[PARAMS] = {name: known[name] for name in names if name in known}
    return {**kept, EPOCHS_COUNTED: count_epochs(trial.user_attrs)}


def started(trial: Any) -> float | None:
    """Return when a trial was claimed, in POSIX seconds."""
    return _moment(trial.user_attrs.get(STARTED), trial.datetime_start)


def ended(trial: Any) -> float | None:
    """Return when a trial ended, in POSIX seconds: a lost one with its last sign of life."""
    if not trial.state.is_finished():
        return None
    return _moment(trial.user_attrs.get(ENDED), trial.datetime_complete)


def _moment(stored: float | None, optunas: datetime | None) -> float | None:
    # Optuna writes local times without a zone; other tools' trials have nothing else.
    return stored if stored is not None or optunas is None else optunas.timestamp()


def best_of(values: Iterable[float], *, maximize: bool) -> float | None:
    """Return the best of ``values`` that is a number; None if there is none."""
    numbers = [v for v in values if math.isfinite(v)]
    if not numbers:
        return None
    return max(numbers) if maximize else min(numbers)


def is_lost(trial: Any) -> bool:
    """Tell whether an attempt was lost, so that its slot is to be asked for again.

    Marking it and failing it are two writes; only the second gives the slot away. A result that
    comes between them holds.
    """
    return LOST in trial.user_attrs and trial.state.name == "FAIL"


def slots(trials: Iterable[Any]) -> dict[int, Any]:
    """Return Optuna's trials by the slot that each fills, lost attempts left out."""
    return {t.user_attrs[SLOT]: t for t in trials if SLOT in t.user_attrs and not is_lost(t)}


def places(trials: Iterable[Any]) -> dict[tuple[int, int], Any]:
    """Return Optuna's trials by the slot and rung that each fills, lost attempts left out."""
    return {place(t): t for t in trials if SLOT in t.user_attrs and not is_lost(t)}


def place(trial: Any) -> tuple[int, int]:
    """Return which slot a trial fills, and at which rung; 0 where there are none."""
    return trial.user_attrs[SLOT], trial.user_attrs.get(RUNG, 0)


def read_trial(
    trial: Any,
    *,
    study: str,
    architecture: str,
    space: dict[str, Any],
    goals: Goals,
    run_id: str = "",
) -> TrialRecord:
    """Return Optuna's ``FrozenTrial`` as a record; its study may know its run (``run_id``)."""
    attributes = trial.user_attrs
    stored = attributes.get(RESULT)
    result = read_result(stored) if stored else None
    if is_lost(trial) and (result is None or result.state != "failed"):
        # Its worker's own word came too late to count.
        result = TrialResult(state="failed", reason=attributes[LOST])
    state = _STATES[trial.state.name]
    value = trial.values[0] if trial.values else None
    if state == "pruned" and value is None:
        value = best_of(trial.intermediate_values.values(), maximize=goals.maximize[0])
    began, over = started(trial), ended(trial)
    return TrialRecord(
        study=study,
        architecture=architecture,
        number=trial.number,
        state=state,
        value=value,
        params=attributes.get(PARAMS) or dict(trial.params),
        searched=dict(trial.params),
        slot=attributes.get(SLOT, trial.number),
        epochs=read_epochs(attributes),
        result=result,
        seconds=0.0 if began is None or over is None else max(0.0, over - began),
        started=_utc(began),
        finished=_utc(over),
        mlflow_run_id=run_id or attributes.get(RUN_ID, ""),
        origin=attributes.get(ORIGIN, "sampler"),
        space=space,
        attempt=attributes.get(ATTEMPT, 0),
        retry_of=attributes.get(RETRY_OF),
        lost=is_lost(trial),
        seed=attributes.get(SEED),
        repeats=attributes.get(REPEATS),
        rung=attributes.get(RUNG),
        rungs=list(attributes.get(RUNGS, [])),
        continues=attributes.get(CONTINUES),
        space_version=attributes.get(SPACE_VERSION, 1),
        moved=dict(attributes.get(MOVED, {})),
        values=dict(zip(goals.metrics, trial.values, strict=True))
        if state == "complete" and len(trial.values or ()) == len(goals.metrics) > 1
        else {},
        excess=goals.excess(result.metrics) if state == "complete" and result else {},
    )


def _utc(moment: float | None) -> str:
    if moment is None:
        return ""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
