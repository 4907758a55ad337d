"""Which trial wins."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.registry.promotion import choose_winner
from hpo.spec.errors import NotFoundError
from hpo.spec.records import TrialRecord, TrialResult, TrialState


def trial(
    value: float | None,
    architecture: str = "cnn",
    number: int = 0,
    seconds: float = 10.0,
    state: TrialState = "complete",
    checkpoint: str | None = "model.keras",
) -> TrialRecord:
    result = TrialResult(state, value, checkpoint=checkpoint, checkpoint_sha256="c0" * 32)
    return TrialRecord(
        "s", architecture, number, state, value, {}, {}, result=result, seconds=seconds
    )


def test_best_value_wins_in_either_direction() -> None:
    records = [trial(0.5, number=0), trial(0.7, number=1), trial(0.6, "resnet50")]
    assert choose_winner(records, "maximize").number == 1
    assert choose_winner(records, "minimize").value == 0.5


def test_ties_go_to_the_quicker_then_by_name_and_number() -> None:
    quick = trial(0.7, "xception", 5, seconds=5.0)
    assert choose_winner([trial(0.7), quick], "maximize") is quick
    a, b = trial(0.7, "cnn", 2), trial(0.7, "cnn", 1)
    assert choose_winner([trial(0.7, "resnet50"), a, b], "maximize") is b


@pytest.mark.parametrize(
    "useless",
    [
        trial(0.99, state="pruned"),
        trial(0.99, state="failed"),
        trial(None),
        trial(math.nan),
        trial(0.99, checkpoint=None),
        TrialRecord("s", "cnn", 9, "running", None, {}, {}),
    ],
)
def test_only_complete_trials_with_a_checkpoint_are_served(useless: TrialRecord) -> None:
    good = trial(0.1, number=1)
    assert choose_winner([useless, good], "maximize") is good
    with pytest.raises(NotFoundError, match="no trial can be promoted"):
        choose_winner([useless], "maximize")


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.sampled_from(["cnn", "resnet50"]), st.floats(1, 9)),
        min_size=1,
        max_size=8,
    ),
    st.integers(),
)
def test_the_order_of_records_does_not_matter(
    drawn: list[tuple[float, str, float]], seed: int
) -> None:
    records = [trial(v, a, n, s) for n, (v, a, s) in enumerate(drawn)]
    shuffled = random.Random(seed).sample(records, len(records))
    assert choose_winner(shuffled, "maximize") == choose_winner(records, "maximize")
