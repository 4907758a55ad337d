"""Images that may be no face, where nobody has voted on it: few grey values, and no cascade's hit.

Drawings, lettering and placeholders ("image not available") have few grey values, as few
photographs do; of the images that have few, those are suspected in which OpenCV's cascades find no
face from the front or the side, and no eye. The cascades alone are of no use: of the 28,709
training faces of FER-2013 they find nothing in 1,302, of which 7 % are no face.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpo.data.decoding import opencv

FEWEST_BITS = 5.5
"""Entropy of the grey values of an image; those under it are looked at.

Chosen on the training faces of FER-2013, where FER+'s annotators tell what is no face: of 5.0,
5.25, 5.5, 5.75 and 6.0 the last at which four of five suspicions are right."""
_ENLARGED = 144
"""Pixels of a side, with a border: bare faces of 48 pixels are missed more often."""
_FINDERS = (
    ("haarcascade_frontalface_default.xml", 1, 48, False),
    ("haarcascade_frontalface_alt2.xml", 1, 48, False),
    ("haarcascade_profileface.xml", 1, 48, True),
    ("haarcascade_eye.xml", 2, 14, False),
)
"""Cascade, overlapping hits that it needs, least side in pixels, and if it looks one way only."""


def suspected_non_faces(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Tell which images are suspected to be no face, ``(n,)``; a few seconds for 32,000.

    Args:
        images: uint8, ``(n, height, width)``.
    """
    cv2 = opencv()
    found = np.array([entropy(image) < FEWEST_BITS for image in images], dtype=np.bool_)
    if not found.any():
        return found
    finders = [
        (cv2.CascadeClassifier(cv2.data.haarcascades + name), hits, side, both)
        for name, hits, side, both in _FINDERS
    ]
    for i in np.flatnonzero(found):
        large = _enlarged(images[i])
        found[i] = not any(
            len(finder.detectMultiScale(seen, 1.1, hits, minSize=(side, side)))
            for finder, hits, side, both in finders
            for seen in ((large, np.ascontiguousarray(large[:, ::-1])) if both else (large,))
        )
    return found


def entropy(image: npt.NDArray[np.uint8]) -> float:
    """Return the entropy of an image's grey values in bits, 0 to 8."""
    counts = np.bincount(image.ravel(), minlength=256)
    shares = counts[counts > 0] / image.size
    return float(-(shares * np.log2(shares)).sum())


def _enlarged(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    cv2 = opencv()
    border = max(image.shape) // 4
    framed = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE)
    factor = _ENLARGED / max(framed.shape)
    large = cv2.resize(framed, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.equalizeHist(large), dtype=np.uint8)
