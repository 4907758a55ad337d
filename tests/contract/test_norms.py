"""Batch norms under averaged weights, in real networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hpo.training.averaging import WeightAverage
from hpo.training.norms import NormStatistics, trained_norms

pytestmark = [
    pytest.mark.keras,
    # TensorFlow's, about an argument that its own arrays lack under numpy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

FACES = np.random.default_rng(0).integers(0, 255, (64, 12, 12, 1)).astype(np.uint8)
BATCHES = [FACES[k : k + 16] for k in range(0, 64, 16)]


def network(dropout: float = 0.0, *, calm: bool = False) -> Any:
    """A norm in a nested base and one behind it; a calm base is always called as in inference."""
    import keras

    class Calm(keras.layers.Wrapper):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return self.layer(x, training=False)

    keras.utils.set_random_seed(3)
    base = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            keras.layers.Conv2D(4, 3, name="conv"),
            keras.layers.BatchNormalization(momentum=0.9, name="inner"),
        ],
        name="base",
    )
    faces = keras.Input((12, 12, 1))
    x = Calm(base)(faces) if calm else base(faces)
    x = keras.layers.Dropout(dropout)(keras.layers.ReLU()(x))
    x = keras.layers.BatchNormalization(momentum=0.999, name="outer")(x)
    x = keras.layers.Dense(3, "softmax")(keras.layers.GlobalAveragePooling2D()(x))
    return keras.Model(faces, x)


def values(model: Any) -> list[npt.NDArray[Any]]:
    import keras

    return [np.array(keras.ops.convert_to_numpy(v)) for v in model.variables]


def convolved(model: Any) -> npt.NDArray[Any]:
    import keras

    found = model.get_layer("base").get_layer("conv")(FACES.astype(np.float32))
    return np.asarray(keras.ops.convert_to_numpy(found)).reshape(-1, 4)


def test_the_statistics_are_those_of_the_faces() -> None:
    model = network()
    statistics = NormStatistics(model, BATCHES)
    before = values(model)
    statistics.lend()
    inner = model.get_layer("base").get_layer("inner")
    x = convolved(model)
    np.testing.assert_allclose(np.asarray(inner.moving_mean), x.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(np.asarray(inner.moving_variance), x.var(axis=0), rtol=1e-4)
    # Half of what is normalised is cut off: it had deviation 1, as in training.
    outer = model.get_layer("outer")
    np.testing.assert_allclose(np.asarray(outer.moving_mean), 0.4, atol=0.1)
    np.testing.assert_allclose(np.asarray(outer.moving_variance), 0.34, atol=0.1)
    statistics.take_back()
    for one, other in zip(values(model), before, strict=True):
        np.testing.assert_array_equal(one, other)
    assert [norm.momentum for norm in (inner, outer)] == [0.9, 0.999]


def test_measuring_repeats_itself_and_spends_no_seed_of_dropout() -> None:
    model = network(dropout=0.5)
    statistics, before = NormStatistics(model, BATCHES), values(model)
    found = []
    for _ in range(2):
        statistics.lend()
        found.append(values(model))
        statistics.take_back()
        for one, other in zip(values(model), before, strict=True):
            np.testing.assert_array_equal(one, other)
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("how", ["frozen", "called as in inference"])
def test_a_norm_that_training_leaves_alone_keeps_its_statistics(how: str) -> None:
    model = network(calm=how == "called as in inference")
    base = model.layers[1].layer if how == "called as in inference" else model.layers[1]
    base.trainable = how != "frozen"
    inner, outer = base.get_layer("inner"), model.get_layer("outer")
    measured = {norm.name for norm in trained_norms(model)}
    assert measured == ({"outer"} if how == "frozen" else {"inner", "outer"})
    inner.moving_mean.assign([0.1, 20.0, -3e-5, 1 / 3])
    inner.moving_variance.assign([1000.0, 1 / 7, 2.0, 3.0])
    before = [np.array(v) for v in (inner.moving_mean, inner.moving_variance)]
    # Normalised by what the inner norm has, not by the batch's.
    x = base(FACES.astype(np.float32), training=False)
    x = np.maximum(np.asarray(x).reshape(-1, 4), 0.0)
    statistics = NormStatistics(model, BATCHES)
    statistics.lend()
    for variable, kept in zip((inner.moving_mean, inner.moving_variance), before, strict=True):
        np.testing.assert_array_equal(np.array(variable), kept)
    np.testing.assert_allclose(np.asarray(outer.moving_mean), x.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(np.asarray(outer.moving_variance), x.var(axis=0), rtol=1e-3)


def test_an_average_of_weights_is_lent_with_statistics_of_its_own() -> None:
    import keras

    model = network()
    optimizer = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer=optimizer, loss="categorical_crossentropy")
    average = WeightAverage(model, 0.5, NormStatistics(model, BATCHES))
    goals = np.eye(3, dtype=np.float32)[np.arange(16) % 3]
    for batch in BATCHES:
        model.train_on_batch(batch, goals)
        average.after_steps()
    before = values(model)
    raw = convolved(model)
    average.lend()
    averaged = convolved(model)
    variance = np.asarray(model.get_layer("base").get_layer("inner").moving_variance)
    np.testing.assert_allclose(variance, averaged.var(axis=0), rtol=1e-4)
    assert np.abs(averaged.var(axis=0) / raw.var(axis=0) - 1.0).max() > 1e-3
    average.take_back()
    for one, other in zip(values(model), before, strict=True):
        np.testing.assert_array_equal(one, other)
