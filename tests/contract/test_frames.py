"""What is cut from the front of a network and left to the sampling of faces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hpo.architectures.architecture import load
from hpo.training import backend
from hpo.training.augmentation import matrices, warp
from hpo.training.frame import cut
from hpo.training.resident import warped
from hpo.training.resolve import resolve_parameters

pytestmark = pytest.mark.keras


def built(name: str, **params: Any) -> Any:
    backend.prepare(seed=1, precision="float32", threads=None)
    resolved = resolve_parameters(name, params)
    return load(name).build(resolved.architecture, (48, 48, 1), 7)


@pytest.mark.parametrize(
    ("name", "params", "size"),
    [
        ("cnn", {"family": "vgg-bn", "crop": 40, "width": 4}, (40, 40)),
        ("resnet50", {"weights": "none", "input_size": 64}, (64, 64)),
    ],
)
def test_a_network_behind_its_frame_answers_as_the_whole(
    name: str, params: dict[str, Any], size: tuple[int, int]
) -> None:
    model = built(name, **params)
    found = cut(model)
    assert found is not None
    frame, core = found
    assert frame.size == size
    assert [v is w for v, w in zip(core.variables, model.variables, strict=True)]
    rows, columns = np.mgrid[0:48, 0:48]
    faces = np.stack([127 + 90 * np.sin(rows / (3 + k)) * np.cos(columns / 5) for k in range(4)])
    faces = np.rint(faces).astype(np.uint8)
    still = np.tile(np.array([[1.0, 0, 0], [0, 1, 0]]), (4, 1, 1))
    sampled = warp(faces, frame.composed(still), frame.size)[..., None]
    whole = np.asarray(model.predict_on_batch(faces[..., None]))
    np.testing.assert_allclose(np.asarray(core.predict_on_batch(sampled)), whole, atol=5e-3)


def test_a_network_that_takes_faces_as_they_are_has_no_frame() -> None:
    assert cut(built("cnn", family="vgg-bn", width=4)) is None


def test_what_is_no_plain_sampling_is_left_to_the_network() -> None:
    import keras

    faces = keras.Input((48, 48, 1))
    resized = keras.layers.Resizing(24, 24, interpolation="nearest")(faces)
    assert cut(keras.Model(faces, keras.layers.Flatten()(resized))) is None
    cropped = keras.layers.CenterCrop(40, 40)(faces)
    twice = keras.layers.Concatenate()(
        [keras.layers.Rescaling(1.0)(cropped), keras.layers.Rescaling(2.0)(cropped)]
    )
    found = cut(keras.Model(faces, twice))
    assert found is not None
    assert found[0].size == (40, 40), "what follows takes the crop twice, and nothing is cut there"
    skipping = keras.layers.Concatenate()([keras.layers.Flatten()(t) for t in (faces, cropped)])
    assert cut(keras.Model(faces, skipping)) is None


def test_a_device_samples_the_frame_as_the_host_does() -> None:
    from hpo.training.augmentation import Augmentation
    from hpo.training.frame import Frame

    rows, columns = np.mgrid[0:48, 0:48]
    faces = np.rint(127 + 100 * np.sin(rows / 6) * np.cos(columns / 7)).astype(np.uint8)[None]
    frame = Frame(48, 48).cropped(40, 40).resized(70, 60)
    wish = Augmentation(rotation_degrees=30, zoom=0.2, shift=0.1, flip=True)
    maps = frame.composed(matrices(1, (48, 48), wish, np.random.default_rng(0)))
    on_device = warped(faces.astype(np.float32), maps.reshape(1, 6).astype("f4"), frame.size)
    on_host = warp(faces, maps, frame.size)
    assert np.asarray(on_device).shape == (1, 70, 60)
    assert np.abs(np.asarray(on_device) - on_host).max() < 3
