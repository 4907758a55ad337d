"""Precision, recall and F1 of each class over several runs on the same faces, with intervals.

Of all runs together: what the runs got right of a class, over the times that they gave it
(precision), over its faces (recall), or twice that over both (F1). Each is a ratio of two sums over
runs and faces, and is resampled by its linear part (Davison and Hinkley 1997, "Bootstrap methods
and their application", section 2.7.4; Cochran 1977, "Sampling techniques", section 6.4): a face
adds by how much it moves the ratio. The mean of these has the interval of ``hierarchical``, over
runs and over the faces that the ratio counts.

Of one run, and where hardly a face is ever right, or ever wrong, so that there is little to draw
again, the interval is Wilson's over these faces, and F1, which is no share of faces, has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.evidence.hierarchical import compare
from hpo.evidence.intervals import wilson
from hpo.training.scores import per_class

Counts = npt.NDArray[np.float64]
"""``(runs, faces)``, how often each counts: 0, 1, or 2 where F1 counts it twice."""

FEWEST = 5
"""Faces that some run has right, and wrong, for a bootstrap over them: the textbooks' rule for
approximate intervals of proportions (told by Brown, Cai and DasGupta 2001, "Interval estimation for
a binomial proportion", Statistical Science 16(2))."""


def class_figures(
    confusion: npt.ArrayLike,
    predictions: npt.ArrayLike | None = None,
    correct: npt.ArrayLike | None = None,
    *,
    seed: int,
    runs: int = 1,
    level: float = 0.95,
) -> list[dict[str, Any]]:
    """Return what ``per_class`` says of each class, with its intervals.

    Besides ``precision, recall, f1`` and ``faces`` (over all runs): ``runs``, ``given`` (how often
    it was predicted, over all runs) and ``intervals``, by ``precision, recall, f1`` an interval as
    plain data (``n`` counts faces) or None.

    Args:
        confusion: ``(classes, classes)``, rows true, columns predicted, summed over the runs.
        predictions: ``(runs, faces)``, the class that each run gives each face; None where that is
            not kept, and there are no intervals of several runs.
        correct: ``(runs, faces)``, whether that is its label; likewise.
        seed: the same seed gives the same intervals.
        runs: how many they are, where ``predictions`` do not say.
        level: nominal coverage, in (0, 1).
    """
    matrix = np.asarray(confusion, dtype=np.int64)
    told, right = np.asarray(predictions), np.asarray(correct, dtype=bool)
    kept = predictions is not None and correct is not None and told.shape == right.shape
    runs = len(told) if kept else runs
    found = []
    for label, figures in enumerate(per_class(matrix)):
        faces, given = int(matrix[label].sum()), int(matrix[:, label].sum())
        intervals: dict[str, Any] = dict.fromkeys(("precision", "recall", "f1"))
        if runs == 1:
            for name, n in (("precision", given), ("recall", faces)):
                share = figures[name]
                intervals[name] = wilson(share, n, level).to_json() if share is not None else None
        elif kept:
            for name, (hits, of) in _counted(told == label, right, faces // runs).items():
                intervals[name] = _ratio(hits, of, seed, level, share=name != "f1")
            intervals["f1"] = _within(**intervals)
        found.append({**figures, "runs": runs, "given": given, "intervals": intervals})
    return found


def _counted(
    given: npt.NDArray[np.bool_], right: npt.NDArray[np.bool_], faces: int
) -> dict[str, tuple[Counts, Counts]]:
    """Return hits and what they are of, by figure, over the faces that a class has to do with.

    No labels are needed. A face is of the class if a run that gave it the class was right. The rest
    of the class's faces were given it by no run: they are hit by none, and so are all alike.

    Args:
        given: where a run gave the class.
        right: where a run gave the label.
        faces: how many the class has.
    """
    some = given.any(axis=0)
    given, hits = given[:, some].astype(np.float64), (given & right)[:, some].astype(np.float64)
    own = hits.any(axis=0)
    missed = np.zeros((len(given), max(0, faces - int(own.sum()))))
    true = np.broadcast_to(own.astype(np.float64), hits.shape)
    every = np.concatenate([hits, missed], axis=1)
    return {
        "precision": (hits, given),
        "recall": (
            np.concatenate([hits[:, own], missed], axis=1),
            np.ones((len(given), int(own.sum()) + missed.shape[1])),
        ),
        "f1": (2 * every, np.concatenate([given + true, missed + 1], axis=1)),
    }


def _ratio(
    hits: Counts, of: Counts, seed: int, level: float, *, share: bool
) -> dict[str, Any] | None:
    """Return the interval of ``hits`` over ``of`` as plain data; None if it has none."""
    total = float(of.sum())
    if not total:
        return None
    point, faces = float(hits.sum()) / total, of.shape[1]
    right, wrong = (hits > 0).any(axis=0).sum(), (hits < of).any(axis=0).sum()
    if min(right, wrong) < FEWEST:
        return wilson(point, faces, level).to_json() if share else None
    moved = point + (hits - point * of) / of.mean()
    found = compare([moved], seed=seed, level=level).mean(0).to_json()
    return found | {"low": max(0.0, found["low"]), "high": min(1.0, found["high"]), "point": point}


def _within(
    precision: dict[str, Any] | None, recall: dict[str, Any] | None, f1: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Return the interval of F1 within what those of precision and recall leave possible.

    F1 is their harmonic mean and grows with either. Of few runs whose answers lie far apart its own
    interval, widened by Student's t, may reach beyond.
    """
    if not (precision and recall and f1):
        return f1

    def harmonic(end: str) -> float:
        both = precision[end] + recall[end]
        return 2 * precision[end] * recall[end] / both if both else 0.0

    return f1 | {
        "low": min(f1["point"], max(f1["low"], harmonic("low"))),
        "high": max(f1["point"], min(f1["high"], harmonic("high"))),
    }


def over_runs(
    runs: Sequence[dict[str, Any]], *, seed: int, unseen: Sequence[bool] | None = None
) -> list[dict[str, Any]]:
    """Return ``class_figures`` of runs that were each asked about the same faces; [] if unknown.

    Args:
        runs: of each ``confusion``, ``predictions`` and ``correct``; with ``unseen`` the confusion
            over those faces.
        seed: as for ``class_figures``.
        unseen: which faces to look at; None for all.
    """
    matrices = [np.asarray(run["confusion"], dtype=np.int64) for run in runs]
    if not matrices or any(not matrix.size for matrix in matrices):
        return []
    summed = np.sum(matrices, axis=0)
    sizes = {(len(run["predictions"]), len(run["correct"])) for run in runs}
    if len(sizes) > 1 or (0, 0) in sizes:
        return class_figures(summed, seed=seed, runs=len(runs))
    told = np.array([run["predictions"] for run in runs])
    right = np.array([run["correct"] for run in runs], dtype=bool)
    if unseen is not None:
        chosen = np.asarray(unseen, dtype=bool)
        told, right = told[:, chosen], right[:, chosen]
    return class_figures(summed, told, right, seed=seed)
