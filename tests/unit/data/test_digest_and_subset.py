"""Properties: the digest sees the multiset of (pixels, emotion) alone; a subset keeps shares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hpo.data.store import Split, multiset_digest, subset
from hpo.spec.errors import DataError

# The machine's load is no property of the code.
unhurried = settings(deadline=None)

face_lists = st.lists(
    st.tuples(st.binary(min_size=4, max_size=4), st.integers(0, 6)), min_size=1, max_size=12
)


def digest(faces: list[tuple[bytes, int]]) -> str:
    images = np.stack([np.frombuffer(pixels, np.uint8).reshape(2, 2) for pixels, _ in faces])
    return multiset_digest(images, np.array([label for _, label in faces], dtype=np.uint8))


@unhurried
@given(face_lists, st.randoms(use_true_random=False))
def test_order_does_not_count(faces: list[tuple[bytes, int]], random: object) -> None:
    shuffled = list(faces)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert digest(shuffled) == digest(faces)


@unhurried
@given(face_lists, face_lists)
def test_different_multisets_differ(
    first: list[tuple[bytes, int]], second: list[tuple[bytes, int]]
) -> None:
    assume(sorted(first) != sorted(second))
    assert digest(first) != digest(second)


@unhurried
@given(face_lists)
def test_a_repeated_face_counts(faces: list[tuple[bytes, int]]) -> None:
    assert digest([*faces, faces[0]]) != digest(faces)


def test_a_transposed_shape_counts() -> None:
    label = np.zeros(1, dtype=np.uint8)
    wide, tall = np.zeros((1, 2, 3), dtype=np.uint8), np.zeros((1, 3, 2), dtype=np.uint8)
    assert multiset_digest(wide, label) != multiset_digest(tall, label)


def split_of(counts: list[int]) -> Split:
    labels = np.repeat(np.arange(len(counts), dtype=np.uint8), counts)
    labels = np.random.default_rng(0).permutation(labels)
    # The first pixel of each face is its place, so that a mixed-up row shows.
    images = np.arange(len(labels), dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    return Split(images, labels, [str(i) for i in range(len(labels))], votes=images[:, 0])


class_counts = st.lists(st.integers(0, 35), min_size=7, max_size=7).filter(any)


@unhurried
@given(class_counts, st.integers(1, 300), st.integers(0, 2**31 - 1))
def test_a_subset_keeps_shares_and_rows_together(counts: list[int], limit: int, seed: int) -> None:
    whole = split_of(counts)
    part = subset(whole, limit, seed)
    assert len(part) == min(limit, len(whole))
    assert len(set(part.names)) == len(part)
    for row, name in enumerate(part.names):
        place = int(name)
        assert part.labels[row] == whole.labels[place]
        assert part.images[row, 0, 0] == place
        assert part.votes is not None
        assert part.votes[row, 0] == place
    got = np.bincount(part.labels, minlength=7)
    exact = np.array(counts) * len(part) / len(whole)
    present = np.array(counts) > 0
    if limit >= present.sum():
        assert (got[present] >= 1).all()
    # Largest remainder is off by less than one; each of up to six starved classes may then take
    # one from the largest.
    assert np.abs(got - exact).max() < 1 + 6


@unhurried
@given(class_counts, st.integers(1, 300), st.integers(0, 2**31 - 1))
def test_a_subset_is_the_same_for_the_same_seed(counts: list[int], limit: int, seed: int) -> None:
    whole = split_of(counts)
    assert subset(whole, limit, seed).names == subset(whole, limit, seed).names


def test_another_seed_draws_other_faces() -> None:
    whole = split_of([30] * 7)
    assert subset(whole, 70, 1).names != subset(whole, 70, 2).names


def test_no_limit_gives_the_split_itself() -> None:
    whole = split_of([3] * 7)
    assert subset(whole, None, 0) is whole
    assert subset(whole, 21, 0) is whole


@pytest.mark.parametrize("limit", [0, -1])
def test_an_empty_subset_is_refused(limit: int) -> None:
    with pytest.raises(DataError, match="at least one face"):
        subset(split_of([3] * 7), limit, 0)
