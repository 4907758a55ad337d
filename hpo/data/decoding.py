"""Decoding images without the decoders' own remarks on standard error."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

_ONE_AT_A_TIME = threading.Lock()


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep OpenCV, and libpng and libjpeg inside it, from printing what our errors tell.

    OpenCV's log level does not reach the libraries, which write to the process's standard error by
    its number; so that number leads nowhere meanwhile. It is one for the whole process, hence the
    lock, and the block should hold nothing but the decoding.
    """
    import cv2

    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        with _ONE_AT_A_TIME, _nowhere():
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
