from __future__ import annotations

import numpy as np
import pytest

from hpo.training.validation import judge, predict


def test_metrics_agree_with_their_definitions() -> None:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(7), 200)
    labels = generator.integers(0, 7, 200)
    judgement = judge(probabilities, labels)
    assert judgement.metrics["val_accuracy"] == (probabilities.argmax(axis=1) == labels).mean()
    own = probabilities[np.arange(200), labels]
    assert judgement.metrics["val_loss"] == pytest.approx(-np.log(own).mean())
    f1 = []
    for k in range(7):
        hit = ((judgement.predictions == k) & (labels == k)).sum()
        f1.append(2 * hit / ((judgement.predictions == k).sum() + (labels == k).sum()))
    assert judgement.metrics["val_macro_f1"] == pytest.approx(np.mean(f1))
    assert judgement.confusion.sum() == 200
    assert judgement.confusion[2, 5] == ((labels == 2) & (judgement.predictions == 5)).sum()


def test_certainty_of_the_wrong_costs_what_keras_charges() -> None:
    judgement = judge(np.array([[1.0, 0.0]]), np.array([1]))
    assert judgement.metrics["val_loss"] == pytest.approx(-np.log(1e-7))


def test_a_broken_model_has_a_loss_that_is_no_number() -> None:
    assert np.isnan(judge(np.full((3, 7), np.nan), np.array([0, 1, 2])).metrics["val_loss"])


class Doubler:
    """Answers with its input; remembers the sizes of its batches."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def predict_on_batch(self, batch: np.ndarray) -> np.ndarray:
        self.sizes.append(len(batch))
        return batch.reshape(len(batch), -1) * np.float32(2)


@pytest.mark.parametrize("count", [1, 4, 5, 8, 11])
def test_batches_have_one_size_and_answers_come_in_order(count: int) -> None:
    model = Doubler()
    faces = np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1)
    assert predict(model, faces, 4)[:, 0].tolist() == [2 * k for k in range(count)]
    assert len(set(model.sizes)) == 1
