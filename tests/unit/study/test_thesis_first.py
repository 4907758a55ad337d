"""Trial 0, told as the thesis's configuration, is it: nothing of it is the sampler's draw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpo.reports.thesis import departures
from hpo.search.configurations import Enqueued, fold_fixed
from hpo.spec.workspace import Workspace
from hpo.study.naming import example
from hpo.study.parts import PlannedArchitecture
from hpo.study.planning import plan
from hpo.training.resolve import resolve_parameters

STUDIES = sorted(f.name for f in (Path(__file__).parents[3] / "search_spaces").glob("*.yaml"))
TEXT = """
name: small
data: {dataset: drawn-faces}
budget: {trials: 2}
architectures:
  cnn:
    fixed: {epochs: 2, reference_batch_size: 128}
    space:
      learning_rate: {type: float, low: 1.0e-4, high: 1.0e-1, log: true}
      weight_decay: {type: float, low: 1.0e-5, high: 1.0e-2, log: true}
      erasing: {type: float, low: 0.0, high: 0.5}
      clip_norm: {type: categorical, choices: [1.0, 5.0]}
      plateau_patience: {type: int, low: 8, high: 9}
      ema: {type: categorical, choices: [true, false]}
      one_minus_ema_decay: {type: float, low: 0.001, high: 0.01, log: true, when: {ema: true}}
      contrast: {type: float, low: 0.0, high: 0.3, when: {plateau_patience: 8}}
      brightness: {type: float, low: 0.1, high: 0.2, when: {plateau_patience: 9}}
    enqueue: [thesis]
"""


class NoDraw:
    """Gives what a configuration names and refuses to choose anything else."""

    def __init__(self, first: Enqueued) -> None:
        self._values = first.values

    def suggest_float(self, name: str, *_: Any, **__: Any) -> Any:
        return self._values[name]

    suggest_int = suggest_categorical = suggest_float


def parts_of(file: Path, home: Path) -> dict[str, PlannedArchitecture]:
    words = ["data.dataset=drawn-faces"]
    planned = plan(file, workspace=Workspace.at(home), overrides=words, resume=False, probe=False)
    return planned.parts


def undrawn(part: PlannedArchitecture, first: Enqueued) -> dict[str, Any]:
    """Return all parameters of a first trial; a ``KeyError`` names what is left to draw."""
    beside = {**part.spec.fixed, **first.overrides}
    space = fold_fixed(part.spec.space, part.spec.fixed)
    chosen = space.suggest(NoDraw(first), beside)
    return resolve_parameters(part.architecture, {**beside, **chosen}).params


@pytest.mark.parametrize("study", STUDIES)
def test_a_shipped_study_draws_nothing_of_the_thesis(study: str, tmp_path: Path) -> None:
    for part in parts_of(example(study), tmp_path).values():
        for first in part.first:
            if first.origin == "thesis":
                changed = departures(part.spec.architecture, undrawn(part, first))
                # A base without weights is trained, not frozen (``_runnable_thesis``).
                known = {*part.spec.fixed, *first.moved, "unfreeze", "head_epochs"}
                assert {d["name"] for d in changed} <= known


def test_what_the_recipe_does_not_name_has_its_default(tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(TEXT)
    (part,) = parts_of(file, tmp_path).values()
    (first,) = part.first
    assert first.origin == "thesis"
    params = undrawn(part, first)
    assert first.values["erasing"] == 0.0
    assert first.values["weight_decay"] == 1e-5  # the low end of a log range
    assert first.overrides["clip_norm"] == 0.0  # no choice here, and used all the same
    # Patience 5 comes to 8, and what hangs on it looks at the 8.
    assert first.values["contrast"] == 0.0
    assert {"one_minus_ema_decay", "brightness"}.isdisjoint(first.values)
    assert first.moved == {"weight_decay": 0.0, "plateau_patience": 5}
    assert [(d["name"], d["thesis"], d["here"]) for d in departures("cnn", params)] == [
        ("epochs", 100, 2),
        ("plateau_patience", 5, 8),
        ("reference_batch_size", 0, 128),
        ("weight_decay", 0.0, 1e-5),
    ]


def test_a_default_configuration_looks_at_what_its_conditions_come_to(tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(TEXT.replace("[thesis]", "[default]"))
    (part,) = parts_of(file, tmp_path).values()
    (first,) = part.first
    assert first.origin == "default"
    undrawn(part, first)
    assert first.values["contrast"] == 0.0
