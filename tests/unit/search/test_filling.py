"""Space-filling trials beyond the budget: they fill the space, and the search is none the wiser."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from hpo.search.compatibility import check_compatibility
from hpo.search.engine import Proposal
from hpo.search.studies import read_trials
from hpo.spec.errors import SpecError
from hpo.spec.sections import FIRST_FILLING_SLOT
from hpo.spec.study import StudySpec
from tests.unit.search.analytic import choices, copied, make_spec, open_it, run


def asking(importance_trials: int, trials: int = 3, **budget: Any) -> StudySpec:
    """Return a study under TPE that asks for space-filling trials."""
    return make_spec(
        sampler={"name": "tpe", "n_startup_trials": 2},
        budget={"trials": trials, "importance_trials": importance_trials, **budget},
    )


def filling(proposals: list[Proposal]) -> list[Proposal]:
    return [p for p in proposals if p.origin == "space-filling"]


def test_they_come_last_and_spread_over_the_whole_space(storage_url: str) -> None:
    spec = asking(8)
    proposals = run(open_it(storage_url, spec), spec)
    assert [p.slot for p in proposals] == [
        0,
        1,
        2,
        *range(FIRST_FILLING_SLOT, FIRST_FILLING_SLOT + 8),
    ]
    extra = filling(proposals)
    assert len(extra) == 8
    # Of eight scrambled Sobol points one lies in each eighth of every coordinate.
    eighths = {int((math.log10(p.params["learning_rate"]) + 5) / 4 * 8) for p in extra}
    assert eighths == set(range(8))
    assert {p.params["layers"] for p in extra} == set(range(1, 9))
    origins = [r.origin for r in read_trials(storage_url, "study")]
    assert origins == ["sampler"] * 3 + ["space-filling"] * 8


def test_the_search_is_the_same_without_them_and_when_its_budget_grows_after_them(
    made_database: Path, tmp_path: Path
) -> None:
    (tmp_path / "plain").mkdir()
    alone = make_spec(sampler={"name": "tpe", "n_startup_trials": 2}, trials=6)
    plain = run(open_it(copied(made_database, tmp_path / "plain"), alone), alone)
    url = copied(made_database, tmp_path)
    first = run(open_it(url, asking(4)), asking(4))
    grown = asking(4, trials=6)
    later = run(open_it(url, grown, resume=True), grown)
    assert choices(plain) == choices([p for p in [*first, *later] if p.origin == "sampler"])
    assert filling(later) == []


def test_a_lost_one_is_asked_for_again_and_the_others_stay_the_same(
    made_database: Path, tmp_path: Path
) -> None:
    (tmp_path / "whole").mkdir()
    spec = asking(4)
    whole = run(open_it(copied(made_database, tmp_path / "whole"), spec), spec)
    url = copied(made_database, tmp_path)
    engine = open_it(url, spec)
    begun = run(engine, spec, at_most=4)
    cut = engine.ask()
    assert cut is not None
    engine.release(cut.number, "interrupted: by the test")
    rest = run(open_it(url, spec, resume=True), spec)
    assert rest[0].retry_of == cut.number
    assert choices([*begun, *rest]) == choices(whole)


def test_they_are_beyond_epochs_and_hours(storage_url: str) -> None:
    spec = asking(3, trials=50, epochs=6)
    proposals = run(open_it(storage_url, spec), spec)
    assert len(filling(proposals)) == 3
    assert len(proposals) == 5  # two trials of three epochs, and the three beyond


def test_the_pruner_neither_stops_nor_sees_them(storage_url: str) -> None:
    spec = make_spec(
        budget={"trials": 2, "importance_trials": 3},
        pruner={"name": "threshold", "lower": 0.999},
    )
    run(open_it(storage_url, spec), spec)
    states = [r.state for r in read_trials(storage_url, "study")]
    assert states == ["pruned"] * 2 + ["complete"] * 3


def test_more_may_be_asked_for_later_and_the_points_go_on(
    made_database: Path, tmp_path: Path
) -> None:
    (tmp_path / "whole").mkdir()
    whole = run(open_it(copied(made_database, tmp_path / "whole"), asking(4)), asking(4))
    url = copied(made_database, tmp_path)
    first = run(open_it(url, asking(0)), asking(0))
    later = run(open_it(url, asking(4), resume=True), asking(4))
    assert choices([*first, *later]) == choices(whole)


def test_rungs_and_space_filling_trials_are_refused_together() -> None:
    spec = make_spec(
        budget={"trials": 9, "importance_trials": 2},
        fidelity="successive_halving",
        architecture={"fixed": {"epochs": 9}},
    )
    with pytest.raises(SpecError, match=r"budget\.importance_trials"):
        check_compatibility(spec, defaults={"cnn": {}}, first={"cnn": []})
