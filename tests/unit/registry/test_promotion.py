"""Which trial wins."""

from __future__ import annotations

import dataclasses
import math
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.registry.promotion import choose_winner, rank_key
from hpo.spec.errors import NotFoundError
from hpo.spec.records import TrialRecord, TrialResult, TrialState
from hpo.spec.workspace import Workspace
from hpo.study.checkpoints import Keeper, folder_of
from hpo.study.outcome import summarise


def trial(
    value: float | None,
    architecture: str = "cnn",
    number: int = 0,
    seconds: float = 10.0,
    state: TrialState = "complete",
    checkpoint: str | None = __file__,  # any file that is there
) -> TrialRecord:
    result = TrialResult(state, value, checkpoint=checkpoint, checkpoint_sha256="c0" * 32)
    return TrialRecord(
        "s", architecture, number, state, value, {}, {}, result=result, seconds=seconds
    )


def test_best_value_wins_in_either_direction() -> None:
    records = [trial(0.5, number=0), trial(0.7, number=1), trial(0.6, "resnet50")]
    assert choose_winner(records, "maximize").number == 1
    assert choose_winner(records, "minimize").value == 0.5


def test_ties_go_to_the_earlier_number_then_by_architecture_whatever_they_took() -> None:
    later = trial(0.7, "cnn", 2, seconds=1.0)
    earlier = trial(0.7, "xception", 1, seconds=9.0)
    also = trial(0.7, "resnet50", 1, seconds=10.0)
    assert choose_winner([later, earlier, also], "maximize") is also
    assert choose_winner([later, earlier], "minimize") is earlier


def test_a_configuration_that_went_on_wins_as_the_trial_that_it_came_to() -> None:
    # Values are the best so far: its first epoch stayed the best at each rung.
    records = [trial(0.7, number=n) for n in (1, 2, 6)]
    records = [dataclasses.replace(r, slot=1, rung=k) for k, r in enumerate(records)]
    assert choose_winner(records, "maximize").number == 6
    other = dataclasses.replace(trial(0.71, number=9), slot=5, rung=1)
    assert choose_winner([*records, other], "maximize") is other


def test_of_equal_trials_the_winner_is_kept_and_shown(tmp_path: Path) -> None:
    workspace = Workspace.at(tmp_path)
    records = []
    for number, seconds in enumerate([30.0, 10.0, 20.0]):
        folder = folder_of(workspace, "s", "cnn", number)
        folder.mkdir(parents=True)
        (folder / "model.keras").touch()
        records.append(trial(0.7, "cnn", number, seconds, checkpoint=f"{folder}/model.keras"))
    keeper = Keeper(workspace, "maximize", keep=1)
    for record in reversed(records):
        keeper.judge(record)
    winner = choose_winner(records, "maximize")
    assert winner is records[0]
    assert keeper.kept("cnn") == [winner]
    (row,) = summarise("s", "val_accuracy", "maximize", {"cnn": 3}, records[::-1]).rows
    assert row.best_trial == winner.number


def test_a_trial_without_a_value_ranks_last() -> None:
    ranked = sorted(
        [trial(None), trial(math.nan), trial(0.1)], key=lambda r: rank_key(r, "minimize")
    )
    assert ranked[0].value == 0.1


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


def test_a_winner_whose_file_is_lost_is_not_replaced_by_the_next_best() -> None:
    lost = trial(0.9, number=3, checkpoint="deleted/model.keras")
    assert choose_winner([trial(0.1, number=1), lost], "maximize") is lost


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
