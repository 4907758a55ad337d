import subprocess
import sys
from typing import Any

import pytest

from hpo.search.compatibility import check_compatibility
from hpo.search.configurations import Enqueued
from hpo.search.oracles import oracle_name
from hpo.spec.errors import SpecError
from hpo.spec.study import StudySpec
from tests.unit.search.analytic import make_spec

EPOCHS = {"epochs": {"type": "int", "low": 2, "high": 9}}


def schedule(value: str, *, searched: bool) -> dict[str, Any]:
    if searched:
        choices = ["plateau", value]
        return {"space": {"schedule": {"type": "categorical", "choices": choices}}}
    return {"fixed": {"schedule": value, "epochs": 5}}


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
@pytest.mark.parametrize("value", ["cosine", "one_cycle"])
@pytest.mark.parametrize("searched", [True, False])
def test_a_horizon_schedule_under_a_comparing_pruner_is_refused(
    pruner: str, value: str, searched: bool
) -> None:
    spec = make_spec(pruner=pruner, architecture=schedule(value, searched=searched))
    with pytest.raises(SpecError, match=r"exclude each other: its rate at an epoch depends"):
        check_compatibility(spec)


@pytest.mark.parametrize("pruner", ["none", {"name": "threshold", "lower": 0.2}])
def test_a_horizon_schedule_goes_with_pruners_that_compare_nothing(pruner: object) -> None:
    spec = make_spec(pruner=pruner, architecture=schedule("cosine", searched=True))
    assert check_compatibility(spec) == []


def test_an_enqueued_or_default_horizon_schedule_is_seen_too() -> None:
    enqueued = make_spec(pruner="median", architecture={"enqueue": [{"schedule": "cosine"}]})
    with pytest.raises(SpecError, match="'cosine'"):
        check_compatibility(enqueued)
    with pytest.raises(SpecError, match="'cosine'"):
        check_compatibility(make_spec(pruner="median"), {"cnn": {"schedule": "cosine"}})


def test_a_default_that_only_some_trials_take_is_seen_too() -> None:
    choices = {"type": "categorical", "choices": ["plateau"], "when": {"optimizer": "sgd"}}
    optimizer = {"type": "categorical", "choices": ["adam", "sgd"]}
    architecture = {"space": {"optimizer": optimizer, "schedule": choices}}
    spec = make_spec(pruner="median", architecture=architecture)
    assert check_compatibility(spec, {"cnn": {"schedule": "plateau"}}) == []
    with pytest.raises(SpecError, match="'cosine' by the architecture's own default"):
        check_compatibility(spec, {"cnn": {"schedule": "cosine"}})


HYPERBANDS: list[dict[str, Any]] = [
    {"pruner": "hyperband"},
    {"engine": {"name": "keras-tuner", "oracle": "hyperband"}},
]


@pytest.mark.parametrize("change", HYPERBANDS)
def test_enqueued_epochs_under_hyperband_are_refused(change: dict[str, Any]) -> None:
    architecture = {"enqueue": [{"optimizer": "sgd"}, {"epochs": 9}], "fixed": {"epochs": 3}}
    spec = make_spec(architecture=architecture, **change)
    with pytest.raises(SpecError, match="cannot bring its own") as caught:
        check_compatibility(spec)
    assert caught.value.where == "architectures.cnn.enqueue"
    assert caught.value.got == "epochs: 9"
    same = {**architecture, "enqueue": [{"epochs": 3}]}
    check_compatibility(make_spec(architecture=same, **change))
    check_compatibility(make_spec(architecture=architecture, pruner="none"))


def test_the_thesiss_epochs_under_hyperband_warn() -> None:
    thesis = {"cnn": [Enqueued({}, {"epochs": 100}, "thesis")]}
    free = make_spec(pruner="hyperband", architecture={"fixed": {}})
    (warning,) = check_compatibility(free, first=thesis)
    assert "brings its own 100 epochs" in warning
    assert check_compatibility(free, {"cnn": {"epochs": 100}}, thesis) == []


def test_nobody_is_told_to_lower_what_nobody_has_written() -> None:
    spec = make_spec(3)
    data = {k: v for k, v in spec.to_plain().items() if k != "pruner"}
    assert check_compatibility(StudySpec.model_validate(data)) == []
    data["pruner"] = "median"
    assert len(check_compatibility(StudySpec.model_validate(data))) == 1


def test_searched_epochs_with_plateau_and_median_are_allowed() -> None:
    architecture = {"space": EPOCHS, "fixed": {"schedule": "plateau"}}
    assert check_compatibility(make_spec(pruner="median", architecture=architecture)) == []


@pytest.mark.parametrize("change", HYPERBANDS)
def test_searched_epochs_under_hyperband_are_refused(change: dict[str, Any]) -> None:
    spec = make_spec(architecture={"space": EPOCHS, "fixed": {}}, **change)
    with pytest.raises(SpecError, match=r"epochs.*cannot be searched"):
        check_compatibility(spec)


def test_a_grid_over_a_float_without_steps_is_refused() -> None:
    with pytest.raises(SpecError, match=r"space\.learning_rate: a grid needs steps"):
        check_compatibility(make_spec(sampler="grid"))


def test_a_grid_says_how_much_of_it_the_budget_covers() -> None:
    space = {"layers": {"type": "int", "low": 1, "high": 5}}
    architecture = {"space": space}
    assert (
        "ends after 5 of 8"
        in check_compatibility(make_spec(8, sampler="grid", architecture=architecture))[0]
    )
    assert (
        "covers 3 of the grid's 5"
        in check_compatibility(make_spec(3, sampler="grid", architecture=architecture))[0]
    )


def test_a_thesis_that_there_is_none_of_takes_no_place_of_a_grid() -> None:
    space = {"layers": {"type": "int", "low": 1, "high": 5}}
    architecture = {"space": space, "enqueue": ["thesis", {"layers": 2}]}
    spec = make_spec(5, sampler="grid", architecture=architecture)
    of_file, thesis = Enqueued({"layers": 2}), Enqueued({"layers": 5}, {}, "thesis")
    (without,) = check_compatibility(spec, first={"cnn": [of_file]})
    assert "covers 4 of the grid's 5" in without
    (beside,) = check_compatibility(spec, first={"cnn": [thesis, of_file]})
    assert "covers 3 of the grid's 5" in beside


def test_a_grid_too_large_to_list_is_refused() -> None:
    space = {f"p{i}": {"type": "int", "low": 1, "high": 100} for i in range(3)}
    with pytest.raises(SpecError, match="more than 100,000"):
        check_compatibility(make_spec(sampler="grid", architecture={"space": space}))


def test_cmaes_warns_of_what_it_draws_at_random() -> None:
    (warning,) = check_compatibility(make_spec(sampler="cmaes"))
    assert "optimizer, momentum will be drawn at random" in warning


def test_a_median_pruner_that_can_never_fire_warns() -> None:
    (waits,) = check_compatibility(make_spec(5, pruner="median"))
    assert "waits for 5 completed trials" in waits
    late = {"name": "median", "startup_trials": 1, "patience": 2}
    (looks,) = check_compatibility(make_spec(5, pruner=late))
    assert "first looks after epoch 3" in looks


@pytest.mark.parametrize(
    ("study", "oracle"),
    [
        ({"engine": "keras-tuner"}, "bayesian"),
        ({"engine": "keras-tuner", "sampler": "random"}, "random"),
        ({"engine": {"name": "keras-tuner", "oracle": "random"}}, "random"),
        ({"engine": {"name": "keras-tuner", "oracle": "random"}, "sampler": "random"}, "random"),
        ({"engine": {"name": "keras-tuner", "max_epochs": 9}, "sampler": "hyperband"}, "hyperband"),
    ],
)
def test_keras_tuners_sampler_is_its_oracle(study: dict[str, Any], oracle: str) -> None:
    spec = make_spec(**study)
    assert check_compatibility(spec) == []
    assert oracle_name(spec) == spec.sampler.name == oracle


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "grid", "qmc", "bayesain"])
def test_a_sampler_that_keras_tuner_does_not_have_is_refused(sampler: str) -> None:
    with pytest.raises(SpecError, match=f"no sampler '{sampler}'") as caught:
        check_compatibility(make_spec(engine="keras-tuner", sampler=sampler))
    assert caught.value.where == "sampler"
    assert caught.value.expected == "one of random, bayesian, hyperband"
    assert str(caught.value).count("random") == 1, "the names stand once"


@pytest.mark.parametrize(
    ("study", "message"),
    [
        (
            {"engine": {"name": "keras-tuner", "oracle": "random"}, "sampler": "bayesian"},
            "oracle is 'random' and the sampler 'bayesian'",
        ),
        (
            {"engine": "keras-tuner", "sampler": {"name": "bayesian", "beta": 3}},
            "stand beside the engine's name. Got beta",
        ),
        (
            {"engine": {"name": "keras-tuner", "factor": 4}},
            r"bayesian oracle has no option 'factor'; hyperband has",
        ),
        (
            {"engine": {"name": "keras-tuner", "beta": 3}, "sampler": "random"},
            r"random oracle has no option 'beta'; bayesian has",
        ),
        ({"engine": {"name": "keras-tuner", "oracle": 5}}, "takes 'random', 'bayesian' or"),
        ({"engine": {"name": "keras-tuner", "oracle": "tpe"}}, "takes 'random', 'bayesian' or"),
    ],
)
def test_what_keras_tuner_would_pass_over_is_refused(study: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        check_compatibility(make_spec(**study))


@pytest.mark.parametrize(
    ("metric", "pruner", "message"),
    [
        ("val_accuracy", {"lower": 60}, r"pruner\.lower: .*Expected a share.*got 60.*Write 0\.6"),
        ("val_accuracy", {"upper": -1}, r"pruner\.upper: .*Expected a share"),
        ("val_loss", {"upper": -0.5}, r"pruner\.upper: .*where val_loss never is"),
    ],
)
def test_bounds_that_every_trial_breaks_are_refused(
    metric: str, pruner: dict[str, float], message: str
) -> None:
    spec = make_spec(pruner={"name": "threshold", **pruner}, objective={"metric": metric})
    with pytest.raises(SpecError, match=message):
        check_compatibility(spec)


def test_bounds_that_trials_may_keep_are_allowed() -> None:
    loss = {"name": "threshold", "upper": 3.0}
    assert check_compatibility(make_spec(pruner=loss, objective={"metric": "val_loss"})) == []
    assert check_compatibility(make_spec(pruner={"name": "threshold", "lower": 0.2})) == []


@pytest.mark.parametrize(
    "pruner",
    [
        {"name": "hyperband", "min_epochs": 3},
        {"name": "threshold", "lower": 0.2, "warmup_epochs": 2},
    ],
)
def test_a_pruner_that_looks_after_the_last_epoch_warns(pruner: dict[str, Any]) -> None:
    (warning,) = check_compatibility(make_spec(pruner=pruner))
    assert "first looks after epoch 3 and trials have 3, so it saves nothing" in warning


def test_keras_tuners_hyperband_needs_a_number_of_epochs() -> None:
    engine = {"name": "keras-tuner", "oracle": "hyperband"}
    with pytest.raises(SpecError, match="how many epochs"):
        check_compatibility(make_spec(engine=engine, architecture={"fixed": {}}))


def test_judging_a_study_file_loads_no_search_library() -> None:
    code = (
        "import sys, hpo.search.compatibility, hpo.search.samplers, hpo.search.pruners\n"
        "assert not {'optuna', 'keras_tuner', 'keras', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def rungs(**changes: Any) -> StudySpec:
    section = {"fixed": {"epochs": 9}, **changes.pop("architecture", {})}
    given = {"fidelity": "successive_halving", **changes}
    return make_spec(9, architecture=section, **given)


def test_rungs_go_with_schedules_that_have_a_horizon() -> None:
    spec = rungs(architecture={"fixed": {"epochs": 9, "schedule": "cosine"}})
    assert check_compatibility(spec) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pruner": "median"}, "a pruner and rungs exclude each other"),
        ({"engine": "keras-tuner"}, "does not take configurations from rung to rung"),
        ({"architecture": {"fixed": {}, "space": EPOCHS}}, "cannot be searched too"),
        ({"architecture": {"enqueue": [{"layers": 2, "epochs": 4}]}}, "cannot bring its own"),
        ({"fidelity": {"name": "hyperband", "rungs": [1, 4]}}, "Expected 4; got 9"),
        ({"architecture": {"fixed": {"epochs": 2}}}, "has one rung, at 2 epochs"),
        (
            {"architecture": {"fixed": {"epochs": 9, "head_epochs": 1}}},
            "must end before the first rung.*fewer than 1",
        ),
    ],
)
def test_what_does_not_go_with_rungs_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        check_compatibility(rungs(**changes))


def test_too_few_configurations_for_the_rungs_are_told() -> None:
    spec = rungs(architecture={"fixed": {"epochs": 27}})
    (warning,) = check_compatibility(spec)
    assert "9 configurations are few for rungs at 1, 3, 9, 27 epochs; 27 lead one" in warning
    (warning,) = check_compatibility(rungs(fidelity={"name": "first_epoch", "keep": 9}))
    assert "so it stops none" in warning
