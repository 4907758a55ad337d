"""Studies beside each other as plain data, sentences and tables."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from hpo.evidence.paired import Paired
from hpo.reports.compute import outline
from hpo.reports.side_by_side import Best, SideBySide, differing, set_beside
from hpo.reports.side_by_side_page import file_rows, page, result_rows, summary
from tests.unit.reports.conftest import study_records, study_spec


def unpaired(new: Best, old: Best) -> str:
    return "nothing is known of the faces"


def beside(*trials: int, architectures: tuple[str, ...] = ("cnn", "xception")) -> SideBySide:
    sides = [
        outline(study_records(architectures, trials=n, seed=k), study_spec(architectures))
        for k, n in enumerate(trials)
    ]
    return set_beside(sides, [f"study {k}" for k in range(len(sides))], unpaired)


def test_the_outline_of_a_report_has_what_the_whole_has() -> None:
    from hpo.reports.compute import compute

    records = study_records(("cnn",), trials=8)
    short, whole = (f(records, study_spec(("cnn",))) for f in (outline, compute))
    assert short.trials == whole.trials
    assert short.objective == whole.objective
    for key, value in short.architectures[0].items():
        assert whole.architectures[0][key] == value


def test_differences_are_those_from_the_first_study() -> None:
    whole = beside(6, 8, 10)
    for entry in whole.architectures:
        bests = [result["best"]["accuracy"] for result in entry["results"]]
        for best, gap in zip(bests[1:], entry["differences"][1:], strict=True):
            assert gap["point"] == pytest.approx(best - bests[0], abs=1e-5)
            assert gap["low"] < gap["point"] < gap["high"]
    assert whole.differences[0] is None
    assert any("nothing is known of the faces" in note for note in whole.notes)


def test_a_paired_difference_is_marked() -> None:
    def paired(new: Best, old: Best) -> Paired:
        return Paired(both=60, first=20, second=5, neither=15)

    sides = [outline(study_records(("cnn",), trials=4, seed=k), study_spec()) for k in range(2)]
    whole = set_beside(sides, ["A", "B"], paired)
    (gap,) = whole.architectures[0]["differences"][1:]
    assert gap["point"] == pytest.approx(0.15)
    assert "paired" in result_rows(whole)[0][2]
    assert "+15.0 [" in summary(whole)[1]


def test_curves_never_get_worse_and_end_with_all_the_time_spent() -> None:
    whole = beside(12, 20)
    for study, curve in zip(whole.studies, whole.curves, strict=True):
        assert curve["values"] == sorted(curve["values"])
        assert curve["seconds"] == sorted(curve["seconds"])
        assert curve["values"][-1] == pytest.approx(study["best"]["value"], abs=1e-5)
        assert curve["seconds"][-1] == pytest.approx(study["seconds"], rel=1e-3)


def test_what_differs_in_study_files_is_a_line_a_key() -> None:
    def study(high: float, **more: Any) -> dict[str, Any]:
        rate = {"type": "float", "low": 1e-4, "high": high, "log": True, "when": {}}
        return {
            "name": str(high),
            "seed": 1,
            "architectures": {"cnn": {"space": {"rate": rate}}},
        } | more

    assert differing(
        [study(0.1), study(0.2, seed=2, pruner={"name": "median", "options": {}})]
    ) == [
        {"key": "seed", "values": [1, 2]},
        {
            "key": "architectures.cnn.space.rate",
            "values": ["0.0001 to 0.1, log", "0.0001 to 0.2, log"],
        },
        {"key": "pruner.name", "values": [None, "median"]},
    ]


def test_studies_of_other_objectives_share_no_axis_and_say_so() -> None:
    spec = {**study_spec(("cnn",)), "objective": {"metric": "val_loss"}}
    records = study_records(("cnn",), trials=3)
    whole = set_beside(
        [outline(records, study_spec()), outline(records, spec)], ["A", "B"], unpaired
    )
    assert any("differ in their objectives" in note for note in whole.notes)
    assert "no one axis" in page(whole)


def test_studies_without_a_result_still_stand_beside_each_other() -> None:
    empty = outline([], {"name": "empty"})
    whole = set_beside([empty, empty], ["A", "B"], unpaired)
    assert "no complete trial" in summary(whole)[0]
    assert "No trial is complete" in page(whole)
    json.dumps(whole.to_json(), allow_nan=False)


def test_steps_of_numbers_and_floats_alike_in_four_digits_are_told_apart() -> None:
    def study(kind: str, **changes: Any) -> dict[str, Any]:
        return {"space": {"x": {"type": kind, "low": 0.0, "high": 1.0, "step": None, **changes}}}

    (row,) = differing([study("float", step=0.1), study("float", step=0.25)])
    assert row["values"] == ["0 to 1 by 0.1", "0 to 1 by 0.25"]
    (row,) = differing([study("float"), study("int", step=2)])
    assert row["values"] == ["0 to 1", "0 to 1 by 2"]
    (row,) = differing([study("float", high=0.12345), study("float", high=0.12346)])
    assert row["values"] == ["0 to 0.12345", "0 to 0.12346"]


def test_values_that_differ_are_not_written_alike() -> None:
    empty = outline([], {"name": "empty"})
    studies = [dataclasses.replace(empty, study={"rate": rate}) for rate in (0.12345, 0.12349)]
    (cells,) = file_rows(set_beside(studies, ["A", "B"], unpaired))
    assert cells == ["rate", "0.12345", "0.12349"]
