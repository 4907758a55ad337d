"""What passes for probabilities, and what is said of what does not."""

from __future__ import annotations

import numpy as np
import pytest

from hpo.training.answers import TOLERANCE, no_softmax, problem_with


def test_rows_that_sum_to_one_pass() -> None:
    assert problem_with(np.full((2, 4), 0.25), (2, 4), TOLERANCE) is None
    assert problem_with(np.array([[1.0, -0.0]]), (1, 2), TOLERANCE) is None
    assert problem_with(np.full((2, 4), 0.2505), (2, 4), TOLERANCE) is not None
    # What bfloat16 makes of it.
    assert problem_with(np.full((2, 4), 0.2505), (2, 4)) is None


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([[0.5, 0.5, 0.0]], "an answer of shape (1, 3)"),
        ([[np.nan, 0.5]], "1 of 2 numbers that are not finite"),
        ([[1.5, -0.5]], "negative numbers, such as -0.5"),
        ([[0.9, 0.9]], "a row that sums to 1.8"),
    ],
)
def test_what_is_wrong_is_named(rows: list[list[float]], said: str) -> None:
    assert problem_with(np.array(rows), (1, 2)) == said


def test_the_advice_fits_what_is_wrong() -> None:
    broken = str(no_softmax("mine", 7, "1 of 14 numbers that are not finite"))
    assert "are no probabilities" in broken
    assert "Dense" not in broken
    assert "Dense" in str(no_softmax("mine", 7, "a row that sums to 1.8"))
