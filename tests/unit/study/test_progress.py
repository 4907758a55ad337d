"""What a plan tells of a study that was begun."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hpo.search.engine import open_engine
from hpo.search.studies import read_trials, set_attribute
from hpo.spec.errors import SpecError
from hpo.spec.workspace import Workspace
from hpo.study.opening import OPENINGS
from hpo.study.parts import PlannedArchitecture
from hpo.study.planned import Plan
from hpo.study.progress import limits_reached, still_going, with_progress
from tests.unit.search.analytic import make_spec, run

DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.at(tmp_path)


def planned(trials: int = 4, digest: str = DIGEST) -> Plan:
    spec = make_spec(trials)
    part = PlannedArchitecture(
        "cnn", spec.architectures["cnn"], cast("Any", None), None, [], seconds_per_trial=10.0
    )
    return Plan(spec, {"cnn": part}, cast("Any", SimpleNamespace(digest=digest)), [], "")


def begin(workspace: Workspace, trials: int, importance_trials: int = 0) -> None:
    workspace.ensure(workspace.runs)
    spec = make_spec(trials=4)
    if importance_trials:
        budget = spec.budget.model_copy(update={"importance_trials": importance_trials})
        budget = budget.model_copy(update={"trials": trials})
        spec = spec.model_copy(update={"budget": budget})
        trials += importance_trials
    engine = open_engine(workspace.storage_url(None), spec, "cnn", dataset_digest=DIGEST)
    run(engine, spec, at_most=trials)


def test_what_is_done_is_counted_and_only_the_rest_costs_time(workspace: Workspace) -> None:
    begin(workspace, trials=3)
    plan = with_progress(planned(), workspace, resume=True)
    assert plan.left_of("cnn") == [3]
    assert (plan.left, plan.seconds, plan.notes) == (1, 10.0, [])


def test_who_goes_on_after_a_look_at_the_test_split_is_told_so_once(workspace: Workspace) -> None:
    begin(workspace, trials=3)
    url = workspace.storage_url(None)
    look = {"opened": "2026-03-01T10:00:00+00:00", "by": "someone"}
    set_attribute(url, "study", OPENINGS, [look])
    # One that was cut off has shown nothing.
    assert with_progress(planned(), workspace, resume=True).notes == []
    set_attribute(url, "study", OPENINGS, [look | {"finished": "2026-03-01T10:00:09+00:00"}])
    assert with_progress(planned(), workspace, resume=True).notes == [
        "The test split was opened on 2026-03-01 10:00 UTC, before the trials that begin now: "
        "what is chosen now is selected with knowledge of it."
    ]
    # Where nothing is left to run, nothing begins.
    assert with_progress(planned(trials=3), workspace, resume=True).notes == []


def test_a_name_that_is_taken_by_another_study_is_not_gone_on_with(workspace: Workspace) -> None:
    begin(workspace, trials=3)
    (note,) = with_progress(planned(), workspace, resume=False).notes
    assert "with 3 finished trials: --resume goes on with it" in note
    other = planned()
    other = dataclasses.replace(other, spec=other.spec.model_copy(update={"seed": 8}))
    (note,) = with_progress(other, workspace, resume=False).notes
    assert "trials, and differs from this file (seed: 8, there 7)" in note
    assert "--resume" not in note
    (note,) = with_progress(planned(digest="sha256:" + "b" * 64), workspace, resume=False).notes
    assert "has changed since study 'study' began" in note


def test_a_larger_budget_leaves_more(workspace: Workspace) -> None:
    begin(workspace, trials=4)
    assert with_progress(planned(), workspace, resume=True).left == 0
    assert with_progress(planned(trials=6), workspace, resume=True).left_of("cnn") == [4, 5]


def test_a_released_place_is_left_and_one_that_runs_too(workspace: Workspace) -> None:
    begin(workspace, trials=1)
    engine = open_engine(workspace.storage_url(None), make_spec(4), "cnn", resume=True)
    given_up, running = engine.ask(), engine.ask()
    assert given_up is not None
    assert running is not None
    engine.release(given_up.number, "interrupted")
    assert with_progress(planned(), workspace, resume=True).left_of("cnn") == [1, 2, 3]


def test_a_taken_name_is_noted_before_a_run(workspace: Workspace) -> None:
    assert with_progress(planned(), workspace, resume=False).notes == []
    begin(workspace, trials=2)
    (note,) = with_progress(planned(), workspace, resume=False).notes
    assert "exists already, with 2 finished trials" in note
    assert "--resume" in note


def test_going_on_with_nothing_is_noted(workspace: Workspace) -> None:
    plan = with_progress(planned(), workspace, resume=True)
    assert plan.left == 4
    (note,) = plan.notes
    assert note == (
        f"No study is named 'study' in {workspace.runs / 'optuna.db'} yet; its first trial begins "
        "it."
    )
    assert not workspace.runs.exists()


def test_other_faces_are_refused_before_a_run(workspace: Workspace) -> None:
    begin(workspace, trials=1)
    with pytest.raises(SpecError, match="has changed since study 'study' began"):
        with_progress(planned(digest="sha256:" + "b" * 64), workspace, resume=True)


def test_the_plan_as_data_counts_what_is_finished(workspace: Workspace) -> None:
    plan = dataclasses.replace(planned(), filled={"cnn": frozenset({0, 2})})
    assert plan.left_of("cnn") == [1, 3]
    assert plan.seconds == 20.0


def test_a_budget_below_what_is_done_is_noted_and_the_count_stays_true(
    workspace: Workspace,
) -> None:
    begin(workspace, trials=2)
    plan = with_progress(planned(trials=1), workspace, resume=True)
    assert (plan.left, plan.done_of("cnn")) == (0, 2)
    assert plan.notes == [
        "cnn: 2 trials are done, more than the budget of 1; all of them are kept and count."
    ]
    assert with_progress(planned(trials=2), workspace, resume=True).notes == []


def test_an_even_sample_that_was_asked_for_is_not_counted_against_the_budget(
    workspace: Workspace,
) -> None:
    begin(workspace, trials=1, importance_trials=3)
    assert with_progress(planned(trials=2), workspace, resume=True).notes == []


def test_the_hours_that_ended_attempts_took_are_spent(workspace: Workspace) -> None:
    begin(workspace, trials=2)
    engine = open_engine(workspace.storage_url(None), make_spec(4), "cnn", resume=True)
    given_up = engine.ask()
    assert given_up is not None
    engine.release(given_up.number, "interrupted")
    attempts = read_trials(workspace.storage_url(None), "study", attempts=True)
    plan = with_progress(planned(), workspace, resume=True)
    busy, added_up = plan.spent["cnn"]
    assert 0 < busy == pytest.approx(sum(record.seconds for record in attempts), abs=0.01)
    assert added_up == pytest.approx(busy)


def test_a_study_that_is_worked_on_is_not_finished(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(workspace, trials=3)
    url = workspace.storage_url(None)
    assert still_going(url, make_spec(4)) == []
    monkeypatch.setattr("hpo.search.inspection.Inspection.at_work", lambda self: True)
    (warning,) = still_going(url, make_spec(4))
    assert warning.startswith("Warning: the study is not finished (3 of 4 trials)")


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (
            {"device_hours": 1e-9},
            "The budget of 1e-09 device-hours per architecture is spent (cnn ",
        ),
        (
            {"epochs": 7},
            "The budget of 7 epochs per architecture is spent (cnn 6, and another trial's do not "
            "fit): no more trials are begun.",
        ),
        ({"device_hours": 100.0}, ""),
    ],
)
def test_a_study_that_ends_by_another_limit_than_its_trials_says_so(
    limit: dict[str, float], said: str, workspace: Workspace
) -> None:
    workspace.ensure(workspace.runs)
    spec = make_spec(budget=limit)
    # Each trial takes a little longer than the limit of time.
    run(open_engine(workspace.storage_url(None), spec, "cnn"), spec, at_most=2)
    found = limits_reached(spec, read_trials(workspace.storage_url(None), "study", attempts=True))
    assert [line[: len(said)] for line in found] == ([said] if said else [])


def test_a_study_that_has_all_its_trials_ended_by_no_other_limit(workspace: Workspace) -> None:
    workspace.ensure(workspace.runs)
    spec = make_spec(budget={"trials": 2, "epochs": 6})
    run(open_engine(workspace.storage_url(None), spec, "cnn"), spec)
    trials = read_trials(workspace.storage_url(None), "study", attempts=True)
    assert len(trials) == 2
    assert limits_reached(spec, trials) == []
