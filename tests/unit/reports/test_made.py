"""How a study was made, told for each architecture where its own settings differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hpo.reports.compute import compute
from hpo.reports.made import made_list
from hpo.reports.sentences import counted_trials, span
from hpo.reports.tables import fact_list
from hpo.spec.records import TrialRecord


def test_an_architecture_tells_its_own_trials_and_faces(
    one_trial: Callable[..., TrialRecord], spec: dict[str, Any]
) -> None:
    spec["budget"] = {"trials": 6}
    spec["data"] = {"dataset": "fer2013", "train_limit": 3000, "validation_limit": None}
    own = {"trials": 8, "train_limit": 6000, "enqueue": ["thesis", {"dropout": 0.3}]}
    spec["architectures"] = {
        "cnn": {"architecture": "cnn", **own},
        "xception": {"architecture": "xception", "weights": "none", "fixed": {"input_size": 71}},
    }
    made = dict(made_list(compute([one_trial()], spec, n_bootstrap=0)))
    assert made["Asked of cnn"] == (
        "8 trials; 6,000 training faces at most; tried first: the thesis's configuration "
        "and 1 written by hand"
    )
    assert made["Asked of xception"] == (
        "6 trials; 3,000 training faces at most; weights none; fixed input_size = 71"
    )
    assert made["Data"] == "fer2013, the whole validation split"
    assert "Budget" not in made
    spec["data"]["leakage"] = "drop"
    made = dict(made_list(compute([one_trial()], spec, n_bootstrap=0)))
    assert made["Data"].endswith(", training without duplicates of held-out faces")


def test_a_budget_of_time_is_told_without_trials_that_nobody_asked_for(
    one_trial: Callable[..., TrialRecord], spec: dict[str, Any]
) -> None:
    spec["architectures"] = {
        "cnn": {"architecture": "cnn"},
        "xception": {"architecture": "xception", "trials": 8},
    }
    spec["budget"] = {"trials": 1000, "device_hours": 0.03}
    made = dict(made_list(compute([one_trial()], spec, n_bootstrap=0)))
    assert made["Asked of cnn"].startswith("0.03 device-hours; ")
    said = "8 trials or 0.03 device-hours, whichever comes first; "
    assert made["Asked of xception"].startswith(said)


def test_trials_for_importance_are_told_beyond_the_budget(
    one_trial: Callable[..., TrialRecord], spec: dict[str, Any]
) -> None:
    spec["architectures"] = {"cnn": {"architecture": "cnn"}}

    def asked(extra: int) -> str:
        spec["budget"] = {"trials": 4, "importance_trials": extra}
        return dict(made_list(compute([one_trial()], spec, n_bootstrap=0)))["Asked of cnn"]

    assert asked(10).startswith("4 trials; beyond that 10 trials of an even sample; ")
    assert asked(1).startswith("4 trials; beyond that 1 trial of an even sample; ")
    assert "beyond" not in asked(0)


def test_a_study_that_says_nothing_of_itself_is_told_as_far_as_it_goes(
    one_trial: Callable[..., TrialRecord],
) -> None:
    made = dict(made_list(compute([one_trial()], {"name": "demo"}, n_bootstrap=0)))
    assert made["Asked of cnn"] == "all training faces"
    assert made["Best of cnn"].startswith("trial 0, drawn by the sampler: ")


def test_times_are_told_to_the_minute_and_the_day_once(
    one_trial: Callable[..., TrialRecord],
) -> None:
    data = compute([one_trial(number=0), one_trial(number=70)], {"name": "demo"}, n_bootstrap=0)
    assert dict(made_list(data))["Ran"] == "2026-03-01 00:00 to 01:10 UTC"
    over_night = span("2026-03-01T23:59:30.123+00:00", "2026-03-02T00:10:01.456+00:00")
    assert over_night == "2026-03-01 23:59 to 2026-03-02 00:10 UTC"


def test_trials_that_are_all_alike_are_counted_once(
    one_trial: Callable[..., TrialRecord],
) -> None:
    data = compute([one_trial(number=k) for k in range(9)], {"name": "demo"}, n_bootstrap=0)
    assert fact_list(data)[0] == ("complete trials", "9")
    assert data.summary[0].startswith("The best of 9 complete trials is trial ")
    mixed = {"complete": 7, "pruned": 2, "failed": 0}
    assert counted_trials(mixed, " so far") == "9 trials so far (7 complete, 2 pruned)"
    assert counted_trials({"complete": 1}) == "1 complete trial"
    assert fact_list(compute([], {"name": "demo"}, n_bootstrap=0))[0] == ("trials yet", "no")


def test_rungs_are_told_in_place_of_a_pruner(
    one_trial: Callable[..., TrialRecord], spec: dict[str, Any]
) -> None:
    spec["pruner"] = {"name": "none"}
    spec["fidelity"] = {"name": "successive_halving", "reduction_factor": 2}
    spec["architectures"] = {
        "cnn": {"architecture": "cnn", "fixed": {"epochs": 4}},
        "xception": {"architecture": "xception", "fixed": {"epochs": 4}},
    }
    made = dict(made_list(compute([one_trial()], spec, n_bootstrap=0)))
    assert made["Rungs"] == (
        "successive halving, one of 2 goes on, rungs at 1, 2 and 4 epochs, all go on where the "
        "ranks correlate by less than 0.5"
    )
    assert "Pruner" not in made
    spec["architectures"]["xception"]["fixed"] = {"epochs": 2}
    spec["fidelity"] = {"name": "first_epoch", "keep": 2}
    made = dict(made_list(compute([one_trial()], spec, n_bootstrap=0)))
    assert made["Rungs"] == (
        "first epoch, the best 2 go on, rungs at 1 and 4 epochs for cnn, "
        "rungs at 1 and 2 epochs for xception, all go on where the ranks correlate by less than 0.5"
    )
