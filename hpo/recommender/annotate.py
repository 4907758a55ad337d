"""The annotated photo: a box and a label per face, drawn for reading; a small photo is enlarged."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hpo.data.decoding import opencv, quietly
from hpo.recommender.photos import Photo
from hpo.recommender.recommend import FaceAnswer
from hpo.spec.errors import EnvironmentProblem, InputError, did_you_mean

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")

# Okabe and Ito's palette, told apart under colour blindness; (blue, green, red).
COLOURS = {
    "angry": (0, 94, 213),
    "disgust": (115, 158, 0),
    "fear": (167, 121, 204),
    "happy": (66, 228, 240),
    "neutral": (200, 200, 200),
    "sad": (178, 114, 0),
    "surprise": (0, 159, 230),
}
_OTHER = (233, 180, 86)

_LEAST_SIDE = 240
"""Pixels of a photo's shorter side that leave a face to be seen beside its label."""
_MOST_SIDE = 4096
"""Pixels of the longer side to which a narrow photo is enlarged at most."""


def draw(photo: Photo, answers: Sequence[FaceAnswer]) -> Photo:
    """Return a copy of the photo with a box, emotion, probability and mood per face.

    Args:
        photo: uint8 (height, width, 3), blue-green-red; it is left as it is. One that a label would
            cover is drawn a whole number of times as large.
        answers: the faces; the first is drawn last, on top.
    """
    canvas, times = _enlarged(photo)
    height, width = canvas.shape[:2]
    # Lines and letters grow with the photo, so that a 20-megapixel one is readable when shrunk.
    unit = max(1, round(min(height, width) / 400))
    for answer in reversed(answers):
        x, y, w, h = (times * side for side in answer.box)
        _draw_one(canvas, dataclasses.replace(answer, box=(x, y, w, h)), unit)
    return canvas


def _enlarged(photo: Photo) -> tuple[Photo, int]:
    """Return a copy of the photo, and how many times as large it is."""
    height, width = photo.shape[:2]
    times = min(math.ceil(_LEAST_SIDE / min(height, width)), _MOST_SIDE // max(height, width))
    if times < 2:
        return photo.copy(), 1
    cv2 = opencv()
    size = (width * times, height * times)
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_CUBIC), np.uint8), times


def _draw_one(canvas: Photo, answer: FaceAnswer, unit: int) -> None:
    cv2 = opencv()
    colour = COLOURS.get(answer.emotion, _OTHER)
    x, y, w, h = answer.box
    cv2.rectangle(canvas, (x, y), (x + w, y + h), (0, 0, 0), 4 * unit, cv2.LINE_AA)
    cv2.rectangle(canvas, (x, y), (x + w, y + h), colour, 2 * unit, cv2.LINE_AA)

    # OpenCV's letters are ASCII only.
    lines = [f"{answer.emotion} {answer.probability:.0%}", f"{answer.mood} songs"]
    lines = [line.encode("ascii", "replace").decode() for line in lines]
    font, scale, pad = cv2.FONT_HERSHEY_SIMPLEX, 0.45 * unit, 4 * unit
    sizes = [cv2.getTextSize(line, font, scale, unit)[0] for line in lines]
    row = max(size[1] for size in sizes) + 2 * pad
    panel_width = max(size[0] for size in sizes) + 2 * pad
    panel_height = row * len(lines)

    height, width = canvas.shape[:2]
    left = min(max(0, x - unit), max(0, width - panel_width))
    below, above = y + h + unit, y - unit - panel_height
    # Below the face, else above it, else inside its lower edge.
    if below + panel_height <= height:
        top = below
    elif above >= 0:
        top = above
    else:
        top = max(0, height - panel_height)
    cv2.rectangle(canvas, (left, top), (left + panel_width, top + panel_height), colour, cv2.FILLED)
    dark = _luminance(colour) > 120
    ink = (0, 0, 0) if dark else (255, 255, 255)
    for number, line in enumerate(lines):
        base = (left + pad, top + row * (number + 1) - pad)
        cv2.putText(canvas, line, base, font, scale, ink, unit, cv2.LINE_AA)


def _luminance(colour: tuple[int, int, int]) -> float:
    # ITU-R BT.601 weights.
    return float(np.dot(colour, (0.114, 0.587, 0.299)))


def targets(save: str | os.PathLike[str], photos: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """Return the file that each annotated photo goes to, before anything is computed.

    One photo goes to ``save`` itself; of several, each adds its own name: ``out.png`` becomes
    ``out-anna.png`` and ``out-ben.png``. Where ``save`` is a folder, or has no ending and there are
    several photos, each goes into that folder under its own name; ``save_photo`` makes it.

    Raises:
        InputError: ``save`` names no image format, or one of the photos themselves; a folder lies
            in a file's place; its folder is absent or cannot be written to.
    """
    path = Path(save).expanduser()
    if path.suffix.lower() not in SUFFIXES and (
        path.is_dir() or (len(photos) > 1 and not path.suffix and not path.exists())
    ):
        _check_folder(path if path.is_dir() else path.parent, save)
        names = _told_apart([Path(photo).stem for photo in photos])
        return _checked(
            [path / f"{name}{_ending(photo)}" for name, photo in zip(names, photos, strict=True)],
            save,
            photos,
        )
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(
            "cannot tell the image format of the annotated photo",
            where=f"--save {save}",
            expected=f"a name ending in {', '.join(SUFFIXES)}",
            got=f"'{path.suffix}'" if path.suffix else "no ending",
            hint=did_you_mean(path.suffix, SUFFIXES) if path.suffix else "Try annotated.png",
        )
    _check_folder(path.parent, save)
    chosen = [path]
    if len(photos) > 1:
        names = _told_apart([Path(photo).stem for photo in photos])
        chosen = [path.with_name(f"{path.stem}-{name}{path.suffix}") for name in names]
    return _checked(chosen, save, photos)


def _ending(photo: str | os.PathLike[str]) -> str:
    """Return the ending of a photo's own format, or of PNG where it cannot be written."""
    own = Path(photo).suffix
    return own if own.lower() in SUFFIXES else ".png"


def _check_folder(folder: Path, save: str | os.PathLike[str]) -> None:
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return
    raise InputError(
        "cannot write the annotated photo here",
        where=f"--save {save}",
        expected="a folder that exists and that you may write to",
        got=f"'{folder}' " + ("is not writable" if folder.is_dir() else "does not exist"),
        hint=f"Create it with: mkdir -p {folder}" if not folder.is_dir() else None,
    )


def _checked(
    chosen: list[Path], save: str | os.PathLike[str], photos: Sequence[str | os.PathLike[str]]
) -> list[Path]:
    """Return the files, none of which is a photo itself or a folder."""
    originals = {Path(photo).expanduser().resolve() for photo in photos}
    for target in chosen:
        if target.resolve() in originals:
            raise InputError(
                "this would overwrite the photo itself",
                where=f"--save {save}",
                expected="another file name",
            )
        if target.is_dir():
            raise InputError("this is a folder", where=str(target), expected="a file name")
    return chosen


def _told_apart(stems: Sequence[str]) -> list[str]:
    """Return a name per photo, no two alike: a stem that repeats gets the photo's number.

    Case does not count, because some disks do not tell it apart.
    """
    often = Counter(stem.casefold() for stem in stems)
    taken = set(often)
    names = []
    for number, stem in enumerate(stems, start=1):
        name = stem
        if often[stem.casefold()] > 1:
            # Another photo may be called x-1 already; then the next number does.
            free = (f"{stem}-{n}" for n in itertools.count(number))
            name = next(name for name in free if name.casefold() not in taken)
            taken.add(name.casefold())
        names.append(name)
    return names


def save_photo(photo: Photo, path: Path) -> None:
    """Write a photo in the format of the path's suffix, whole or not at all; make its folder.

    Raises:
        EnvironmentProblem: it cannot be written.
    """
    cv2 = opencv()
    done, encoded = False, None
    with quietly(), contextlib.suppress(cv2.error):
        done, encoded = cv2.imencode(path.suffix.lower(), photo)
    if not done or encoded is None:  # WebP ends at 16383 pixels, JPEG at 65535.
        raise EnvironmentProblem(
            f"OpenCV cannot write this photo as {path.suffix}",
            where=str(path),
            got=f"{photo.shape[1]}×{photo.shape[0]} pixels",
            hint="Save it as PNG",
        )
    temporary = None
    try:
        path.parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            temporary = Path(file.name)
            file.write(encoded.tobytes())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise EnvironmentProblem(
            "cannot write the annotated photo", where=str(path), got=error.strerror or str(error)
        ) from error
