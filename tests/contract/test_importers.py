"""What every importer of faces in the catalogue must do; a new one adds its writer below."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hpo.data.importers.source import SourceFaces
from hpo.data.importing import detect, import_faces
from hpo.data.store import RawSplit, open_faces, verify, write_faces
from hpo.spec.catalogue import names, resolve
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, NotFoundError
from hpo.spec.workspace import Workspace

Splits = Mapping[str, RawSplit]
Writer = Callable[[Splits, Path], Path]

USAGE = {"train": "Training", "validation": "PublicTest", "test": "PrivateTest"}
KAGGLE = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
LOSSLESS_WEBP = [cv2.IMWRITE_WEBP_QUALITY, 101]


def faces(*splits: str, per_class: int = 2, seed: int = 0) -> dict[str, RawSplit]:
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(7, dtype=np.uint8), per_class)
    return {
        split: RawSplit(
            images=generator.integers(0, 256, (len(labels), 48, 48), dtype=np.uint8),
            labels=labels,
            names=[f"{USAGE[split]}_{i}" for i in range(len(labels))],
        )
        for split in splits
    }


def encode(image: np.ndarray, suffix: str = ".png") -> bytes:
    quality = LOSSLESS_WEBP if suffix == ".webp" else []
    return cv2.imencode(suffix, image, quality)[1].tobytes()


def write_parquet_folder(splits: Splits, folder: Path) -> Path:
    target = folder / "parquet"
    target.mkdir()
    for split, raw in splits.items():
        rows = [
            {"image": {"bytes": encode(image, ".webp"), "path": f"{name}.webp"}, "label": int(k)}
            for image, k, name in zip(raw.images, raw.labels, raw.names, strict=True)
        ]
        half = len(rows) // 2
        for shard, part in enumerate((rows[:half], rows[half:])):
            file = target / f"{split}-{shard:05d}-of-00002.parquet"
            pq.write_table(pa.Table.from_pylist(part), file)
    return target


def write_parquet_file(splits: Splits, folder: Path) -> Path:
    rows = [
        {
            "image": {"bytes": encode(image), "path": name},
            "label": int(label),
            "emotion": EMOTIONS[label],
            "usage": USAGE[split],
        }
        for split, raw in splits.items()
        for image, label, name in zip(raw.images, raw.labels, raw.names, strict=True)
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "faces.parquet")
    return folder / "faces.parquet"


def csv_rows(splits: Splits) -> list[tuple[int, str, str]]:
    return [
        (KAGGLE.index(EMOTIONS[label]), " ".join(map(str, image.ravel())), USAGE[split])
        for split, raw in splits.items()
        for image, label in zip(raw.images, raw.labels, strict=True)
    ]


def write_fer2013_csv(splits: Splits, folder: Path) -> Path:
    with (folder / "fer2013.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["emotion", "pixels", "Usage"])
        writer.writerows(csv_rows(splits))
    return folder / "fer2013.csv"


def write_icml_csv(splits: Splits, folder: Path) -> Path:
    with (folder / "icml_face_data.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["emotion", " Usage", " pixels"])
        writer.writerows((label, usage, pixels) for label, pixels, usage in csv_rows(splits)[::-1])
    return folder / "icml_face_data.csv"


def write_csv_zip(splits: Splits, folder: Path) -> Path:
    file = write_icml_csv(splits, folder)
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        archive.write(file, "archive/icml_face_data.csv")
    return folder / "archive.zip"


def image_members(splits: Splits, suffix: str) -> dict[str, bytes]:
    top = {"train": "train", "validation": "test", "test": "test"}  # Kaggle mixes the last two.
    return {
        f"{top[split]}/{EMOTIONS[label]}/{name}{suffix}": encode(image, suffix)
        for split, raw in splits.items()
        for image, label, name in zip(raw.images, raw.labels, raw.names, strict=True)
    }


def write_image_folders(splits: Splits, folder: Path) -> Path:
    for member, data in image_members(splits, ".png").items():
        file = folder / "images" / member
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return folder / "images"


def write_image_zip(splits: Splits, folder: Path) -> Path:
    with zipfile.ZipFile(folder / "images.zip", "w") as archive:
        for member, data in image_members(splits, ".webp").items():
            archive.writestr(f"fer2013/{member}", data)
        archive.writestr("__MACOSX/fer2013/train/angry/._Training_0.webp", b"resource fork")
        archive.writestr("fer2013/readme.txt", b"hello")
    return folder / "images.zip"


WRITERS: dict[str, dict[str, Writer]] = {
    "image-parquet": {"folder": write_parquet_folder, "file": write_parquet_file},
    "pixel-csv": {"fer2013": write_fer2013_csv, "icml": write_icml_csv, "zip": write_csv_zip},
    "image-folders": {"folder": write_image_folders, "zip": write_image_zip},
}
SHAPES = [
    pytest.param(importer, writer, id=f"{importer}-{shape}")
    for importer, shapes in WRITERS.items()
    for shape, writer in shapes.items()
]


def test_every_importer_of_the_catalogue_is_under_this_contract() -> None:
    assert set(names("face_importer")) == set(WRITERS)


@pytest.mark.parametrize(("importer", "write"), SHAPES)
def test_a_source_is_recognised(importer: str, write: Writer, tmp_path: Path) -> None:
    assert detect(write(faces("train", "validation"), tmp_path)) == importer


@pytest.mark.parametrize(("importer", "write"), SHAPES)
def test_the_same_faces_give_the_same_digest_and_counts(
    importer: str, write: Writer, tmp_path: Path, workspace: Workspace
) -> None:
    splits = faces("train", "validation", "test")
    direct = write_faces(tmp_path / "direct", "direct", splits, {})
    imported = import_faces(workspace, write(splits, tmp_path))
    assert imported.digest == direct.digest
    assert imported.counts() == direct.counts()
    assert imported.classes == EMOTIONS
    verify(imported.folder)


@pytest.mark.parametrize(("importer", "write"), SHAPES)
def test_without_copies_any_source_gives_the_same_faces_and_counts_what_went(
    importer: str, write: Writer, tmp_path: Path, workspace: Workspace
) -> None:
    splits = faces("train", "validation")
    train, validation = splits["train"].images, splits["validation"].images
    train[1] = train[0]  # both angry
    train[4] = validation[4][:, ::-1]  # fear, held out and mirrored
    train[6] = train[8]  # happy and neutral
    left = np.setdiff1d(np.arange(14), [1, 4, 6, 8])
    raw = splits["train"]
    fewer = {
        "train": RawSplit(train[left], raw.labels[left], [raw.names[i] for i in left]),
        "validation": splits["validation"],
    }
    expected = write_faces(tmp_path / "direct", "direct", fewer, {})
    imported = import_faces(workspace, write(splits, tmp_path), dedupe=True)
    assert (imported.name, imported.digest) == ("fer2013-dedupe", expected.digest)
    told = imported.manifest["source"]["deduplicated"]
    assert told["left_out"]["train"] == {"held_out": 1, "same_split": 1, "no_majority": 2}
    assert told["digest"] == write_faces(tmp_path / "whole", "whole", splits, {}).digest
    assert any("left out 4 of 28 faces" in n for n in imported.manifest["source"]["notes"])


@pytest.mark.parametrize(("importer", "write"), SHAPES)
def test_reading_writes_nothing_and_tells_its_progress_to_the_end(
    importer: str, write: Writer, tmp_path: Path
) -> None:
    source = write(faces("train", "validation"), tmp_path)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}
    told: list[tuple[int, int]] = []
    result = resolve("face_importer", importer)(
        source, lambda done, total: told.append((done, total))
    )
    assert isinstance(result, SourceFaces)
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] > 0
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")} == before


@pytest.mark.parametrize(("importer", "write"), SHAPES)
def test_a_source_without_test_split_is_fine_and_says_so(
    importer: str, write: Writer, tmp_path: Path, workspace: Workspace
) -> None:
    imported = import_faces(workspace, write(faces("train", "validation"), tmp_path))
    assert imported.splits == ("train", "validation")
    assert any("no test split" in note for note in imported.manifest["source"]["notes"])


@pytest.mark.parametrize(("importer", "write"), SHAPES)
def test_a_missing_validation_split_is_named_and_leaves_the_old_dataset(
    importer: str, write: Writer, tmp_path: Path, workspace: Workspace
) -> None:
    old = write_faces(workspace.data / "fer2013", "fer2013", faces("train"), {})
    with pytest.raises(DataError, match="no validation split"):
        import_faces(workspace, write(faces("train", "test", seed=1), tmp_path))
    assert open_faces(old.folder).digest == old.digest
    assert [entry.name for entry in workspace.data.iterdir()] == ["fer2013"]


@pytest.mark.parametrize("write", [write_parquet_folder, write_image_folders, write_image_zip])
def test_faces_of_another_size_are_refused_not_resized(
    write: Writer, tmp_path: Path, workspace: Workspace
) -> None:
    splits = faces("train", "validation")
    small = splits["train"]
    splits["train"] = RawSplit(small.images[:, :40, :40], small.labels, small.names)
    with pytest.raises(DataError, match=r"14 images have another size: .*40x40"):
        import_faces(workspace, write(splits, tmp_path))
    assert not (workspace.data / "fer2013").exists()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
def test_image_formats_agree_on_a_face(suffix: str, tmp_path: Path, workspace: Workspace) -> None:
    splits = faces("train", "validation")
    # Noise is JPEG's worst case; a smooth ramp shows that it is the same picture.
    ramp = np.tile(np.arange(0, 240, 5, dtype=np.uint8), (14, 48, 1))
    splits["train"] = RawSplit(ramp, splits["train"].labels, splits["train"].names)
    for member, data in image_members(splits, suffix).items():
        file = tmp_path / "images" / member
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    imported = import_faces(workspace, tmp_path / "images")
    difference = np.abs(imported.split("train").images.astype(int) - ramp)
    # Quality 95 moves a smooth ramp by a few grey values; the lossless ones by none.
    assert difference.max() <= (4 if suffix == ".jpg" else 0)


def test_a_colour_copy_of_a_grey_face_has_the_same_pixels(
    tmp_path: Path, workspace: Workspace
) -> None:
    splits = faces("train", "validation")
    grey = write_faces(tmp_path / "grey", "grey", splits, {})
    colour = write_image_folders(splits, tmp_path)
    for file in colour.rglob("*.png"):
        file.write_bytes(encode(cv2.cvtColor(cv2.imread(str(file), 0), cv2.COLOR_GRAY2BGR)))
    assert import_faces(workspace, colour).digest == grey.digest


def test_what_nobody_reads_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    (tmp_path / "faces.tar").write_bytes(b"")
    with pytest.raises(DataError, match=r"cannot tell what this is.*\.parquet, \.csv or \.zip"):
        import_faces(workspace, tmp_path / "faces.tar")
    with pytest.raises(NotFoundError, match="no such file or folder"):
        import_faces(workspace, tmp_path / "nothing.csv")


def test_real_faces_have_the_official_counts_and_one_digest_as_csv_and_folders(
    shared_data: Path, tmp_path: Path, workspace: Workspace
) -> None:
    parquet = import_faces(workspace, shared_data / "fer2013", name="parquet")
    assert list(parquet.counts()["train"].values()) == [3995, 436, 4097, 7215, 4965, 4830, 3171]
    assert list(parquet.counts()["validation"].values()) == [467, 56, 496, 895, 607, 653, 415]
    # All 32,298 faces in every shape take a minute; 40 of each split keep the test short.
    some = {
        split: RawSplit(whole.images[:40], whole.labels[:40], whole.names[:40])
        for split in ("train", "validation")
        for whole in [parquet.split(split)]
    }
    expected = write_faces(tmp_path / "some", "some", some, {}).digest
    some = {
        split: RawSplit(raw.images, raw.labels, [f"{USAGE[split]}_{i}" for i in range(40)])
        for split, raw in some.items()
    }
    for write in (write_parquet_file, write_fer2013_csv, write_image_folders, write_image_zip):
        assert import_faces(workspace, write(some, tmp_path)).digest == expected
