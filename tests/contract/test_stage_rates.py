"""Each stage of a pretrained base learns at its own rate, whatever the optimizer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hpo.training import backend
from hpo.training.optimizers import build_optimizer, stage_factors
from hpo.training.parameters import TrainingParameters

pytestmark = pytest.mark.keras

STAGES = ("one_", "two_")
FACTORS = {"stem": 0.25, "one_a": 0.25, "two_a": 0.5, "two_b": 0.5, "head": 1.0}


def steps(optimizer: str, factor: float, weight_decay: float = 0.0) -> dict[str, Any]:
    """Return by how much two steps change the kernel of each layer."""
    backend.prepare(seed=1, precision="float32", threads=None)
    import keras

    faces = keras.Input((6,))
    inner = keras.Input((6,))
    x = inner
    for name in ("stem", "one_a", "two_a", "two_b"):
        x = keras.layers.Dense(6, name=name, use_bias=False)(x)
    base = keras.Model(inner, x, name="base")
    answers = keras.layers.Dense(3, activation="softmax", name="head", use_bias=False)(base(faces))
    model = keras.Model(faces, answers)
    training = TrainingParameters(
        optimizer=optimizer, learning_rate=1e-3, weight_decay=weight_decay, one_minus_momentum=1.0
    )
    factors = stage_factors(base, STAGES, factor) if factor != 1.0 else None
    chosen = build_optimizer(training, model, average=False, factors=factors)
    model.compile(optimizer=chosen, loss="categorical_crossentropy")
    layers = {**{layer.name: layer for layer in base.layers[1:]}, "head": model.get_layer("head")}
    before = {name: np.array(layer.get_weights()[0]) for name, layer in layers.items()}
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(8, 6)).astype(np.float32)
    goals = np.eye(3, dtype=np.float32)[generator.integers(0, 3, 8)]
    model.train_on_batch(rows, goals)
    return {name: layer.get_weights()[0] - before[name] for name, layer in layers.items()}


@pytest.mark.parametrize(
    ("optimizer", "weight_decay"),
    [("sgd", 0.3), ("adam", 0.0), ("adamw", 0.0), ("adamw", 0.3), ("rmsprop", 0.0), ("lion", 0.3)],
)
def test_a_step_is_scaled_by_the_stage(optimizer: str, weight_decay: float) -> None:
    whole = steps(optimizer, 1.0, weight_decay)
    staged = steps(optimizer, 0.5, weight_decay)
    for name, factor in FACTORS.items():
        assert np.abs(whole[name]).max() > 0
        # Decay is taken off before the step, so the two scale together but for their product.
        np.testing.assert_allclose(staged[name], factor * whole[name], rtol=1e-2, atol=1e-6)


def test_layers_before_the_first_stage_belong_to_it() -> None:
    backend.prepare(seed=1, precision="float32", threads=None)
    import keras

    base = keras.Sequential([keras.layers.Dense(2, name=name) for name in ("stem", "two_a")])
    base.build((None, 2))
    found = stage_factors(base, STAGES, 0.1)
    kernels = [found[id(layer.kernel)] for layer in base.layers]
    assert kernels == pytest.approx([0.01, 0.1])
