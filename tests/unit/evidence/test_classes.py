"""Precision, recall and F1 of each class over several runs, and how sure they are."""

from __future__ import annotations

import numpy as np
import pytest

from hpo.evidence.classes import class_figures, over_runs
from hpo.evidence.hierarchical import compare
from hpo.evidence.intervals import wilson

LABELS = np.array([0] * 40 + [1] * 30 + [2] * 10)


def runs(count: int = 3) -> np.ndarray:
    """Answers of several runs, of which each gives a third of the faces a class by chance."""
    generator = np.random.default_rng(7)
    drawn = generator.integers(0, 2, (count, len(LABELS)))
    return np.where(generator.random((count, len(LABELS))) < 1 / 3, drawn, np.minimum(LABELS, 1))


def matrix(told: np.ndarray) -> np.ndarray:
    found = np.zeros((3, 3), int)
    for run in told:
        np.add.at(found, (LABELS, run), 1)
    return found


def test_figures_are_those_of_all_runs_together() -> None:
    told = runs()
    summed = matrix(told)
    first = class_figures(summed, told, told == LABELS, seed=0)[0]
    assert first["precision"] == summed[0, 0] / summed[:, 0].sum()
    assert first["recall"] == summed[0, 0] / 120
    assert (first["faces"], first["given"], first["runs"]) == (120, summed[:, 0].sum(), 3)
    for name in ("precision", "recall", "f1"):
        interval = first["intervals"][name]
        assert interval["point"] == pytest.approx(first[name])
        assert 0 <= interval["low"] < first[name] < interval["high"] <= 1


def test_recall_has_the_interval_of_a_mean_over_runs_and_the_faces_of_the_class() -> None:
    told = runs()
    right = told == LABELS
    mine = class_figures(matrix(told), told, right, seed=3)[0]["intervals"]["recall"]
    # The order of faces is another, so the draws are; and labels were not told.
    theirs = compare([right[:, LABELS == 0]], seed=3).mean(0)
    assert (mine["point"], mine["n"]) == (pytest.approx(theirs.point), 40)
    assert mine["low"] == pytest.approx(theirs.low, abs=0.02)
    assert mine["high"] == pytest.approx(theirs.high, abs=0.02)


def test_runs_that_differ_widen_the_interval() -> None:
    told = runs(1).repeat(3, axis=0)
    same = class_figures(matrix(told), told, told == LABELS, seed=0)[0]["intervals"]["recall"]
    other = told.copy()
    other[0] = 0
    other[1] = 1
    apart = class_figures(matrix(other), other, other == LABELS, seed=0)[0]["intervals"]["recall"]
    assert apart["high"] - apart["low"] > 2 * (same["high"] - same["low"])


def test_f1_reaches_no_further_than_precision_and_recall_let_it() -> None:
    labels = np.repeat([0, 1], [40, 60])
    # Two runs: one gives nearly everybody the class, the other nearly nobody.
    told = np.array([np.where(np.arange(100) < 92, 0, 1), np.where(np.arange(100) < 8, 0, 1)])
    right = told == labels
    matrix = sum(
        np.array([[((labels == i) & (run == j)).sum() for j in (0, 1)] for i in (0, 1)])
        for run in told
    )
    found = class_figures(matrix, told, right, seed=1)[0]["intervals"]
    precision, recall, f1 = (found[name] for name in ("precision", "recall", "f1"))
    for end in ("low", "high"):
        edge = 2 * precision[end] * recall[end] / (precision[end] + recall[end] or 1)
        assert (f1[end] <= edge + 1e-12) if end == "high" else (f1[end] >= edge - 1e-12)


def test_nothing_right_in_any_run_is_not_told_as_certain() -> None:
    told = runs()
    last = class_figures(matrix(told), told, told == LABELS, seed=0)[2]
    assert (last["recall"], last["precision"], last["given"]) == (0.0, None, 0)
    assert last["intervals"]["recall"] == wilson(0.0, 10).to_json()
    assert last["intervals"]["precision"] is None
    assert last["intervals"]["f1"] is None


def test_hardly_a_face_right_has_no_narrower_interval_than_none() -> None:
    told = np.where(LABELS == 0, 1, runs())
    told[1, 3] = 0
    first = class_figures(matrix(told), told, told == LABELS, seed=0)[0]
    assert first["recall"] == 1 / 120
    assert first["intervals"]["recall"] == wilson(1 / 120, 40).to_json()
    assert first["intervals"]["f1"] is None


def test_one_run_has_wilsons_intervals_and_none_of_f1() -> None:
    told = runs(1)
    summed = matrix(told)
    first = class_figures(summed, told, told == LABELS, seed=0)[0]
    assert first["intervals"]["recall"] == wilson(summed[0, 0] / 40, 40).to_json()
    assert first["intervals"]["precision"] == (
        wilson(first["precision"], summed[:, 0].sum()).to_json()
    )
    assert first["intervals"]["f1"] is None


def test_only_some_faces_may_be_looked_at() -> None:
    told = runs()
    some = np.arange(len(LABELS)) % 4 != 0
    alone = [
        {
            "confusion": matrix_of(run[some], LABELS[some]),
            "predictions": run.tolist(),
            "correct": (run == LABELS).tolist(),
        }
        for run in told
    ]
    first = over_runs(alone, seed=0, unseen=some.tolist())[0]
    assert first["faces"] == 90
    assert first["intervals"]["recall"]["n"] == 30
    assert first["recall"] == pytest.approx((told == LABELS)[:, some & (LABELS == 0)].mean())


def test_where_answers_are_not_kept_there_are_figures_without_intervals() -> None:
    told = runs()
    bare = [{"confusion": matrix_of(run, LABELS), "predictions": [], "correct": []} for run in told]
    first = over_runs(bare, seed=0)[0]
    assert (first["recall"], first["runs"]) == (matrix(told)[0, 0] / 120, 3)
    assert first["intervals"] == {"precision": None, "recall": None, "f1": None}
    assert over_runs([{"confusion": [], "predictions": [], "correct": []}], seed=0) == []


def matrix_of(run: np.ndarray, labels: np.ndarray) -> list[list[int]]:
    found = np.zeros((3, 3), int)
    np.add.at(found, (labels, run), 1)
    return [[int(cell) for cell in row] for row in found]
