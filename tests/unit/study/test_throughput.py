"""What earlier trials tell of the time that new ones take."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from hpo.search.engine import open_engine
from hpo.spec.workspace import Workspace
from hpo.study.throughput import Measured, recorded, told
from tests.unit.search.analytic import empty_database, make_spec, open_it, train


def test_trials_of_an_architecture_are_found_behind_later_studies_of_others(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{empty_database(tmp_path)}"
    spec = make_spec(1)
    engine = open_it(url, spec)
    proposal = engine.ask()
    assert proposal is not None
    result = train(engine, proposal, dict(spec.architectures["cnn"].fixed))
    params = {"learning_rate": 0.001}
    result = dataclasses.replace(result, images_per_second=57.0, params=params)
    engine.finish(proposal.number, result)
    other = spec.architectures["cnn"].model_copy(update={"architecture": "resnet50"})
    for number in range(7):
        later = make_spec(1, name=f"later{number}")
        later = later.model_copy(update={"architectures": {"other": other}})
        open_engine(url, later, "other")
    found, unread = recorded(spec, Workspace.at(tmp_path, storage=url))
    (measured,) = found["cnn"]
    assert (measured.actual, unread) == (57.0, [])


def test_speed_and_start_are_those_of_trials_alike() -> None:
    small = [Measured(100.0, 300.0, beside=1.0), Measured(90.0, 90.0, beside=2.0)]
    large = Measured(10.0, 5.0, beside=20.0)
    assert told([*small, large], 100.0) == (2.0, 1.5)
    assert told([large], 100.0) is None
