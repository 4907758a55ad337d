"""A fitted temperature makes probabilities as sure as they are right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.training.temperature import fit_temperature, tempered

CLASSES = 7


def softmax(logits: np.ndarray) -> np.ndarray:
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


def answers(sureness: float, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are ``sureness`` times too sure of labels drawn from the true ones."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 1.5, (count, CLASSES))
    drawn = softmax(logits).cumsum(axis=1) > generator.random((count, 1))
    return softmax(sureness * logits).astype(np.float32), drawn.argmax(axis=1)


def loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float(-np.log(probabilities[np.arange(len(labels)), labels]).mean())


@given(st.floats(0.2, 5.0))
def test_tempering_probabilities_is_tempering_their_logits(temperature: float) -> None:
    logits = np.random.default_rng(3).normal(0, 2, (4, CLASSES))
    np.testing.assert_allclose(
        tempered(softmax(logits), temperature), softmax(logits / temperature), atol=1e-12
    )


@pytest.mark.parametrize("sureness", [0.4, 2.5])
def test_the_factor_by_which_answers_are_too_sure_is_found(sureness: float) -> None:
    probabilities, labels = answers(sureness)
    # The maximum-likelihood estimate from 20,000 labels is within 2 % of it.
    assert fit_temperature(probabilities, labels) == pytest.approx(sureness, rel=0.03)


def test_no_other_temperature_gives_a_lower_loss() -> None:
    probabilities, labels = answers(1.7, 500)
    found = fit_temperature(probabilities, labels)
    best = loss(tempered(probabilities, found), labels)
    for other in np.geomspace(0.05, 20, 400):
        assert best <= loss(tempered(probabilities, other), labels) + 1e-9


def test_views_are_tempered_before_their_mean() -> None:
    first, labels = answers(2.0, 500)
    second, _ = answers(3.0, 500)
    found = fit_temperature(np.stack([first, second]), labels)

    def mean_loss(temperature: float) -> float:
        means = (tempered(first, temperature) + tempered(second, temperature)) / 2
        return loss(means, labels)

    assert all(mean_loss(found) <= mean_loss(t) + 1e-9 for t in np.geomspace(0.05, 20, 400))


def test_certain_and_wrong_answers_are_no_trouble() -> None:
    probabilities = np.eye(CLASSES, dtype=np.float32)
    found = fit_temperature(probabilities, (np.arange(CLASSES) + 1) % CLASSES)
    assert np.isfinite(found)
    assert found > 1
