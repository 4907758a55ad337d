"""What every engine must do: hold its budget, resume exactly, bear failures, prune, record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpo.search.engine import Engine
from hpo.search.studies import read_trials
from hpo.spec.records import EpochReport, TrialResult
from hpo.spec.study import StudySpec
from tests.unit.search.analytic import (
    DISCRETE,
    choices,
    copied,
    empty_database,
    make_spec,
    open_it,
    run,
    train,
)

TPE = {"name": "tpe", "n_startup_trials": 3}
CASES: dict[str, dict[str, Any]] = {
    "tpe": {"sampler": TPE},
    "tpe, discrete": {"sampler": TPE, "architecture": {"space": DISCRETE}},
    "tpe, hyperband": {"sampler": TPE, "pruner": {"name": "hyperband", "max_epochs": 3}},
    "random": {"sampler": "random"},
    "qmc": {"sampler": "qmc"},
    "cmaes": {"sampler": "cmaes"},
    "grid": {"sampler": "grid", "architecture": {"space": DISCRETE}},
    "nsgaii": {"sampler": {"name": "nsgaii", "population_size": 3}},
    "keras-tuner random": {"engine": {"name": "keras-tuner", "oracle": "random"}},
    "keras-tuner bayesian": {
        "engine": {"name": "keras-tuner", "oracle": "bayesian", "num_initial_points": 6}
    },
    "keras-tuner hyperband": {"engine": {"name": "keras-tuner", "oracle": "hyperband"}},
}


def _case(name: str) -> Any:
    marks = [pytest.mark.keras] if name.startswith("keras") else []
    return pytest.param(name, id=name, marks=marks)


every_engine = pytest.mark.parametrize("case", [_case(name) for name in CASES])


@pytest.fixture(scope="session")
def made_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return empty_database(tmp_path_factory.mktemp("database"))


@pytest.fixture
def fresh(tmp_path: Path, made_database: Path) -> Any:
    """Return a function that makes the URL of another empty database at each call."""
    made: list[Path] = []

    def make() -> str:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(folder)
        return copied(made_database, folder)

    return make


def spec_of(case: str, trials: int = 8, **more: Any) -> StudySpec:
    changes = CASES[case]
    section = {**changes.get("architecture", {}), **more.pop("architecture", {})}
    return make_spec(trials, **{**changes, **more, "architecture": section})


def kill(engine: Engine, how: str) -> None:
    """Leave a trial as a process does that is killed while it trains."""
    if how == "between trials":
        return
    proposal = engine.ask()
    assert proposal is not None
    if how == "after an epoch":
        engine.record_epoch(proposal.number, EpochReport(1, {"val_accuracy": 9.0}, 0.1))
        engine.should_prune(proposal.number)


@every_engine
def test_an_engine_holds_its_budget_and_repeats_itself(case: str, fresh: Any) -> None:
    spec = spec_of(case, architecture={"enqueue": ["thesis", {"layers": 1}]})
    url = fresh()
    proposals = run(open_it(url, spec), spec)
    assert [p.slot for p in proposals] == list(range(8))
    assert open_it(url, spec, resume=True).ask() is None
    assert [p.origin for p in proposals[:3]] == ["thesis", "enqueued", "sampler"]
    assert proposals[0].params["layers"] in (5, 6), "the thesis's 6, or the nearest the space has"
    assert proposals[1].params["layers"] == 1
    for proposal in proposals:
        spec.architectures["cnn"].space.check(proposal.params)
    records = read_trials(url, "study")
    assert [(r.slot, r.searched) for r in records] == [(p.slot, p.params) for p in proposals]
    assert all(r.state in ("complete", "pruned") for r in records)
    again = run(open_it(other := fresh(), spec), spec)
    assert choices(again) == choices(proposals), other


@every_engine
def test_a_resumed_study_goes_on_as_an_uninterrupted_one(case: str, fresh: Any) -> None:
    spec = spec_of(case, pruner=CASES[case].get("pruner", {"name": "median", "startup_trials": 2}))
    whole = run(open_it(fresh(), spec), spec)
    url = fresh()
    found = []
    kills = ("before an epoch", "after an epoch", "between trials")
    for start, (cut, how) in enumerate(zip((1, 3, 2), kills, strict=True)):
        engine = open_it(url, spec, resume=start > 0)
        found += run(engine, spec, at_most=cut)
        kill(engine, how)
    found += run(open_it(url, spec, resume=True), spec)
    assert choices(found) == choices(whole)
    assert len(read_trials(url, "study")) == 8
    assert len(read_trials(url, "study", attempts=True)) == 8 + 2, "two were killed half-way"


@every_engine
def test_failures_use_up_their_slots_and_stop_nothing(case: str, fresh: Any) -> None:
    spec, url = spec_of(case), fresh()
    engine = open_it(url, spec)
    for _ in range(5):
        proposal = engine.ask()
        assert proposal is not None
        failed = TrialResult(state="failed", reason="nan_loss: at epoch 1")
        assert engine.finish(proposal.number, failed)
    assert len(run(open_it(url, spec, resume=True), spec)) == 3
    states = [r.state for r in read_trials(url, "study")]
    assert states[:5] == ["failed"] * 5
    assert "failed" not in states[5:]


@every_engine
def test_a_hopeless_trial_is_pruned_and_a_good_one_is_not(case: str, fresh: Any) -> None:
    spec = spec_of(case, 4, pruner={"name": "median", "startup_trials": 1})
    engine = open_it(fresh(), spec)
    decisions = []
    for accuracies in ([0.3, 0.4, 0.5], [0.25, 0.25, 0.25], [0.35, 0.6, 0.7]):
        proposal = engine.ask()
        assert proposal is not None
        stopped_at = 0
        for epoch, accuracy in enumerate(accuracies, start=1):
            engine.record_epoch(proposal.number, EpochReport(epoch, {"val_accuracy": accuracy}, 1))
            if engine.should_prune(proposal.number):
                stopped_at = epoch
                break
        state = "pruned" if stopped_at else "complete"
        engine.finish(proposal.number, TrialResult(state=state, value=max(accuracies)))
        decisions.append(stopped_at)
    assert decisions == [0, 2, 0], "the second stands still below the median at epoch 2"


@every_engine
def test_several_trials_may_run_at_once(case: str, fresh: Any) -> None:
    spec, url = spec_of(case, 6), fresh()
    engine = open_it(url, spec)
    held = [engine.ask() for _ in range(6)]
    assert [p.slot for p in held if p is not None] == list(range(6))
    assert engine.ask() is None
    for proposal in reversed(held):
        assert proposal is not None
        assert engine.finish(proposal.number, train(engine, proposal, {"epochs": 3}))
    assert {r.state for r in read_trials(url, "study")} <= {"complete", "pruned"}


@every_engine
def test_an_architecture_with_nothing_to_search_still_runs(case: str, fresh: Any) -> None:
    spec = spec_of(case, 2, architecture={"space": {}, "fixed": {"layers": 2, "epochs": 1}})
    proposals = run(open_it(fresh(), spec), spec)
    expected = 1 if case == "grid" else 2  # a grid of nothing is one configuration
    assert [p.params for p in proposals] == [{}] * expected


@pytest.mark.keras
def test_keras_tuners_hyperband_trains_the_best_of_a_round_longer(fresh: Any) -> None:
    spec = spec_of("keras-tuner hyperband", 12, architecture={"fixed": {"epochs": 9}})
    url = fresh()
    proposals = run(open_it(url, spec), spec)
    epochs = [p.overrides["epochs"] for p in proposals]
    assert epochs == [1] * 9 + [3] * 3 or (set(epochs) <= {1, 3, 9} and 3 in epochs)
    records = read_trials(url, "study")
    promoted = [p for p in proposals if p.overrides["epochs"] == 3]
    best = max(records[: epochs.index(3)], key=lambda r: r.value or -99)
    assert promoted[0].params == best.searched
    assert all(r.epochs_run == r.params["epochs"] for r in records)
