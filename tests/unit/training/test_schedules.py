from __future__ import annotations

import json
from typing import Any

import pytest

from hpo.training.parameters import TrainingParameters
from hpo.training.schedules import Patience, RateSchedule


def schedule(steps_per_epoch: int = 10, **parameters: Any) -> RateSchedule:
    return RateSchedule(TrainingParameters(**parameters), steps_per_epoch)


def test_constant_stays() -> None:
    rates = schedule(schedule="constant", learning_rate=0.5, epochs=3)
    assert {rates.rate(step) for step in range(30)} == {0.5}


def test_cosine_falls_from_the_peak_to_nothing_through_the_half() -> None:
    rates = schedule(schedule="cosine", learning_rate=1.0, epochs=10)
    assert rates.rate(0) == 1.0
    assert rates.rate(50) == pytest.approx(0.5)
    assert rates.rate(99) == pytest.approx(0.0, abs=3e-4)  # cos(0.99 π) is 2.5e-4 from its end
    falling = [rates.rate(step) for step in range(100)]
    assert falling == sorted(falling, reverse=True)


def test_one_cycle_peaks_at_thirty_percent() -> None:
    rates = schedule(schedule="one_cycle", learning_rate=1.0, epochs=10)
    course = [rates.rate(step) for step in range(100)]
    assert course[0] == pytest.approx(1 / 25)
    assert max(course) == course[30] == pytest.approx(1.0)
    assert course[-1] < 0.01


def test_warm_up_rises_in_equal_steps_to_the_peak() -> None:
    rates = schedule(schedule="plateau", learning_rate=1.0, epochs=10, warmup_fraction=0.05)
    assert [rates.rate(step) for step in range(6)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])


def test_plateau_lowers_after_its_patience_and_not_below_its_minimum() -> None:
    rates = schedule(
        schedule="plateau",
        learning_rate=1e-3,
        plateau_factor=0.2,
        plateau_patience=2,
        plateau_minimum=1e-4,
    )
    losses = [1.0, 0.9, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95]
    course = []
    for loss in losses:
        rates.end_epoch({"val_loss": loss})
        course.append(rates.rate(0))
    assert course == pytest.approx([1e-3] * 3 + [2e-4] * 2 + [1e-4] * 3)


def test_plateau_leaves_a_rate_that_is_under_its_minimum_already() -> None:
    rates = schedule(learning_rate=1e-5, plateau_patience=1, plateau_minimum=5e-5)
    for _ in range(5):
        rates.end_epoch({"val_loss": 1.0})
    assert rates.rate(0) == 1e-5


def test_unfreezing_lowers_all_rates_from_then_on() -> None:
    rates = schedule(schedule="constant", learning_rate=1e-3)
    rates.unfreeze(0.1)
    assert rates.rate(0) == pytest.approx(1e-4)


def test_patience_counts_epochs_without_improvement_in_the_right_direction() -> None:
    up = Patience("val_accuracy", 2)
    assert [up.exhausted(v) for v in (0.5, 0.6, 0.6, 0.55)] == [False, False, False, True]
    down = Patience("val_loss", 2)
    assert [down.exhausted(v) for v in (2.0, 1.0, 1.5, 0.9, 1.0, 1.0)] == [False] * 5 + [True]


@pytest.mark.parametrize("interrupted_after", [1, 2, 3, 4, 5])
def test_a_restored_schedule_and_patience_go_on_as_they_would_have(interrupted_after: int) -> None:
    options: dict[str, Any] = {"learning_rate": 1e-3, "plateau_patience": 2, "plateau_factor": 0.3}
    losses = [1.0, 0.9, 0.95, 0.95, 0.95, 0.8, 0.85, 0.85, 0.85]

    def course(interrupted: bool) -> list[tuple[float, bool]]:
        rates, patience = schedule(**options), Patience("val_loss", 3)
        seen = []
        for epoch, loss in enumerate(losses, start=1):
            rates.end_epoch({"val_loss": loss})
            if epoch == 2:
                rates.unfreeze(0.1)
            seen.append((rates.rate(0), patience.exhausted(loss)))
            if interrupted and epoch == interrupted_after:
                # As it comes back from a file.
                stored = json.loads(json.dumps([rates.state(), patience.state()]))
                rates, patience = schedule(**options), Patience("val_loss", 3)
                rates.restore(stored[0])
                patience.restore(stored[1])
        return seen

    uninterrupted = course(False)
    assert course(True) == uninterrupted
    assert any(over for _, over in uninterrupted)
    assert len({rate for rate, _ in uninterrupted}) > 2


def rates(last: int, rungs: tuple[int, ...] = (), **parameters: Any) -> list[float]:
    training = TrainingParameters(epochs=last, learning_rate=1.0, **parameters)
    made = RateSchedule(training, 10, rungs)
    return [made.rate(step) for step in range(10 * last)]


@pytest.mark.parametrize("kind", ["cosine", "one_cycle"])
def test_a_schedule_with_a_horizon_runs_once_per_rung(kind: str) -> None:
    chain = rates(6, (1, 3), schedule=kind)
    assert chain[:10] == rates(1, schedule=kind)
    assert chain[10:30] == rates(2, schedule=kind), "over the epochs that the rung adds"
    assert chain[30:] == rates(3, schedule=kind)


@pytest.mark.parametrize("kind", ["cosine", "one_cycle", "constant", "plateau"])
def test_a_rung_begins_as_the_longer_trial_does(kind: str) -> None:
    # So that the state of the one is a state of the other.
    whole = rates(6, (1, 3), schedule=kind, warmup_fraction=0.0 if kind == "one_cycle" else 0.2)
    for last, rungs in ((1, ()), (3, (1,))):
        part = rates(
            last, rungs, schedule=kind, warmup_fraction=0.0 if kind == "one_cycle" else 0.2
        )
        assert whole[: 10 * last] == part


def test_a_schedule_without_a_horizon_warms_up_once() -> None:
    chain = rates(4, (2,), schedule="constant", warmup_fraction=0.5)
    assert chain[:10] == pytest.approx([(k + 1) / 10 for k in range(10)])
    assert set(chain[10:]) == {1.0}
