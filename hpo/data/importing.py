"""Import of faces: pick the importer, read, judge what came, and store it or say why not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hpo.data.folders import check_dataset_name, listed, read_manifest
from hpo.data.importers.source import FaceImporter, Progress, SourceFaces, silent
from hpo.data.replacing import refuse_other_faces, replacing
from hpo.data.splits import check_splits
from hpo.data.store import FaceDataset, write_faces
from hpo.spec.catalogue import resolve
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, NotFoundError
from hpo.spec.workspace import Workspace

DEFAULT_NAME = "fer2013"
DEDUPED_NAME = "fer2013-dedupe"
"""Of a dataset without copies: other faces than those of ``DEFAULT_NAME``, whose place they do not
take unless told to."""
DEFAULT_MAX_UNREADABLE = 0.01
RESERVED_NAMES = frozenset({"drawn-faces", "embedded-songs"})
"""What the package carries itself."""
_NAMES_KEPT = 20


def import_faces(
    workspace: Workspace,
    path: Path,
    *,
    name: str | None = None,
    max_unreadable: float = DEFAULT_MAX_UNREADABLE,
    importer: str | None = None,
    dedupe: bool = False,
    replace_others: bool = False,
    progress: Progress = silent,
) -> FaceDataset:
    """Read the faces at ``path`` and store them as dataset ``name``.

    A dataset of that name is replaced, once the new one is complete; a note of the source says so.
    Of other faces it is refused: studies that were run on those cannot go on without them.

    Args:
        workspace: where to store it.
        path: a parquet, CSV or zip, or a folder of parquet files or image folders.
        name: the dataset's name; by default ``DEFAULT_NAME``, or ``DEDUPED_NAME``.
        max_unreadable: share of images, 0 to 1, that may be unreadable.
        importer: a name of the catalogue's kind ``face_importer``; by default told from ``path``.
        dedupe: store one face of each photograph, as ``audit.dedupe`` chooses it; the manifest
            counts what was left out, and why, under ``source.deduplicated``.
        replace_others: let it take the place of a dataset of other faces, too.
        progress: called with what is done and what there is; of the reading, and then of the
            search for copies.

    Raises:
        NotFoundError: there is nothing at ``path``.
        DataError: the source is wrong, or a dataset of that name holds other faces; nothing was
            written.
        EnvironmentProblem: the workspace cannot be written.
    """
    name = name or (DEDUPED_NAME if dedupe else DEFAULT_NAME)
    check_new_name(workspace, name, kind="faces")
    if not 0 <= max_unreadable <= 1:
        raise DataError("--max-unreadable is a share", expected="0 to 1", got=f"{max_unreadable:g}")
    _check_place(workspace)
    try:
        if not path.exists():
            raise NotFoundError(
                "there is no such file or folder", where=str(path), hint="Check the path"
            )
        read: FaceImporter = resolve("face_importer", importer or detect(path))
        faces = read(path, progress)
    except BrokenPipeError:  # Whoever is told the progress has left.
        raise
    except OSError as error:
        raise DataError(
            "this cannot be read", got=error.strerror or str(error), where=str(path)
        ) from error
    notes = _judge(faces, path, max_unreadable)
    if dedupe:
        faces, told = _without_copies(faces, path, progress, workspace.data)
        notes += told
    same = False
    if not replace_others:
        check_splits(str(path), faces.splits)
        same = refuse_other_faces(workspace.data / name, faces.splits)
    notes += [*_empty_classes(faces), *replacing(workspace.data / name, same=same)]
    workspace.ensure(workspace.data)
    return write_faces(
        workspace.data / name,
        name,
        faces.splits,
        {**faces.source, "path": str(path.resolve()), "notes": notes},
        skipped={"count": len(faces.unreadable), "names": faces.unreadable[:_NAMES_KEPT]},
    )


def _check_place(workspace: Workspace) -> None:
    """Find out before reading for seconds that nothing could be written; create nothing yet."""
    place = workspace.data
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        workspace.ensure(workspace.data)


def detect(path: Path) -> str:
    """Return the name of the importer that reads ``path``.

    Raises:
        DataError: none does.
    """
    from hpo.data.importers.pixel_csv import KNOWN_FILES
    from hpo.data.importers.shards import parquet_files

    suffix = path.suffix.lower()
    if path.is_dir():
        if any((path / name).is_file() for name in KNOWN_FILES):
            return "pixel-csv"
        if parquet_files(path):
            return "image-parquet"
        flat = not any(child.is_dir() for child in path.iterdir())
        return "pixel-csv" if flat and any(path.glob("*.csv")) else "image-folders"
    if suffix == ".zip":
        return "pixel-csv" if _zip_of_csv(path) else "image-folders"
    if suffix == ".csv":
        return "pixel-csv"
    if suffix in (".parquet", ".sealed"):
        return "image-parquet"
    raise DataError(
        "hpo cannot tell what this is",
        expected="a .parquet, .csv or .zip file, or a folder of parquet files or image folders",
        got=f"a file ending in '{suffix}'" if suffix else "a file without an ending",
        where=str(path),
        hint="Unpack it if it is an archive of another kind",
    )


def _zip_of_csv(path: Path) -> bool:
    from hpo.data.importers.archives import open_archive
    from hpo.data.importers.image_folders import IMAGE_SUFFIXES

    try:
        with open_archive(path) as archive:
            suffixes = {Path(member).suffix.lower() for member in archive.namelist()}
    except (DataError, OSError):  # The importer that is chosen then says what is wrong.
        return False
    return ".csv" in suffixes and not suffixes & IMAGE_SUFFIXES


def check_new_name(workspace: Workspace, name: str, kind: str) -> None:
    """Check that a dataset of ``kind`` may be stored as ``name``.

    Raises:
        DataError: the name is no folder's name, is the package's own, or is of another kind.
    """
    check_dataset_name(name)
    if name in RESERVED_NAMES:
        raise DataError(
            f"'{name}' is the name of data that hpo carries itself",
            hint="Give another with --name NAME",
        )
    folder = workspace.data / name
    if folder.exists():
        try:
            manifest: Mapping[str, Any] = read_manifest(folder)
        except NotFoundError as error:
            raise DataError(
                "this folder is in the way: it holds no dataset of hpo's",
                where=str(folder),
                hint="Move it away, or give another name with --name NAME",
            ) from error
        except DataError:
            return  # A damaged dataset is what an import repairs.
        if manifest["kind"] != kind:
            raise DataError(
                f"'{name}' is already a dataset of {manifest['kind']}",
                where=str(folder),
                hint="Give another name with --name NAME",
            )


def _judge(faces: SourceFaces, path: Path, max_unreadable: float) -> list[str]:
    """Return what to tell about ``faces``; refuse too many unreadable ones and missing splits."""
    notes = list(faces.notes)
    bad, total = len(faces.unreadable), faces.total
    if total == 0:
        raise DataError("there are no faces here", where=str(path))
    if bad / total > max_unreadable:
        raise DataError(
            f"{bad} of {total} images cannot be read: {listed(faces.unreadable)}",
            expected=f"at most {100 * max_unreadable:.2f} % unreadable",
            got=f"{100 * bad / total:.2f} %",
            where=str(path),
            hint="Get the source again, or allow more with --max-unreadable SHARE",
        )
    missing = [split for split in ("train", "validation") if split not in faces.splits]
    if missing:
        present = ", ".join(f"{s} ({len(raw.labels)})" for s, raw in faces.splits.items())
        raise DataError(
            f"the source has no {' and no '.join(missing)} split",
            expected="a training split and a validation split (PublicTest in the contest's words)",
            got=present or "no readable face",
            where=str(path),
            hint=_where_to_look(faces, path, missing),
        )
    if bad:
        notes.append(f"{bad} of {total} images could not be read: {listed(faces.unreadable)}")
    if "test" not in faces.splits:
        notes.append(
            "the source has no test split (PrivateTest); studies do not need one, `hpo test` does. "
            "Kaggle's fer2013.csv holds it, or a folder with test/, or with test.parquet (a column "
            "usage in it says PrivateTest, as it wins over the name): import that under the same "
            "name, before or after a study"
        )
    return notes


def _without_copies(
    faces: SourceFaces, path: Path, progress: Progress = silent, data: Path | None = None
) -> tuple[SourceFaces, list[str]]:
    """Return one face of each photograph, and a note on what was left out."""
    from hpo.data.audit.dedupe import deduplicate

    check_splits(str(path), faces.splits)
    splits, told = deduplicate(faces.splits, progress, data)
    gone = [split for split in ("train", "validation") if split not in splits]
    if gone:
        raise DataError(
            f"without copies nothing is left of the {gone[0]} split",
            expected="faces that no later split has a copy of",
            got=told.note(),
            where=str(path),
            hint="Import without --dedupe, and look at the copies with `hpo data audit`",
        )
    source = {**faces.source, "deduplicated": told.to_json()}
    return replace(faces, splits=splits, source=source), [told.note()]


def _empty_classes(faces: SourceFaces) -> list[str]:
    """Return a note for each split that lacks faces of an emotion."""
    notes = []
    for split, raw in faces.splits.items():
        present = {int(label) for label in raw.labels}
        absent = [name for label, name in enumerate(EMOTIONS) if label not in present]
        if absent:
            notes.append(f"the split {split} has no face of the class {', '.join(absent)}")
    return notes


def _where_to_look(faces: SourceFaces, path: Path, missing: list[str]) -> str:
    if faces.source.get("format") == "image-folders":
        return (
            "Give the folder that holds train/ and validation/, or train/ and a test/ whose "
            "files are named PublicTest_… and PrivateTest_…"
        )
    if path.is_file() and path.suffix == ".parquet":
        return f"Give the folder that holds the files of all splits, such as {path.parent}"
    return f"Get a source that holds {' and '.join(missing)}"
