"""What the test split said of a winner's runs, as plain data."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.evidence.classes import over_runs
from hpo.evidence.hierarchical import compare, gap
from hpo.evidence.intervals import student, wilson
from hpo.spec.bits import unpack_bits
from hpo.spec.records import TrialRecord

BY_LOSS = "val_loss"
"""The objective under which the test split's loss is set beside that of validation."""


def opening_figures(
    told: Sequence[dict[str, Any]],
    runs: Sequence[TrialRecord],
    seed: int,
    objective: str = "val_accuracy",
) -> dict[str, Any]:
    """Return the figures of an opening of the test split.

    ``images, accuracy`` (an interval), ``values`` and ``metrics`` (of each run), ``validation``
    (the runs' mean accuracy there), ``gap`` (to it, an interval; None where the answers there are
    not kept), ``loss_gap`` (as of that function, where the objective is the loss),
    ``scores`` (by name: mean, low, high), ``confusion`` (summed), ``per_class`` (as
    ``class_figures`` tells it), ``images_without_copies`` (of which no split of ``copies_in`` has a
    copy: training, unless copies were left out of it, and validation) and, where these are a part
    of the images, ``without_copies``: ``images, accuracy, confusion, per_class`` over them.

    Args:
        told: what ``hpo.training.testing.judge_files`` says of each run's model.
        runs: the runs, in the same order.
        seed: the same seed gives the same intervals.
        objective: by which the runs' configuration was chosen.
    """
    right = np.array([model["correct"] for model in told], dtype=np.float64)
    results = [record.result for record in runs if record.result is not None]
    kept = [r for r in results if r.correct]
    apart = None
    if len(kept) == len(right):
        known = np.array([unpack_bits(r.correct, r.validation_size) for r in kept], np.float64)
        apart = gap(known, right, seed=seed).to_json()
    return {
        "images": right.shape[1],
        "values": [float(row.mean()) for row in right],
        "metrics": [model["metrics"] for model in told],
        "validation": statistics.fmean(r.metrics["val_accuracy"] for r in results),
        "gap": apart,
        **(
            {"loss_gap": loss_gap([model["metrics"] for model in told], runs)}
            if objective == BY_LOSS
            else {}
        ),
        "scores": {
            name: _spread([model["metrics"][name] for model in told]) for name in told[0]["metrics"]
        },
        **_over(told, right, seed),
        "images_without_copies": told[0]["images_without_copies"],
        "copies_in": told[0]["copies_in"],
        **_without_copies(told, right, seed),
    }


def loss_gap(
    metrics: Sequence[Mapping[str, float]], runs: Sequence[TrialRecord]
) -> dict[str, Any] | None:
    """Return by how much the loss of runs on the test split is above that on validation.

    ``test, validation`` (means over the runs), ``point, low, high, level, n``: Student's interval
    over the ``n`` runs' own differences. The losses of single faces are not kept, so it speaks of
    other seeds alone, and of a single run ``low``, ``high`` and ``level`` are None. None where a
    loss is not known.

    Args:
        metrics: what the test split said of each run, by name.
        runs: the same runs, in the same order.
    """
    pairs = [
        (own["test_loss"], record.result.metrics[BY_LOSS])
        for own, record in zip(metrics, runs, strict=True)
        if "test_loss" in own and record.result and BY_LOSS in record.result.metrics
    ]
    if not pairs or len(pairs) != len(metrics):
        return None
    apart = [test - validation for test, validation in pairs]
    if len(apart) > 1:
        known = student(apart).to_json()
    else:
        known = {"point": apart[0], "low": None, "high": None, "level": None, "n": 1}
    return {
        "test": statistics.fmean(test for test, _ in pairs),
        "validation": statistics.fmean(validation for _, validation in pairs),
        **known,
    }


def _without_copies(
    told: Sequence[dict[str, Any]], right: npt.NDArray[np.float64], seed: int
) -> dict[str, Any]:
    """Return ``without_copies`` of an opening; {} where no face has a copy, or each."""
    if not told[0].get("unseen"):
        return {}
    unseen = unpack_bits(told[0]["unseen"], right.shape[1])
    runs = [{**model, "confusion": model["confusion_without_copies"]} for model in told]
    figures = _over(runs, right[:, unseen], seed, unseen)
    return {"without_copies": {"images": sum(unseen), **figures}}


def _over(
    told: Sequence[dict[str, Any]],
    right: npt.NDArray[np.float64],
    seed: int,
    unseen: Sequence[bool] | None = None,
) -> dict[str, Any]:
    one = len(right) == 1
    accuracy = (
        wilson(float(right.mean()), right.shape[1]) if one else compare([right], seed=seed).mean(0)
    )
    return {
        "accuracy": accuracy.to_json(),
        "confusion": np.sum([model["confusion"] for model in told], axis=0).tolist(),
        "per_class": over_runs(told, seed=seed, unseen=unseen),
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"mean": statistics.fmean(values), "low": min(values), "high": max(values)}
