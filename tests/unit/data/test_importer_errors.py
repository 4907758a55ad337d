"""What wrong sources of faces get: one paragraph that says where, what, and what to do."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from hpo.data.importers import image_folders, pixel_csv
from hpo.data.importers.labels import emotion_index, split_named
from hpo.data.importers.source import SourceFaces, silent
from hpo.data.importing import import_faces
from hpo.data.store import write_faces
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, InputError, NotFoundError
from hpo.spec.workspace import Workspace

GREY = " ".join(["7"] * 2304)
PNG = cv2.imencode(".png", np.full((48, 48), 7, dtype=np.uint8))[1].tobytes()


def read_csv(folder: Path, text: str) -> SourceFaces:
    (folder / "fer2013.csv").write_text(text, encoding="utf-8")
    return pixel_csv.read(folder / "fer2013.csv", silent)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("7,{grey},Training", r"fer2013\.csv:3: label out of range.*6 neutral.*got '7'"),
        ("-1,{grey},Training", r"fer2013\.csv:3: label out of range.*got '-1'"),
        ("happy,{grey},Training", r"fer2013\.csv:3: label out of range.*got 'happy'"),
        ("0,{grey} 1,Training", r"fer2013\.csv:3: pixels of the wrong length.*got 2305 numbers"),
        ("0,1 2 3,Training", r"fer2013\.csv:3: pixels of the wrong length.*2304.*got 3 numbers"),
        ("0,,Training", r"fer2013\.csv:3: pixels of the wrong length.*got 0 numbers"),
        ("0,{bright},Training", r"fer2013\.csv:3: a pixel is out of range.*from 7 to 256"),
        ("0,{dark},Training", r"fer2013\.csv:3: a pixel is out of range.*from -1 to 7"),
        ("0,{wraps},Training", r"fer2013\.csv:3: a pixel is out of range.*from 7 to 4294967296"),
        ("0,{huge},Training", r"fer2013\.csv:3: a pixel is out of range"),
        ("0,{half},Training", r"fer2013\.csv:3: the pixels are not numbers"),
        ("{long},{grey},Training", r"fer2013\.csv:3: label out of range.*got '1111"),
        ("0,1 2 x,Training", r"fer2013\.csv:3: the pixels are not numbers.*got '1 2 x'"),
        ("0,{grey},Holdout", r"fer2013\.csv:3: unknown Usage.*PublicTest.*got 'Holdout'"),
        ("0,{grey}", r"fer2013\.csv:3: this row is too short.*3 columns; got 2"),
    ],
)
def test_a_wrong_csv_row_is_named(tmp_path: Path, line: str, message: str) -> None:
    changed = {
        "bright": GREY[:-1] + "256",
        "dark": "-1" + GREY[1:],
        "wraps": GREY[:-1] + str(2**32),  # 0 in 32 bits
        "huge": GREY[:-1] + str(2**64),  # 0 in 64 bits
        "half": GREY[:-1] + "1.5",
        "long": "1" * 5000,  # more digits than int() takes
    }
    row = line.format(grey=GREY, **changed)
    with pytest.raises(DataError, match=message):
        read_csv(tmp_path, f"emotion,pixels,Usage\n0,{GREY},Training\n{row}\n")


def test_wrong_csv_columns_are_told_with_what_was_found(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"column usage is missing.*got emotion, pixels.*icml_face"):
        read_csv(tmp_path, f"emotion,pixels\n0,{GREY}\n")
    with pytest.raises(DataError, match=r"columns emotion, pixels and usage are .*an empty file"):
        read_csv(tmp_path, "")


def test_csv_may_have_a_byte_order_mark_blank_lines_and_windows_line_ends(tmp_path: Path) -> None:
    faces = read_csv(tmp_path, f"\ufeffemotion,pixels,Usage\r\n\r\n6,{GREY},PublicTest\r\n")
    assert EMOTIONS[faces.splits["validation"].labels[0]] == "neutral"
    assert faces.splits["validation"].names == ["fer2013.csv:3"]


def test_a_row_without_end_is_refused_at_its_limit(tmp_path: Path) -> None:
    limit = pixel_csv.MAX_ROW_CHARACTERS
    head = f"emotion,pixels,Usage\n0,{GREY},Training\n"
    for endless in ("1 " * limit, '"a\n",' * limit):
        with pytest.raises(DataError, match=r"fer2013\.csv:\d+: this row is too long.*65,536"):
            read_csv(tmp_path, head + endless)
    # Many rows together may be longer than one.
    rows = "".join(f"0,{GREY},Training\n" for _ in range(20))
    assert len(read_csv(tmp_path, head + rows).splits["train"].labels) == 21


def test_a_source_that_the_system_does_not_give_out_is_told(
    tmp_path: Path, workspace: Workspace
) -> None:
    (tmp_path / "fer2013.csv").mkdir()
    with pytest.raises(DataError, match=r"this cannot be read\. Got Is a directory"):
        import_faces(workspace, tmp_path, importer="pixel-csv")
    with pytest.raises(DataError, match=r"this cannot be read\. Got File name too long"):
        import_faces(workspace, tmp_path / ("x" * 300))


def test_a_pipe_among_the_images_is_not_waited_for(tmp_path: Path) -> None:
    source = folders(tmp_path / "images", {"train/happy/1.png": PNG})
    os.mkfifo(source / "train" / "happy" / "2.png")
    assert image_folders.read(source, silent).unreadable == ["train/happy/2.png"]


def test_a_folder_of_other_csvs_is_no_source(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("x\n")
    with pytest.raises(NotFoundError, match=r"no FER-2013 CSV here.*got a\.csv, b\.csv"):
        pixel_csv.read(tmp_path, silent)


def folders(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return root


def test_unreadable_images_are_named_counted_and_left_out(
    tmp_path: Path, workspace: Workspace
) -> None:
    good = {f"{s}/happy/{i}.png": PNG for s in ("train", "validation") for i in range(49)}
    bad = {"train/sad/broken.png": PNG[:60], "validation/sad/text.jpg": b"no image"}
    source = folders(tmp_path / "images", good | bad)
    with pytest.raises(
        DataError,
        match=r"2 of 100 images cannot be read: train/sad/broken\.png, validation/sad/text\.jpg\."
        r" Expected at most 1\.00 % unreadable; got 2\.00 %\..*--max-unreadable",
    ):
        import_faces(workspace, source)
    assert not workspace.data.exists()
    imported = import_faces(workspace, source, max_unreadable=0.02)
    assert sum(imported.counts()["train"].values()) == 49
    assert imported.manifest["skipped"] == {
        "count": 2,
        "names": ["train/sad/broken.png", "validation/sad/text.jpg"],
    }


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"train/readme.txt": b""}, "there are no images here"),
        ({"train/hapy/1.png": PNG}, r"folder 'hapy' names none.*Did you mean 'happy'"),
        ({"train/1.png": PNG}, r"folder 'train' names none of the seven"),
        ({"happy/1.png": PNG}, r"this image's split cannot be told.*holds train and test"),
        ({"train/happy/PrivateTest_1.png": PNG}, r"contest test image lies among the training"),
        ({"train/happy/PublicTest_1.png": PNG}, r"contest test image lies among the training"),
    ],
)
def test_wrong_folders_are_named(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    with pytest.raises(DataError, match=message):
        image_folders.read(folders(tmp_path / "images", files), silent)


def test_folders_may_be_spelled_and_wrapped_in_many_ways(tmp_path: Path) -> None:
    source = folders(
        tmp_path / "images",
        {
            "FER/Training/Happiness/1.PNG": PNG,
            "FER/valid/SURPRISED/2.png": PNG,
            "FER/test/anger/PublicTest_3.png": PNG,
            "FER/test/anger/PrivateTest_4.png": PNG,
            "FER/test/fearful/5.png": PNG,
            "FER/.cache/x.png": b"",
        },
    )
    splits = image_folders.read(source, silent).splits
    got = {
        split: [(EMOTIONS[k], name) for k, name in zip(raw.labels, raw.names, strict=True)]
        for split, raw in splits.items()
    }
    assert got == {
        "train": [("happy", "FER/Training/Happiness/1.PNG")],
        "validation": [
            ("angry", "FER/test/anger/PublicTest_3.png"),
            ("surprise", "FER/valid/SURPRISED/2.png"),
        ],
        "test": [
            ("angry", "FER/test/anger/PrivateTest_4.png"),
            ("fear", "FER/test/fearful/5.png"),
        ],
    }


def test_jpeg_says_that_its_digest_differs(tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", np.full((48, 48), 7, dtype=np.uint8))[1].tobytes()
    faces = image_folders.read(folders(tmp_path / "i", {"train/sad/1.jpg": jpeg}), silent)
    assert "lossy" in faces.notes[0]


def test_an_import_takes_nobodys_place(tmp_path: Path, workspace: Workspace) -> None:
    source = tmp_path / "faces.csv"
    for name in ("drawn-faces", "embedded-songs"):
        with pytest.raises(DataError, match="carries itself"):
            import_faces(workspace, source, name=name)
    with pytest.raises(DataError, match="cannot be a dataset's name"):
        import_faces(workspace, source, name="../escape")
    (workspace.data / "mine").mkdir(parents=True)
    with pytest.raises(DataError, match="in the way"):
        import_faces(workspace, source, name="mine")


def test_a_place_that_cannot_be_written_is_told_before_reading(
    tmp_path: Path, workspace: Workspace
) -> None:
    workspace.home.mkdir()
    workspace.data.write_text("a file where the folder should be")
    (tmp_path / "fer2013.csv").write_text("would be an error to read")
    with pytest.raises(InputError, match=r"cannot write to this folder.*--home"):
        import_faces(workspace, tmp_path / "fer2013.csv")


def test_a_broken_image_leaves_no_lines_of_opencvs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = folders(tmp_path / "i", {"train/sad/1.png": PNG[:-20], "train/sad/2.bmp": b"BM"})
    assert len(image_folders.read(source, silent).unreadable) == 2
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_that_is_none_is_refused(
    tmp_path: Path, workspace: Workspace, share: float
) -> None:
    with pytest.raises(DataError, match=r"a share\. Expected 0 to 1"):
        import_faces(workspace, tmp_path, max_unreadable=share)


def test_an_import_replaces_the_dataset_of_its_name(tmp_path: Path, workspace: Workspace) -> None:
    faces = read_csv(tmp_path, f"emotion,pixels,Usage\n0,{GREY},Training\n3,{GREY},PublicTest\n")
    old = write_faces(workspace.data / "fer2013", "fer2013", {"train": faces.splits["train"]}, {})
    with pytest.raises(
        DataError, match=r"with other faces.*Expected none in validation; got 1 in "
    ):
        import_faces(workspace, tmp_path / "fer2013.csv")
    new = import_faces(workspace, tmp_path / "fer2013.csv", replace_others=True)
    assert new.folder == old.folder
    assert new.splits == ("train", "validation")
    notes = new.manifest["source"]["notes"]
    assert "replaced an earlier dataset of this name, which held 1 face" in notes
    # One angry face to train and one happy face to validate.
    missing = "disgust, fear, happy, neutral, sad, surprise"
    assert f"the split train has no face of the class {missing}" in notes
    assert any(n.startswith("the split validation has no face of the class angry,") for n in notes)


def test_other_faces_take_no_datasets_place_unless_told_to(
    tmp_path: Path, workspace: Workspace
) -> None:
    def imported(*rows: str, **options: bool) -> str:
        text = "\n".join(("emotion,pixels,Usage", f"3,{GREY},PublicTest", *rows, ""))
        (tmp_path / "fer2013.csv").write_text(text, encoding="utf-8")
        return import_faces(workspace, tmp_path / "fer2013.csv", **options).digest

    train, tested = f"0,{GREY},Training", f"5,{GREY},PrivateTest"
    first = imported(train)
    assert imported(train) == first
    whole = imported(train, tested)
    assert whole != first, "a test split may come beside the same faces"
    with pytest.raises(DataError, match=r"there already, with other faces") as caught:
        imported(f"1,{GREY},Training", tested)
    said = str(caught.value)
    assert said.count("1 in train (digest ") == 2
    assert "--replace: studies" in said
    with pytest.raises(DataError, match=r"Expected 1 in test \(digest .*; got none in test"):
        imported(train)
    assert imported(train, tested) == whole, "what was refused has written nothing"
    assert imported(train, replace_others=True) == first


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_an_emotions_own_name_is_understood(emotion: str) -> None:
    assert (
        emotion_index(emotion) == emotion_index(f" {emotion.upper()} ") == EMOTIONS.index(emotion)
    )


def test_words_for_splits_follow_the_contest() -> None:
    assert [split_named(word) for word in ("Training", "PublicTest", "PrivateTest", "x")] == [
        "train",
        "validation",
        "test",
        None,
    ]


def test_a_broken_picture_is_passed_over_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    import cv2
    import numpy as np

    from hpo.data.importers.source import decode_grey

    whole = cv2.imencode(".png", np.arange(48 * 48, dtype=np.uint8).reshape(48, 48))[1].tobytes()
    broken = whole[:80] + bytes([whole[80] ^ 255]) + whole[81:]
    decode_grey(broken)
    assert decode_grey(whole[:20]) is None
    assert decode_grey(whole) is not None
    assert capfd.readouterr() == ("", "")
