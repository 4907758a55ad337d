"""What holds for any search space: round trips, ranges, conditions, grids."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hpo.spec.loading import dump_study, load_study
from hpo.spec.space import SearchSpace
from hpo.spec.study import StudySpec
from tests.unit.spec.spaces import SCALARS, TEXT, Drawn, spaces


@given(spaces())
def test_a_space_survives_plain_data_and_json(space: SearchSpace) -> None:
    plain = json.loads(json.dumps(space.to_plain()))
    back = SearchSpace.from_plain(plain)
    assert back == space
    assert back.to_plain() == space.to_plain()
    assert back.differences(space) == []


@given(
    space=spaces(),
    fixed=st.dictionaries(st.sampled_from(["f1", "f2"]), SCALARS | st.lists(SCALARS, max_size=3)),
    description=TEXT,
)
def test_a_study_survives_yaml(space: SearchSpace, fixed: dict[str, Any], description: str) -> None:
    spec = StudySpec(
        name="round-trip",
        description=description,
        sampler={"name": "tpe", "seeded": "off"},
        architectures={
            "cnn": {"architecture": "cnn", "space": space.to_plain(), "fixed": fixed},
            "own": {"architecture": "mypackage.net:build", "enqueue": [fixed], "weights": "1e-3"},
        },
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.yaml"
        file.write_text(dump_study(spec), encoding="utf-8", newline="")
        back = load_study(file)
    assert back == spec
    # Equality forgives True for 1 and 1 for 1.0; the text does not.
    assert json.dumps(back.to_plain()) == json.dumps(spec.to_plain())


@given(space=spaces(), data=st.data())
def test_suggestions_lie_in_their_ranges_and_obey_their_conditions(
    space: SearchSpace, data: st.DataObject
) -> None:
    suggester = Drawn(data)
    chosen = space.suggest(suggester)
    space.check(chosen)
    assert list(chosen) == suggester.asked == space.active(chosen)
    for name, parameter in space.parameters.items():
        assert parameter.active(chosen) == (name in chosen)


@given(space=spaces(), data=st.data())
def test_what_is_fixed_is_not_asked_for(space: SearchSpace, data: st.DataObject) -> None:
    first = space.suggest(Drawn(data))
    if first:
        name = data.draw(st.sampled_from(sorted(first)))
        second = space.suggest(Drawn(data), fixed={name: first[name]})
        assert name not in second
        space.check(second)


@given(spaces(finite=True))
def test_a_grid_holds_every_valid_configuration_once(space: SearchSpace) -> None:
    size = space.size(limit=2_000)
    if size is None:  # too many to look at one by one
        return
    grid = space.grid()
    assert len(grid) == size
    assert len({json.dumps(row, sort_keys=True) for row in grid}) == size
    for row in grid:
        space.check(row)
        assert set(space.active(row)) == set(row)


@given(space=spaces(finite=True), data=st.data())
def test_whatever_is_suggested_stands_in_the_grid(space: SearchSpace, data: st.DataObject) -> None:
    if space.size(limit=2_000) is None:
        return
    chosen = space.suggest(Drawn(data))
    # Samplers reach a step by float arithmetic, so the last digits may differ: 1e-9 of the size.
    assert any(
        chosen.keys() == row.keys() and all(_close(chosen[n], row[n]) for n in row)
        for row in space.grid()
    )


def _close(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return type(one) is type(other) and one == other


@given(space=spaces(), values=st.dictionaries(st.sampled_from(["p0", "p1", "new"]), SCALARS))
def test_fitting_a_foreign_configuration_loses_nothing(
    space: SearchSpace, values: dict[str, Any]
) -> None:
    inside, outside, notes = space.fit(values)
    assert inside.keys() | outside.keys() == values.keys()
    assert not inside.keys() & outside.keys()
    space.check(inside)
    changed = [n for n in inside if not _close(inside[n], values[n]) and inside[n] != values[n]]
    assert len(changed) <= len(notes)
