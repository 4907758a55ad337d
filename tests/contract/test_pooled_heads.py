"""A head on the mean and variance of each map comes to what it comes to on the maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.data.store import write_faces
from hpo.spec.records import EpochReport, TrialJob
from hpo.training import frozen
from hpo.training.fit import train
from hpo.training.frozen import head_of
from hpo.training.norms import NormStatistics
from hpo.training.pooled_head import numbers_of, pooled_head
from tests.endtoend.bars import PLAIN, bars

pytestmark = [
    pytest.mark.keras,
    # TensorFlow's, about an argument that its own arrays lack under numpy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

# As a base's last activation leaves them.
MAPS = np.maximum(np.random.default_rng(0).normal(1.0, 3.0, (100, 4, 3, 8)), 0.0).astype(np.float16)
GOALS = np.eye(3, dtype=np.float32)[np.random.default_rng(1).integers(0, 3, 100)]


def network(dropout: float = 0.0, pooling: Any = None, **norm: Any) -> Any:
    """A base of one layer under a head like that of the pretrained architectures."""
    import keras

    keras.utils.set_random_seed(3)
    faces = keras.Input((4, 3, 8))
    x = keras.Sequential([keras.Input((4, 3, 8)), keras.layers.ReLU()], name="base")(faces)
    x = keras.layers.Dropout(dropout)(x)
    x = keras.layers.BatchNormalization(momentum=0.75, **norm)(x)
    x = (pooling or keras.layers.GlobalAveragePooling2D())(x)
    x = keras.layers.Dense(6, activation="relu")(x)
    x = keras.layers.BatchNormalization()(x)
    return keras.Model(faces, keras.layers.Dense(3, activation="softmax")(x))


@pytest.mark.parametrize("norm", [{}, {"scale": False}, {"center": False, "epsilon": 0.1}])
def test_its_epochs_give_the_losses_weights_and_statistics_of_keras(norm: dict[str, Any]) -> None:
    stock, shared = network(**norm), network(**norm)
    pooled = pooled_head(shared, "base")
    maps, losses = MAPS.astype(np.float32), []
    for head, inputs in ((head_of(stock, "base"), maps), (pooled, numbers_of(MAPS))):
        head.compile("adam", "categorical_crossentropy")
        told = head.fit(inputs, GOALS, batch_size=32, epochs=4, shuffle=False, verbose=0)
        losses.append(told.history["loss"])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    for one, other in zip(stock.get_weights(), shared.get_weights(), strict=True):
        np.testing.assert_allclose(other, one, atol=1e-5)
    # What was learned is in the model that is served, and there answers about the maps.
    answers = stock.predict(maps, verbose=0)
    np.testing.assert_allclose(pooled.predict(numbers_of(MAPS), verbose=0), answers, atol=1e-5)
    np.testing.assert_allclose(shared.predict(maps, verbose=0), answers, atol=1e-5)


def test_statistics_under_averaged_weights_are_measured_on_numbers_as_on_maps() -> None:
    stock, shared = network(), network()
    heads = [head_of(stock, "base"), pooled_head(shared, "base")]
    for head, inputs in zip(heads, (MAPS, numbers_of(MAPS)), strict=True):
        NormStatistics(head, [inputs[:50], inputs[50:]]).lend()
    for one, other in zip(stock.get_weights(), shared.get_weights(), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5)


def test_heads_that_need_the_places_of_maps_get_them() -> None:
    import keras

    assert pooled_head(network(), "base") is not None
    assert pooled_head(network(dropout=0.2), "base") is None
    assert pooled_head(network(pooling=keras.layers.GlobalMaxPooling2D()), "base") is None
    assert pooled_head(network(pooling=keras.layers.Flatten()), "base") is None
    assert pooled_head(network(renorm=True), "base") is None
    plain = network()
    also = keras.layers.GlobalMaxPooling2D()(plain.get_layer("base").output)
    beside = keras.layers.Concatenate()([plain.layers[-2].output, also])
    assert pooled_head(keras.Model(plain.inputs, keras.layers.Dense(3)(beside)), "base") is None


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrialJob:
    import keras

    monkeypatch.setenv("HPO_FEATURES", str(tmp_path / "features"))
    keras.utils.set_random_seed(0)
    weights = tmp_path / "base.weights.h5"
    keras.applications.ResNet50(
        include_top=False, weights=None, input_shape=(64, 64, 3)
    ).save_weights(weights)
    splits = {"train": bars(40, 0), "validation": bars(25, 1)}
    dataset = write_faces(tmp_path / "bars", "bars", splits, {"kind": "test"})
    params = {
        **PLAIN, "unfreeze": "none", "input_size": 64, "epochs": 3, "batch_size": 16, "dense": 8,
        "feature_views": 1, "base_dropout": 0.0, "head": "gap", "learning_rate": 1e-2,
    }  # fmt: skip
    return TrialJob(
        "t/resnet50/0", "resnet50", params, str(tmp_path / "bars"), dataset.digest,
        str(tmp_path / "out"), seed=7, weights=str(weights),
    )  # fmt: skip


def test_a_trial_on_numbers_is_the_trial_on_maps(
    job: TrialJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[list[dict[str, float]]] = []
    for taken in (pooled_head, lambda model, base_layer: None):
        monkeypatch.setattr(frozen, "pooled_head", taken)
        epochs: list[EpochReport] = []
        assert train(job, epochs.append, lambda: False).state == "complete"
        found.append([epoch.metrics for epoch in epochs])
    for numbers, maps in zip(*found, strict=True):
        for metric in ("loss", "val_loss"):
            assert numbers[metric] == pytest.approx(maps[metric], rel=1e-3)
