"""The recommender on a real Keras model, through MLflow's own loader and its own server."""

from __future__ import annotations

import base64
import hashlib
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
import typer
from typer.testing import CliRunner

from hpo.cli import recommend
from hpo.cli.shell import Call
from hpo.data.drawn.photo import drawn_photo, write_photo
from hpo.recommender.moods import load_moods
from hpo.recommender.photos import read_photo
from hpo.recommender.publish import Pin, log_recommender
from hpo.recommender.recommend import Recommender, classifier_from_keras
from hpo.registry.models import (
    Origin,
    load_champion,
    register_classifier,
    register_recommender,
)
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, IntegrityError, NotFoundError
from hpo.spec.workspace import Workspace
from hpo.tracking.models import log_trial_model
from hpo.tracking.store import ensure_experiment, open_client

pytestmark = pytest.mark.keras


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
def home(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path, songs: Any) -> Path:
    """A workspace with a champion and its recommender."""
    home = tmp_path_factory.mktemp("home")
    client = open_client(Workspace.at(home).tracking_uri())
    run = client.create_run(ensure_experiment(client, "demo", {})).info.run_id
    sha256 = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    faces = np.zeros((2, 48, 48, 1), np.uint8)
    uri = log_trial_model(client, run, checkpoint, sha256, faces, EMOTIONS)
    origin = Origin("demo", "cnn", 7, run, sha256, EMOTIONS, "digest")
    assert register_classifier(client, uri, origin) == "1"
    served = load_champion(client)
    pin = Pin("emotion-classifier", served.version, "demo", "cnn/7", served.classes)
    logged = log_recommender(
        client, pin, served.keras_path, songs, load_moods(), run, catalogue="data_moods"
    )
    assert register_recommender(client, logged.uri, served.version, logged.tags, run) == "1"
    # The trial's model and the recommender do not take each other's place.
    assert log_trial_model(client, run, checkpoint, sha256, faces, EMOTIONS) == uri
    return home


def tracking_uri(home: Path) -> str:
    return Workspace.at(home).tracking_uri()


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


def test_the_registered_model_loads_without_pickle_and_answers(
    home: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow
    import pandas as pd

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri(home))
    folder = Path(mlflow.artifacts.download_artifacts("models:/song-recommender@champion"))
    loaded = mlflow.pyfunc.load_model("models:/song-recommender@champion")

    photos = [encoded(shared_data, name) for name in ("astronaut", "chelsea")]
    faces, none = loaded.predict(pd.DataFrame({"image": photos}), params={"top": 2})

    assert none == []
    assert [song["index"] for song in faces[0]["songs"]] == [0, 1]
    assert not [file for file in folder.rglob("*") if file.suffix == ".pkl"]
    assert "keras==" in (folder / "requirements.txt").read_text()
    manifest = json.loads((folder / "artifacts" / "manifest.json").read_text())
    assert manifest["classifier"] == {
        "model": "emotion-classifier",
        "version": "1",
        "study": "demo",
        "trial": "cnn/7",
    }


def test_a_classifier_that_was_exchanged_is_not_served(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri(home))
    stored = mlflow.artifacts.download_artifacts("models:/song-recommender@champion")
    shutil.copytree(stored, tmp_path / "copy")
    biased_model(tmp_path / "copy" / "artifacts" / "classifier.keras", "fear")

    with pytest.raises(IntegrityError, match="not the one that was registered"):
        mlflow.pyfunc.load_model(str(tmp_path / "copy"))


def test_mlflow_serves_it_over_http(home: Path, shared_data: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": tracking_uri(home),
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


def test_the_command_answers_with_a_model_file(
    checkpoint: Path, shared_data: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "out.png"
    photos = [str(shared_data / "photos" / f"{name}.png") for name in ("astronaut", "chelsea")]

    result = run_hpo(
        tmp_path / "workspace",
        *photos,
        "--model",
        checkpoint,
        "--json",
        "--save",
        saved,
        "--top",
        2,
    )

    assert result.exit_code == 0, result.exception
    first, second = json.loads(result.stdout)
    assert first["champion"]["model"] == str(checkpoint)
    assert [face["emotion"] for face in first["faces"]] == ["surprise"]
    assert {song["mood"] for song in first["faces"][0]["songs"]} == {"Energetic"}
    assert second["faces"] == []
    assert sorted(path.name for path in tmp_path.glob("*.png")) == [
        "out-astronaut.png",
        "out-chelsea.png",
    ]


def test_the_command_tells_people_who_answered(checkpoint: Path, tmp_path: Path) -> None:
    write_photo(tmp_path / "drawn.png")

    result = run_hpo(tmp_path / "workspace", tmp_path / "drawn.png", "--model", checkpoint)

    assert result.exit_code == 0, result.exception
    text = " ".join(result.stdout.split())
    assert "→ Energetic songs" in text
    assert f"Answered by {checkpoint}, with the song catalogue 'embedded-songs'." in text


def test_the_command_watches_a_video(checkpoint: Path, tmp_path: Path) -> None:
    import cv2

    writer = cv2.VideoWriter(
        str(tmp_path / "party.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (640, 480)
    )
    for _ in range(12):
        writer.write(drawn_photo())
    writer.release()

    result = run_hpo(
        tmp_path / "workspace", "--camera", tmp_path / "party.avi", "--model", checkpoint, "--json"
    )

    assert result.exit_code == 0, result.exception
    (change,) = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert change["faces"][0]["emotion"] == "surprise"


def test_without_a_champion_the_model_in_the_box_answers(tmp_path: Path) -> None:
    write_photo(tmp_path / "drawn.png")

    result = run_hpo(tmp_path / "workspace", tmp_path / "drawn.png")

    assert result.exit_code == 0, result.exception
    text = " ".join(result.stdout.split())
    assert "Answered by the model in the box (" in text
    assert "validation accuracy" in text
    assert not (tmp_path / "workspace").exists()


def test_the_box_answers_a_real_face_as_an_emotion_classifier_should(
    shared_data: Path, tmp_path: Path
) -> None:
    photo = shared_data / "photos" / "astronaut.png"

    result = run_hpo(tmp_path / "workspace", photo, "--json")

    assert result.exit_code == 0, result.exception
    (answer,) = json.loads(result.stdout)
    assert answer["champion"]["boxed"] is True
    # She smiles broadly; what cannot tell that should not be in the box.
    assert [face["emotion"] for face in answer["faces"]] == ["happy"]


def test_the_box_answers_beside_a_champion_if_asked(home: Path, tmp_path: Path) -> None:
    write_photo(tmp_path / "drawn.png")

    result = run_hpo(home, tmp_path / "drawn.png", "--model", "boxed", "--json")

    assert json.loads(result.stdout)[0]["champion"]["model"] == "boxed"


def test_a_store_without_a_champion_leaves_the_answer_to_the_box(tmp_path: Path) -> None:
    home = tmp_path / "workspace"
    ensure_experiment(open_client(Workspace.at(home).tracking_uri()), "demo", {})
    write_photo(tmp_path / "drawn.png")

    result = run_hpo(home, tmp_path / "drawn.png", "--json")

    assert result.exit_code == 0, result.exception
    assert json.loads(result.stdout)[0]["champion"]["boxed"] is True


def test_the_champion_is_named(home: Path, tmp_path: Path) -> None:
    write_photo(tmp_path / "drawn.png")

    result = run_hpo(home, tmp_path / "drawn.png", "--json")
    told = run_hpo(home, tmp_path / "drawn.png", "--model", "1")

    assert json.loads(result.stdout)[0]["champion"] == {
        "model": "emotion-classifier",
        "version": "1",
        "study": "demo",
        "architecture": "cnn",
        "trial": 7,
        "members": [],
        "who": "cnn #7",
        "boxed": False,
        "val_accuracy": None,
        "doubt": "",
    }
    assert "Answered by emotion-classifier version 1 (study demo, cnn #7)" in told.stdout


def test_a_version_that_is_not_there_is_not_found(home: Path, tmp_path: Path) -> None:
    write_photo(tmp_path / "drawn.png")

    result = run_hpo(home, tmp_path / "drawn.png", "--model", "99")

    assert isinstance(result.exception, NotFoundError)


def run_hpo(home: Path, *words: object) -> Any:
    app = typer.Typer()

    @app.callback()
    def root(context: typer.Context) -> None:
        context.obj = Call(Workspace.at(home))

    recommend.register(app)
    return CliRunner().invoke(app, ["recommend", *map(str, words)])


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
