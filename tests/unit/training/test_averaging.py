from __future__ import annotations

import numpy as np

from hpo.training.averaging import unbiased


def test_the_average_is_of_the_steps_after_the_first_alone() -> None:
    decay, weights = 0.9, np.random.default_rng(0).normal(size=(6, 3))
    average = weights[0]
    for later in weights[1:]:
        average = decay * average + (1 - decay) * later
    ages = np.arange(4, -1, -1)
    expected = np.average(weights[1:], axis=0, weights=decay**ages)
    np.testing.assert_allclose(unbiased(average, weights[0], decay, 6), expected, rtol=1e-9)


def test_after_one_step_it_is_that_step() -> None:
    first = np.array([1.0, 2.0])
    assert unbiased(first, first, 0.999, 1) is first
