"""``hpo recommend`` up to the point where a face needs a model; the rest is in tests/endtoend."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from hpo.cli import recommend
from hpo.cli.shell import Call
from hpo.recommender.answer import PhotoAnswer
from hpo.recommender.answer import recommend as answer_photos
from hpo.recommender.choice import Origin
from hpo.recommender.rank import Song
from hpo.recommender.recommend import FaceAnswer
from hpo.spec.errors import HpoError
from hpo.spec.workspace import Workspace


@pytest.fixture
def blank(tmp_path: Path) -> Path:
    import cv2

    path = tmp_path / "blank[1].png"
    cv2.imwrite(str(path), np.full((80, 80, 3), 90, np.uint8))
    return path


def call(workspace: Workspace, *words: object) -> Any:
    app = typer.Typer()

    @app.callback()
    def root(context: typer.Context) -> None:
        context.obj = Call(workspace)

    recommend.register(app)
    return CliRunner().invoke(app, ["recommend", *map(str, words)])


def test_no_face_is_a_normal_answer_and_loads_no_model(workspace: Workspace, blank: Path) -> None:
    # In a process of its own, where no other test has loaded anything.
    program = """
import sys
from hpo.cli.app import main
try:
    main()
finally:
    print("loaded:", sorted({"keras", "tensorflow", "mlflow", "torch", "jax"} & set(sys.modules)))
"""
    words = ["--home", workspace.home, "recommend", blank]
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, words)], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    told = done.stdout.replace("\n", "")
    assert f"{blank}: no face found" in told
    assert "loaded: []" in told


@pytest.mark.parametrize(
    ("sides", "told"),
    [((48, 48), True), ((120, 400), True), ((600, 500), True), ((480, 640), False)],
)
def test_what_may_be_the_crop_of_a_face_is_told_how_one_is_found(
    sides: tuple[int, int], told: bool, workspace: Workspace, tmp_path: Path
) -> None:
    import cv2

    photo = tmp_path / "face.png"
    cv2.imwrite(str(photo), np.full((*sides, 3), 90, np.uint8))
    said = " ".join(call(workspace, photo).stdout.split())
    assert "face.png: no face found" in said
    assert ("face.png is the crop of a face: a face is found best whole" in said) is told
    twice = " ".join(call(workspace, photo, photo).stdout.split())
    assert ("the crop of a face (and 1 more)" in twice) is told


@pytest.mark.parametrize("kind", [str, Path])
def test_from_python_a_single_path_is_one_photo(
    workspace: Workspace, blank: Path, kind: type[str] | type[Path]
) -> None:
    (answer,) = answer_photos(kind(blank), workspace=workspace)
    assert answer.photo == str(blank)
    assert answer.faces == []


def test_json_is_a_list_of_photos_with_their_faces(workspace: Workspace, blank: Path) -> None:
    result = call(workspace, blank, blank, "--json")

    assert (
        json.loads(result.stdout)
        == [
            {
                "photo": str(blank),
                "faces": [],
                "champion": None,
                "catalogue": "embedded-songs",
            }
        ]
        * 2
    )


def test_a_champion_with_a_doubt_is_warned_of_in_a_line(
    workspace: Workspace, blank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = Origin("emotion-classifier", "1", doubt="It did not pass.", val_accuracy=0.2)
    answer = PhotoAnswer(str(blank), [], origin, "songs")
    monkeypatch.setattr("hpo.recommender.answer.recommend", lambda *_, **__: [answer])
    told = call(workspace, blank)
    assert told.stderr == ("Warning: It did not pass. `--model boxed` asks the model in the box.\n")
    told = call(workspace, blank, "--json")
    assert told.stderr == ""
    assert json.loads(told.stdout)[0]["champion"]["doubt"] == "It did not pass."


def test_songs_are_numbered_from_one_for_people_and_from_zero_as_data(
    workspace: Workspace, blank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    songs = [Song(place, "Title", "Artist", "Album", 77, "Happy") for place in (0, 1)]
    face = FaceAnswer((0, 0, 9, 9), "happy", 0.9, {"happy": 0.9}, "Happy", songs)
    answer = PhotoAnswer(str(blank), [face], Origin("emotion-classifier", "1"), "songs")
    monkeypatch.setattr("hpo.recommender.answer.recommend", lambda *_, **__: [answer])
    lines = call(workspace, blank).stdout.splitlines()
    assert [line.split()[0] for line in lines if "Title" in line] == ["1", "2"]
    told = json.loads(call(workspace, blank, "--json").stdout)
    assert [song["index"] for song in told[0]["faces"][0]["songs"]] == [0, 1]


def test_save_writes_the_photo_even_without_a_face(
    workspace: Workspace, blank: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "out.png"

    result = call(workspace, blank, "--save", saved, "--json")

    assert json.loads(result.stdout)[0]["saved"] == str(saved)
    assert saved.stat().st_size > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no photo to look at"),
        (["absent.png"], "no such photo"),
        (["{blank}", "--top", "2", "--moods", "absent.yaml"], "no such mood table"),
        (["{blank}", "--songs", "embeded-songs"], "Did you mean 'embedded-songs'"),
        (["{blank}", "--model", "absent.keras"], "no such model"),
        (["{blank}", "--model", "newest"], "this is no model"),
        (["{blank}", "--save", "out"], "image format"),
        (["{blank}", "--camera", "0"], "photos and a camera"),
        (["--camera", "0", "--save", "out.png"], "no photo to save"),
        (["--camera", "absent.mp4"], "no such video"),
    ],
)
def test_bad_input_is_refused_with_exit_code_2(
    workspace: Workspace, blank: Path, words: list[str], message: str
) -> None:
    result = call(workspace, *(word.replace("{blank}", str(blank)) for word in words))

    assert isinstance(result.exception, HpoError), result.output
    assert result.exception.exit_code == 2
    assert message in str(result.exception)


def test_one_unreadable_photo_is_named_and_the_others_are_answered(
    workspace: Workspace, blank: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_text("no photo")

    result = call(workspace, broken, blank, "absent.png", "--json", "--save", tmp_path / "out.png")

    assert [photo["photo"] for photo in json.loads(result.stdout)] == [str(blank)]
    assert isinstance(result.exception, HpoError)
    assert result.exception.exit_code == 2
    assert "absent.png: there is no such photo" in str(result.exception)
    assert f"Error: {broken}: this is no photo that can be read" in result.stderr
    assert (tmp_path / "out-blank[1].png").is_file()
    assert not (tmp_path / "out-broken.png").exists()


def test_photos_that_all_cannot_be_read_are_refused_and_all_named(
    workspace: Workspace, tmp_path: Path
) -> None:
    result = call(workspace, "one.png", "two.png", "--save", tmp_path / "out.png")

    assert isinstance(result.exception, HpoError)
    assert "one.png" in str(result.exception)
    assert "two.png: there is no such photo" in result.stderr
    assert result.stdout == ""


def test_from_python_one_unreadable_photo_refuses_the_call(
    workspace: Workspace, blank: Path, tmp_path: Path
) -> None:
    with pytest.raises(HpoError, match=r"absent\.png"):
        answer_photos([blank, "absent.png"], workspace=workspace, save=tmp_path / "out.png")
    assert [path.name for path in tmp_path.iterdir()] == ["blank[1].png"]
