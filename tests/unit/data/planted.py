"""Faces whose faults are known: textures that no two share, and duplicates planted among them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from hpo.data.splits import VOTE_COLUMNS, RawSplit
from hpo.data.store import FaceDataset, write_faces
from hpo.spec.emotions import EMOTIONS

SIDE = 48


def photograph(number: int, side: int = SIDE) -> np.ndarray:
    """Return a texture of its own for each number, uint8, with eight pixels to spare all around.

    Most of what varies is large and the rest ever finer, as in photographs.
    """
    noise = np.random.default_rng(number).normal(size=(side + 16, side + 16))
    layers = [cv2.GaussianBlur(noise, (0, 0), size) for size in (8.0, 4.0, 2.0, 1.0)]
    mixed = sum(w * x / x.std() for w, x in zip((1.0, 0.6, 0.35, 0.15), layers, strict=True))
    return np.clip(128 + 45 * mixed / mixed.std(), 0, 255).astype(np.uint8)


def face(number: int, dy: int = 0, dx: int = 0) -> np.ndarray:
    return photograph(number)[8 + dy : 8 + dy + SIDE, 8 + dx : 8 + dx + SIDE].copy()


def lighter(image: np.ndarray) -> np.ndarray:
    return np.clip(image.astype(np.float64) * 0.8 + 50, 0, 255).astype(np.uint8)


def compressed(image: np.ndarray, quality: int = 60) -> np.ndarray:
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)


def mirrored(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image[:, ::-1])


Planted = list[tuple[str, str, str, np.ndarray]]
"""Split, name, emotion, image. Faces whose names begin alike up to the dash are one photograph."""


def planted() -> Planted:
    found: Planted = [
        ("train", "exact-1", "happy", face(1)),
        ("train", "exact-2", "happy", face(1)),
        ("train", "mirror-1", "sad", face(2)),
        ("train", "mirror-2", "sad", mirrored(face(2))),
        ("train", "light-1", "fear", face(3)),
        ("train", "light-2", "fear", lighter(face(3))),
        ("train", "shift-1", "angry", face(4)),
        ("train", "shift-2", "angry", face(4, 1, -1)),
        ("train", "jpeg-1", "neutral", face(5)),
        ("train", "jpeg-2", "neutral", compressed(face(5))),
        ("train", "nearmirror-1", "surprise", face(6)),
        ("train", "nearmirror-2", "surprise", compressed(mirrored(face(6, 0, 1)))),
        ("train", "conflict-1", "disgust", face(7)),
        ("train", "conflict-2", "angry", face(7)),
        ("train", "nearconflict-1", "disgust", face(8)),
        ("train", "nearconflict-2", "sad", lighter(face(8))),
        ("train", "leak-1", "happy", face(9)),
        ("validation", "leak-2", "happy", face(9)),
        ("train", "nearleak-1", "happy", face(10)),
        ("train", "nearleak-2", "happy", face(10, 1, 1)),
        ("validation", "nearleak-3", "happy", compressed(face(10))),
        ("validation", "heldout-1", "sad", face(11)),
        ("test", "heldout-2", "sad", face(11)),
        ("train", "black-1", "fear", np.zeros((SIDE, SIDE), np.uint8)),
        ("train", "black-2", "fear", np.zeros((SIDE, SIDE), np.uint8)),
        ("train", "faint", "neutral", (face(12) // 32 + 100).astype(np.uint8)),
    ]
    for number in range(60):
        split = ("train", "train", "validation", "test")[number % 4]
        found.append((split, f"alone{number}", EMOTIONS[number % 7], face(100 + number)))
    return found


def raw_splits(
    faces: Planted, votes: dict[str, dict[str, int]] | None = None
) -> dict[str, RawSplit]:
    """Return the faces in the order given; votes by name, else for the label."""
    words = dict(
        zip(
            EMOTIONS,
            ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"),
            strict=True,
        )
    )
    splits = {}
    for split in ("train", "validation", "test"):
        members = [one for one in faces if one[0] == split]
        if not members:
            continue
        rows = None
        if votes is not None:
            told = [votes.get(name, {words[emotion]: 10}) for _, name, emotion, _ in members]
            rows = np.array([[row.get(c, 0) for c in VOTE_COLUMNS] for row in told], np.uint8)
        splits[split] = RawSplit(
            np.stack([image for *_, image in members]),
            np.array([EMOTIONS.index(emotion) for _, _, emotion, _ in members], np.uint8),
            [name for _, name, _, _ in members],
            rows,
        )
    return splits


def stored(
    folder: Path, faces: Planted, votes: dict[str, dict[str, int]] | None = None
) -> FaceDataset:
    return write_faces(folder, folder.name, raw_splits(faces, votes), {})
