"""A confirmation's trials: which are opened, with which seeds, and who races on."""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from hpo.evidence.confirmation import confirmation
from hpo.reports.confirmation_sentences import tell
from hpo.search.engine import Engine, Proposal, open_engine
from hpo.search.studies import read_trials, set_attribute
from hpo.spec.bits import pack_bits
from hpo.spec.confirmation import candidate_label
from hpo.spec.errors import NotFoundError
from hpo.spec.records import EpochReport, TrialRecord, TrialResult
from hpo.spec.sections import ConfirmationSpec
from hpo.spec.study import StudySpec
from hpo.study.confirmed import confirmed, opened_before, searched_after, winner_of
from hpo.study.confirming import (
    _keep_verdict,
    again_seconds,
    begun_with,
    best_of,
    beyond,
    confirmation_spec,
    is_over,
    whole,
)
from hpo.study.opening import OPENINGS, _winner
from hpo.study.planned import Plan
from hpo.study.reporting import _confirmation
from tests.unit.reports.test_confirmation import OPENING
from tests.unit.search.analytic import empty_database, make_spec, open_it, train

IMAGES = 400
RATES = {"cnn-0": 0.3, "cnn-1": 0.7, "cnn-2": 0.69}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a search of three trials."""
    folder = tmp_path_factory.mktemp("searched")
    url = f"sqlite:///{empty_database(folder)}"
    spec = make_spec(3)
    engine = open_it(url, spec)
    while (proposal := engine.ask()) is not None:
        trained = train(engine, proposal, dict(spec.architectures["cnn"].fixed))
        engine.finish(proposal.number, with_model(trained))
    return folder / "optuna.db"


def with_model(result: TrialResult) -> TrialResult:
    return dataclasses.replace(result, checkpoint="model.keras", checkpoint_sha256="0")


@pytest.fixture
def url(tmp_path: Path, made: Path) -> str:
    return begun(made, tmp_path)


def begun(made: Path, folder: Path) -> str:
    """Copy the database with what has not been moved into its file yet."""
    with sqlite3.connect(made) as source, sqlite3.connect(folder / "optuna.db") as copy:
        source.backup(copy)
    return f"sqlite:///{folder}/optuna.db"


def searched(url: str) -> dict[str, TrialRecord]:
    return {candidate_label("cnn", r.number): r for r in read_trials(url, "study")}


def founded(url: str, seeds: int = 5) -> StudySpec:
    return confirmation_spec(make_spec(3), searched(url), seeds)


def engines(url: str, spec: StudySpec) -> dict[str, Engine]:
    return {label: open_engine(url, spec, label, resume=True) for label in spec.architectures}


def result(label: str, proposal: Proposal) -> TrialResult:
    """Answer as well as the configuration can, by the luck of the seed."""
    generator = np.random.default_rng(proposal.trial_seed)
    right = generator.random(IMAGES) < RATES[label]
    value = float(right.mean())
    metrics = {"val_accuracy": value, "loss": 1.0}
    answered = TrialResult("complete", value, metrics=metrics, validation_size=IMAGES)
    return with_model(dataclasses.replace(answered, correct=pack_bits(right), epochs_run=3))


def work(racing: dict[str, Engine], at_most: int = 10**6) -> list[tuple[str, Proposal]]:
    """Run what is open, engine after engine, until nothing is; as one worker does."""
    done: list[tuple[str, Proposal]] = []
    going = True
    while going:
        going = False
        for label, engine in racing.items():
            if len(done) == at_most:
                return done
            proposal = engine.ask()
            if proposal is not None:
                assert engine.finish(proposal.number, result(label, proposal))
                done.append((label, proposal))
                going = True
    return done


def facts(url: str, spec: StudySpec) -> dict[str, Any]:
    return confirmation(
        searched(url),
        read_trials(url, spec.name),
        seeds=spec.budget.trials,
        seed=spec.seed,
        objective="val_accuracy",
        direction="maximize",
    )


def told(done: list[tuple[str, Proposal]]) -> set[tuple[str, int, int]]:
    return {(label, proposal.slot, proposal.trial_seed) for label, proposal in done}


def test_the_hopeless_stop_after_three_seeds_and_the_others_run_to_the_end(url: str) -> None:
    spec = founded(url)
    racing = engines(url, spec)
    done = work(racing)
    runs = {label: [p for name, p in done if name == label] for label in racing}
    assert {label: len(own) for label, own in runs.items()} == {"cnn-0": 3, "cnn-1": 5, "cnn-2": 5}
    assert not any(engine.busy for engine in racing.values())
    known = facts(url, spec)
    assert known["over"]
    assert known["winner"] in ("cnn-1", "cnn-2")
    stopped = {e["label"]: e["stopped"] for e in known["candidates"]}
    assert stopped == {"cnn-0": 3, "cnn-1": None, "cnn-2": None}


def test_re_runs_have_their_own_origin_and_seeds_and_leave_the_search_alone(url: str) -> None:
    spec = founded(url, seeds=2)
    before = read_trials(url, "study")
    done = work(engines(url, spec))
    seeds = [p.trial_seed for _, p in done]
    assert len(set(seeds) | {r.seed for r in before}) == len(seeds) + len(before)
    records = read_trials(url, spec.name)
    assert {r.origin for r in records} == {"confirmation"}
    assert read_trials(url, "study") == before
    # What is run again is the whole configuration.
    own = spec.architectures["cnn-1"].fixed
    assert own == before[1].params
    assert all(r.params == own for r in records if r.architecture == "cnn-1")


def test_who_is_ahead_waits_for_the_others_before_a_look(url: str) -> None:
    spec = founded(url)
    racing = engines(url, spec)
    first = racing["cnn-1"]
    done = work({"cnn-1": first})
    assert [p.slot for _, p in done] == [0, 1, 2]
    assert first.busy
    work(racing)
    assert not first.busy


def test_an_interrupted_race_goes_on_as_it_would_have(url: str, made: Path, tmp_path: Path) -> None:
    spec = founded(url)
    whole = work(engines(url, spec))
    (tmp_path / "cut").mkdir()
    again = begun(made, tmp_path / "cut")
    racing = engines(again, spec)
    parts = work(racing, at_most=7)
    claimed = next((e, p) for e in racing.values() if (p := e.ask()) is not None)
    assert claimed[0].release(claimed[1].number, "interrupted")
    parts += work(engines(again, spec))
    assert told(parts) == told(whole)
    assert values(facts(again, spec)) == values(facts(url, spec))


def values(known: dict[str, Any]) -> list[Any]:
    return [(e["label"], e["values"], e["mean"], e["behind"]) for e in known["candidates"]]


def test_what_is_served_is_what_was_confirmed_once_that_is_over(url: str) -> None:
    search = read_trials(url, "study")
    best = max(search, key=lambda r: r.value or 0.0)
    assert winner_of("study", search, "maximize", url) == (best, [])
    spec = founded(url)
    racing = engines(url, spec)
    work(racing, at_most=6)
    served, notes = winner_of("study", search, "maximize", url)
    assert served == best
    assert "not finished" in notes[0]
    assert _confirmation(url, "study", "maximize", search)[1] is None
    work(racing)
    served, notes = winner_of("study", search, "maximize", url)
    known = facts(url, spec)
    own = [r for r in read_trials(url, spec.name) if r.architecture == known["winner"]]
    assert served == max(own, key=lambda r: r.value or 0.0)
    # The report's card is of it.
    assert _confirmation(url, "study", "maximize", search)[1] == served
    # 0.70 and 0.69 are not told apart by 400 faces, and the person hears of it.
    assert not known["crowned"]
    assert "not distinguishable" in notes[0]
    assert tell(known)[0] == notes[0]


def test_a_rung_of_what_was_confirmed_is_not_told_as_found_since(url: str) -> None:
    spec = founded(url)
    work(engines(url, spec))
    search = read_trials(url, "study")
    best = max(search, key=lambda r: r.value or 0.0)
    rung = dataclasses.replace(best, number=9, value=0.99)
    assert "was found after" not in " ".join(
        winner_of("study", [*search, rung], "maximize", url)[1]
    )
    other = dataclasses.replace(rung, slot=9)
    assert "cnn #9, was found after the confirmation" in " ".join(
        winner_of("study", [*search, other], "maximize", url)[1]
    )


def test_who_is_served_though_not_shown_to_have_learned_is_told_why(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = founded(url)
    work(engines(url, spec))
    search = read_trials(url, "study")
    doubt = "It was not shown to have learned."
    warnings = "hpo.reports.confirmation_warnings.unlearned"
    monkeypatch.setattr(warnings, lambda facts, entry: doubt)
    told = winner_of("study", search, "maximize", url)[1]
    assert told[-1].startswith("The gate judges one run, the best of 5 seeds of cnn #")
    assert told[-1].endswith("of the mean over them, which is what to expect of it.")
    assert told[-2] == doubt
    monkeypatch.setattr(warnings, lambda facts, entry: "")
    assert "The gate judges" not in " ".join(winner_of("study", search, "maximize", url)[1])


def test_only_the_best_of_a_search_are_run_again_each_once(url: str) -> None:
    search = read_trials(url, "study")
    ranked = sorted(search, key=lambda r: -(r.value or 0.0))
    again = dataclasses.replace(ranked[0], number=7, slot=7, repeats=ranked[0].number)
    spec = make_spec(3)
    assert list(best_of([*search, again], spec, 2)) == [f"cnn-{r.number}" for r in ranked[:2]]
    with pytest.raises(NotFoundError, match="nothing to confirm"):
        best_of([dataclasses.replace(r, state="failed") for r in search], spec, 2)
    # Where a constraint is in the way, that is what is told.
    told = r"keeps the constraints.* 1 complete trial, of which 1 breaks"
    with pytest.raises(NotFoundError, match=told):
        best_of([dataclasses.replace(search[0], excess={"size_mib": 1.0})], spec, 2)


def test_a_configuration_is_run_again_as_at_the_highest_rung_that_it_came_to(url: str) -> None:
    first, second, third, *_ = read_trials(url, "study")
    # Trained anew for want of a state, the second rung may come to less than the first.
    search = [
        dataclasses.replace(first, number=1, slot=1, rung=0, value=0.6),
        dataclasses.replace(first, number=2, slot=1, rung=1, value=0.5, params={"epochs": 2}),
        dataclasses.replace(second, number=3, slot=2, rung=0, value=0.55),
        dataclasses.replace(third, number=4, slot=2, rung=1, value=0.9, state="failed"),
    ]
    assert list(best_of(search, make_spec(3), 3)) == ["cnn-3", "cnn-2"]


def test_a_failed_run_uses_up_its_seed_and_does_not_count(url: str) -> None:
    spec = founded(url, seeds=2)
    racing = engines(url, spec)
    proposal = racing["cnn-1"].ask()
    assert proposal is not None
    racing["cnn-1"].finish(proposal.number, TrialResult("failed", reason="nan_loss: 3"))
    work(racing)
    known = facts(url, spec)
    entry = next(e for e in known["candidates"] if e["label"] == "cnn-1")
    assert entry["values"][0] is None
    assert len(entry["values"]) == 2
    assert entry["mean"] is None  # One run is no evidence.
    assert known["over"]


def test_a_confirmation_never_shrinks(url: str) -> None:
    assert begun_with(url, "study", read_trials(url, "study")) == ({}, 0)
    work(engines(url, founded(url, seeds=4)))
    kept, seeds = begun_with(url, "study", read_trials(url, "study"))
    assert (set(kept), seeds) == (set(RATES), 4)
    # One that a smaller number has shrunk in its spec has all of its runs still.
    engines(url, founded(url, seeds=2))
    assert begun_with(url, "study", read_trials(url, "study")) == (kept, 4)


def test_the_verdict_before_it_was_enlarged_is_kept(url: str) -> None:
    work(engines(url, founded(url, seeds=3)))
    _keep_verdict(url, "study")
    told = confirmed("study", storage_url=url)
    assert told is not None
    assert told.facts["earlier_verdicts"] == [3]
    assert told.facts["earlier_choices"] == [len(RATES)]
    # One that goes on has no verdict that could be kept.
    engines(url, founded(url, seeds=5))
    _keep_verdict(url, "study")
    told = confirmed("study", storage_url=url)
    assert told is not None
    assert told.facts["earlier_verdicts"] == [3]
    assert told.facts["earlier_choices"] == [len(RATES)]


def test_one_that_is_being_enlarged_is_not_over_whoever_comes_first(url: str) -> None:
    first = dict(list(searched(url).items())[:2])
    work(engines(url, confirmation_spec(make_spec(3), first, 3)))
    told = confirmed("study", storage_url=url)
    assert told is not None
    assert told.facts["over"]
    # The new configuration begins; the files of the others are those of before.
    larger = confirmation_spec(make_spec(3), searched(url), 5)
    added = next(label for label in larger.architectures if label not in first)
    open_engine(url, larger, added, resume=True)
    told = confirmed("study", storage_url=url)
    assert told is not None
    assert (told.facts["over"], told.facts["seeds"]) == (False, 5)
    assert begun_with(url, "study", read_trials(url, "study"))[0].keys() == searched(url).keys()


def test_what_differs_from_what_was_asked_for_is_told() -> None:
    asked = ConfirmationSpec(top=2, seeds=3)
    assert beyond(asked, 3, begun=2, candidates=2) == []
    assert beyond(asked, 5, begun=3, candidates=3) == [
        "The confirmation keeps the 3 configurations that it has begun with.",
        "5 seeds are begun already; all of them count.",
    ]
    assert beyond(asked, 3, begun=0, candidates=1) == [
        "1 configuration could be confirmed, 2 were asked for."
    ]


def test_runs_that_began_after_a_look_at_the_test_split_are_known(url: str) -> None:
    spec = founded(url, seeds=2)
    work(engines(url, spec))
    runs = read_trials(url, spec.name)
    begun = sorted(r.started for r in runs)
    early = {"opened": "2020-01-01T00:00:00+00:00", "finished": "2020-01-01T00:00:09+00:00"}
    late = {"opened": "2999-01-01T00:00:00+00:00", "finished": "2999-01-01T00:00:09+00:00"}
    assert opened_before([early, late], runs) == early["opened"] < begun[0]
    assert opened_before([late], runs) == ""
    # One that was cut off has shown nothing.
    assert opened_before([{"opened": early["opened"]}], runs) == ""


def test_a_search_that_went_on_after_a_look_at_the_test_split_is_known(url: str) -> None:
    search = read_trials(url, "study")
    assert searched_after(url, "study", search) == ""
    assert "searched_after" not in _confirmation(url, "study", "maximize", search)[0]
    look = OPENING | {"opened": "2020-01-01T00:00:00+00:00"}
    set_attribute(url, "study", OPENINGS, [look])
    assert "was opened on 2020-01-01 00:00 UTC: what is" in searched_after(url, "study", search)
    found, _ = _confirmation(url, "study", "maximize", search)
    assert found["searched_after"] == look["opened"]


def test_runs_that_break_a_constraint_are_asked_about_the_test_split_too(url: str) -> None:
    bound = make_spec(3, constraints={"size_mib": {"at_most": 5}})
    for label, engine in engines(url, confirmation_spec(bound, searched(url), 2)).items():
        while (proposal := engine.ask()) is not None:
            told = result(label, proposal)
            metrics = {**told.metrics, "size_mib": 9.0 if proposal.slot == 0 else 4.0}
            assert engine.finish(proposal.number, dataclasses.replace(told, metrics=metrics))
    runs, _, confirmed = _winner("study", bound, url)
    assert confirmed
    assert [r.feasible for r in runs] == [False, True]


def test_the_best_may_be_of_an_architecture_that_the_file_has_left_out_since(url: str) -> None:
    spec, chosen = make_spec(3), searched(url)
    later = spec.model_copy(update={"architectures": {"net": spec.architectures["cnn"]}})
    derived = confirmation_spec(whole(url, later, chosen.values()), chosen, 2)
    assert derived.architectures == founded(url, seeds=2).architectures


def test_a_race_that_has_stopped_one_leaves_nothing_to_run(url: str) -> None:
    spec = founded(url)
    racing = engines(url, spec)
    work(racing, at_most=9)
    assert not is_over("study", url)
    work(racing)
    assert is_over("study", url)
    filled = {label: frozenset(range(3)) for label in racing}
    parts = dict.fromkeys(racing, cast("Any", None))
    plan = Plan(spec, parts, cast("Any", None), [], "", filled=filled)
    assert (plan.left, dataclasses.replace(plan, over=True).left) == (6, 0)


def test_a_run_again_takes_the_seconds_of_the_search_and_of_the_rungs_below() -> None:
    epochs = [EpochReport(n, {}, 10.0) for n in (4, 5)]
    told = TrialRecord(
        study="s", architecture="cnn", number=1, state="complete", value=0.5, params={},
        searched={}, slot=0, started="", epochs=epochs, seconds=25.0,
    )  # fmt: skip
    assert again_seconds(told) == 55.0
    assert again_seconds(dataclasses.replace(told, epochs=[])) == 25.0
