"""The recommender on a real Keras model, through MLflow's own loader and its own server."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.recommender.moods import load_moods
from hpo.recommender.photos import read_photo
from hpo.recommender.publish import LoggedRecommender, Pin, log_recommender
from hpo.recommender.recommend import Recommender, classifier_from_keras
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError

pytestmark = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def biased_model(path: Path, emotion: str) -> Path:
    """A model that always answers ``emotion``, whatever the face."""
    import keras

    bias = np.zeros(7, np.float32)
    bias[EMOTIONS.index(emotion)] = 5.0
    model = keras.Sequential(
        [
            keras.Input((48, 48, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(7, kernel_initializer="zeros", activation="softmax"),
        ]
    )
    model.layers[-1].bias.assign(bias)
    model.save(path)
    return path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return biased_model(tmp_path_factory.mktemp("model") / "best.keras", "surprise")


@pytest.fixture(scope="module")
def songs(shared_data: Path) -> Any:
    import pandas as pd

    return pd.read_csv(shared_data / "songs" / "data_moods.csv")


@pytest.fixture(scope="module")
def logged(
    tmp_path_factory: pytest.TempPathFactory, checkpoint: Path, songs: Any
) -> tuple[str, LoggedRecommender]:
    from mlflow import MlflowClient

    folder = tmp_path_factory.mktemp("store")
    uri = f"sqlite:///{folder}/mlflow.db"
    client = MlflowClient(tracking_uri=uri)
    experiment = client.create_experiment("demo", artifact_location=str(folder / "artifacts"))
    run = client.create_run(experiment).info.run_id
    pin = Pin("emotion-classifier", "3", "demo", "cnn/7")
    model = log_recommender(
        client, pin, checkpoint, songs, load_moods(), run, catalogue="data_moods"
    )
    client.create_registered_model("song-recommender")
    version = client.create_model_version(
        "song-recommender", model.artifact_location, run, model_id=model.model_id
    )
    client.set_registered_model_alias("song-recommender", "champion", version.version)
    return uri, model


def test_a_keras_file_classifies_faces_in_batches(checkpoint: Path) -> None:
    classify = classifier_from_keras(checkpoint, batch_size=2)

    rows = classify(np.zeros((5, 48, 48), np.uint8))

    assert rows.shape == (5, 7)
    # Softmax over float32: 1e-6 is a few units in the last place.
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)
    assert {EMOTIONS[i] for i in rows.argmax(axis=1)} == {"surprise"}


def test_a_model_of_another_shape_is_refused(tmp_path: Path) -> None:
    import keras

    path = tmp_path / "other.keras"
    keras.Sequential([keras.Input((48, 48, 3)), keras.layers.Flatten()]).save(path)

    with pytest.raises(DataError, match="no emotion classifier"):
        classifier_from_keras(path)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.keras"
    path.write_bytes(b"not a zip")

    with pytest.raises(DataError, match="cannot be loaded"):
        classifier_from_keras(path)


def test_a_model_with_code_inside_is_refused(tmp_path: Path) -> None:
    import keras

    path = tmp_path / "code.keras"
    layers = [keras.Input((48, 48, 1)), keras.layers.Lambda(lambda x: x)]
    keras.Sequential([*layers, keras.layers.Flatten(), keras.layers.Dense(7)]).save(path)

    with pytest.raises(DataError, match="cannot be loaded"):
        classifier_from_keras(path)


def test_the_astronaut_gets_energetic_songs(
    checkpoint: Path, songs: Any, shared_data: Path
) -> None:
    recommender = Recommender(classifier_from_keras(checkpoint), songs, load_moods())

    (face,) = recommender.recommend(read_photo(shared_data / "photos" / "astronaut.png"))

    assert (face.emotion, face.mood, len(face.songs)) == ("surprise", "Energetic", 5)
    json.dumps(face.to_json())


def test_the_logged_model_loads_without_pickle_and_answers(
    logged: tuple[str, LoggedRecommender], shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow
    import pandas as pd

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    uri, model = logged
    mlflow.set_tracking_uri(uri)
    loaded = mlflow.pyfunc.load_model(model.uri)

    faces, none = loaded.predict(
        pd.DataFrame(
            {"image": [encoded(shared_data, "astronaut"), encoded(shared_data, "chelsea")]}
        ),
        params={"top": 2},
    )

    assert none == []
    assert [song["index"] for song in faces[0]["songs"]] == [0, 1]
    assert not [f for f in Path(model.artifact_location).rglob("*") if f.suffix == ".pkl"]
    requirements = Path(model.artifact_location) / "requirements.txt"
    assert "keras==" in requirements.read_text()


def test_mlflow_serves_it_over_http(
    logged: tuple[str, LoggedRecommender], shared_data: Path
) -> None:
    uri, _ = logged
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": uri,
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        # The server's command line looks for uvicorn on the path.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local"),
            *("-m", "models:/song-recommender@champion"),
            *("-h", "127.0.0.1", "-p", str(port), "--workers", "1"),
        ],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        wait_until_up(f"http://127.0.0.1:{port}/ping", server)
        status, answer = post(port, [encoded(shared_data, "astronaut")], top=3)
        assert status == 200
        (faces,) = answer["predictions"]
        assert faces[0]["emotion"] == "surprise"
        assert len(faces[0]["songs"]) == 3

        status, answer = post(port, [base64.b64encode(b"no photo").decode()], top=3)
        assert status == 400
        assert "row 0: this is no photo" in json.dumps(answer)
    finally:
        os.killpg(server.pid, 15)
        server.communicate(timeout=30)


def encoded(shared_data: Path, name: str) -> str:
    return base64.b64encode((shared_data / "photos" / f"{name}.png").read_bytes()).decode()


def wait_until_up(address: str, server: subprocess.Popen[bytes]) -> None:
    # Starting loads mlflow, then TensorFlow: half a minute on two idle cores.
    for _ in range(240):
        if server.poll() is not None:
            pytest.fail(f"the server ended: {server.communicate()[0].decode()[-2000:]}")
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(1)
    pytest.fail("the server did not answer within four minutes")


def post(port: int, images: list[str], top: int) -> tuple[int, Any]:
    payload = {
        "dataframe_split": {"columns": ["image"], "data": [[image] for image in images]},
        "params": {"top": top},
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations",
        json.dumps(payload).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
