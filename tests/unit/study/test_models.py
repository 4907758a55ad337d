"""Which models a study keeps."""

from __future__ import annotations

from typing import Any

from hpo.spec.records import TrialRecord
from hpo.study.models import best_records
from tests.unit.search.analytic import make_spec


def trial(number: int, value: float, architecture: str = "cnn", **more: Any) -> TrialRecord:
    return TrialRecord("study", architecture, number, "complete", value, {}, {}, **more)


def test_a_repeat_takes_no_place_among_the_models_that_are_kept() -> None:
    spec = make_spec(4, tracking={"keep_models": 2})
    records = [trial(0, 0.5), trial(1, 0.7), trial(2, 0.7, repeats=1), trial(3, 0.4)]
    assert [r.number for r in best_records(records, spec)] == [1, 0]


def test_an_architecture_that_the_file_has_left_out_since_keeps_its_models() -> None:
    records = [trial(0, 0.5), trial(0, 0.7, "net")]
    assert best_records(records, make_spec(1)) == records
