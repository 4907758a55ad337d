"""What every architecture of the catalogue must do; a new one is tested by being named there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from hpo.architectures.architecture import load
from hpo.architectures.layers import Activation
from hpo.architectures.weights import read_into
from hpo.spec.catalogue import CATALOGUE
from hpo.spec.errors import SpecError
from hpo.training import backend
from hpo.training.resolve import resolve_parameters

pytestmark = [
    pytest.mark.keras,
    # TensorFlow's, about an argument that its own arrays lack under numpy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

NAMES = sorted(CATALOGUE["architecture"])
SHAPE, CLASSES = (48, 48, 1), 7
SMALL: dict[str, dict[str, Any]] = {
    "cnn": {"width": 4, "dense": 16, "dense_layers": 2},
    "resnet50": {"input_size": 32, "weights": "none"},
    "xception": {"input_size": 71, "weights": "none"},
}
"""The smallest size of each, without a download."""


def build(name: str, **params: Any) -> Any:
    given = {**SMALL.get(name, {}), **params}
    return load(name).build(resolve_parameters(name, given).architecture, SHAPE, CLASSES)


@pytest.fixture(scope="module", autouse=True)
def _keras() -> Iterator[None]:
    backend.prepare(seed=0, precision="float32", threads=None)
    yield
    backend.prepare(seed=0, precision="float32", threads=None)


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, *SHAPE), dtype=np.uint8)


@pytest.fixture(scope="module", params=NAMES)
def small(request: pytest.FixtureRequest) -> tuple[str, Any]:
    return request.param, build(request.param)


def test_answers_are_probabilities_whatever_the_type_of_the_pixels(
    small: tuple[str, Any], faces: np.ndarray
) -> None:
    _, model = small
    answers = model.predict_on_batch(faces)
    assert answers.shape == (3, CLASSES)
    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers.sum(axis=1), 1.0, rtol=1e-5)
    for other in (faces.astype(np.float32), faces.astype(np.int64)):
        np.testing.assert_array_equal(model.predict_on_batch(other), answers)


def test_a_saved_model_answers_alike_without_custom_objects(
    small: tuple[str, Any], faces: np.ndarray, tmp_path: Path
) -> None:
    import keras

    _, model = small
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True, compile=False)
    # Same weights, same operations, same machine; only the order of sums might differ.
    np.testing.assert_allclose(
        loaded.predict_on_batch(faces), model.predict_on_batch(faces), rtol=1e-5, atol=1e-6
    )


def test_a_training_step_changes_weights_and_breaks_none(
    small: tuple[str, Any], faces: np.ndarray
) -> None:
    _, model = small
    before = [np.array(w) for w in model.get_weights()]
    model.compile("sgd", "categorical_crossentropy")
    loss = model.train_on_batch(faces, np.eye(CLASSES, dtype=np.float32)[[0, 3, 6]])
    assert np.isfinite(loss)
    after = model.get_weights()
    assert all(np.isfinite(w).all() for w in after)
    assert any((a != b).any() for a, b in zip(after, before, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_defaults_and_the_thesis_configuration_build(name: str) -> None:
    architecture = load(name)
    scratch = {"weights": "none", "unfreeze": "all"} if architecture.needs_weights else {}
    thesis = {**architecture.thesis, **scratch}
    if architecture.needs_weights:
        thesis["head_epochs"] = 0
    for given in (scratch, thesis):
        resolved = resolve_parameters(name, given)
        model = architecture.build(resolved.architecture, SHAPE, CLASSES)
        assert model.input_shape == (None, *SHAPE)
        assert model.output_shape == (None, CLASSES)


def test_the_thesis_cnn_has_the_layers_of_the_thesis() -> None:
    resolved = resolve_parameters("cnn", load("cnn").thesis)
    model = load("cnn").build(resolved.architecture, SHAPE, CLASSES)
    kinds = [type(layer).__name__ for layer in model.layers]
    filters = [layer.filters for layer in model.layers if type(layer).__name__ == "Conv2D"]
    units = [layer.units for layer in model.layers if type(layer).__name__ == "Dense"]
    assert filters == [32, 64, 64, 128, 128, 256]
    assert units == [1024, 512, 256, 128, 64, 32, 7]
    assert kinds.count("BatchNormalization") == 6 + 6
    assert kinds.count("MaxPooling2D") == 3
    assert kinds.count("Dropout") == 3 + 6
    assert model.get_layer("stage1_1_conv").kernel.shape == (3, 3, 3, 32)


HEAD = ["base_dropout", "base_norm", "flatten", "dense1"]


@pytest.mark.parametrize("name", ["resnet50", "xception"])
def test_the_head_of_the_thesis_normalises_what_the_dense_layer_has_activated(name: str) -> None:
    scratch = {"weights": "none", "unfreeze": "all", "head_epochs": 0, **SMALL[name]}
    resolved = resolve_parameters(name, {**load(name).thesis, **scratch})
    model = load(name).build(resolved.architecture, SHAPE, CLASSES)
    names = [layer.name for layer in model.layers]
    after = ["dense1_relu", "dense1_norm", "dense1_dropout", "emotion"]
    assert names[names.index(name) + 1 :] == HEAD + after
    assert model.get_layer("dense1").use_bias
    assert (model.get_layer("base_dropout").rate, model.get_layer("dense1_dropout").rate) == (
        0.25,
        0.5,
    )
    assert model.get_layer("dense1").units == 64


def test_other_heads_normalise_before_the_activation() -> None:
    model = build("resnet50", head="flatten")
    names = [layer.name for layer in model.layers]
    before = ["dense1_norm", "dense1_relu", "dense1_dropout", "emotion"]
    assert names[names.index("resnet50") + 1 :] == HEAD + before
    assert not model.get_layer("dense1").use_bias


@pytest.mark.parametrize("activation", get_args(Activation))
def test_every_activation_builds_in_every_family(activation: str, faces: np.ndarray) -> None:
    for family in ("thesis", "vgg-bn", "resnet"):
        model = build("cnn", family=family, activation=activation, width=4, stages=2)
        assert np.isfinite(model(faces)).all()


@pytest.mark.parametrize(
    "params",
    [
        {"family": "resnet", "convs_per_stage": 3, "stages": 4, "head": "gap", "dense": 0},
        {"family": "vgg-bn", "convs_per_stage": 4, "stages": 4, "crop": 44},
        {"family": "thesis", "crop": 40, "channels": 3, "preprocessing": "rescale"},
        {"family": "vgg-bn", "preprocessing": "per_image", "head": "gap", "crop": 48},
    ],
)
def test_every_choice_of_the_cnn_builds_and_survives_saving(
    params: dict[str, Any], faces: np.ndarray, tmp_path: Path
) -> None:
    import keras

    model = build("cnn", **params)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True, compile=False)
    np.testing.assert_allclose(loaded(faces), model(faces), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("side", [44, 45])
def test_shortcuts_are_thinned_before_their_convolution_and_come_to_the_same(side: int) -> None:
    import keras

    # A 1x1 convolution of stride 2 over fewer than 16 channels crashes TensorFlow in training.
    model = build("cnn", family="resnet", width=8, crop=side)
    strides = [c.strides for c in model.layers if getattr(c, "kernel_size", None) == (1, 1)]
    assert strides == [(1, 1)] * 2
    block = model.get_layer("stage2_block1_shortcut_thinned")
    kernel = model.get_layer("stage2_block1_shortcut_conv").kernel
    x = np.random.default_rng(0).normal(size=(2, side, side, 8)).astype(np.float32)
    apart = keras.ops.conv(block(x), kernel, 1, "same")
    at_once = keras.ops.conv(x, kernel, 2, "same")
    np.testing.assert_allclose(apart, at_once, rtol=1e-5, atol=1e-6)


def test_a_crop_larger_than_the_image_and_too_many_stages_are_refused() -> None:
    with pytest.raises(SpecError, match="'crop' is larger than the image"):
        build("cnn", crop=64)
    architecture = load("cnn")
    with pytest.raises(SpecError, match="at most 3 stages for 12 pixels"):
        architecture.build(
            resolve_parameters("cnn", {"stages": 4}).architecture, (12, 12, 1), CLASSES
        )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet50", [255 - 103.939, 255 - 116.779, 255 - 123.68]),
        ("xception", [1.0, 1.0, 1.0]),
    ],
)
def test_a_pretrained_base_is_fed_as_it_was_trained(name: str, expected: list[float]) -> None:
    import keras

    model = build(name)
    white = np.full((1, *SHAPE), 255, np.uint8)
    fed = keras.Model(model.input, model.get_layer("preprocess").output)(white)
    np.testing.assert_allclose(np.asarray(fed)[0, 5, 5], expected, rtol=1e-5)
    rescaled = build(name, preprocessing="rescale")
    fed = keras.Model(rescaled.input, rescaled.get_layer("preprocess").output)(white)
    np.testing.assert_allclose(np.asarray(fed)[0, 5, 5], [1.0] * 3, rtol=1e-6)


def test_weights_are_read_from_a_file_and_stages_are_frozen(tmp_path: Path) -> None:
    donor = build("resnet50")
    base = donor.get_layer("resnet50")
    base.save_weights(tmp_path / "base.weights.h5")
    donor.save(tmp_path / "donor.keras")
    trained = {}
    for file, unfreeze in (("base.weights.h5", "last_stage"), ("donor.keras", "last_two")):
        model = build("resnet50", weights=str(tmp_path / file), unfreeze=unfreeze)
        copy = model.get_layer("resnet50")
        for ours, theirs in zip(copy.get_weights(), base.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        trained[unfreeze] = {
            layer.name.split("_")[0] for layer in copy.layers if layer.trainable and layer.weights
        }
    assert trained == {"last_stage": {"conv5"}, "last_two": {"conv4", "conv5"}}
    frozen = build("resnet50", weights=str(tmp_path / "donor.keras"), unfreeze="none")
    assert frozen.get_layer("resnet50").trainable_weights == []
    still = build("resnet50", batch_norm_mode="inference").get_layer("resnet50")
    assert {w.name for w in still.trainable_weights} == {"kernel", "bias"}


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    other = build("cnn")
    other.save_weights(tmp_path / "other.weights.h5")
    other.save(tmp_path / "other.keras")
    base = build("resnet50").get_layer("resnet50")
    for file in ("other.weights.h5", "other.keras"):
        with pytest.raises(SpecError, match="do not fit resnet50"):
            read_into(base, str(tmp_path / file))
