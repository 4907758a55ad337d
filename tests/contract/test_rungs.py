"""What a study with rungs must do, whoever samples: go on exactly, wherever it was cut off."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpo.search.studies import read_trials
from hpo.spec.catalogue import CATALOGUE
from hpo.spec.records import EpochReport
from hpo.spec.study import StudySpec
from tests.unit.search.analytic import copied, empty_database, open_it
from tests.unit.search.climbers import KINDS, SPACE, climb, climbing, steps

SAMPLERS: dict[str, Any] = {
    **{name: name for name in CATALOGUE["sampler"]},
    "tpe": {"name": "tpe", "n_startup_trials": 4},
}
GRIDABLE: dict[str, Any] = {
    "learning_rate": {"type": "float", "low": 0.01, "high": 0.05, "step": 0.01},
    "layers": {"type": "int", "low": 1, "high": 3},
}


def spec_of(kind: str, sampler: str) -> StudySpec:
    space = GRIDABLE if sampler == "grid" else SPACE
    return climbing(
        7, fidelity=KINDS[kind], sampler=SAMPLERS[sampler], architecture={"space": space}
    )


@pytest.fixture(scope="session")
def made_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return empty_database(tmp_path_factory.mktemp("database"))


@cache
def whole(kind: str, sampler: str, database: Path) -> list[Any]:
    """What an uninterrupted study does."""
    spec = spec_of(kind, sampler)
    with TemporaryDirectory() as folder:
        return steps(climb(open_it(copied(database, Path(folder)), spec), spec))


def cut(spec: StudySpec, url: str, cuts: list[tuple[int, bool]]) -> list[Any]:
    """Run it in sittings that end with a kill, after a claim or after an epoch of the trial."""
    found: list[Any] = []
    for start, (trials, in_training) in enumerate([*cuts, (10**6, False)]):
        engine = open_it(url, spec, resume=start > 0)
        found += steps(climb(engine, spec, at_most=trials))
        lost = engine.ask() if start < len(cuts) else None
        if lost is not None and in_training:
            engine.record_epoch(lost.number, EpochReport(1, {"val_accuracy": 9.0}, 0.1))
    return found


def check(kind: str, sampler: str, database: Path, cuts: list[tuple[int, bool]]) -> None:
    expected = whole(kind, sampler, database)
    with TemporaryDirectory() as folder:
        url = copied(database, Path(folder))
        assert cut(spec_of(kind, sampler), url, cuts) == expected
        records = read_trials(url, "study")
        places = {(r.slot, r.rung) for r in records}
        assert len(places) == len(records) == len(expected), "no rung was trained twice"


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(cuts=st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=4))
def test_a_study_cut_off_anywhere_ends_as_an_uninterrupted_one(
    kind: str, made_database: Path, cuts: list[tuple[int, bool]]
) -> None:
    check(kind, "tpe", made_database, cuts)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_goes_on_over_rungs_as_it_would_have(
    sampler: str, made_database: Path
) -> None:
    check("successive_halving", sampler, made_database, [(2, True), (3, False)])
