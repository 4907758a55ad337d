"""What a dataset holds, for people: counts as plain data, and a contact sheet of its faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hpo.data.folders import check_dataset_name, read_manifest
from hpo.data.library import DRAWN_FACES, EMBEDDED_SONGS, find_faces, list_datasets, unknown_dataset
from hpo.data.sheets import GAP_PIXELS, ZOOM, Canvas, blank, place, save_sheet, write_words
from hpo.data.songs import load_song_rows, mood_counts, songs_digest
from hpo.data.store import FaceDataset, Split, open_faces
from hpo.spec.errors import NotFoundError
from hpo.spec.workspace import Workspace

CONTACT_SHEET = "contact-sheet.png"
_TOP_SONGS = 5
_LABEL_PIXELS = 130
_TITLE_PIXELS = 34


def kind_of(workspace: Workspace, name: str) -> str:
    """Return ``faces`` or ``songs``.

    Raises:
        NotFoundError: there is no dataset of this name.
        DataError: it is damaged.
    """
    if name in (DRAWN_FACES, EMBEDDED_SONGS):
        return "faces" if name == DRAWN_FACES else "songs"
    try:
        return str(read_manifest(workspace.data / check_dataset_name(name))["kind"])
    except NotFoundError as error:
        known = [entry.name for entry in list_datasets(workspace)]
        raise unknown_dataset(workspace, name, known) from error


def describe_faces(workspace: Workspace, name: str) -> dict[str, Any]:
    """Return counts per split and emotion with digest, size and source, as plain data.

    Raises:
        NotFoundError, DataError: as for ``find_faces``.
    """
    dataset = open_faces(find_faces(workspace, name))
    manifest = dataset.manifest
    return {
        "name": dataset.name,
        "kind": "faces",
        "splits": dataset.counts(),
        "totals": {split: int(manifest["splits"][split]["count"]) for split in dataset.splits},
        "height": dataset.image_shape[0],
        "width": dataset.image_shape[1],
        "digest": dataset.digest,
        "source": dict(manifest["source"]),
        "skipped": dict(manifest["skipped"]),
        "folder": str(dataset.folder),
    }


def describe_songs(workspace: Workspace, name: str) -> dict[str, Any]:
    """Return mood counts and the most popular songs of each mood, as plain data.

    Ties in popularity go by name, then id.

    Raises:
        NotFoundError, DataError: as for ``load_song_rows``.
    """
    name, songs = load_song_rows(workspace, name)
    moods = mood_counts(songs)
    ranked = sorted(songs, key=lambda song: (-song["popularity"], song["name"], song["id"]))
    return {
        "name": name,
        "kind": "songs",
        "count": len(songs),
        "moods": moods,
        "digest": songs_digest(songs),
        "top": {mood: [s for s in ranked if s["mood"] == mood][:_TOP_SONGS] for mood in moods},
    }


def write_contact_sheet(
    dataset: FaceDataset,
    path: Path | None = None,
    *,
    split: str = "train",
    per_class: int = 12,
    seed: int = 0,
) -> Path:
    """Draw ``per_class`` faces of every emotion as a PNG, the same ones for the same seed.

    Args:
        dataset: what to draw from.
        path: where to write; by default ``contact-sheet.png`` in the dataset's folder.
        split: which split.
        per_class: faces per emotion.
        seed: of the choice.

    Raises:
        DataError: the dataset has no such split.
        InputError: the file cannot be written.
        EnvironmentProblem: the disk is full.
    """
    path = path or dataset.folder / CONTACT_SHEET
    faces = dataset.split(split)
    title = f"{dataset.name}: {split}, {len(faces)} faces"
    canvas = _draw(faces, dataset.classes, title, per_class, np.random.default_rng(seed))
    return save_sheet(canvas, path, hint="Choose another file with --sheet FILE")


def _draw(
    faces: Split,
    classes: tuple[str, ...],
    title: str,
    per_class: int,
    generator: np.random.Generator,
) -> Canvas:
    height, width = (side * ZOOM for side in faces.images.shape[1:])
    canvas = blank(
        _TITLE_PIXELS + len(classes) * (height + GAP_PIXELS),
        _LABEL_PIXELS + per_class * (width + GAP_PIXELS),
    )
    write_words(canvas, title, 8, 23, 0.55)
    labels = np.asarray(faces.labels)
    for row, emotion in enumerate(classes):
        members = np.flatnonzero(labels == row)
        top = _TITLE_PIXELS + row * (height + GAP_PIXELS)
        write_words(canvas, emotion, 8, top + height // 2, 0.55)
        write_words(canvas, f"{len(members)}", 8, top + height // 2 + 20, 0.45)
        for column, index in enumerate(np.sort(generator.permutation(members)[:per_class])):
            left = _LABEL_PIXELS + column * (width + GAP_PIXELS)
            place(canvas, faces.images[index], top, left)
    return canvas
