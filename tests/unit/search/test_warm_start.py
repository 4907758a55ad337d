"""What an earlier study learned: shown to the sampler, or tried first; never a result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpo.search.engine import open_engine
from hpo.search.studies import check_study, delete_study, read_trials
from hpo.search.warm_start import counts_taken, warm_lines
from hpo.spec.errors import InputError, NotFoundError, SpecError
from hpo.spec.study import StudySpec
from tests.unit.search.analytic import SPACE, choices, copied, make_spec, open_it, run

TPE = {"name": "tpe", "n_startup_trials": 4}


def later(trials: int = 4, **changes: Any) -> StudySpec:
    start = changes.pop("warm_start", "study")
    return make_spec(
        trials, **{"name": "later", "warm_start": start, "sampler": TPE, "seed": 8, **changes}
    )


@pytest.fixture
def earlier(storage_url: str) -> str:
    """Return a storage with a study of six trials."""
    return ran(storage_url)


def ran(url: str) -> str:
    spec = make_spec(6, sampler="random")
    run(open_it(url, spec), spec)
    return url


def test_the_sampler_starts_with_what_the_earlier_study_learned(earlier: str) -> None:
    engine: Any = open_it(earlier, later())
    first = engine.ask()
    taught = [(values, value) for values, value in engine.warm.seen]
    records = read_trials(earlier, "study")
    assert taught == [(r.searched, r.value) for r in records]
    assert counts_taken(earlier, "later") == (6, 0)
    assert counts_taken(earlier, "study") == (0, 0)
    engine.finish(first.number, _value(1.0))
    cold = open_it(earlier, later(name="cold", warm_start=None))
    other = cold.ask()
    assert other is not None
    assert first.params != other.params, "four trials at random are over before the first"
    assert (first.slot, first.number) == (0, 0), "the others take no place"
    assert [r.number for r in read_trials(earlier, "later")] == [0]


@pytest.mark.parametrize("repeats", ["reuse", "retrain"])
def test_what_was_shown_is_drawn_again_under_the_same_seed(earlier: str, repeats: str) -> None:
    # At random still, as after few trials, and so with the draws of a study of the same seed.
    alike = {"seed": 7, "sampler": {"name": "tpe", "n_startup_trials": 20}, "repeats": repeats}
    run(open_it(earlier, later(6, **alike)), later(6, **alike))
    shown = [r.searched for r in read_trials(earlier, "study")]
    drawn = read_trials(earlier, "later")
    assert all(r.searched not in shown for r in drawn)
    assert all(r.repeats is None for r in drawn)


def test_where_all_was_shown_a_configuration_is_trained_once(storage_url: str) -> None:
    small = {"architecture": {"space": {"layers": {"type": "int", "low": 1, "high": 2}}}}
    before = make_spec(8, sampler="random", **small)
    run(open_it(storage_url, before), before)
    engine: Any = open_it(storage_url, spec := later(8, **small))
    assert len(engine.warm.seen) == 2
    assert len(run(engine, spec)) == 2, "a value that is known is none of this study's"
    known = [r.number for r in read_trials(storage_url, "later") if r.repeats is None]
    assert {r.repeats for r in read_trials(storage_url, "later")} <= {None, *known}


def test_it_goes_on_exactly_whatever_becomes_of_the_earlier_study(
    earlier: str, tmp_path: Path, made_database: Path
) -> None:
    (tmp_path / "whole").mkdir()
    whole = ran(copied(made_database, tmp_path / "whole"))
    uncut = run(open_it(whole, later()), later())
    proposals = run(open_it(earlier, later()), later(), at_most=2)
    delete_study(earlier, "study")
    proposals += run(open_it(earlier, later(), resume=True), later())
    assert choices(proposals) == choices(uncut)
    assert warm_lines(earlier, later(), ()) == warm_lines(whole, later(), ())


def test_what_lies_outside_is_left_out_and_counted(earlier: str) -> None:
    narrow = {**SPACE, "layers": {"type": "int", "low": 1, "high": 4}}
    spec = later(architecture={"space": narrow})
    outside = [r for r in read_trials(earlier, "study") if r.searched["layers"] > 4]
    assert 0 < len(outside) < 6
    (line,) = warm_lines(earlier, spec, ())
    assert f"sees {6 - len(outside)} of the 6 complete trials of study 'study'" in line
    assert f"{len(outside)} {'lies' if len(outside) == 1 else 'lie'} outside" in line
    engine: Any = open_it(earlier, spec)
    assert all(values["layers"] <= 4 for values, _ in engine.warm.seen)


def test_only_trials_that_would_be_the_same_here_are_shown(earlier: str) -> None:
    spec = later(architecture={"fixed": {"epochs": 9}})
    (line,) = warm_lines(earlier, spec, ())
    assert "sees 0 of the 6" in line
    assert "6 were trained with other parameters" in line
    assert "3 configurations are tried first" in line


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"data": {"train_limit": 500}}, "all train faces and this one 500"),
        ({"data": {"dataset": "others"}}, "its data are drawn-faces"),
        ({"objective": {"metric": "val_loss"}}, "judged by val_accuracy"),
        ({"sampler": "qmc"}, "cannot be taught"),
        ({"fidelity": "successive_halving", "pruner": "none"}, "values belong to epochs"),
    ],
)
def test_where_values_are_not_comparable_the_best_are_tried_first(
    earlier: str, changes: dict[str, Any], why: str
) -> None:
    spec = later(5, **changes)
    (line,) = warm_lines(earlier, spec, ())
    assert "no value is taken" in line
    assert why in line
    engine: Any = open_it(earlier, spec)
    assert engine.warm.seen == []
    proposals = [engine.ask() for _ in range(4)]
    best = sorted(read_trials(earlier, "study"), key=lambda r: -(r.value or 0.0))
    assert [p.params for p in proposals[:3]] == [r.searched for r in best[:3]]
    assert [p.origin for p in proposals] == ["warm_start"] * 3 + ["sampler"]
    assert counts_taken(earlier, "later") == (0, 3)


def test_faces_are_the_same_under_any_digest_that_names_them(storage_url: str) -> None:
    spec, before, now = make_spec(6, sampler="random"), "sha256:before", "sha256:with a test split"
    run(open_engine(storage_url, spec, "cnn", dataset_digest=before), spec)
    assert "has changed since" in warm_lines(storage_url, later(), (now,))[0]
    assert "sees 6 of the 6" in warm_lines(storage_url, later(), (now, before))[0]
    engine: Any = open_engine(
        storage_url, later(), "cnn", dataset_digest=now, digests=(now, before)
    )
    assert len(engine.warm.seen) == 6


def test_the_best_are_tried_after_what_the_file_enqueues(earlier: str) -> None:
    spec = later(
        4,
        warm_start={"study": "study", "trials": 5, "enqueue": 1},
        architecture={"enqueue": [{"layers": 2}]},
    )
    proposals = run(open_it(earlier, spec), spec)
    assert [p.origin for p in proposals] == ["enqueued", "warm_start", "sampler", "sampler"]
    (line,) = warm_lines(earlier, spec, ())
    assert "sees 5 of the 5" in line


def test_an_earlier_study_must_be_there_and_another_one(earlier: str) -> None:
    with pytest.raises(NotFoundError, match=r"no study named 'stuby'.*'study'"):
        warm_lines(earlier, later(warm_start="stuby"), ())
    with pytest.raises(InputError, match="cannot start from itself"):
        warm_lines(earlier, later(warm_start="later"), ())
    # Nor where it is there and what it took of another is kept.
    open_it(earlier, later())
    with pytest.raises(InputError, match="cannot start from itself"):
        warm_lines(earlier, later(warm_start="later"), ())


def test_a_study_that_was_begun_cold_stays_so(earlier: str) -> None:
    open_it(earlier, later(warm_start=None))
    with pytest.raises(SpecError, match=r"warm_start: \{study: study\}, there nothing\."):
        check_study(earlier, later(), resume=True)


@pytest.mark.parametrize(
    ("start", "told", "option"),
    [
        ("study", "{study: study}", "--warm-start study"),
        (
            {"study": "study", "trials": 3},
            "{study: study, trials: 3}",
            "--set 'warm_start={study: study, trials: 3}'",
        ),
    ],
)
def test_going_on_without_the_earlier_study_names_the_option(
    earlier: str, start: Any, told: str, option: str
) -> None:
    open_it(earlier, later(warm_start=start))
    with pytest.raises(SpecError) as caught:
        check_study(earlier, later(warm_start=None), resume=True)
    assert f"Got warm_start: nothing, there {told}." in str(caught.value)
    assert f"every --set that it was begun with ({option}); else" in str(caught.value)


def _value(value: float) -> Any:
    from hpo.spec.records import TrialResult

    return TrialResult(state="complete", value=value)
