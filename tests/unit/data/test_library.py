"""What datasets a workspace has, how they are found, fetched and shown."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from hpo.data.drawn.dataset import GENERATOR_VERSION
from hpo.data.fetch import fetch
from hpo.data.library import find_faces, list_datasets
from hpo.data.show import describe_faces, describe_songs, kind_of, write_contact_sheet
from hpo.data.store import FaceDataset, RawSplit, open_faces, verify, write_faces
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, EnvironmentProblem, InputError, NotFoundError
from hpo.spec.workspace import Workspace


def store(workspace: Workspace, name: str = "mine", **source: object) -> FaceDataset:
    # Every emotion has a grey of its own, so that a face under the wrong label shows.
    labels = np.repeat(np.arange(7, dtype=np.uint8), 3)
    images = (labels * 30)[:, None, None] * np.ones((1, 48, 48), np.uint8)
    split = RawSplit(images, labels, [str(i) for i in range(21)])
    return write_faces(workspace.data / name, name, {"train": split}, {"format": "test", **source})


def test_a_dataset_is_found_by_name(workspace: Workspace) -> None:
    store(workspace)
    assert find_faces(workspace, "mine") == workspace.data / "mine"


def test_an_unknown_dataset_gets_a_suggestion_and_the_command(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match=r"Known: drawn-faces\. .*hpo data import fer2013 PATH"):
        find_faces(workspace, "fer2013")
    store(workspace)
    # A mistyped name is not one to import under.
    with pytest.raises(NotFoundError, match=r"Did you mean 'mine'\?$"):
        find_faces(workspace, "mien")
    with pytest.raises(NotFoundError, match="PATH --name elsewhere"):
        find_faces(workspace, "elsewhere")
    with pytest.raises(DataError, match="cannot be a dataset's name"):
        find_faces(workspace, "../mine")


def test_the_list_holds_what_is_there_what_is_carried_and_what_is_damaged(
    workspace: Workspace,
) -> None:
    assert [entry.name for entry in list_datasets(workspace)] == ["drawn-faces", "embedded-songs"]
    store(workspace)
    (workspace.data / "notes").mkdir()
    (workspace.data / "README.md").write_text("mine")
    (workspace.data / "worn").mkdir()
    (workspace.data / "worn" / "manifest.json").write_text("{")
    entries = {entry.name: entry for entry in list_datasets(workspace)}
    assert list(entries) == ["mine", "worn", "drawn-faces", "embedded-songs"]
    assert entries["mine"].counts == {"train": 21}
    assert "damaged" in entries["worn"].note


def test_drawn_faces_are_drawn_once_for_all_who_ask_at_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Path] = []

    def draw(folder: Path) -> None:
        drawn.append(folder)
        time.sleep(0.05)  # Long enough for the others to arrive at the lock.
        store(workspace, folder.name, generator_version=GENERATOR_VERSION)

    monkeypatch.setattr("hpo.data.drawn.dataset.write_dataset", draw)
    # The lock is held per open file, so threads contend for it as processes do.
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: find_faces(workspace, "drawn-faces"), range(4)))
    assert found == {workspace.data / "drawn-faces"}
    assert len(drawn) == 1
    verify(workspace.data / "drawn-faces")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"train": 14, "validation": 7, "test": 7}
    monkeypatch.setattr("hpo.data.drawn.dataset.SPLIT_SIZES", sizes)


@pytest.mark.usefixtures("few")
def test_faces_that_another_version_drew_are_drawn_anew_and_that_is_told(
    workspace: Workspace,
) -> None:
    old = store(workspace, "drawn-faces", generator_version=GENERATOR_VERSION - 1)
    (listed,) = (entry for entry in list_datasets(workspace) if entry.name == "drawn-faces")
    assert "drawn anew on next use" in listed.note
    new = open_faces(find_faces(workspace, "drawn-faces"))
    assert new.digest != old.digest
    (note,) = describe_faces(workspace, "drawn-faces")["source"]["notes"]
    assert old.digest in note
    assert "not resumed with these" in note
    (listed,) = (entry for entry in list_datasets(workspace) if entry.name == "drawn-faces")
    assert listed.note == ""


@pytest.mark.usefixtures("few")
def test_damaged_drawn_faces_are_drawn_again(workspace: Workspace) -> None:
    folder = find_faces(workspace, "drawn-faces")
    whole = (folder / "train.images.npy").read_bytes()
    assert open_faces(folder).manifest["source"]["notes"] == []
    (folder / "train.images.npy").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    find_faces(workspace, "drawn-faces")
    assert (folder / "train.images.npy").read_bytes() == whole


def test_a_manifest_without_its_parts_is_damaged_not_an_error_of_python(
    workspace: Workspace,
) -> None:
    folder = store(workspace).folder
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["splits"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (listed,) = (entry for entry in list_datasets(workspace) if entry.name == "mine")
    assert "lacks splits" in listed.note
    with pytest.raises(DataError, match=r"damaged: its manifest\.json lacks splits"):
        find_faces(workspace, "mine")


def test_a_description_counts_every_emotion(workspace: Workspace) -> None:
    store(workspace)
    facts = describe_faces(workspace, "mine")
    assert facts["splits"] == {"train": dict.fromkeys(EMOTIONS, 3)}
    assert facts["totals"] == {"train": 21}
    assert kind_of(workspace, "mine") == "faces"
    assert kind_of(workspace, "embedded-songs") == "songs"
    with pytest.raises(NotFoundError, match="no dataset 'other'"):
        kind_of(workspace, "other")


def test_top_songs_go_by_popularity_then_name(workspace: Workspace) -> None:
    top = describe_songs(workspace, "embedded-songs")["top"]["Calm"]
    keys = [(-song["popularity"], song["name"], song["id"]) for song in top]
    assert len(keys) == 5
    assert keys == sorted(keys)


def test_a_contact_sheet_has_a_row_of_its_own_faces_per_emotion(workspace: Workspace) -> None:
    dataset = store(workspace)
    path = write_contact_sheet(dataset, per_class=4)
    assert path == dataset.folder / "contact-sheet.png"
    sheet = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    # A face is 96 pixels with a gap of 4, right of 130 pixels of labels, under 34 of title.
    for row in range(7):
        cells = [sheet[34 + row * 100 + 48, 130 + column * 100 + 48] for column in range(4)]
        assert cells == [row * 30] * 3 + [255]
    assert sheet[:34].min() < 100
    assert write_contact_sheet(dataset, dataset.folder / "again.png", per_class=4).read_bytes() == (
        path.read_bytes()
    )


def test_a_sheet_that_cannot_be_written_is_told(workspace: Workspace) -> None:
    dataset = store(workspace)
    (workspace.home / "file").write_text("")
    with pytest.raises(InputError, match="cannot write the contact sheet"):
        write_contact_sheet(dataset, workspace.home / "file" / "sheet.png")


def test_fetched_faces_are_a_folder_and_fetched_songs_the_csv_in_it(tmp_path: Path) -> None:
    asked: list[str] = []

    def download(handle: str) -> str:
        asked.append(handle)
        return str(tmp_path)

    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "data_moods.csv").write_text("")
    assert fetch("fer2013", download) == tmp_path
    assert fetch("songs", download) == tmp_path / "inner" / "data_moods.csv"
    assert asked[0] == "msambare/fer2013"


def test_without_network_a_paragraph_says_what_to_do_by_hand(tmp_path: Path) -> None:
    def no_network(handle: str) -> str:
        raise ConnectionError("HTTPSConnectionPool: a paragraph of the library's own")

    with pytest.raises(EnvironmentProblem) as caught:
        fetch("fer2013", no_network)
    assert str(caught.value) == (
        "could not fetch msambare/fer2013 from Kaggle. Expected kagglehub, a network, and a Kaggle "
        "account's permission; got no connection to Kaggle (ConnectionError). Download it by "
        "hand from https://www.kaggle.com/datasets/msambare/fer2013 and then type: "
        "hpo data import fer2013 archive.zip."
    )
    with pytest.raises(
        EnvironmentProblem, match=r"holds no data_moods\.csv.*songs data_moods\.csv"
    ):
        fetch("songs", lambda handle: str(tmp_path))
    with pytest.raises(NotFoundError, match="Did you mean 'songs'"):
        fetch("song")


def test_without_kagglehub_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(EnvironmentProblem, match=r"got no such package here \(pip install 'hpo\[f"):
        fetch("fer2013")
