"""The expected calibration error of classifiers whose confidence is known to be right or wrong."""

from __future__ import annotations

import random

import pytest

from hpo.evidence.calibration import expected_calibration_error


def test_as_sure_as_right_is_no_error_and_surer_is_one() -> None:
    assert expected_calibration_error([0.75] * 4, [True, True, True, False]) == 0.0
    assert expected_calibration_error([0.9] * 4, [True, True, False, False]) == pytest.approx(0.4)
    # Two bins, each off by 0.1 the other way: distances do not cancel.
    both = expected_calibration_error([0.6] * 2 + [0.4] * 2, [True, False, True, False])
    assert both == pytest.approx(0.1)


def test_confidences_at_the_edges_of_bins_belong_to_one() -> None:
    assert expected_calibration_error([0.0, 1.0, 1.0 + 1e-7], [False, True, True]) < 1e-6


def test_the_error_of_a_perfect_model_falls_with_the_images() -> None:
    generator = random.Random(0)

    def error(n: int) -> float:
        sure = [generator.uniform(0.2, 1.0) for _ in range(n)]
        return expected_calibration_error(sure, [generator.random() < c for c in sure])

    assert error(350) < 0.1
    assert error(20_000) < 0.02


def test_no_images_have_no_error() -> None:
    with pytest.raises(ValueError, match="0 confidences"):
        expected_calibration_error([], [])
