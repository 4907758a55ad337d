"""Batch norms that train in one operation come to what Keras's own come to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hpo.training.fused_norms import fuse_norms
from hpo.training.norms import NormStatistics

pytestmark = [
    pytest.mark.keras,
    # TensorFlow's, about an argument that its own arrays lack under numpy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

FACES = np.random.default_rng(0).normal(3.0, 2.0, (16, 12, 10, 5)).astype(np.float32)
WEIGHTS = np.random.default_rng(1).normal(size=(16, 12, 10, 5)).astype(np.float32)


@pytest.fixture(autouse=True)
def _policy() -> Iterator[None]:
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy(before)


def network(**norm: Any) -> Any:
    """A norm in a nested base, of scales and offsets that are not those of the start."""
    import keras

    keras.utils.set_random_seed(3)
    faces = keras.Input((12, 10, 5))
    own = {"momentum": 0.75, "epsilon": 1e-2, "name": "norm", **norm}
    inner = keras.layers.BatchNormalization(**own)
    model = keras.Model(faces, keras.Sequential([keras.Input((12, 10, 5)), inner])(faces))
    for name, low, high in (("gamma", 0.5, 2.0), ("beta", -1.0, 1.0)):
        variable = getattr(inner, name)
        if variable is not None:
            variable.assign(np.linspace(low, high, variable.shape[0]))
    return model


def norm_of(model: Any) -> Any:
    return model.layers[-1].get_layer("norm")


def step(model: Any) -> dict[str, npt.NDArray[Any]]:
    """One step's outputs, gradients and moving statistics."""
    import tensorflow as tf

    faces = tf.Variable(FACES)
    norm = norm_of(model)
    learned = [v.value for v in (norm.gamma, norm.beta) if v is not None]
    with tf.GradientTape() as tape:
        outputs = tf.cast(model(faces, training=True), "float32")
        loss = tf.reduce_sum(outputs * WEIGHTS)
    by_faces, *by_learned = tape.gradient(loss, [faces, *learned])
    found = {"outputs": outputs, "by_faces": by_faces}
    found |= {f"by_{k}": g for k, g in enumerate(by_learned)}
    found |= {"mean": norm.moving_mean.value, "variance": norm.moving_variance.value}
    return {name: np.asarray(value) for name, value in found.items()}


def test_a_step_gives_the_outputs_gradients_and_statistics_of_keras() -> None:
    stock, fused = network(), network()
    assert fuse_norms(fused) == 1
    one, other = step(stock), step(fused)
    # bfloat16 has eight bits; Keras rounds once, at the end.
    np.testing.assert_allclose(other["outputs"], one["outputs"], atol=0.05)
    np.testing.assert_allclose(other["by_faces"], one["by_faces"], atol=0.05)
    for name in ("by_0", "by_1"):
        np.testing.assert_allclose(other[name], one[name], rtol=0.02, atol=0.5)
    # Both see faces that bfloat16 has rounded; sums over them are float32.
    for name in ("mean", "variance"):
        np.testing.assert_allclose(other[name], one[name], rtol=1e-4)
    assert other["outputs"].dtype == one["outputs"].dtype


def test_the_statistics_of_few_values_are_those_of_the_batch() -> None:
    stock, fused = network(), network()
    fuse_norms(fused)
    for model in (stock, fused):
        norm_of(model)(FACES[:1, :2, :1], training=True)
    one, other = norm_of(stock).moving_variance, norm_of(fused).moving_variance
    np.testing.assert_allclose(np.asarray(other), np.asarray(one), rtol=1e-3)
    # With one value in a channel the estimate of the population's would be a division by zero.
    norm_of(fused)(FACES[:1, :1, :1], training=True)
    assert np.isfinite(np.asarray(norm_of(fused).moving_variance)).all()


def test_in_inference_and_frozen_they_answer_as_keras_to_the_last_digit() -> None:
    stock, fused = network(), network()
    fuse_norms(fused)
    for training in (False, True):
        for model in (stock, fused):
            model.trainable = not training
        one, other = (np.asarray(m(FACES, training=training)) for m in (stock, fused))
        np.testing.assert_array_equal(other, one)
    np.testing.assert_array_equal(np.asarray(norm_of(fused).moving_mean), 0.0)


@pytest.mark.parametrize(
    "norm",
    [{"axis": 1}, {"scale": False}, {"center": False}, {"renorm": True}, {"dtype": "float32"}],
    ids=str,
)
def test_a_norm_that_does_something_else_stays_as_it_is(norm: dict[str, Any]) -> None:
    assert fuse_norms(network(**norm)) == 0


def test_a_derived_class_stays_as_it_is_and_nothing_is_changed_twice() -> None:
    import keras

    class Own(keras.layers.BatchNormalization):  # type: ignore[misc]
        """A researcher's."""

    model = keras.Sequential([keras.Input((4, 4, 2)), Own()])
    assert fuse_norms(model) == 0
    fused = network()
    assert [fuse_norms(fused), fuse_norms(fused)] == [1, 0]


def test_what_is_saved_is_kerass_own(tmp_path: Path) -> None:
    import keras

    model = network()
    fuse_norms(model)
    step(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert "call" not in vars(norm_of(loaded))
    assert type(norm_of(loaded)) is keras.layers.BatchNormalization
    np.testing.assert_array_equal(np.asarray(loaded(FACES)), np.asarray(model(FACES)))


def test_statistics_under_averaged_weights_are_measured_through_them() -> None:
    stock, fused = network(), network()
    fuse_norms(fused)
    for model in (stock, fused):
        NormStatistics(model, [FACES[:8], FACES[8:]]).lend()
    one, other = norm_of(stock), norm_of(fused)
    for name in ("moving_mean", "moving_variance"):
        found = [np.asarray(getattr(norm, name)) for norm in (other, one)]
        np.testing.assert_allclose(*found, rtol=1e-3)


def test_training_repeats_itself_to_the_last_digit() -> None:
    found = []
    for _ in range(2):
        model = network()
        fuse_norms(model)
        model.compile(optimizer="adam", loss="mse")
        model.fit(FACES, WEIGHTS, batch_size=4, epochs=3, shuffle=False, verbose=0)
        found.append([np.asarray(w) for w in model.get_weights()])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
