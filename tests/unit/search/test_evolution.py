"""A study whose space grows: its trials, numbers and budget stay, and the sampler goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpo.search.next_version import evolve_study
from hpo.search.studies import check_study, read_spec, read_trials
from hpo.spec.errors import InputError, SpecError
from hpo.spec.study import StudySpec
from tests.unit.search.analytic import SPACE, choices, copied, make_spec, open_it, run

WIDER: dict[str, Any] = {
    **SPACE,
    "optimizer": {"type": "categorical", "choices": ["lion", "sgd", "adam"]},
    "learning_rate": {**SPACE["learning_rate"], "high": 1.0},
    "nesterov": {"type": "categorical", "choices": [True, False], "when": {"optimizer": "lion"}},
    "epochs": {"type": "int", "low": 2, "high": 5},
}
TPE = {"name": "tpe", "n_startup_trials": 3}


@pytest.fixture
def database(tmp_path: Path, made_database: Path) -> Callable[[], str]:
    """Return a function that makes another empty database at each call."""
    made: list[Path] = []

    def make() -> str:
        made.append(tmp_path / str(len(made)))
        made[-1].mkdir()
        return copied(made_database, made[-1])

    return make


def spec_of(trials: int, *, wider: bool = False, **changes: Any) -> StudySpec:
    section = {"space": WIDER, "fixed": {}} if wider else {}
    return make_spec(trials, **{"sampler": TPE, "architecture": section, **changes})


def begun(url: str, trials: int = 6, **changes: Any) -> list[Any]:
    spec = spec_of(trials, **changes)
    run(open_it(url, spec), spec)
    return read_trials(url, "study")


def test_what_was_run_stays_as_it_was(storage_url: str) -> None:
    before = begun(storage_url)
    wider = spec_of(10, wider=True)
    (line,) = evolve_study(storage_url, wider)
    assert line.startswith("cnn: version 2 of the space adds")
    assert read_trials(storage_url, "study") == before, "nothing of a trial changes"
    proposals = run(open_it(storage_url, wider, resume=True), wider)
    assert [p.slot for p in proposals] == [6, 7, 8, 9], "trials that were done count"
    after = read_trials(storage_url, "study")
    assert after[:6] == before
    assert [r.space_version for r in after] == [1] * 6 + [2] * 4
    assert list(after[0].space["optimizer"]["choices"]) == ["adam", "sgd"]
    assert list(after[9].space["optimizer"]["choices"]) == ["adam", "sgd", "lion"]
    assert all("epochs" in r.searched for r in after[6:])
    assert read_spec(storage_url, "study").architectures["cnn"].fixed == {}
    assert evolve_study(storage_url, wider) == [], "once is enough"


@pytest.mark.parametrize("sampler", [TPE, "qmc"], ids=["tpe", "qmc"])
def test_a_study_that_grew_and_was_cut_off_goes_on_as_one_that_was_not(
    database: Callable[[], str], sampler: Any
) -> None:
    found = []
    for cuts in ([4], [1, 3]):
        url = database()
        begun(url, 4, sampler=sampler)
        wider = spec_of(8, wider=True, sampler=sampler)
        evolve_study(url, wider)
        proposals: list[Any] = []
        for cut in cuts:
            engine = open_it(url, wider, resume=True)
            proposals += run(engine, wider, at_most=cut)
            assert engine.ask() is not None or cut == cuts[-1], "left as by a kill"
        found.append(choices(proposals))
    assert found[0] == found[1]


def test_the_sampler_sees_earlier_trials_with_what_they_had(storage_url: str) -> None:
    begun(storage_url)
    wider = spec_of(10, wider=True)
    evolve_study(storage_url, wider)
    engine: Any = open_it(storage_url, wider, resume=True)
    shown = engine._attempts.by_slot()
    assert {t.params["epochs"] for t in shown.values()} == {3}, "the value that was fixed"
    assert all("nesterov" not in t.params for t in shown.values()), "its choice is new"
    for trial in shown.values():
        assert trial.distributions.keys() == trial.params.keys()
        assert trial.distributions["learning_rate"].high == 1.0
        assert trial.distributions["optimizer"].choices == ("adam", "sgd", "lion")
    raw = read_trials(storage_url, "study")
    assert [t.params["optimizer"] for t in shown.values()] == [r.searched["optimizer"] for r in raw]


def test_a_space_that_only_grows_is_refused_with_the_way_to_do_it(storage_url: str) -> None:
    begun(storage_url)
    with pytest.raises(SpecError, match="--resume --evolve"):
        check_study(storage_url, spec_of(10, wider=True), resume=True)
    assert check_study(storage_url, spec_of(10, wider=True), resume=True, evolve=True)


def test_the_file_of_before_is_told_from_the_one_that_made_the_present_space(
    storage_url: str,
) -> None:
    begun(storage_url)
    evolve_study(storage_url, spec_of(10, wider=True))
    with pytest.raises(
        SpecError, match="the file and every --set that made version 2 of its space"
    ):
        check_study(storage_url, spec_of(10), resume=True)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"architecture": {"space": {**SPACE, "layers": {"type": "int", "low": 2, "high": 9}}}},
            "narrower",
        ),
        ({"architecture": {"fixed": {"epochs": 4}}}, "what is fixed cannot change"),
        (
            {
                "architecture": {
                    "space": {**WIDER, "epochs": {"type": "int", "low": 4, "high": 9}},
                    "fixed": {},
                }
            },
            "it was fixed to 3",
        ),
        (
            {"architecture": {"space": {**SPACE, "width": {"type": "int", "low": 4, "high": 9}}}},
            "nothing says which value",
        ),
    ],
    ids=["narrower", "fixed changed", "value outside", "value unknown"],
)
def test_what_is_no_growth_is_refused_with_the_reason(
    storage_url: str, changes: dict[str, Any], why: str
) -> None:
    before = begun(storage_url)
    with pytest.raises(SpecError, match=why) as refused:
        evolve_study(storage_url, make_spec(10, sampler=TPE, **changes))
    assert "--resume --evolve" not in str(refused.value)
    assert read_trials(storage_url, "study") == before


@pytest.mark.parametrize("sampler", ["grid", "cmaes"])
def test_samplers_that_know_one_space_say_so(storage_url: str, sampler: str) -> None:
    finite = {"layers": {"type": "int", "low": 1, "high": 4}}
    wider = {"layers": {"type": "int", "low": 1, "high": 6}}
    begun(storage_url, 3, sampler=sampler, architecture={"space": finite})
    with pytest.raises(SpecError, match=f"sampler {sampler}"):
        evolve_study(storage_url, make_spec(9, sampler=sampler, architecture={"space": wider}))


def test_workers_of_an_earlier_version_are_told(storage_url: str) -> None:
    spec = spec_of(6)
    earlier = open_it(storage_url, spec)
    run(earlier, spec, at_most=2)
    evolve_study(storage_url, spec_of(6, wider=True))
    with pytest.raises(InputError, match="version 2"):
        earlier.ask()


def test_choices_in_another_order_are_the_same_study(database: Callable[[], str]) -> None:
    turned = {**SPACE, "optimizer": {"type": "categorical", "choices": ["sgd", "adam"]}}
    found = []
    for space in (SPACE, dict(reversed(turned.items()))):
        url = database()
        begun(url, 4)
        spec = make_spec(8, sampler=TPE, architecture={"space": space})
        found.append(choices(run(open_it(url, spec, resume=True), spec)))
    assert found[0] == found[1]
