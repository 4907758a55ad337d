"""What the test split said of a winner's runs, as plain data."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.evidence.classes import over_runs
from hpo.evidence.hierarchical import compare, gap
from hpo.evidence.intervals import wilson
from hpo.spec.bits import unpack_bits
from hpo.spec.records import TrialRecord


def opening_figures(
    told: Sequence[dict[str, Any]], runs: Sequence[TrialRecord], seed: int
) -> dict[str, Any]:
    """Return the figures of an opening of the test split.

    ``images, accuracy`` (an interval), ``values`` and ``metrics`` (of each run), ``validation``
    (the runs' mean accuracy there), ``gap`` (to it, an interval; None where the answers there are
    not kept),
    ``scores`` (by name: mean, low, high), ``confusion`` (summed), ``per_class`` (as
    ``class_figures`` tells it), ``images_without_copies`` (of which training has no copy) and,
    where these are a part of the images, ``without_copies``: ``images, accuracy, confusion,
    per_class`` over them.

    Args:
        told: what ``hpo.training.testing.judge_files`` says of each run's model.
        runs: the runs, in the same order.
        seed: the same seed gives the same intervals.
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
        "scores": {
            name: _spread([model["metrics"][name] for model in told]) for name in told[0]["metrics"]
        },
        **_over(told, right, seed),
        "images_without_copies": told[0]["images_without_copies"],
        **_without_copies(told, right, seed),
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
