"""A configuration that the sampler repeats is not paid for twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hpo.evidence.optuna_study import observations
from hpo.search.studies import read_trials
from hpo.spec.records import EpochReport, TrialRecord, TrialResult
from hpo.spec.study import StudySpec
from tests.unit.search.analytic import choices, copied, make_spec, open_it, run, train

THREE = {"layers": {"type": "int", "low": 1, "high": 3}}


def small(trials: int = 6, **changes: Any) -> StudySpec:
    section = {"space": THREE, **changes.pop("architecture", {})}
    return make_spec(trials, **{"sampler": "random", "architecture": section, **changes})


def trials_of(url: str) -> list[TrialRecord]:
    return read_trials(url, "study")


def test_a_repeat_fills_its_slot_with_the_value_that_is_known(storage_url: str) -> None:
    spec = small()
    engine = open_it(storage_url, spec)
    assert len(run(engine, spec)) == 3, "there are three configurations"
    records = trials_of(storage_url)
    assert [r.slot for r in records] == list(range(6))
    assert {r.state for r in records} == {"complete"}
    for record in records[3:]:
        assert record.repeats is not None
        first = records[record.repeats]
        assert first.repeats is None, "the one that was trained, not another repeat"
        assert (record.value, record.searched) == (first.value, first.searched)
        assert (record.epochs_run, record.result and record.result.checkpoint) == (0, None)
    assert engine.take_ended() == [3, 4, 5], "the mirror and the person hear of them"
    assert engine.ask() is None


def test_repeats_are_retrained_with_other_seeds_on_request(storage_url: str) -> None:
    proposals = run(open_it(storage_url, spec := small(repeats="retrain")), spec)
    assert len({p.trial_seed for p in proposals}) == 6
    assert all(p.repeat_of is not None for p in proposals[3:])
    assert all(r.repeats is None for r in trials_of(storage_url))


def test_the_same_configuration_in_other_words_is_a_repeat(storage_url: str) -> None:
    # What is fixed may be said again beside the space.
    first = {"enqueue": [{"layers": 1, "epochs": 3}], "space": {"layers": {**THREE["layers"]}}}
    spec = small(4, architecture=first)
    assert len(run(open_it(storage_url, spec), spec)) == 3


def test_what_a_person_wrote_and_what_searches_nothing_is_trained_all_the_same(
    storage_url: str,
) -> None:
    spec = small(2, architecture={"enqueue": [{"layers": 1}, {"layers": 1}]})
    assert len(run(open_it(storage_url, spec), spec)) == 2


def test_trials_without_a_search_differ_by_their_seeds(storage_url: str) -> None:
    spec = small(3, architecture={"space": {}, "fixed": {"layers": 2, "epochs": 1}})
    assert len(run(open_it(storage_url, spec), spec)) == 3


def test_one_that_failed_is_tried_again(storage_url: str) -> None:
    one = {"space": {"layers": {"type": "categorical", "choices": [2]}}}
    engine = open_it(storage_url, spec := small(3, architecture=one))
    first = engine.ask()
    assert first is not None
    engine.finish(first.number, TrialResult(state="failed", reason="nan_loss: at epoch 1"))
    assert [p.slot for p in run(engine, spec)] == [1], "and its value serves the third"
    assert [r.repeats for r in trials_of(storage_url)] == [None, None, 1]


def test_one_that_still_runs_has_no_value_to_take_over(storage_url: str) -> None:
    one = {"space": {"layers": {"type": "categorical", "choices": [2]}}}
    engine = open_it(storage_url, spec := small(3, architecture=one))
    first, second = engine.ask(), engine.ask()
    assert first is not None
    assert second is not None
    assert second.repeat_of == first.number
    assert engine.finish(first.number, train(engine, first, {"epochs": 3}))
    assert engine.ask() is None
    assert trials_of(storage_url)[2].repeats == first.number
    assert engine.finish(
        second.number, train(engine, second, dict(spec.architectures["cnn"].fixed))
    )


def test_repeats_cost_no_epochs(storage_url: str) -> None:
    spec = small(20, budget={"trials": 20, "epochs": 9})
    assert len(run(open_it(storage_url, spec), spec)) == 3
    assert len(trials_of(storage_url)) == 20


def test_a_study_with_repeats_resumes_as_it_would_have_gone(
    storage_url: str, made_database: Path, tmp_path: Path
) -> None:
    spec = small(9, sampler={"name": "tpe", "n_startup_trials": 2})
    whole = run(open_it(storage_url, spec), spec)
    (tmp_path / "cut").mkdir()
    url = copied(made_database, tmp_path / "cut")
    found = []
    for start, at_most in enumerate((1, 1, 9)):
        engine = open_it(url, spec, resume=start > 0)
        found += run(engine, spec, at_most=at_most)
        lost = engine.ask()
        if lost is not None:
            engine.record_epoch(lost.number, EpochReport(1, {"val_accuracy": 9.0}, 0.1))
    assert choices(found) == choices(whole)
    ends = [[(r.slot, r.value) for r in trials_of(u)] for u in (storage_url, url)]
    assert sorted(ends[0]) == sorted(ends[1])


def test_repeats_are_no_evidence_of_their_own(storage_url: str) -> None:
    run(open_it(storage_url, spec := small()), spec)
    usable, left = observations(trials_of(storage_url))
    assert (len(usable), left) == (3, {"repeated": 3})
