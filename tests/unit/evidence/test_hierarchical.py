"""Comparisons over seeds and images, and races, against simulation and planted truths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.evidence.hierarchical import compare, gap
from hpo.evidence.racing import FIRST_LOOK, decide, optimism, race, scores_of

RESAMPLES = 400


def draw(generator: np.random.Generator, rate: float, hard: np.ndarray, seeds: int) -> np.ndarray:
    """Right or wrong, ``(seeds, images)``: images share their difficulty, seeds have their luck."""
    luck = generator.normal(0.0, 0.01, (seeds, 1))
    return (generator.random((seeds, len(hard))) < rate + luck + hard).astype(float)


def hardness(generator: np.random.Generator, images: int) -> np.ndarray:
    return generator.choice([-0.4, 0.4], images)


def test_a_difference_of_a_configuration_with_itself_is_none() -> None:
    generator = np.random.default_rng(0)
    scores = draw(generator, 0.5, hardness(generator, 200), 4)
    compared = compare([scores, scores], seed=1, resamples=RESAMPLES)
    gap = compared.difference(0, 1)
    assert gap.point == 0.0
    assert gap.low < 0.0 < gap.high
    assert sum(compared.best_share) == pytest.approx(1.0)


def test_the_same_seed_gives_the_same_interval() -> None:
    generator = np.random.default_rng(0)
    hard = hardness(generator, 150)
    runs = [draw(generator, rate, hard, 3) for rate in (0.5, 0.6)]
    first, again = (compare(runs, seed=7, resamples=RESAMPLES) for _ in range(2))
    assert first.difference(0, 1) == again.difference(0, 1)
    assert compare(runs, seed=8, resamples=RESAMPLES).difference(0, 1) != first.difference(0, 1)


def test_pairing_by_image_makes_a_difference_surer_than_the_means() -> None:
    generator = np.random.default_rng(3)
    hard = hardness(generator, 1000)
    runs = [draw(generator, rate, hard, 5) for rate in (0.5, 0.55)]
    compared = compare(runs, seed=1, resamples=RESAMPLES)
    mean, gap = compared.mean(0), compared.difference(0, 1)
    assert gap.high - gap.low < mean.high - mean.low


def test_seeds_that_disagree_widen_the_interval_though_images_are_many() -> None:
    # Two seeds each, ten points apart: the normal quantile alone would call 20 points a difference.
    one = np.stack([np.repeat([1.0, 0.0], [n, 10_000 - n]) for n in (5000, 6000)])
    two = np.stack([np.repeat([1.0, 0.0], [n, 10_000 - n]) for n in (7000, 8000)])
    gap = compare([two, one], seed=1, resamples=RESAMPLES).difference(0, 1)
    assert gap.point == pytest.approx(0.2)
    assert gap.low < 0.0


def test_one_score_per_run_leaves_only_seeds_to_draw() -> None:
    one, two = np.array([[0.50], [0.52], [0.51]]), np.array([[0.60], [0.61], [0.62]])
    gap = compare([two, one], seed=1, resamples=RESAMPLES).difference(0, 1)
    assert 0.0 < gap.low < gap.point < gap.high


@pytest.mark.parametrize("wrong", [[], [np.zeros((1, 5))], [np.zeros((2, 5)), np.zeros((2, 6))]])
def test_what_cannot_be_compared_is_refused(wrong: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match=r"runs|images"):
        compare(wrong, seed=1)


def test_nominal_intervals_of_a_difference_cover_the_truth() -> None:
    generator = np.random.default_rng(11)
    covered = 0
    for seed in range(120):
        hard = hardness(generator, 150)
        runs = [draw(generator, rate, hard, 4) for rate in (0.55, 0.50)]
        gap = compare(runs, seed=seed, resamples=200).difference(0, 1)
        covered += gap.low <= 0.05 <= gap.high
    assert covered >= 108  # of 120 at 95 %: fewer would be a chance of 2 in 100


def test_the_hopeless_stop_at_the_first_look_and_the_leader_runs_to_the_end() -> None:
    generator = np.random.default_rng(5)
    hard = hardness(generator, 600)
    runs = {n: list(draw(generator, r, hard, 5)) for n, r in (("a", 0.5), ("b", 0.6), ("c", 0.59))}
    begun = {name: own[:2] for name, own in runs.items()}
    assert race(begun, 5, seed=1, resamples=RESAMPLES).allowed == {"a": 3, "b": 3, "c": 3}
    looked = {name: own[:FIRST_LOOK] for name, own in runs.items()}
    standing = race(looked, 5, seed=1, resamples=RESAMPLES)
    assert standing.stopped == {"a": FIRST_LOOK}
    assert standing.allowed["a"] == FIRST_LOOK
    assert standing.allowed["b"] == FIRST_LOOK + 1
    assert not standing.over
    whole = {name: own[: 3 if name == "a" else 5] for name, own in runs.items()}
    ended = race(whole, 5, seed=1, resamples=RESAMPLES)
    assert ended.over
    assert ended.stopped == standing.stopped


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_a_race_does_not_hang_on_what_came_first(seed: int) -> None:
    generator = np.random.default_rng(seed)
    hard = hardness(generator, 80)
    runs = {name: list(draw(generator, 0.5, hard, 4)) for name in "abc"}
    early = {name: own[:3] for name, own in runs.items()}
    assert (
        race(runs, 5, seed=1, resamples=100).stopped.items()
        >= race(early, 5, seed=1, resamples=100).stopped.items()
    )


def test_equals_are_not_crowned_and_the_better_is() -> None:
    generator = np.random.default_rng(9)
    hard = hardness(generator, 800)
    same = {name: list(draw(generator, 0.5, hard, 5)) for name in "ab"}
    told = decide(same, {}, seed=1, resamples=RESAMPLES)
    assert told is not None
    assert not told.crowned
    better = {**same, "c": list(draw(generator, 0.6, hard, 5))}
    told = decide(better, {}, seed=1, resamples=RESAMPLES)
    assert told is not None
    assert (told.winner, told.crowned) == ("c", True)
    assert told.ahead_of("a").low > 0.0


def test_two_runs_crown_nobody_however_far_ahead() -> None:
    generator = np.random.default_rng(9)
    hard = hardness(generator, 800)
    runs = {name: list(draw(generator, r, hard, 3)) for name, r in (("a", 0.4), ("b", 0.6))}
    cut = {name: own[:2] for name, own in runs.items()}
    # Of a rival with a failed run it is not known how far its seeds lie apart, either.
    for some in (cut, {**runs, "a": [None, *runs["a"][1:]]}):
        told = decide(some, {}, seed=1, level=0.5, resamples=RESAMPLES)
        assert told is not None
        assert told.ahead_of("a").low > 0
        assert (told.winner, told.crowned) == ("b", False)
    whole = decide(runs, {}, seed=1, level=0.5, resamples=RESAMPLES)
    assert whole is not None
    assert whole.crowned


def test_failed_runs_do_not_count_and_a_single_one_cannot_be_judged() -> None:
    right = np.ones(20)
    assert scores_of([None, right, right]).shape == (2, 20)
    assert decide({"a": [right], "b": [None, right]}, {}, seed=1) is None


def test_the_optimism_of_a_search_is_its_value_less_the_mean_of_its_reruns() -> None:
    told = optimism(0.55, [0.50, 0.52, 0.51])
    # Student's quantile of two degrees of freedom is 4.303; the standard error 0.01 / sqrt(3).
    assert told.point == pytest.approx(0.04)
    assert told.high - told.point == pytest.approx(4.303 * 0.01 / 3**0.5, rel=1e-3)
    with pytest.raises(ValueError, match="two"):
        optimism(0.5, [0.4])


def test_the_gap_between_two_sets_of_images_covers_the_truth_and_counts_seeds_once() -> None:
    generator = np.random.default_rng(2)
    covered = 0
    for seed in range(100):
        luck = generator.normal(0, 0.02, (4, 1))
        rates = 0.6 + luck
        first = (generator.random((4, 200)) < rates).astype(float)
        second = (generator.random((4, 300)) < rates - 0.1).astype(float)
        told = gap(first, second, seed=seed, resamples=200)
        covered += told.low <= 0.1 <= told.high
    # The luck of a seed is in both sets and no part of the gap.
    assert covered >= 90
    single = gap(first[:1], second[:1], seed=1, resamples=RESAMPLES)
    assert single.low < single.point < single.high
    with pytest.raises(ValueError, match="same runs"):
        gap(first, second[:2], seed=1)


def test_a_race_and_its_verdict_do_not_hang_on_the_order_of_the_configurations() -> None:
    # Differences of about two standard errors, where a look hangs on what is drawn.
    draw = np.random.default_rng(4)
    for seed in range(20):
        rates = {"a": 0.70, "b": 0.64, "c": 0.64, "d": 0.63}
        runs = {n: [draw.random(300) < rate for _ in range(4)] for n, rate in rates.items()}
        one = race(runs, 5, seed=seed, resamples=100)
        turned = dict(reversed(runs.items()))
        other = race(turned, 5, seed=seed, resamples=100)
        assert (one.allowed, one.stopped, one.against) == (
            other.allowed,
            other.stopped,
            other.against,
        )
        told = [decide(r, one.stopped, seed=seed, resamples=100) for r in (runs, turned)]
        first, second = (v.ahead_of("b") if v else None for v in told)
        assert first == second


def test_of_equal_means_the_first_that_is_given_wins() -> None:
    same = [np.arange(20) % 2 == 0, np.arange(20) % 2 == 1]
    for names in (("b", "a"), ("a", "b")):
        verdict = decide(dict.fromkeys(names, same), {}, seed=0, resamples=50)
        assert verdict is not None
        assert (verdict.winner, verdict.runner_up) == names
