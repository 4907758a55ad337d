"""The door to OpenCV: one import with its limits set, and decoding without the decoders' remarks.

Everything in this room and in the recommender gets ``cv2`` from here.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from hpo.data.image_headers import declared_size
from hpo.spec.errors import EnvironmentProblem

MAX_PIXELS = 120_000_000
"""The largest photo; a full-format camera's has 60 million pixels."""

_ONE_AT_A_TIME = threading.Lock()


def opencv() -> ModuleType:
    """Return ``cv2``, or say which system libraries it misses.

    Raises:
        EnvironmentProblem: OpenCV's shared libraries cannot be loaded, as on slim images.
    """
    # Read once, when the library is loaded. It backs up ``declared_size``, which knows the usual
    # formats and reads their headers as it understands them.
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))
    try:
        import cv2
    except ImportError as error:
        raise EnvironmentProblem(
            "OpenCV cannot be loaded",
            got=str(error),
            hint="On Debian or Ubuntu type: apt-get install -y libgl1 libglib2.0-0",
        ) from error
    module: ModuleType = cv2
    return module


def decode(data: bytes, flags: int, max_pixels: int = MAX_PIXELS) -> Any:
    """Return the image in ``data`` as OpenCV's array, or ``None`` if there is none to be had.

    There is none in what is no image, in a format whose size ``declared_size`` cannot read, and
    where it declares more than ``max_pixels``.

    Args:
        data: an image file.
        flags: OpenCV's ``IMREAD_…``.
        max_pixels: width times height.
    """
    size = declared_size(data)
    if size is None or size[0] * size[1] > max_pixels:
        return None
    cv2 = opencv()
    with quietly(), contextlib.suppress(cv2.error):
        return cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    return None


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep OpenCV, and libpng and libjpeg inside it, from printing what our errors tell.

    OpenCV's log level does not reach the libraries, which write to the process's standard error by
    its number; so that number leads nowhere meanwhile. Both are one for the whole process, hence
    the lock, and the block should hold nothing but the decoding.
    """
    cv2 = opencv()
    with _ONE_AT_A_TIME:
        level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            with _nowhere():
                yield
        finally:
            cv2.utils.logging.setLogLevel(level)


@contextlib.contextmanager
def _nowhere() -> Iterator[None]:
    try:
        kept = os.dup(2)
    except OSError:  # standard error is closed: nothing to keep quiet
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)
