"""Faces in a photo: Haar detection, a second opinion against false alarms, and the crop.

The first cascade proposes, the second confirms. Measured on 24 photos without faces in three sizes
and two directions (144 views), ``haarcascade_frontalface_default`` alone raised 87 false alarms
(a cat, a cup, gravel; half of them on ancient coins, which do show heads); with the confirmation
below one remained, and eight on the coins. Of 400 FER-2013 faces pasted into photos the first
cascade found 69 %, and the confirmation kept 92 % of those.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.decoding import opencv
from hpo.recommender.photos import Photo
from hpo.spec.errors import EnvironmentProblem

FACE_SIZE = 48
"""Side of a face in pixels, as in training."""

MARGIN = 0.02
"""Margin around the detected box, as a share of its side.

Measured: on FER-2013 faces the cascade's box is 0.98 of the picture, centred, so this margin gives
the classifier the framing that it was trained on.
"""

LONGEST_SIDE = 1024
SHORTEST_SIDE = 320
BORDER = 0.15
"""Detection works on the photo scaled to these sides, within a border of this share of the shorter
side. A face that fills its photo is otherwise missed: on bare 48×48 faces the cascade finds 24 %,
with enlargement and border 75 %."""

CROP_SIDE = 160
CROP_RATIO = 1.3
"""A photo whose shorter side has fewer pixels, or whose sides differ by less than this factor, may
show little but a face."""

CROP_ADVICE = (
    "a face is found best whole, from hair to chin, with some room around it, and 20 pixels wide "
    "or more; one that the edge of the photo cuts into is often missed"
)
"""Measured on 150 FER-2013 faces, each a whole photo: 73 % are found; of these with an eighth cut
off on each side 42 %, with a sixth 20 %. Shrunk to 20 pixels 69 % are found, to 12 pixels 57 %, to
8 pixels 28 %."""

Box = tuple[int, int, int, int]
"""Left, top, width and height in pixels of the photo."""


@dataclass(frozen=True)
class Cascades:
    """The three cascades that OpenCV ships; Viola and Jones (2001), Lienhart and Maydt (2002)."""

    propose: Any
    confirm: Any
    eye: Any


class FaceDetector:
    """Finds upright frontal faces.

    Args:
        smallest: smallest face, as a share of the photo's shorter side (0-1).
        neighbours: overlapping hits that the first cascade needs for a proposal.

    Raises:
        EnvironmentProblem: OpenCV or its cascade files cannot be loaded.
    """

    def __init__(self, smallest: float = 0.05, neighbours: int = 5) -> None:
        self._smallest = smallest
        self._neighbours = neighbours
        self._cascades = Cascades(
            propose=_cascade("haarcascade_frontalface_default.xml"),
            confirm=_cascade("haarcascade_frontalface_alt2.xml"),
            eye=_cascade("haarcascade_eye.xml"),
        )

    def find(self, photo: Photo) -> list[Box]:
        """Return the boxes of the faces, the largest area first; an empty list is normal.

        Args:
            photo: uint8 (height, width, 3), blue-green-red, or grey (height, width).
        """
        height, width = photo.shape[:2]
        scale = _working_scale(height, width)
        grey, border = _prepare(photo, scale)
        least = max(24, round(self._smallest * min(height, width) * scale))
        proposals = self._cascades.propose.detectMultiScale(
            grey, scaleFactor=1.1, minNeighbors=self._neighbours, minSize=(least, least)
        )
        boxes = [
            _to_photo(proposal, border, scale, height, width)
            for proposal in proposals
            if self._confirmed(grey, *(int(side) for side in proposal))
        ]
        # Ties by position, so that the order never depends on the cascade's own.
        return sorted(boxes, key=lambda box: (-box[2] * box[3], box[0], box[1]))

    def _confirmed(self, grey: NDArray[np.uint8], x: int, y: int, w: int, h: int) -> bool:
        """Ask the second cascade, and the eyes where its answer is weak.

        Ungrouped hits measure confidence: real faces have a median of 23, false alarms 1.
        """
        cv2 = opencv()
        pad = round(0.15 * w)
        around = grey[max(0, y - pad) : y + h + pad, max(0, x - pad) : x + w + pad]
        ratio = 96 / w
        around = cv2.resize(around, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_LINEAR)
        hits = len(self._cascades.confirm.detectMultiScale(around, 1.1, 0, minSize=(48, 48)))
        if hits < 4:
            return False
        if hits >= 10:
            return True
        face = cv2.resize(grey[y : y + h, x : x + w], (160, 160), interpolation=cv2.INTER_LINEAR)
        return len(self._cascades.eye.detectMultiScale(face[:100], 1.1, 3, minSize=(24, 24))) > 0


def may_be_crop(height: int, width: int) -> bool:
    """Tell whether a photo of these sides, in pixels, may be the crop of a face."""
    short, long = sorted((height, width))
    return short < CROP_SIDE or long < CROP_RATIO * short


def crop_face(photo: Photo, box: Box, margin: float = MARGIN) -> NDArray[np.uint8]:
    """Return the face as the classifier was trained on it: uint8 (48, 48), grey, 0-255.

    Args:
        photo: uint8 (height, width, 3), blue-green-red, or grey (height, width).
        box: left, top, width, height in pixels.
        margin: added on each side, as a share of the box's side; clipped at the photo's borders.
    """
    cv2 = opencv()
    height, width = photo.shape[:2]
    x, y, w, h = box
    across, down = round(margin * w), round(margin * h)
    part = photo[
        max(0, y - down) : min(height, y + h + down),
        max(0, x - across) : min(width, x + w + across),
    ]
    face = cv2.resize(_grey(part), (FACE_SIZE, FACE_SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(face, dtype=np.uint8)


def _cascade(name: str) -> Any:
    cv2 = opencv()
    file = Path(cv2.data.haarcascades) / name
    cascade = cv2.CascadeClassifier(str(file)) if hasattr(cv2, "CascadeClassifier") else None
    if cascade is None or cascade.empty():
        raise EnvironmentProblem(
            f"OpenCV {cv2.__version__} lacks the face cascade '{name}'",
            expected="OpenCV 4, which ships the cascades (OpenCV 5 dropped them)",
            hint="Type: pip install 'opencv-python<5'",
        )
    return cascade


def _grey(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if photo.ndim == 2:
        return photo
    cv2 = opencv()
    return np.asarray(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def _working_scale(height: int, width: int) -> float:
    short, long = min(height, width), max(height, width)
    enlarged = max(1.0, SHORTEST_SIDE / short)
    return min(enlarged, LONGEST_SIDE / long)


def _prepare(photo: Photo, scale: float) -> tuple[NDArray[np.uint8], int]:
    cv2 = opencv()
    grey = _grey(photo)
    if scale != 1.0:
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        grey = cv2.resize(
            grey,
            (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))),
            interpolation=way,
        )
    border = round(BORDER * min(grey.shape))
    framed = cv2.copyMakeBorder(
        cv2.equalizeHist(grey), border, border, border, border, cv2.BORDER_REPLICATE
    )
    return np.asarray(framed, dtype=np.uint8), border


def _to_photo(proposal: Any, border: int, scale: float, height: int, width: int) -> Box:
    x, y, w, h = (int(side) for side in proposal)
    left = min(max(0, round((x - border) / scale)), width - 1)
    top = min(max(0, round((y - border) / scale)), height - 1)
    # What hangs over the border of the photo is cut off, on either side.
    right = round((x - border) / scale) + round(w / scale)
    bottom = round((y - border) / scale) + round(h / scale)
    return left, top, max(1, min(width, right) - left), max(1, min(height, bottom) - top)
