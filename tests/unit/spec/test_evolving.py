"""A space that grows: what counts as growth, and that every earlier configuration lies in it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hpo.spec.evolving import arranged, growth
from hpo.spec.space import SearchSpace
from tests.unit.spec.spaces import Drawn, spaces

OLD: dict[str, Any] = {
    "rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True},
    "dropout": {"type": "float", "low": 0.0, "high": 0.6, "step": 0.2},
    "layers": {"type": "int", "low": 2, "high": 6, "step": 2},
    "optimizer": {"type": "categorical", "choices": ["adam", "sgd"]},
    "momentum": {"type": "float", "low": 0.5, "high": 0.9, "when": {"optimizer": "sgd"}},
}


def changed(name: str, **change: Any) -> SearchSpace:
    return SearchSpace.from_plain({**OLD, name: {**OLD.get(name, {}), **change}})


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("rate", {"high": 0.1}),
        ("rate", {"low": 1e-5}),
        ("dropout", {"step": 0.1}),
        ("dropout", {"high": 0.8}),
        ("layers", {"step": 1, "high": 9}),
        ("layers", {"low": 0}),
        ("optimizer", {"choices": ["lion", "sgd", "adam"]}),
        ("momentum", {"when": {"optimizer": ["sgd", "adam"]}}),
        ("momentum", {"when": {}}),
        ("extra", {"type": "int", "low": 1, "high": 2}),
        ("extra", {"type": "int", "low": 1, "high": 2, "when": {"optimizer": "adam"}}),
    ],
)
def test_a_space_that_only_adds_has_grown(name: str, change: dict[str, Any]) -> None:
    found = growth(SearchSpace.from_plain(OLD), changed(name, **change))
    assert not found.refused
    assert [line.partition(":")[0] for line in found.added] == [name]
    assert found.new == (["extra"] if name == "extra" else [])


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("rate", {"high": 1e-3}, "narrower"),
        ("rate", {"log": False}, "log scale"),
        ("rate", {"type": "int", "low": 1, "high": 2}, "different kinds"),
        ("dropout", {"step": 0.3}, "steps"),
        ("layers", {"low": 1, "step": 2, "high": 7}, "steps"),
        ("optimizer", {"choices": ["adam", "lion"]}, "lacks sgd"),
        ("momentum", {"when": {"optimizer": "adam"}}, "not used with optimizer sgd"),
        ("rate", {"when": {"optimizer": "sgd"}}, "hangs on 'optimizer'"),
    ],
)
def test_a_space_that_takes_something_away_is_another(
    name: str, change: dict[str, Any], why: str
) -> None:
    new = SearchSpace.from_plain(
        {**OLD, "momentum": {**OLD["momentum"], "when": {}}, name: {**OLD[name], **change}}
        if name == "optimizer"
        else {**OLD, name: {**OLD[name], **change}}
    )
    (line,) = growth(SearchSpace.from_plain(OLD), new).refused
    assert line.startswith(f"{name}: ")
    assert why in line


def test_a_parameter_that_is_gone_is_told() -> None:
    without = SearchSpace.from_plain({k: v for k, v in OLD.items() if k != "layers"})
    assert growth(SearchSpace.from_plain(OLD), without).refused == [
        "layers: it is not searched any more"
    ]


def test_another_order_is_no_change_and_what_is_added_comes_last() -> None:
    old = SearchSpace.from_plain(OLD)
    turned = SearchSpace.from_plain(
        dict(
            reversed({**OLD, "optimizer": {**OLD["optimizer"], "choices": ["sgd", "adam"]}}.items())
        )
    )
    assert growth(old, turned) == growth(old, old)
    assert arranged(turned, old).to_plain() == old.to_plain()
    wider = changed("optimizer", choices=["lion", "sgd", "adam"])
    assert arranged(wider, old).parameters["optimizer"].values() == ["adam", "sgd", "lion"]
    # Told as the file has it.
    assert growth(old, wider).added == [
        "optimizer: one of lion, sgd, adam, until now one of adam, sgd"
    ]


@given(space=spaces(), data=st.data())
def test_widening_each_number_and_adding_each_choice_is_growth(
    space: SearchSpace, data: st.DataObject
) -> None:
    assume(space.parameters)
    plain = space.to_plain()
    for entry in plain.values():
        if entry["type"] == "categorical":
            entry["choices"] = ["a choice of its own", *entry["choices"]]
        elif entry.get("step"):
            entry["high"] = entry["high"] + 3 * entry["step"]
        else:
            entry["high"] = entry["high"] * 2 if entry["high"] > 0 else entry["high"] + 1
    plain["another"] = {"type": "int", "low": 1, "high": 3}
    wider = SearchSpace.from_plain(plain)
    assert not growth(space, wider).refused
    assert growth(wider, space).refused, "the way back takes something away"
    ordered = arranged(wider, space)
    assert not growth(wider, ordered).added, "only the order is another"
    chosen = space.suggest(Drawn(data))
    for after in (wider, ordered):
        after.check(chosen)
        assert {*after.active(chosen)} - {"another"} == set(chosen)
