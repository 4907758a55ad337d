"""How served runs of a confirmation are called, and what is to be expected of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hpo.registry.models import Origin, over_seeds_of, who_of
from hpo.spec.confirmation import trial_title
from hpo.spec.records import TrialRecord
from hpo.spec.reruns import expected_of, who_serves


def run(number: int, seed: int, mean: float) -> dict[str, Any]:
    return {
        "of": f"cnn #{number}", "seed": seed, "seeds": 5, "mean": mean, "low": mean - 0.01,
        "high": mean + 0.01,
    }  # fmt: skip


STANDING = {
    "objective": "val_accuracy",
    "level": 0.95,
    "runs": {"cnn-7/2": run(7, 3, 0.6), "cnn-3/4": run(3, 2, 0.5)},
}


def test_a_trial_has_one_name() -> None:
    assert trial_title("cnn", 7, 3, "sampler") == "cnn #7"
    assert trial_title("cnn-two-7", 4, 2, "confirmation") == "cnn-two #7 seed 3"
    rerun = TrialRecord("s.confirmation", "cnn-7", 4, "complete", 0.5, {}, {}, slot=2)
    assert rerun.title == "cnn-7 #4", "a single run there is none of its seeds"
    assert replace(rerun, origin="confirmation").title == "cnn #7 seed 3"
    # As versions are called that a confirmation's run is registered as.
    assert who_serves("s.confirmation", "cnn-7", 2, standing=STANDING) == "cnn #7 seed 3"


def test_trials_of_a_search_are_called_as_ever() -> None:
    assert who_serves("thesis", "cnn", 7) == "cnn #7"
    assert who_serves("thesis", "cnn-2", 7) == "cnn-2 #7"
    assert who_serves("thesis", "cnn", 7, ("cnn/7", "cnn/1")) == "mean of cnn #7, cnn #1"
    assert expected_of({}) == ""


def test_runs_of_a_confirmation_are_called_by_configuration_and_seed() -> None:
    study = "thesis.confirmation"
    assert who_serves(study, "cnn-7", 2, standing=STANDING) == "cnn #7 seed 3"
    members = ("cnn-7/2", "cnn-3/4", "cnn/0")
    assert who_serves(study, "cnn-7", 2, members, STANDING) == (
        "mean of cnn #7 seed 3, cnn #3 seed 2, cnn #0 of the search"
    )
    # Of a version that was registered before seeds were noted.
    assert who_serves(study, "cnn-7", 2) == "cnn #7 over seeds (run 2)"
    assert who_serves(study, "cnn-7", 2, members) == (
        "mean of cnn #7 over seeds (run 2), cnn #3 over seeds (run 4), cnn #0 of the search"
    )


def test_the_mean_over_seeds_is_what_to_expect() -> None:
    one = {**STANDING, "runs": {"cnn-7/2": run(7, 3, 0.6)}}
    assert expected_of(one) == (
        "val_accuracy, mean over seeds (95 % bootstrap interval): cnn #7 0.6000 [0.5900, 0.6100] "
        "of 5 seeds. That is what to expect; its own figures are of seed 3, the best on "
        "validation, and optimistic."
    )
    assert expected_of(STANDING, ensemble=True).endswith("figures on them are optimistic.")
    assert "cnn #3 0.5000 [0.4900, 0.5100] of 5 seeds. Of each it is the run with" in expected_of(
        STANDING, ensemble=True
    )


def test_a_version_keeps_what_was_known_when_it_was_registered() -> None:
    origin = Origin(
        "thesis.confirmation", "cnn-7", 2, "run", "sha", ("happy",), "digest",
        members=("cnn-7/2", "cnn-3/4"), over_seeds=STANDING,
    )  # fmt: skip
    assert over_seeds_of(origin.tags()) == STANDING
    assert who_of(origin.tags()) == "mean of cnn #7 seed 3, cnn #3 seed 2"
    assert origin.description().startswith(
        "Mean of cnn #7 seed 3, cnn #3 seed 2 in study thesis.confirmation. val_accuracy, mean over"
    )
    many = {**STANDING, "runs": {f"cnn-7/{k}": run(7, k, 0.6) for k in range(100)}}
    long = Origin("s", "cnn", 0, "run", "sha", ("happy",), "digest", over_seeds=many)
    assert over_seeds_of(long.tags()) == {}, "MLflow would refuse it"
