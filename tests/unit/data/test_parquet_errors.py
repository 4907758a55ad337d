"""What wrong parquet files get, and what is read from right ones whatever their shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hpo.data.importers import image_parquet
from hpo.data.importers.source import silent
from hpo.data.importing import import_faces
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError
from hpo.spec.workspace import Workspace

PNG = cv2.imencode(".png", np.full((48, 48), 7, dtype=np.uint8))[1].tobytes()


def parquet(folder: Path, rows: list[dict[str, Any]], name: str = "train.parquet") -> Path:
    pq.write_table(pa.Table.from_pylist(rows), folder / name)
    return folder / name


def row(**changes: Any) -> dict[str, Any]:
    return {"image": {"bytes": PNG, "path": "a.png"}, "label": 0, **changes}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"label": 7}, r"train\.parquet: row 2: label out of range.*6 surprise.*got 7"),
        ({"label": -1}, r"row 2: label out of range.*got -1"),
        ({"label": None, "emotion": None}, r"row 2: label out of range.*got None"),
        ({"usage": "Holdout"}, r"row 2: this row's split cannot be told.*got usage 'Holdout'"),
        ({"emotion": "contempt"}, r"row 2: label out of range.*got 'contempt'"),
        (
            {"emotion": "happy"},
            r"row 2: label and emotion contradict.*angry beside label 0.*'happy'",
        ),
        ({"ferplus_votes": [1, 2]}, r"row 2: the votes do not fit.*10 counts.*\[1, 2\]"),
        ({"ferplus_votes": [1] * 9 + [70_000]}, r"row 2: the votes do not fit.*0 to 65535"),
        ({"ferplus_votes": [1] * 9 + [-1]}, r"row 2: the votes do not fit.*got \[1, .*-1\]"),
        ({"ferplus_votes": [1] * 9 + [None]}, r"row 2: the votes do not fit"),
    ],
)
def test_a_wrong_parquet_row_is_named(tmp_path: Path, wrong: dict[str, Any], message: str) -> None:
    right = {"usage": "Training", "emotion": "angry", "ferplus_votes": [1] * 10}
    file = parquet(tmp_path, [row(**right), row(**{**right, **wrong})])
    with pytest.raises(DataError, match=message):
        image_parquet.read(file, silent)


def test_wrong_parquet_columns_are_told_with_what_was_found(tmp_path: Path) -> None:
    file = parquet(tmp_path, [{"x": 1, "label": 0}])
    with pytest.raises(DataError, match=r"image \(a struct.*got x \(int64\), label \(int64\)"):
        image_parquet.read(file, silent)


def test_images_as_lists_of_numbers_are_another_layout(tmp_path: Path) -> None:
    file = parquet(tmp_path, [{"image": [[1, 2], [3, 4]], "label": 0}])
    with pytest.raises(DataError, match=r"bytes and path.*got image \(list<"):
        image_parquet.read(file, silent)


def test_what_is_no_parquet_is_told(tmp_path: Path) -> None:
    (tmp_path / "train.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(DataError, match=r"train\.parquet: this is no readable parquet file"):
        image_parquet.read(tmp_path / "train.parquet", silent)


def test_a_sealed_file_is_never_opened(tmp_path: Path, workspace: Workspace) -> None:
    sealed = tmp_path / "test.parquet.sealed"
    sealed.write_bytes(b"would be an error to parse")
    with pytest.raises(DataError, match="sealed"):
        import_faces(workspace, sealed)
    parquet(tmp_path, [row()])
    parquet(tmp_path, [row()], "validation.parquet")
    assert import_faces(workspace, tmp_path).splits == ("train", "validation")


def test_a_lost_shard_is_named(tmp_path: Path) -> None:
    parquet(tmp_path, [row()], "train-00000-of-00003.parquet")
    parquet(tmp_path, [row()], "train-00002-of-00003.parquet")
    with pytest.raises(DataError, match=r"shards of 'train' are missing: 1\. Expected 3 files"):
        image_parquet.read(tmp_path, silent)


def test_names_decide_where_the_numbers_follow_another_order(tmp_path: Path) -> None:
    kaggle = {0: "angry", 4: "sad", 5: "surprise", 6: "neutral"}
    rows = [row(label=label, emotion=emotion) for label, emotion in kaggle.items()]
    faces = image_parquet.read(parquet(tmp_path, rows), silent).splits["train"]
    assert [EMOTIONS[label] for label in faces.labels] == list(kaggle.values())


def test_the_hubs_metadata_names_the_labels(tmp_path: Path) -> None:
    order = ["sad", "happy", "angry"]
    features = {"info": {"features": {"label": {"names": order, "_type": "ClassLabel"}}}}
    table = pa.Table.from_pylist([row(label=label) for label in range(3)])
    table = table.replace_schema_metadata({"huggingface": json.dumps(features)})
    pq.write_table(table, tmp_path / "train.parquet")
    faces = image_parquet.read(tmp_path / "train.parquet", silent).splits["train"]
    assert [EMOTIONS[label] for label in faces.labels] == order


def test_votes_are_kept_and_a_face_without_them_has_zeros(tmp_path: Path) -> None:
    rows = [row(ferplus_votes=list(range(10))), row(ferplus_votes=None)]
    votes = image_parquet.read(parquet(tmp_path, rows), silent).splits["train"].votes
    assert votes is not None
    assert votes.tolist() == [list(range(10)), [0] * 10]


def test_unreadable_images_in_a_parquet_are_counted(tmp_path: Path) -> None:
    rows = [row(), row(image={"bytes": b"x", "path": "b.png"}), row(image=None)]
    faces = image_parquet.read(parquet(tmp_path, rows), silent)
    assert faces.unreadable == ["b.png", "train.parquet: row 3"]
    assert faces.total == 3


@pytest.mark.parametrize("votes", [3, [0.5] * 10, ["a"] * 10])
def test_votes_that_are_no_list_of_counts_are_refused(tmp_path: Path, votes: Any) -> None:
    file = parquet(tmp_path, [row(ferplus_votes=votes)])
    with pytest.raises(DataError, match=r"train\.parquet: row 1: the votes do not fit"):
        image_parquet.read(file, silent)


@pytest.mark.parametrize("rest", [{}, {"label": 0}])
def test_a_column_emotion_of_numbers_is_told_how_to_be_read(
    tmp_path: Path, rest: dict[str, int]
) -> None:
    rows = [{"image": {"bytes": PNG, "path": "a.png"}, "emotion": 3, **rest}]
    with pytest.raises(
        DataError, match=r"emotion holds no names.*got int64\. Numbers stand in a column label"
    ):
        image_parquet.read(parquet(tmp_path, rows), silent)


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    table = pa.table([pa.array([PNG]), pa.array([0]), pa.array([1])], ["image", "label", "label"])
    pq.write_table(table, tmp_path / "train.parquet")
    with pytest.raises(DataError, match="the column label stands twice"):
        image_parquet.read(tmp_path / "train.parquet", silent)


def test_text_that_is_no_utf8_is_no_readable_parquet(tmp_path: Path) -> None:
    emotion = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
    )
    table = pa.table({"image": [PNG], "emotion": emotion})
    pq.write_table(table, tmp_path / "train.parquet")
    with pytest.raises(DataError, match="no readable parquet"):
        image_parquet.read(tmp_path / "train.parquet", silent)


def test_shards_whose_names_end_in_a_hash_are_read(tmp_path: Path) -> None:
    parquet(tmp_path, [row()], "train-00000-of-00002-5a1c9b1e3d.parquet")
    with pytest.raises(DataError, match=r"shards of 'train' are missing: 1\. Expected 2 files"):
        image_parquet.read(tmp_path, silent)
    parquet(tmp_path, [row()], "train-00001-of-00002-0f3e.parquet")
    parquet(tmp_path, [row()], "validation-00000-of-00001-5a1c9b1e3d.parquet")
    splits = image_parquet.read(tmp_path, silent).splits
    assert {name: len(split.labels) for name, split in splits.items()} == {
        "train": 2,
        "validation": 1,
    }


def test_two_uploads_of_one_shard_are_not_taken_for_more_faces(tmp_path: Path) -> None:
    parquet(tmp_path, [row()], "train-00000-of-00001-aaaa.parquet")
    parquet(tmp_path, [row()], "train-00000-of-00001-bbbb.parquet")
    with pytest.raises(DataError, match=r"shard 0 of 'train' is there twice.*aaaa.*bbbb"):
        image_parquet.read(tmp_path, silent)


def test_one_huge_value_that_many_rows_share_is_held_once(tmp_path: Path) -> None:
    rows = [row(image={"bytes": bytes(2**20), "path": "a.png"})] * 300
    file = parquet(tmp_path, rows)
    assert file.stat().st_size < 2**21
    before = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(before)
    pa.set_memory_pool(pool)
    try:
        assert len(image_parquet.read(file, silent).unreadable) == 300
    finally:
        pa.set_memory_pool(before)
    # Written out, the column takes 300 MiB.
    assert 0 < pool.max_memory() < 30 * 2**20
