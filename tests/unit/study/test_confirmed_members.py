"""Whom an ensemble is made of where the best of a search were run again over seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.search.engine import open_engine
from hpo.search.studies import read_trials
from hpo.spec.bits import pack_bits
from hpo.spec.records import TrialResult
from hpo.study import confirmed
from hpo.study.confirming import best_of, confirmation_spec
from hpo.study.members import rank_members
from tests.unit.search.analytic import empty_database, make_spec

SEARCHED = (0.6, 0.9, 0.8, 0.7)
RERUNS = {1: (0.5, 0.52, 0.54), 2: (0.68, 0.7, 0.78), 3: (0.74, 0.73, 0.75)}
"""By trial of the search: the best of it was lucky."""


def result(value: float) -> TrialResult:
    return TrialResult(
        "complete", value, metrics={"val_accuracy": value}, epochs_run=1, checkpoint="m.keras",
        checkpoint_sha256="0" * 64, correct=pack_bits(np.arange(100) < 100 * value),
        validation_size=100,
    )  # fmt: skip


def run_all(url: str, spec: Any, label: str, values: tuple[float, ...]) -> None:
    engine = open_engine(url, spec, label)
    while (proposal := engine.ask()) is not None:
        assert engine.finish(proposal.number, result(values[proposal.slot]))


@pytest.fixture
def url(tmp_path: Path) -> str:
    there = f"sqlite:///{empty_database(tmp_path)}"
    run_all(there, make_spec(4), "cnn", SEARCHED)
    return there


def confirm(url: str, seeds: int) -> None:
    spec = make_spec(4)
    chosen = best_of(read_trials(url, "study"), spec, 3)
    derived = confirmation_spec(spec, chosen, 3)
    for label in chosen:
        engine = open_engine(url, derived, label)
        for _ in range(seeds):
            proposal = engine.ask()
            assert proposal is not None
            value = RERUNS[int(label.rpartition("-")[2])][proposal.slot]
            assert engine.finish(proposal.number, result(value))


def members(url: str) -> tuple[list[str], str, int]:
    ranking = rank_members(read_trials(url, "study"), make_spec(4), url)
    named = [f"{r.architecture}/{r.number}" for r in ranking.records]
    return named, " ".join(ranking.said), ranking.reruns


def test_members_rank_by_the_search_where_nothing_was_confirmed(url: str) -> None:
    named, said, reruns = members(url)
    assert (named, reruns) == (["cnn/1", "cnn/2", "cnn/3", "cnn/0"], 0)
    assert said == (
        "Members are ranked by the search's single runs; `hpo confirm study` ranks them by means "
        "over seeds."
    )


def test_members_rank_by_their_confirmed_means_and_are_the_best_of_their_seeds(url: str) -> None:
    confirm(url, 3)
    named, said, reruns = members(url)
    # Of each configuration the seed that is best on validation, as a confirmed winner's is; the
    # one that was not run again comes last.
    assert (named, reruns) == (["cnn-3/2", "cnn-2/2", "cnn-1/2", "cnn/0"], 9)
    assert said == (
        "Members are ranked by their confirmed means over all seeds (3 configurations: cnn #3 "
        "74.0 %, cnn #2 72.0 %, cnn #1 52.0 %), each by its best seed; behind them those that ran "
        "once, by the search's value less the mean luck of it, 14.0 points."
    )


@pytest.mark.parametrize(
    ("mean", "order"),
    [
        # The search saw the other at 60 %, and was too good by 14 points for those confirmed.
        (0.52, ["cnn-3/2", "cnn-2/2", "cnn-1/2", "cnn/0"]),
        (0.45, ["cnn-3/2", "cnn-2/2", "cnn/0", "cnn-1/2"]),
    ],
)
def test_who_was_stopped_ranks_behind_who_ran_on_and_before_none_that_is_better(
    mean: float, order: list[str], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm(url, 3)
    told = confirmed.confirmed("study", storage_url=url)
    assert told is not None
    entry = next(e for e in told.facts["candidates"] if e["label"] == "cnn-1")
    entry["stopped"], entry["mean"]["point"] = 3, mean
    monkeypatch.setattr(confirmed, "confirmed", lambda *_, **__: told)
    named, said, _ = members(url)
    assert named == order
    assert f"those that the race stopped, by the mean until then (cnn #1 {100 * mean:.1f} %)" in (
        said
    )


def test_a_confirmation_that_is_not_finished_ranks_nobody(url: str) -> None:
    confirm(url, 2)
    named, said, reruns = members(url)
    assert (named[0], reruns) == ("cnn/1", 0)
    assert "is not finished, so members are ranked by the search's single runs" in said
