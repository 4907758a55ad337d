from __future__ import annotations

import itertools

import pytest

from hpo.training.throughput import cnn_multiplications, estimate_images_per_second


@pytest.mark.parametrize(
    ("architecture", "params", "train", "inference"),
    [
        ("cnn", {}, 114, 486),
        ("resnet50", {"input_size": 48}, 73, 263),
        ("xception", {"input_size": 71}, 31, 110),
    ],
)
def test_what_was_measured_comes_back(
    architecture: str, params: dict[str, object], train: float, inference: float
) -> None:
    assert estimate_images_per_second(architecture, params, 2) == pytest.approx((train, inference))


def test_more_work_is_slower_and_more_cores_are_faster() -> None:
    small, large = ({"input_size": side} for side in (96, 192))
    slow, fast = (estimate_images_per_second("resnet50", p, 2)[0] for p in (large, small))
    assert fast == pytest.approx(4 * slow)
    assert estimate_images_per_second("resnet50", small, 8)[0] > fast
    wide, narrow = (estimate_images_per_second("cnn", {"width": w}, 2)[0] for w in (64, 32))
    assert wide < narrow
    frozen = estimate_images_per_second("resnet50", {**small, "unfreeze": "none"}, 2)[0]
    assert frozen > 2 * fast


def test_multiplications_of_the_thesis_counted_by_hand() -> None:
    convolutions = (
        48 * 48 * 9 * (1 * 32 + 32 * 64)
        + 24 * 24 * 9 * (64 * 64 + 64 * 128)
        + 12 * 12 * 9 * (128 * 128 + 128 * 256)
    )
    widths = [6 * 6 * 256, 1024, 512, 256, 128, 64, 32]
    dense = sum(a * b for a, b in itertools.pairwise(widths))
    assert cnn_multiplications({}) == convolutions + dense
