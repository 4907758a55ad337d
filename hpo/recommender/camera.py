"""A camera or a video file: every few frames a look, and an answer when the emotion changes.

No frame is stored or shown; it works without a display. Probabilities are smoothed over frames,
because a single frame of a moving face flickers between emotions.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hpo.data.decoding import opencv, quietly
from hpo.recommender.photos import Photo
from hpo.recommender.recommend import FaceAnswer, Probabilities, Recommender
from hpo.spec.errors import DataError, EnvironmentProblem, InputError, NotFoundError


@dataclass(frozen=True)
class Frame:
    """One frame that was looked at.

    Args:
        number: its place in the stream, from zero.
        seconds: its time in the video, or since the start for a device.
        photo: uint8 (height, width, 3), blue-green-red.
    """

    number: int
    seconds: float
    photo: Photo


@dataclass(frozen=True)
class Change:
    """An emotion that took over from another.

    Args:
        seconds: when.
        frame: number of the frame.
        face: the largest face, with smoothed probabilities; ``None`` when the face is gone.
    """

    seconds: float
    frame: int
    face: FaceAnswer | None

    def to_json(self) -> dict[str, Any]:
        """Return the change as plain data, ``faces`` in the shape of a photo's."""
        return {
            "seconds": round(self.seconds, 3),
            "frame": self.frame,
            "faces": [self.face.to_json()] if self.face else [],
        }


def frames(
    source: str,
    *,
    every: int = 5,
    seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Frame]:
    """Yield every ``every``-th frame of a device or a video file, the first one included.

    Args:
        source: a device number such as ``0``, or the path of a video file.
        every: at least 1.
        seconds: stop after this time: of the video for a file, of the clock for a device.
        clock: seconds, for devices.

    Raises:
        InputError: ``every`` or ``seconds`` is not positive.
        NotFoundError: there is no such video file.
        DataError: the file is no video.
        EnvironmentProblem: the camera cannot be opened.
    """
    if every < 1 or (seconds is not None and seconds <= 0):
        raise InputError(
            "the camera's sampling makes no sense",
            expected="--every at least 1 and --seconds above 0",
            got=f"every {every}, seconds {seconds}",
        )
    return _stream(_open(source), source, every, seconds, clock)


def _open(source: str) -> Any:
    # FFmpeg's messages have a level of their own, read when it opens a file: -8 is quiet.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2 = opencv()
    if source.isdecimal():
        capture = None
        with quietly(), contextlib.suppress(cv2.error):  # raised for a number over 31 bits
            capture = cv2.VideoCapture(int(source))
        if capture is None or not capture.isOpened():
            raise EnvironmentProblem(
                f"camera {source} cannot be opened",
                hint="Check that it is connected and that no other program uses it, try another "
                "number, or give a video file",
            )
        return capture
    path = Path(source).expanduser()
    if not path.exists() or path.is_dir():
        raise NotFoundError(
            "there is no such video",
            where=source,
            expected="a device number such as 0, or the path of a video file",
        )
    # Character devices such as /dev/video0 are given by path too.
    with quietly():
        capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise DataError(
            "this video cannot be read",
            where=source,
            expected="a video file that OpenCV reads, such as MP4 or AVI",
            hint="For a photo leave out --camera",
        )
    return capture


def _stream(
    capture: Any, source: str, every: int, seconds: float | None, clock: Callable[[], float]
) -> Iterator[Frame]:
    cv2 = opencv()
    live = source.isdecimal() or source.startswith("/dev/")
    rate = 0.0 if live else float(capture.get(cv2.CAP_PROP_FPS) or 0.0)
    start = clock()
    number = 0
    try:
        while capture.grab():
            now = number / rate if rate > 0 else clock() - start
            if seconds is not None and now >= seconds:
                return
            if number % every == 0:
                got, photo = capture.retrieve()
                if got:
                    yield Frame(number, now, np.ascontiguousarray(photo))
            number += 1
        if number == 0:
            raise DataError("this video has no frame", where=source, expected="a video or a camera")
    finally:
        capture.release()


class Smoother:
    """Follows the largest face: exponential smoothing, and patience before a change counts.

    Args:
        weight: of the newest frame, 0 (exclusive) to 1; 1 switches smoothing off.
        absent: looks without a face before it counts as gone.
    """

    def __init__(self, weight: float = 0.4, absent: int = 3) -> None:
        self._weight = weight
        self._patience = absent
        self._mean: Probabilities | None = None
        self._missed = 0

    def update(self, probabilities: Probabilities | None) -> Probabilities | None:
        """Take the probabilities of a look, ``None`` without a face; return the smoothed ones.

        ``None`` comes back once the face is gone (or was never there).
        """
        if probabilities is None:
            self._missed += 1
            if self._missed >= self._patience:
                self._mean = None
            return self._mean
        self._missed = 0
        if self._mean is None:
            self._mean = np.asarray(probabilities, dtype=np.float64)
        else:
            self._mean = (1 - self._weight) * self._mean + self._weight * probabilities
        return self._mean


def watch(
    recommender: Recommender,
    looks: Iterator[Frame],
    *,
    top: int = 5,
    smoother: Smoother | None = None,
) -> Iterator[Change]:
    """Yield an answer whenever the smoothed emotion of the largest face changes.

    Args:
        recommender: answers faces.
        looks: from ``frames``.
        top: songs per answer.
        smoother: follows the face; by default a new ``Smoother``.
    """
    smoother = smoother or Smoother()
    current: str | None = None
    for look in looks:
        sighting = recommender.see(look.photo)
        seen = recommender.classify(sighting.crops[:1])[0] if sighting.boxes else None
        smoothed = smoother.update(seen)
        if smoothed is None:
            if current is not None:
                current = None
                yield Change(look.seconds, look.number, None)
            continue
        emotion = recommender.classes[int(np.argmax(smoothed))]
        if emotion != current and sighting.boxes:
            current = emotion
            answer = recommender.explain(sighting.boxes[0], smoothed, top)
            yield Change(look.seconds, look.number, answer)
