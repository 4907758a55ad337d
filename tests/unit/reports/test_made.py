"""How a study was made, told for each architecture where its own settings differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hpo.reports.compute import compute
from hpo.reports.made import made_list
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
        "8 trials; 6,000 training faces at most; tried first: the thesis's configuration and "
        "1 written by hand"
    )
    assert made["Asked of xception"] == (
        "6 trials; 3,000 training faces at most; weights none; fixed input_size = 71"
    )
    assert made["Data"] == "fer2013, the whole validation split"
    assert "Budget" not in made


def test_a_study_that_says_nothing_of_itself_is_told_as_far_as_it_goes(
    one_trial: Callable[..., TrialRecord],
) -> None:
    made = dict(made_list(compute([one_trial()], {"name": "demo"}, n_bootstrap=0)))
    assert made["Asked of cnn"] == "all training faces"
    assert made["Best of cnn"].startswith("trial 0, drawn by the sampler: ")
