"""What is served answers as what was judged, in stock layers that load under safe mode."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.architectures.architecture import load
from hpo.data.drawn import dataset as drawn
from hpo.data.store import open_faces
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import SpecError
from hpo.spec.records import TrialJob, TrialResult
from hpo.training.batches import Labelled
from hpo.training.fit import train
from hpo.training.packed import read_packed, write_packed
from hpo.training.resolve import resolve_parameters
from hpo.training.served import check_scalable, scale, serve
from hpo.training.validation import judge, judge_model, predict, predict_views
from hpo.training.views import mean_probabilities

pytestmark = pytest.mark.keras

SMALL = {"family": "vgg-bn", "width": 8, "stages": 2, "head": "gap", "dense": 0}


def some_faces(count: int = 12) -> Any:
    patches = np.random.default_rng(0).integers(0, 256, (count, 6, 6, 1), dtype=np.uint8)
    return patches.repeat(8, axis=1).repeat(8, axis=2)


def a_model(**changes: Any) -> tuple[Any, dict[str, Any]]:
    import keras

    keras.utils.set_random_seed(2)
    cnn = load("cnn")
    resolved = resolve_parameters(cnn, {**SMALL, **changes})
    model = cnn.build(resolved.architecture, (48, 48, 1), len(EMOTIONS))
    for _ in range(20):
        model(some_faces().astype(np.float32), training=True)
    return model, resolved.params


@pytest.mark.parametrize("which", ["none", "mirror", "mirror_shifts"])
def test_a_served_model_answers_the_mean_of_its_views(which: str, tmp_path: Path) -> None:
    import keras

    model, _ = a_model()
    model.compile(optimizer="adam", loss="categorical_crossentropy")
    expected = mean_probabilities(list(predict_views(model, some_faces(), which, 12)))

    serve(model, which).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)

    np.testing.assert_allclose(predict(loaded, some_faces(), 12), expected, atol=2e-6)
    if which != "none":
        own = predict(model, some_faces(), 12)
        assert float(np.abs(expected - own).max()) > 1e-3  # Views differ, so this means something.
        with zipfile.ZipFile(tmp_path / "model.keras") as archive:
            text = archive.read("config.json").decode()
        assert "Lambda" not in text
        modules = {m for m in json.loads(text)["config"]["layers"] for m in [m["module"]]}
        assert modules <= {"keras.layers", "keras.src.models.functional", "keras"}
        # Adam's moments would be three times as much.
        assert (tmp_path / "model.keras").stat().st_size < 4 * 2 * model.count_params() + 200_000


def test_serving_twice_is_serving_once() -> None:
    model, _ = a_model()
    served = serve(model, "mirror")
    assert serve(served, "mirror") is served
    assert serve(model, "none") is model


@pytest.mark.parametrize("given", ["trained", "served"])
def test_views_travel_with_a_packed_model(given: str, tmp_path: Path) -> None:
    model, params = a_model(test_views="mirror_shifts")
    served = serve(model, "mirror_shifts")
    write_packed(
        served if given == "served" else model, tmp_path,
        architecture="cnn", params=params, classes=EMOTIONS, facts={},
    )  # fmt: skip
    again = read_packed(tmp_path)
    faces = some_faces().astype(np.float32)
    np.testing.assert_allclose(np.asarray(again(faces)), np.asarray(served(faces)), atol=2e-3)


def test_a_temperature_lowers_the_loss_and_is_in_the_weights() -> None:
    model, _ = a_model()
    validation = Labelled(some_faces(), np.arange(12) % 7)
    before = judge_model(model, validation, 12, "mirror")
    # Far too sure of itself.
    layer = model.layers[-1]
    layer.set_weights([8 * weight for weight in layer.get_weights()])
    sure = judge_model(model, validation, 12, "mirror")

    temperature, judged = scale(model, validation, 12, "mirror")

    assert temperature > 4
    assert judged.metrics["val_loss"] < min(sure.metrics["val_loss"], before.metrics["val_loss"])
    again = judge_model(model, validation, 12, "mirror")
    assert again.metrics == judged.metrics


def test_a_temperature_needs_a_softmax_that_it_can_reach() -> None:
    import keras

    model, _ = a_model()
    check_scalable(model, "cnn")
    faces = keras.Input((48, 48, 1))
    logits = keras.layers.Dense(7)(keras.layers.Flatten()(faces))
    with pytest.raises(SpecError, match="no Dense with a softmax"):
        check_scalable(keras.Model(faces, keras.layers.Softmax()(logits)), "mynet")


@pytest.fixture(scope="module")
def result(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> TrialResult:
    store = open_faces(faces / "data" / drawn.DATASET_NAME)
    params = {
        **SMALL, "epochs": 2, "batch_size": 7, "test_views": "mirror_shifts",
        "temperature_scaling": True,
    }  # fmt: skip
    output = str(tmp_path_factory.mktemp("trial"))
    job = TrialJob("t", "cnn", params, str(store.folder), store.digest, output, seed=1,
                   objective="val_loss", direction="minimize")  # fmt: skip
    reports: list[Any] = []
    done = train(job, reports.append, lambda: False)
    # Epochs are judged by their views; the temperature is the checkpoint's alone.
    assert done.value == done.metrics["val_loss"] <= min(e.metrics["val_loss"] for e in reports)
    return done


def test_the_value_of_a_trial_is_that_of_its_checkpoint(result: TrialResult, faces: Path) -> None:
    import keras

    assert result.checkpoint is not None
    model = keras.models.load_model(result.checkpoint, compile=False, safe_mode=True)
    split = open_faces(faces / "data" / drawn.DATASET_NAME).split("validation")
    answers = predict(model, split.images[..., None], 64)
    judged = judge(answers, split.labels.astype(np.int64))
    assert judged.metrics["val_loss"] == pytest.approx(result.value, abs=1e-5)
    assert judged.predictions.tolist() == result.predictions
    assert result.metrics["temperature"] > 0
