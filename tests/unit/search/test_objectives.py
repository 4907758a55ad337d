"""Several objectives and constraints: stored as Optuna's own, followed, resumed, and judged."""

from __future__ import annotations

from typing import Any

import pytest

from hpo.registry.promotion import choose_winner
from hpo.search.compatibility import check_compatibility
from hpo.search.studies import check_study, read_trials
from hpo.search.summaries import list_studies
from hpo.spec.errors import SpecError
from hpo.spec.pareto import pareto_front
from hpo.spec.records import TrialResult
from hpo.spec.study import StudySpec
from tests.unit.search.analytic import choices, make_spec, objective, open_it

TPE = {"name": "tpe", "n_startup_trials": 3}
NSGA = {"name": "nsgaii", "population_size": 4}
GOALS = ["val_accuracy", "latency_ms", "parameter_count"]
SMALL = {"size_mib": {"at_most": 5.0}}


def several(trials: int = 8, **changes: Any) -> StudySpec:
    return make_spec(
        trials, **{"objectives": GOALS, "constraints": SMALL, "sampler": TPE, **changes}
    )


def measured(params: dict[str, Any]) -> TrialResult:
    """More layers are better, slower and larger."""
    layers = params["layers"]
    metrics = {"latency_ms": 2.0 * layers, "size_mib": 1.0 * layers, "parameter_count": 10.0}
    return TrialResult(state="complete", value=objective(params), metrics=metrics, params=params)


def run_several(engine: Any, spec: StudySpec, at_most: int = 10**6) -> list[Any]:
    fixed = dict(spec.architectures["cnn"].fixed)
    proposals: list[Any] = []
    while len(proposals) < at_most and (proposal := engine.ask()) is not None:
        proposals.append(proposal)
        assert engine.finish(proposal.number, measured(proposal.configuration(fixed)))
    return proposals


def test_optuna_holds_every_objective_and_constraint(storage_url: str) -> None:
    import optuna

    spec = several(6)
    run_several(open_it(storage_url, spec), spec)
    study = optuna.load_study(study_name="study/cnn", storage=storage_url)
    assert [d.name for d in study.directions] == ["MAXIMIZE", "MINIMIZE", "MINIMIZE"]
    assert study.metric_names == GOALS
    records = read_trials(storage_url, "study")
    for trial, record in zip(study.get_trials(), records, strict=True):
        assert dict(zip(GOALS, trial.values, strict=True)) == record.values
        assert record.value == record.values["val_accuracy"]
        assert trial.constraints == {"size_mib": (record.searched["layers"] - 5) / 5}
        assert record.feasible == (record.searched["layers"] <= 5)
    assert {(t.number) for t in study.best_trials} == {n for _, n in pareto_front(records)}
    (summary,) = list_studies(storage_url)
    winner = choose_winner([_kept(r) for r in records], "maximize")
    assert summary.best_number == winner.number
    assert ("cnn", winner.number) in pareto_front(records)


def _kept(record: Any) -> Any:
    import dataclasses

    told = dataclasses.replace(record.result, checkpoint="model.keras", checkpoint_sha256="0")
    return dataclasses.replace(record, result=told)


@pytest.mark.parametrize("sampler", [TPE, NSGA], ids=["tpe", "nsgaii"])
def test_a_study_of_several_objectives_goes_on_exactly(
    storage_url: str, tmp_path: Any, made_database: Any, sampler: Any
) -> None:
    from tests.unit.search.analytic import copied

    spec = several(7, sampler=sampler)
    (tmp_path / "whole").mkdir()
    whole = run_several(open_it(copied(made_database, tmp_path / "whole"), spec), spec)
    found = run_several(open_it(storage_url, spec), spec, at_most=5)
    engine = open_it(storage_url, spec, resume=True)
    engine.ask()  # and is killed
    found += run_several(open_it(storage_url, spec, resume=True), spec)
    assert choices(found) == choices(whole)


def test_what_was_not_measured_is_no_result(storage_url: str) -> None:
    spec = several(2)
    engine = open_it(storage_url, spec)
    proposal = engine.ask()
    assert proposal is not None
    assert engine.finish(proposal.number, TrialResult(state="complete", value=0.5))
    (record,) = read_trials(storage_url, "study")
    assert record.state == "failed"
    assert record.result is not None
    assert "latency_ms" in record.result.reason


def test_constraints_go_with_one_objective_and_a_pruner(storage_url: str) -> None:
    spec = make_spec(4, constraints=SMALL, sampler=TPE, pruner={"name": "median"})
    engine = open_it(storage_url, spec)
    first = engine.ask()
    assert first is not None
    assert engine.finish(first.number, TrialResult(state="pruned", value=0.1))
    run_several(engine, spec)
    records = read_trials(storage_url, "study")
    assert [r.values for r in records] == [{}] * 4
    assert records[0].feasible, "nothing is known of a pruned trial"
    assert [r.feasible for r in records[1:]] == [r.searched["layers"] <= 5 for r in records[1:]]


def test_other_objectives_or_constraints_are_another_study(storage_url: str) -> None:
    open_it(storage_url, make_spec(2, sampler=TPE))
    for changes in ({"objectives": GOALS}, {"constraints": SMALL}):
        with pytest.raises(SpecError, match=next(iter(changes))):
            check_study(storage_url, make_spec(2, sampler=TPE, **changes), resume=True)
    assert check_study(storage_url, make_spec(2, sampler=TPE), resume=True) == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"sampler": "cmaes"}, "CMA-ES follows one value"),
        ({"engine": "keras-tuner", "sampler": "random"}, "keras-tuner's oracles follow one value"),
        ({"pruner": "median"}, "Optuna stops no trial of several objectives"),
        ({"fidelity": "successive_halving"}, "rungs rank by one value"),
        ({"ensemble": 3}, "as slow and as large"),
    ],
)
def test_parts_that_follow_one_value_are_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(SpecError, match=why):
        check_compatibility(several(9, **changes))


def test_a_budget_within_the_first_generation_is_noted() -> None:
    (note,) = check_compatibility(several(9, sampler="nsgaii"))
    assert "the first 50 trials of nsgaii are drawn at random" in note
    assert check_compatibility(several(9, sampler=NSGA)) == []


def test_nsga_ii_breeds_its_generations_although_its_sampler_is_made_anew(
    storage_url: str,
) -> None:
    import optuna

    spec = several(10, sampler=NSGA, constraints={})
    run_several(open_it(storage_url, spec), spec)
    study = optuna.load_study(study_name="study/cnn", storage=storage_url)
    generations = [t.system_attrs["NSGAIISampler:generation"] for t in study.get_trials()]
    assert generations == [0] * 4 + [1] * 4 + [2] * 2
    # A child has most of its values from the parents' generation; random draws would have none.
    parents = {t.params["learning_rate"] for t in study.get_trials()[:4]}
    children = [t.params["learning_rate"] for t in study.get_trials()[4:8]]
    assert any(rate in parents for rate in children)


def test_of_equals_the_list_shows_the_one_that_wins(storage_url: str) -> None:
    engine = open_it(storage_url, several(2))
    for latency in (9.0, 3.0):
        proposal = engine.ask()
        assert proposal is not None
        metrics = {"latency_ms": latency, "size_mib": 1.0, "parameter_count": 10.0}
        assert engine.finish(proposal.number, TrialResult("complete", 0.5, metrics=metrics))
    (summary,) = list_studies(storage_url)
    records = [_kept(record) for record in read_trials(storage_url, "study")]
    assert summary.best_number == choose_winner(records, "maximize").number == 1
