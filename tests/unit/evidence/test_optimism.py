"""The luck in the best of several, against planted truths."""

from __future__ import annotations

import numpy as np
import pytest

from hpo.evidence.optimism import optimism


def answers(tops: list[float], n: int, seed: int) -> list[list[bool]]:
    generator = np.random.default_rng(seed)
    hard = generator.random(n)
    # Half of each answer is the face's own difficulty, which all models share.
    return [
        np.where(generator.random(n) < 0.5, hard, generator.random(n)).__lt__(top).tolist()
        for top in tops
    ]


def test_of_equal_models_the_best_owes_all_it_has_above_them_to_luck() -> None:
    found = [optimism(answers([0.5] * 12, 300, s), seed=s, resamples=100) for s in range(30)]
    lucky = np.mean([f.optimism for f in found])
    assert np.mean([f.apparent for f in found]) - 0.5 == pytest.approx(lucky, abs=0.008)
    assert lucky > 0.015


def test_one_that_stands_clear_of_all_others_owes_luck_nothing() -> None:
    correct = answers([0.9, 0.3, 0.3, 0.3], 500, seed=1)
    found = optimism(correct, correct[1], seed=1)
    assert found.optimism < 0.01
    assert found.apparent == pytest.approx(np.mean(correct[0]) - np.mean(correct[1]), abs=1e-6)
    assert (found.trials, found.n, found.resamples) == (4, 500, 500)


def test_the_same_seed_gives_the_same_estimate() -> None:
    correct = answers([0.5, 0.52, 0.5], 200, seed=3)
    assert optimism(correct, seed=4, resamples=50) == optimism(correct, seed=4, resamples=50)


@pytest.mark.parametrize(("correct", "baseline"), [([], None), ([[]], None), ([[True]], [])])
def test_a_choice_without_trials_or_faces_is_refused(
    correct: list[list[bool]], baseline: list[bool] | None
) -> None:
    with pytest.raises(ValueError, match="no choice among"):
        optimism(correct, baseline, seed=1)
