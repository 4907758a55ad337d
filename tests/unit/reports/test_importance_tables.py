"""Importance in a report: remembered per state of a study, and over all architectures."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path
from typing import Any

import pytest

from hpo.reports import importance_tables
from hpo.reports.importance_tables import ARCHITECTURE, Remembered, of_all, of_architecture
from hpo.spec.records import TrialRecord

SPACE: dict[str, Any] = {
    "rate": {"type": "float", "low": 0.0, "high": 1.0},
    "width": {"type": "int", "low": 1, "high": 8},
}
STUDY: dict[str, Any] = {"name": "s", "seed": 3, "sampler": {"name": "random", "options": {}}}


def trials(label: str, level: float, n: int = 24, **own: Any) -> list[TrialRecord]:
    generator = random.Random(label)
    space = {**SPACE, **own}
    records = []
    for number in range(n):
        params = {"rate": generator.random(), "width": generator.randint(1, 8)}
        params |= {name: generator.random() for name in own}
        value = level + 0.2 * params["rate"]
        records.append(
            TrialRecord("s", label, number, "complete", value, params, params, space=space)
        )
    return records


def asked(records: list[TrialRecord], remembered: Remembered, **study: Any) -> Any:
    return of_architecture(records, STUDY | study, "maximize", 0, remembered)


def test_what_was_computed_is_read_again_until_a_trial_or_a_setting_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "importance.json"
    computed = []
    real = importance_tables.importance
    monkeypatch.setattr(
        importance_tables, "importance", lambda *a, **k: computed.append(1) or real(*a, **k)
    )
    first = Remembered(file)
    records = trials("cnn", 0.0)
    told = asked(records, first)
    first.save()
    again = Remembered(file)
    assert asked(records, again) == told
    assert len(computed) == 1
    asked([*records[:-1], dataclasses.replace(records[-1], value=0.9)], again)
    asked(records, again, seed=4)
    asked(records, again, sampler="tpe")
    assert len(computed) == 4
    # Only what was asked for since is kept.
    fresh = Remembered(file)
    asked(records, fresh, seed=5)
    fresh.save()
    assert len(file.read_text(encoding="utf-8").splitlines()) == 1
    asked(records, Remembered(file))
    assert len(computed) == 6


def test_a_file_that_cannot_be_read_is_computed_anew(tmp_path: Path) -> None:
    file = tmp_path / "importance.json"
    file.write_text("[1, 2", encoding="utf-8")
    assert asked(trials("cnn", 0.0), Remembered(file))["fanova"]["parameters"]


def test_over_all_architectures_the_architecture_is_a_parameter_and_only_shared_ones_count() -> (
    None
):
    alone = {"depth": {"type": "float", "low": 0.0, "high": 1.0}}
    grouped = {"cnn": trials("cnn", 0.0, **alone), "resnet50": trials("resnet50", 0.5)}
    tables = of_all(grouped, STUDY, "maximize", 0, Remembered())
    shares = {p["name"]: p["value"] for p in tables["fanova"]["parameters"]}
    assert set(shares) == {"rate", "width", ARCHITECTURE}
    # The level moves values by 0.5 either way, the rate by 0.2 from end to end.
    assert shares[ARCHITECTURE] > 0.8
    assert shares["rate"] > shares["width"]


def test_where_nothing_is_shared_or_an_architecture_has_few_trials_there_is_no_answer() -> None:
    cnn = trials("cnn", 0.0)
    assert of_all({"cnn": cnn}, STUDY, "maximize", 0, Remembered()) == {}
    few = {"cnn": cnn, "resnet50": trials("resnet50", 0.5, n=3)}
    refused = of_all(few, STUDY, "maximize", 0, Remembered())["fanova"]
    assert refused["refused"].endswith("has 10 usable trials, and resnet50 has 3")
    assert refused["parameters"] == []
    other = [dataclasses.replace(r, space={"x": SPACE["rate"]}) for r in trials("xception", 0.0)]
    assert of_all({"cnn": cnn, "xception": other}, STUDY, "maximize", 0, Remembered()) == {}


def test_trials_that_rungs_chose_are_no_even_sample() -> None:
    assert asked(trials("cnn", 0.0), Remembered())["mdi"]["adaptive"] == 0
    climbed = asked(trials("cnn", 0.0), Remembered(), fidelity={"name": "successive_halving"})
    assert climbed["mdi"]["adaptive"] == 24
