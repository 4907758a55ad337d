"""Whether two faces are one photograph: their pixels, compared over small shifts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpo.data.decoding import opencv

Image = npt.NDArray[np.uint8]

WHOLE = 0.9
"""Least correlation of the pixels of two near-duplicates."""
DETAIL = 0.6
"""Least correlation of their detail: what a blur takes away.

Both thresholds were set by looking at some 450 pairs of FER-2013. The pixels alone do not tell two
people with dark hair on white apart: the most alike of those seen correlate by 0.908, their detail
by 0.53 at the most. Of 2,227 pairs over both thresholds the 111 nearest to them (under 0.93 and
0.72) and all 29 mirrored ones were looked at: each shows one photograph, as far as can be seen."""
MIDDLE = 0.86
"""Least correlation of the middle of two near-duplicates, where eyes, nose and mouth are."""
MIDDLE_DETAIL = 0.77
"""Least correlation of the detail of the middle, noise smoothed away.

Of the 3,329 pairs of FER-2013 over the two thresholds above, the lowest reach 0.879 and 0.785, and
the 48 nearest to the latter were looked at: each shows one photograph, some with another agency's
mark across the face. Two drawings of this package with heads of one shape agree in outline and
differ in expression, of which the whole image has little: of 65 pairs of 4,200 drawings over the
two thresholds above, none one picture, 15 are over all four."""
SHIFT_SHARE = 16
"""Of a side: how far two near-duplicates may be shifted against each other."""
_BLUR_SHARE = 24
_PLAIN = 0.5
"""Grey values: what varies by less shows nothing."""
_NOISE_SHARE = 48
"""Of a side: the blur that takes the noise away."""


def same_photograph(first: Image, second: Image) -> bool:
    """Tell whether two faces are one photograph, shifted by at most a sixteenth of the side.

    The inner part of each is sought in the other, and the worse of the two correlations counts, so
    the answer does not depend on which comes first. So it is with the middle of both, at the place
    where all agrees best: a face is known by what is there. Correlation is normalised (OpenCV's
    ``TM_CCOEFF_NORMED``): brightness and contrast do not count.

    Args:
        first: uint8, ``(height, width)``, not constant.
        second: the same shape.
    """
    if _correlation(first.astype(np.float32), second.astype(np.float32)) < WHOLE:
        return False
    if _correlation(_detail(first), _detail(second)) < DETAIL:
        return False
    return _middles_agree(first, second) and _middles_agree(second, first)


def _correlation(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    cv2 = opencv()
    height, width = first.shape
    dy, dx = height // SHIFT_SHARE, width // SHIFT_SHARE
    inner = np.s_[dy : height - dy, dx : width - dx]
    return min(
        float(cv2.matchTemplate(first, second[inner], cv2.TM_CCOEFF_NORMED).max()),
        float(cv2.matchTemplate(second, first[inner], cv2.TM_CCOEFF_NORMED).max()),
    )


def _detail(image: Image) -> npt.NDArray[np.float32]:
    plain = image.astype(np.float32)
    return plain - _blurred(plain, image.shape[0] / _BLUR_SHARE)


def _middles_agree(first: Image, second: Image) -> bool:
    """Tell whether the middle of two faces agrees where they lie best upon each other."""
    cv2 = opencv()
    height, width = first.shape
    dy, dx = height // SHIFT_SHARE, width // SHIFT_SHARE
    inner = second[dy : height - dy, dx : width - dx]
    found = cv2.matchTemplate(
        first.astype(np.float32), inner.astype(np.float32), cv2.TM_CCOEFF_NORMED
    )
    left, top = cv2.minMaxLoc(found)[3]
    ours = first[top : top + inner.shape[0], left : left + inner.shape[1]]
    pair = [_blurred(part.astype(np.float32), height / _NOISE_SHARE) for part in (ours, inner)]
    if _middle(*pair) < MIDDLE:
        return False
    return _middle(*(part - _blurred(part, height / _BLUR_SHARE) for part in pair)) >= MIDDLE_DETAIL


def _middle(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    """Return how the middle of one correlates with that of the other, give or take a little."""
    cv2 = opencv()
    height, width = first.shape
    # From the brows to the mouth, which lies low, and from eye to eye.
    top, bottom, left, right = height // 4, height - height // 8, width // 4, width - width // 4
    slack = height // 20
    middle = first[top:bottom, left:right]
    if float(middle.std()) < _PLAIN:
        return 1.0  # Nothing is there that could differ.
    around = second[top - slack : bottom + slack, left - slack : right + slack]
    return float(cv2.matchTemplate(around, middle, cv2.TM_CCOEFF_NORMED).max())


def _blurred(image: npt.NDArray[np.float32], size: float) -> npt.NDArray[np.float32]:
    return np.asarray(opencv().GaussianBlur(image, (0, 0), size), dtype=np.float32)
