from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import FrozenTrial, TrialState, create_trial

from hpo.search import trials as stored
from hpo.search.budgets import busy_seconds, time_is_up
from hpo.spec.sections import BudgetSpec

NOON = datetime(2026, 1, 1, 12)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def ran(start: float, end: float) -> FrozenTrial:
    trial = create_trial(state=TrialState.COMPLETE, value=0.5)
    trial.datetime_start = at(start)
    trial.datetime_complete = at(end)
    return trial


def running(start: float) -> object:
    trial = create_trial(state=TrialState.RUNNING)
    trial.datetime_start = at(start)
    return trial


def is_up(now: float, *trials: object, **budget: float) -> bool:
    moment = at(now).timestamp()
    return time_is_up(BudgetSpec(**budget), trials, moment)  # type: ignore[arg-type]


def test_hours_count_while_anything_ran_and_not_the_night_between() -> None:
    trials = [ran(0, 1), ran(0.5, 1.5), ran(10, 10.4)]
    assert not is_up(11, *trials, hours=2.0)
    assert is_up(11, *trials, hours=1.9)


def test_device_hours_add_up_over_trials_at_once() -> None:
    trials = [ran(0, 1), ran(0, 1)]
    assert is_up(1, *trials, device_hours=2.0)
    assert not is_up(1, *trials, hours=2.0)


def test_a_running_trial_counts_to_now() -> None:
    assert not is_up(0.9, running(0), hours=1.0)
    assert is_up(1.0, running(0), hours=1.0)


def test_a_trial_counts_until_its_last_sign_of_life_whenever_it_was_found() -> None:
    lost = ran(0, 20)
    lost.user_attrs = {stored.STARTED: at(0).timestamp(), stored.ENDED: at(0.5).timestamp()}
    assert not is_up(20, lost, hours=0.6, device_hours=0.6)
    assert is_up(20, lost, hours=0.5)


def test_without_a_limit_of_time_time_is_never_up() -> None:
    assert not is_up(10_000, running(0), trials=3)


def test_another_limit_alone_leaves_the_trials_open() -> None:
    assert BudgetSpec(hours=1.0).trials == 1000
    assert BudgetSpec(hours=1.0, trials=5).trials == 5
    assert BudgetSpec().trials == 20


moments = st.integers(0, 50).map(lambda minutes: 60.0 * minutes)


@given(st.lists(st.tuples(moments, moments).map(lambda pair: (min(pair), max(pair)))))
def test_busy_seconds_count_each_minute_once(spans: list[tuple[float, float]]) -> None:
    minutes = {minute for minute in range(50) for start, end in spans if start <= 60 * minute < end}
    assert busy_seconds(spans) == 60 * len(minutes)
