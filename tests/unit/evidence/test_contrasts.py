"""Differences of several models: paired intervals against simulation, shares against arithmetic."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from hpo.evidence.contrasts import Judged, contrast, paired, share
from hpo.evidence.intervals import difference, wilson
from hpo.evidence.paired import Paired, paired_difference


def judged(right: list[bool]) -> Judged:
    return Judged(sum(right) / len(right), len(right), right)


def alike(n: int, seed: int) -> dict[str, Judged]:
    """Three models of which the faces' difficulty is common: about 40, 50 and 55 % right."""
    generator = np.random.default_rng(seed)
    hard = generator.normal(size=n)
    return {
        name: judged((hard + generator.normal(0, 0.5, n) < at).tolist())
        for name, at in (("default", -0.28), ("best", 0.0), ("other", 0.14))
    }


def test_faces_in_common_make_the_interval_narrower() -> None:
    models = alike(2000, seed=0)
    weights = {"best": 1.0, "default": -1.0}
    close = contrast(models, weights)
    apart = {k: Judged(m.accuracy, m.n) for k, m in models.items()}
    wide = contrast(apart, weights)
    assert paired(models, weights)
    assert not paired(apart, weights)
    assert close.point == pytest.approx(wide.point)
    assert close.high - close.low < 0.75 * (wide.high - wide.low)
    newcombe = difference(*(wilson(models[k].accuracy, 2000) for k in ("best", "default")))
    assert wide.low == pytest.approx(newcombe.low, abs=0.001)


def test_the_paired_interval_covers_the_truth_as_often_as_it_says() -> None:
    truth = contrast(alike(400_000, seed=99), {"other": 1.0, "default": -1.0}).point
    hits = 0
    for seed in range(400):
        found = contrast(alike(300, seed), {"other": 1.0, "default": -1.0})
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / 400 <= 0.98


def test_a_plain_difference_has_the_interval_that_every_other_place_gives_it() -> None:
    models = alike(300, seed=3)
    faces = [models[name].correct for name in ("best", "default")]
    counts = Counter(zip(*faces, strict=True))
    pairs = [counts[k] for k in ((True, True), (True, False), (False, True), (False, False))]
    expected = paired_difference(Paired(*pairs))
    found = contrast(models, {"best": 1.0, "default": -1.0})
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    back = contrast(models, {"best": -1.0, "default": 1.0})
    assert (back.low, back.high) == pytest.approx((-expected.high, -expected.low))
    apart = {k: Judged(m.accuracy, m.n) for k, m in models.items()}
    wide = contrast(apart, {"best": 1.0, "default": -1.0})
    newcombe = difference(*(wilson(models[k].accuracy, 300) for k in ("best", "default")))
    assert (wide.low, wide.high) == pytest.approx((newcombe.low, newcombe.high))
    # Two that differ on no face are not known to be equal.
    same = {"one": judged([True, False] * 20), "two": judged([True, False] * 20)}
    equal = contrast(same, {"one": 1.0, "two": -1.0})
    assert equal.low < 0 < equal.high


def test_a_model_less_itself_is_nothing_for_sure() -> None:
    found = contrast(alike(50, 0), {"best": 0.0})
    assert (found.point, found.low, found.high) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("known", [True, False])
def test_a_share_of_a_distance_lies_where_its_parts_say(known: bool) -> None:
    models = alike(3000, seed=1)
    if not known:
        models = {k: Judged(m.accuracy, m.n) for k, m in models.items()}
    part = {"best": 1.0, "default": -1.0}
    whole = {"other": 1.0, "default": -1.0}
    found = share(models, part, whole, seed=1)
    assert found is not None
    assert found.point == pytest.approx(
        contrast(models, part).point / contrast(models, whole).point
    )
    assert found.low < found.point < found.high
    assert share(models, part, whole, seed=1) == found


def test_no_share_is_given_of_a_distance_that_may_be_nothing() -> None:
    models = {name: Judged(0.5, 100) for name in ("default", "best", "other")}
    assert share(models, {"best": 1.0}, {"other": 1.0, "default": -1.0}, seed=1) is None
