"""The widest study searches all that is known to win, and whatever it draws can be trained."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hpo.search.configurations import fold_fixed
from hpo.spec.workspace import Workspace
from hpo.study.naming import example
from hpo.study.parts import PlannedArchitecture
from hpo.study.planned import Plan
from hpo.study.planning import plan
from hpo.training.resolve import resolve_parameters

CNN, BASES = ("cnn",), ("resnet50", "xception")
ALL = (*CNN, *BASES)
FROM_SCRATCH = [
    f"architectures.{label}.{change}"
    for label in BASES
    for change in ("weights=none", "fixed.unfreeze=all")
]


def planned(home: Path, *changes: str) -> Plan:
    words = ["data.dataset=drawn-faces", *changes]
    workspace, file = Workspace.at(home), example("competitive.yaml")
    return plan(file, workspace=workspace, overrides=words, resume=False, probe=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return planned(tmp_path_factory.mktemp("competitive"))


def values_of(part: PlannedArchitecture, name: str) -> Sequence[Any] | None:
    """Return the values of a parameter; () of a range, None where it is neither."""
    if name in part.spec.fixed:
        return [part.spec.fixed[name]]
    parameter = part.spec.space.parameters.get(name)
    return None if parameter is None else getattr(parameter, "choices", ())


@pytest.mark.parametrize(
    ("recipe", "labels", "name", "values"),
    [
        ("Nesterov, AdamW, RMSprop, Lion", ALL, "optimizer", {"sgd", "adamw", "rmsprop", "lion"}),
        ("momentum", ALL, "one_minus_momentum", ()),
        ("cosine, one-cycle, plateau", ALL, "schedule", {"cosine", "one_cycle", "plateau"}),
        ("warm-up", ALL, "warmup_fraction", ()),
        ("weight decay", ALL, "weight_decay", ()),
        ("label smoothing", ALL, "label_smoothing", ()),
        ("mixup", ALL, "mixup", {False, True}),
        ("erasing", ALL, "erasing", ()),
        ("weight averaging", ALL, "ema", {False, True}),
        ("class weights", ALL, "class_weights", {False, True}),
        ("gradient clipping", ALL, "clip_norm", {0.0, 1.0}),
        ("family", CNN, "family", {"thesis", "vgg-bn", "resnet"}),
        ("width", CNN, "width", ()),
        ("depth", CNN, "convs_per_stage", ()),
        ("head", ALL, "head", {"gap", "flatten"}),
        ("crop", CNN, "crop", {40, 44, 48}),
        ("unfreezing", BASES, "unfreeze", {"none", "last_stage", "last_two", "all"}),
        ("its own learning rate", BASES, "stage_rate_factor", ()),
        ("its batch-norm mode", BASES, "batch_norm_mode", {"train", "inference"}),
        ("the head first", BASES, "head_epochs", {0, 2}),
        ("features kept", BASES, "feature_views", {0, 8}),
        ("test-time crops and flips", ALL, "test_views", {"none", "mirror", "mirror_shifts"}),
        ("temperature scaling", ALL, "temperature_scaling", {True}),
    ],
)
def test_every_recipe_is_searched_or_fixed(
    whole: Plan, recipe: str, labels: Sequence[str], name: str, values: set[Any]
) -> None:
    found = {label: values_of(whole.parts[label], name) for label in labels}
    lacking = [k for k, v in found.items() if v is None or not set(values) <= set(v)]
    assert lacking == [], recipe


def test_the_best_are_promoted_together(whole: Plan) -> None:
    assert whole.spec.promote
    assert whole.spec.ensemble > 1


class Dice:
    """Chooses at random, of a range one of its ends."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def suggest_float(self, name: str, low: float, high: float, **how: Any) -> float:
        return self._random.choice((low, high))

    def suggest_int(self, name: str, low: int, high: int, **how: Any) -> int:
        return self._random.choice((low, high))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self._random.choice(list(choices))


@pytest.mark.parametrize("changes", [[], FROM_SCRATCH], ids=["imagenet", "from scratch"])
def test_whatever_is_drawn_goes_together(tmp_path: Path, changes: list[str]) -> None:
    frozen = set()
    for part in planned(tmp_path, *changes).parts.values():
        fixed, dice = part.spec.fixed, Dice(7)
        space = fold_fixed(part.spec.space, fixed)
        for _ in range(600):
            given = {**fixed, **space.suggest(dice, fixed)}
            resolve_parameters(part.architecture, given)
            frozen |= {k for k in ("head_epochs", "feature_views") if given.get(k)}
    assert frozen == (set() if changes else {"head_epochs", "feature_views"})
