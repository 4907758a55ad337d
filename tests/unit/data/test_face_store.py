"""The canonical store: what is written is what is read, and half a dataset is never seen."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from hpo.data import folders
from hpo.data.folders import check_dataset_name, file_sha256
from hpo.data.store import RawSplit, open_faces, verify, write_faces
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import (
    DataError,
    EnvironmentProblem,
    InputError,
    IntegrityError,
    NotFoundError,
)


def raw(count: int = 14, seed: int = 0, **changes: object) -> RawSplit:
    generator = np.random.default_rng(seed)
    fields = {
        "images": generator.integers(0, 256, (count, 48, 48), dtype=np.uint8),
        "labels": np.arange(count, dtype=np.uint8) % 7,
        "names": [f"face-{i}" for i in range(count)],
        **changes,
    }
    return RawSplit(**fields)  # type: ignore[arg-type]


def test_a_dataset_comes_back_as_it_was_written(tmp_path: Path) -> None:
    votes = np.arange(140, dtype=np.uint8).reshape(14, 10)
    splits = {"validation": raw(7, 1), "train": raw(votes=votes)}
    write_faces(tmp_path / "d", "d", splits, {"format": "test"})
    dataset = open_faces(tmp_path / "d")
    assert dataset.splits == ("train", "validation")
    assert dataset.classes == EMOTIONS
    assert dataset.image_shape == (48, 48)
    assert dataset.manifest["source"] == {"format": "test"}
    train = dataset.split("train")
    assert isinstance(train.images, np.memmap)
    assert np.array_equal(train.images, splits["train"].images)
    assert np.array_equal(train.labels, splits["train"].labels)
    assert train.names == splits["train"].names
    assert train.votes is not None
    assert np.array_equal(train.votes, votes)
    assert dataset.split("validation").votes is None
    assert len(dataset.split("validation")) == 7


def test_a_split_that_is_not_there_is_an_error_that_names_those_that_are(tmp_path: Path) -> None:
    dataset = write_faces(tmp_path / "d", "d", {"train": raw()}, {})
    with pytest.raises(DataError, match=r"no split 'test'\. Expected one of train\."):
        dataset.split("test")


def test_a_changed_byte_and_a_lost_file_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    write_faces(folder, "d", {"train": raw()}, {})
    verify(folder)
    (folder / "contact-sheet.png").write_bytes(b"of no concern")
    verify(folder)
    images = folder / "train.images.npy"
    data = bytearray(images.read_bytes())
    data[-1] ^= 1
    images.write_bytes(data)
    with pytest.raises(IntegrityError, match="differs from its recorded checksum"):
        verify(folder)
    images.unlink()
    with pytest.raises(IntegrityError, match="no such file"):
        verify(folder)


def test_a_failed_write_leaves_the_old_dataset_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write_faces(tmp_path / "d", "d", {"train": raw(seed=1)}, {})

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hpo.data.store.np.save", full_disk)
    with pytest.raises(EnvironmentProblem, match="No space left on device"):
        write_faces(tmp_path / "d", "d", {"train": raw(seed=2)}, {})
    assert open_faces(tmp_path / "d").digest == old.digest
    assert [entry.name for entry in tmp_path.iterdir()] == ["d"]


def test_a_place_that_cannot_be_written_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write this dataset.*--home FOLDER") as caught:
        write_faces(tmp_path / "file" / "d", "d", {"train": raw(seed=1)}, {})
    assert caught.value.exit_code == 2


def test_an_interrupted_write_leaves_the_old_dataset_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write_faces(tmp_path / "d", "d", {"train": raw(seed=1)}, {})

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hpo.data.store.write_manifest", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_faces(tmp_path / "d", "d", {"train": raw(seed=2)}, {})
    assert open_faces(tmp_path / "d").digest == old.digest
    assert [entry.name for entry in tmp_path.iterdir()] == ["d"]


def test_writers_at_once_leave_one_whole_dataset(tmp_path: Path) -> None:
    problems: list[BaseException] = []

    def write(seed: int) -> None:
        try:
            write_faces(tmp_path / "d", "d", {"train": raw(seed=seed)}, {})
        except (DataError, NotFoundError):
            pass  # Reading back may meet the instant in which another writer swaps its own in.
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    verify(tmp_path / "d")
    assert [entry.name for entry in tmp_path.iterdir()] == ["d"]


@pytest.mark.parametrize(
    ("splits", "problem"),
    [
        ({}, "no training faces"),
        ({"validation": raw()}, "no training faces"),
        ({"train": raw(), "holdout": raw()}, "unknown split"),
        ({"train": raw(labels=np.full(14, 7, dtype=np.uint8))}, "labels 0 to 6"),
        ({"train": raw(names=["one"])}, "do not fit together"),
        ({"train": raw(labels=np.zeros(14, dtype=np.int64))}, "labels must be bytes"),
        ({"train": raw(images=np.zeros((14, 48, 48)))}, "not grey bytes"),
        (
            {"train": raw(), "test": raw(images=np.zeros((14, 32, 32), dtype=np.uint8))},
            "32x32, 48x48",
        ),
    ],
)
def test_splits_that_do_not_fit_are_refused(
    tmp_path: Path, splits: dict[str, RawSplit], problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        write_faces(tmp_path / "d", "d", splits, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "../a", "a\\b", ".hidden", "a b", "x" * 101]
)
def test_a_name_that_is_no_folder_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="cannot be a dataset's name"):
        check_dataset_name(name)


def test_folders_without_a_sound_dataset_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no dataset here"):
        open_faces(tmp_path / "nothing")
    folder = tmp_path / "d"
    write_faces(folder, "d", {"train": raw()}, {})
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format_version": 99}))
    with pytest.raises(DataError, match="Expected format version 1; got 99"):
        open_faces(folder)
    (folder / "manifest.json").write_text(json.dumps({**manifest, "kind": "songs"}))
    with pytest.raises(DataError, match=r"its manifest\.json lacks count, moods"):
        open_faces(folder)
    songs = {**manifest, "kind": "songs", "count": 0, "moods": {}}
    (folder / "manifest.json").write_text(json.dumps(songs))
    with pytest.raises(DataError, match="Expected a dataset of faces"):
        open_faces(folder)
    (folder / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="damaged"):
        open_faces(folder)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    dataset = open_faces(folder)
    (folder / "train.images.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(DataError, match="damaged"):
        dataset.split("train")


def test_faces_that_were_changed_on_disk_are_not_opened(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    write_faces(folder, "d", {"train": raw()}, {})
    labels = folder / "train.labels.npy"
    whole = labels.read_bytes()
    open_faces(folder)
    labels.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(IntegrityError, match=r"train\.labels\.npy: .*Import the dataset again"):
        open_faces(folder)
    labels.write_bytes(whole)
    assert open_faces(folder).digest


def test_files_that_stayed_as_they_are_are_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_faces(tmp_path / "d", "d", {"train": raw()}, {})
    read: list[str] = []

    def hashed(path: Path) -> str:
        read.append(path.name)
        return file_sha256(path)

    monkeypatch.setattr(folders, "file_sha256", hashed)
    open_faces(tmp_path / "d")
    assert len(read) == 3
    # Just written, they are read again: within one tick of the clock a change would not show.
    open_faces(tmp_path / "d")
    assert len(read) == 6
    monkeypatch.setattr(folders, "_TICK_NS", -1)
    open_faces(tmp_path / "d")
    open_faces(tmp_path / "d")
    assert len(read) == 9
