import pytest

from hpo.search.options import OPTIONS, stated
from hpo.spec.catalogue import CATALOGUE
from hpo.spec.errors import SpecError


@pytest.mark.parametrize("kind", ["sampler", "pruner", "engine"])
def test_every_plug_in_of_the_catalogue_states_its_options(kind: str) -> None:
    assert set(OPTIONS[kind]) == set(CATALOGUE[kind])


def test_what_is_recorded_holds_every_default() -> None:
    assert stated("sampler", "tpe", {"n_startup_trials": 3}) == {
        "n_startup_trials": 3,
        "multivariate": True,
        "group": True,
        "constant_liar": True,
        "n_ei_candidates": 24,
    }


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(SpecError, match=r"no option 'startup_trails'.*'startup_trials'\?"):
        stated("pruner", "median", {"startup_trails": 1})


@pytest.mark.parametrize(
    ("kind", "name", "options", "message"),
    [
        ("pruner", "threshold", {}, "threshold needs a bound"),
        ("pruner", "threshold", {"lower": float("nan")}, "takes a finite number"),
        ("pruner", "threshold", {"lower": 2, "upper": 1}, "lower lies above upper"),
        ("pruner", "hyperband", {"min_epochs": 9, "max_epochs": 3}, "lies below min_epochs"),
        ("sampler", "tpe", {"multivariate": False}, "group needs multivariate"),
        ("sampler", "cmaes", {"with_margin": True, "lr_adapt": True}, "exclude each other"),
        (
            "pruner",
            "median",
            {"patience": -1},
            r"^pruner\.patience: the pruner's option 'patience' must be at least 0\. Got -1\.$",
        ),
        ("sampler", "random", {"seed": 3}, "this sampler has no options. Got 'seed'"),
    ],
)
def test_wrong_options_are_refused(
    kind: str, name: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        stated(kind, name, options)


def test_options_of_a_users_own_plug_in_are_left_to_it() -> None:
    assert stated("sampler", "mine.sampling:make", {"anything": 1}) == {"anything": 1}
