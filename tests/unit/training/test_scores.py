"""Scores of a model's answers against their definitions and planted calibration."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, precision_recall_fscore_support

from hpo.data.splits import VOTE_COLUMNS
from hpo.spec.emotions import EMOTIONS
from hpo.training.scores import (
    BINS,
    balanced_accuracy,
    calibration_error,
    cross_tempered,
    per_class,
    scores,
    vote_agreement,
)
from hpo.training.temperature import tempered
from hpo.training.validation import judge


def answers(count: int, *, overconfident: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and labels drawn by them; then made surer than they are right."""
    generator = np.random.default_rng(4)
    honest = generator.dirichlet(np.full(7, 0.5), count)
    labels = np.array([generator.choice(7, p=row) for row in honest])
    return tempered(honest, 1 / overconfident), labels


def test_shares_agree_with_scikit_learn() -> None:
    probabilities, labels = answers(400)
    predictions = probabilities.argmax(axis=1)
    known = balanced_accuracy_score(labels, predictions)
    assert balanced_accuracy(predictions, labels) == pytest.approx(known)
    table = per_class(judge(probabilities, labels).confusion)
    precision, recall, f1, faces = precision_recall_fscore_support(
        labels, predictions, labels=range(7)
    )
    for k, row in enumerate(table):
        assert row["precision"] == pytest.approx(precision[k])
        assert row["recall"] == pytest.approx(recall[k])
        assert row["f1"] == pytest.approx(f1[k])
        assert row["faces"] == faces[k]


def test_a_class_without_faces_or_answers_has_no_share() -> None:
    row = per_class([[3, 0, 0], [1, 0, 0], [0, 0, 0]])
    assert (row[1]["precision"], row[1]["recall"]) == (None, 0.0)
    assert row[2] == {"precision": None, "recall": None, "f1": None, "faces": 0}
    assert balanced_accuracy(np.array([0, 0, 0]), np.array([0, 2, 2])) == 0.5


def test_calibration_error_is_the_gap_of_confidence_and_accuracy() -> None:
    sure = np.tile([0.8, 0.2], (10, 1))
    assert calibration_error(sure, np.repeat([0, 1], [8, 2])) == pytest.approx(0.0)
    assert calibration_error(sure, np.repeat([0, 1], [3, 7])) == pytest.approx(0.5)
    # Two bins, weighted by their faces.
    mixed = np.concatenate([sure, np.tile([0.6, 0.4], (30, 1))])
    labels = np.repeat([0, 1, 0, 1], [8, 2, 9, 21])
    assert calibration_error(mixed, labels) == pytest.approx(0.75 * 0.3)
    assert calibration_error(np.array([[1.0, 0.0]]), np.array([0]), bins=BINS) == 0.0


def test_temperature_scaling_mends_a_model_that_is_too_sure() -> None:
    probabilities, labels = answers(3000, overconfident=2.0)
    told = scores(probabilities, labels)
    assert told["val_temperature"] == pytest.approx(2.0, abs=0.2)
    assert told["val_ece"] > 0.1
    assert told["val_ece_tempered"] < 0.04
    assert told["val_loss_tempered"] < judge(probabilities, labels).metrics["val_loss"]


def test_the_temperature_of_a_face_is_fitted_on_others() -> None:
    # The even faces are all right and the odd ones all wrong: a temperature of their own would
    # sharpen the even ones, that of the odd ones flattens them.
    probabilities = np.tile([0.7, 0.3], (20, 1))
    labels = np.tile([0, 1], 10)
    scaled = cross_tempered(probabilities, labels)
    assert (scaled[::2, 0] < 0.7).all()
    assert (scaled[1::2, 0] > 0.7).all()
    assert cross_tempered(probabilities[:1], labels[:1]).tolist() == [[0.7, 0.3]]


def test_votes_say_how_far_annotators_agree_with_a_prediction() -> None:
    happy, sad = EMOTIONS.index("happy"), EMOTIONS.index("sad")
    votes = np.zeros((4, len(VOTE_COLUMNS)), dtype=np.uint8)
    votes[0, VOTE_COLUMNS.index("happiness")] = 10
    votes[1, [VOTE_COLUMNS.index("happiness"), VOTE_COLUMNS.index("sadness")]] = 5, 5
    votes[2, VOTE_COLUMNS.index("sadness")] = 8
    votes[2, VOTE_COLUMNS.index("unknown")] = 2
    told = vote_agreement(np.array([happy, sad, happy, sad]), votes)
    # The second face has no majority, the fourth no votes.
    assert told == {
        "val_votes_majority": pytest.approx(1 / 2),
        "val_votes_share": pytest.approx((1.0 + 0.5 + 0.0) / 3),
    }
    assert vote_agreement(np.array([happy]), votes[3:]) == {}
    assert "val_votes_share" not in scores(np.full((4, 7), 1 / 7), np.arange(4))
