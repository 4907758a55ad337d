"""What every sampler of the catalogue must do, on spaces that hypothesis makes up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hpo.search.configurations import fold_fixed
from hpo.search.samplers import (
    PLACE,
    SpaceExhausted,
    from_unit,
    is_fixed_sequence,
    quiet_experiments,
)
from hpo.spec.catalogue import CATALOGUE, resolve
from hpo.spec.seeds import derive_seed
from hpo.spec.space import SearchSpace
from tests.unit.search.analytic import DISCRETE, SPACE

SAMPLERS = sorted(CATALOGUE["sampler"])
FEW_STARTUPS = {
    "tpe": {"n_startup_trials": 2},
    "nsgaii": {"population_size": 3},
    "nsgaiii": {"population_size": 3},
}


@st.composite
def parameters(draw: st.DrawFn, parents: Mapping[str, list[Any]]) -> dict[str, Any]:
    kind = draw(st.sampled_from(["float", "log float", "stepped", "int", "log int", "choice"]))
    low = draw(st.integers(-3, 3))
    width = draw(st.integers(1, 4))
    made: dict[str, Any] = {
        "float": {"type": "float", "low": low, "high": low + width},
        "log float": {"type": "float", "low": 10.0**low, "high": 10.0 ** (low + width)},
        "stepped": {"type": "float", "low": low, "high": low + width, "step": 0.3},
        "int": {
            "type": "int",
            "low": low,
            "high": low + width,
            "step": draw(st.integers(1, width)),
        },
        "log int": {"type": "int", "low": low + 4, "high": low + 4 + width},
        "choice": {
            "type": "categorical",
            "choices": draw(
                st.lists(
                    st.sampled_from(["a", "b", True, False, None, 2, 0.5]),
                    min_size=1,
                    max_size=4,
                    unique_by=repr,
                )
            ),
        },
    }[kind]
    if kind.startswith("log"):
        made["log"] = True
    if parents and draw(st.booleans()):
        parent = draw(st.sampled_from(sorted(parents)))
        made["when"] = {parent: [draw(st.sampled_from(parents[parent]))]}
    return made


@st.composite
def spaces(draw: st.DrawFn) -> SearchSpace:
    plain: dict[str, Any] = {}
    parents: dict[str, list[Any]] = {}
    for index in range(draw(st.integers(1, 4))):
        name = f"p{index}"
        plain[name] = draw(parameters(parents))
        if plain[name]["type"] == "categorical":
            parents[name] = plain[name]["choices"]
    return SearchSpace.from_plain(plain)


def gridable(space: SearchSpace) -> bool:
    return all(p.values() is not None for p in space.parameters.values())


class Search:
    """An engine's asks, in memory: one sampler per slot, seeded by it."""

    def __init__(self, name: str, space: SearchSpace, seed: int) -> None:
        self.space = space
        self.seed = seed
        self.options = FEW_STARTUPS.get(name, {})
        self.make = resolve("sampler", name)
        self.trials: list[Any] = []

    def ask(self) -> dict[str, Any]:
        from optuna.pruners import NopPruner
        from optuna.trial import TrialState

        from hpo.search.view import SlotView, asking

        slot = len(self.trials)
        parts = () if is_fixed_sequence(self.make) else (slot,)
        sampler = self.make(self.options, derive_seed(self.seed, *parts), self.space)
        view = SlotView("study/a", True, [*self.trials, asking(slot, {}, {PLACE: slot})])
        chosen = self.space.suggest(view.study(sampler, NopPruner()).ask())
        value = sum(float(v) for v in chosen.values() if isinstance(v, int | float))
        view.set_trial_state_values(slot, TrialState.COMPLETE, [value])
        self.trials.append(view.get_trial(slot))
        return chosen

    def asks(self, count: int) -> list[dict[str, Any]]:
        found = []
        for _ in range(count):
            try:
                found.append(self.ask())
            except SpaceExhausted:
                break
        return found


@pytest.mark.parametrize("name", SAMPLERS)
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(space=spaces(), seed=st.integers(0, 2**31 - 1))
def test_every_sampler_stays_within_the_space_and_repeats_itself(
    name: str, space: SearchSpace, seed: int
) -> None:
    if name == "grid":
        assume(gridable(space))
    configurations = Search(name, space, seed).asks(6)
    assert configurations
    for configuration in configurations:
        space.check(configuration)
        assert list(configuration) == space.active(configuration), "conditions decide who is there"
    assert Search(name, space, seed).asks(6) == configurations


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_differs_under_another_seed(name: str) -> None:
    space = SearchSpace.from_plain(DISCRETE if name == "grid" else SPACE)
    assert Search(name, space, 1).asks(4) != Search(name, space, 2).asks(4)


@pytest.mark.parametrize("name", SAMPLERS)
def test_what_a_sampler_proposes_depends_on_finished_trials_alone(name: str) -> None:
    space = SearchSpace.from_plain(DISCRETE if name == "grid" else SPACE)
    whole = Search(name, space, 5).asks(12)
    resumed = Search(name, space, 5)
    for cut in (1, 4, 7):
        resumed.asks(cut - len(resumed.trials))
        # A new process knows the trials and nothing else.
        again = Search(name, space, 5)
        again.trials = list(resumed.trials)
        resumed = again
    resumed.asks(5)
    assert [t.params for t in resumed.trials] == whole[: len(resumed.trials)]


def test_the_grid_is_every_configuration_once() -> None:
    space = SearchSpace.from_plain(DISCRETE)
    found = Search("grid", space, 3).asks(100)
    assert len(found) == space.size() == 36

    def key(configuration: dict[str, Any]) -> str:
        return repr(sorted(configuration.items()))

    # Steps of a float are sums of rounded numbers: compare at ten digits.
    def rounded(rows: list[dict[str, Any]]) -> list[str]:
        return sorted(
            key({k: round(v, 10) if isinstance(v, float) else v for k, v in row.items()})
            for row in rows
        )

    assert rounded(found) == rounded(space.grid())
    ordered = resolve("sampler", "grid")({"shuffle": False}, 3, space)
    assert ordered is not None


def test_sobol_points_cover_each_half_equally() -> None:
    space = SearchSpace.from_plain({"x": {"type": "float", "low": 0, "high": 1}})
    points = [c["x"] for c in Search("qmc", space, 11).asks(16)]
    for start in range(4):
        inside = [x for x in points if start / 4 <= x < (start + 1) / 4]
        assert len(inside) == 4, "16 Sobol points fall into four quarters by fours"


def test_a_fixed_parent_is_known_to_the_grid() -> None:
    child = {"type": "int", "low": 1, "high": 3, "when": {"head": "gap"}}
    space = SearchSpace.from_plain({"child": child})
    assert Search("grid", fold_fixed(space, {"head": "gap"}), 1).asks(9) != [{}]
    assert len(Search("grid", fold_fixed(space, {"head": "gap"}), 1).asks(9)) == 3
    assert Search("grid", fold_fixed(space, {"head": "flatten"}), 1).asks(9) == [{}]


def test_tpe_finds_better_than_its_random_start() -> None:
    space = SearchSpace.from_plain({"x": {"type": "float", "low": -10, "high": 10}})
    values = [c["x"] for c in Search("tpe", space, 2).asks(25)]
    assert max(values[2:]) > 9, "the objective is x itself: 25 asks should come within 5 %"


@given(unit=st.floats(0, 1, exclude_max=True), low=st.integers(1, 50), width=st.integers(0, 50))
def test_a_quantile_is_a_value_of_its_range(unit: float, low: int, width: int) -> None:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    high = low + width
    for distribution in (
        FloatDistribution(low, high),
        FloatDistribution(low, high, log=True),
        FloatDistribution(low, high, step=0.25),
        IntDistribution(low, high),
        IntDistribution(low, high, log=True),
        IntDistribution(low, low + 3 * width, step=3),
        CategoricalDistribution(list(range(low, high + 1))),
    ):
        value = from_unit(distribution, unit)
        assert distribution._contains(distribution.to_internal_repr(value))


def test_optunas_notices_of_experiments_are_silent() -> None:
    import warnings

    from optuna.exceptions import ExperimentalWarning

    with quiet_experiments():
        warnings.warn("chosen on purpose", ExperimentalWarning, stacklevel=1)
