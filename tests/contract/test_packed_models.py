"""A packed model answers as the model that was packed, and starts from no published weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.architectures.architecture import load
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import IntegrityError
from hpo.training.packed import read_packed, write_packed
from hpo.training.resolve import resolve_parameters

pytestmark = pytest.mark.keras

SMALL = {
    "cnn": {"family": "vgg-bn", "width": 8, "stages": 3, "head": "gap", "dense": 0},
    "resnet50": {"input_size": 32, "weights": "none", "dense": 16},
}


def some_faces(seed: int) -> Any:
    """Return patches of grey: all noise looks alike to a network, and its answers then hang on
    the last digits."""
    patches = np.random.default_rng(seed).integers(0, 256, (16, 4, 4, 1))
    return patches.repeat(12, axis=1).repeat(12, axis=2).astype(np.float32)


def a_model(name: str, passes: int = 20) -> tuple[Any, dict[str, Any]]:
    import keras

    architecture = load(name)
    resolved = resolve_parameters(architecture, SMALL[name])
    keras.utils.set_random_seed(3)
    model = architecture.build(resolved.architecture, (48, 48, 1), len(EMOTIONS))
    faces = some_faces(3)
    for _ in range(passes):  # Statistics that are not those of a new layer, as after training.
        model(faces, training=True)
    return model, resolved.params


def answers(model: Any) -> Any:
    return np.asarray(model(some_faces(0)))


def test_a_packed_model_answers_as_the_original(tmp_path: Path) -> None:
    import keras

    model, params = a_model("cnn")
    write_packed(model, tmp_path, architecture="cnn", params=params, classes=EMOTIONS, facts={})
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        again = read_packed(tmp_path)
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert {str(weight.dtype) for weight in again.weights} == {"float32"}
    before = answers(model)
    assert float(np.ptp(before)) > 0.05  # It tells faces apart, so agreement means something.
    np.testing.assert_allclose(answers(again), before, atol=2e-3)


def test_a_pretrained_network_in_several_parts_loses_nothing_but_the_rounding(
    tmp_path: Path,
) -> None:
    model, params = a_model("resnet50", passes=3)
    # Fifty untrained layers amplify a rounding to hundredths; what is rounded before is not again.
    model.set_weights(
        [w.astype(np.float16).astype(np.float32) if w.ndim > 1 else w for w in model.get_weights()]
    )
    written = write_packed(
        model, tmp_path, architecture="resnet50", params=params, classes=EMOTIONS, facts={},
        most_bytes=8 * 2**20,
    )  # fmt: skip
    assert len(written.parts) > 5
    before = answers(model)
    assert float(np.ptp(before)) > 0.05
    np.testing.assert_allclose(answers(read_packed(tmp_path)), before, atol=1e-5)


def test_weights_that_training_began_with_are_not_asked_for(tmp_path: Path) -> None:
    model, params = a_model("resnet50", passes=0)
    params = {**params, "weights": "/nowhere/imagenet.h5", "unfreeze": "last_stage"}
    write_packed(
        model, tmp_path, architecture="resnet50", params=params, classes=EMOTIONS, facts={}
    )
    again = read_packed(tmp_path)
    for packed, own in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(packed, own, atol=2e-3)


def test_a_model_of_other_layers_is_refused(tmp_path: Path) -> None:
    model, params = a_model("cnn")
    params = {**params, "width": 16}
    write_packed(model, tmp_path, architecture="cnn", params=params, classes=EMOTIONS, facts={})
    with pytest.raises(IntegrityError, match="not of the layers that its architecture builds"):
        read_packed(tmp_path)
