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
SHIFT_SHARE = 16
"""Of a side: how far two near-duplicates may be shifted against each other."""
_BLUR_SHARE = 24


def same_photograph(first: Image, second: Image) -> bool:
    """Tell whether two faces are one photograph, shifted by at most a sixteenth of the side.

    The inner part of each is sought in the other, and the worse of the two correlations counts, so
    the answer does not depend on which comes first. Correlation is normalised (OpenCV's
    ``TM_CCOEFF_NORMED``): brightness and contrast do not count.

    Args:
        first: uint8, ``(height, width)``, not constant.
        second: the same shape.
    """
    if _correlation(first.astype(np.float32), second.astype(np.float32)) < WHOLE:
        return False
    return _correlation(_detail(first), _detail(second)) >= DETAIL


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
    blurred = opencv().GaussianBlur(plain, (0, 0), image.shape[0] / _BLUR_SHARE)
    return np.asarray(plain - blurred, dtype=np.float32)
