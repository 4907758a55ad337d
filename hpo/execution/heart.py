"""Signs of life: a thread that tells the storage, again and again, that trials are looked after."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Heart:
    """Calls ``beat`` in a thread of its own while the block lasts.

    A thread, because the worker may wait for a model to be logged or for MLflow; if the whole
    process is stopped, so is the heart.

    Args:
        beat: gives one sign of life; must not raise.
        every_seconds: the time between two.
    """

    def __init__(self, beat: Callable[[], None], every_seconds: float) -> None:
        self._beat = beat
        self._every = every_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hpo-heart", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._over.wait(self._every):
            self._beat()
