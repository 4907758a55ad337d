"""One process at a time: a lock on a file, which the system frees when its holder dies."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


@contextmanager
def locked(path: Path, *, passing: bool = False, waiting: bool = True) -> Iterator[None]:
    """Hold an exclusive lock on ``path``, which is made if absent, between processes.

    Args:
        path: of the lock's file.
        passing: remove the file afterwards. All who lock this path must say so: whoever waited for
            a file that was removed then waits again, for the one that is there.
        waiting: wait for whoever holds it.

    Raises:
        BlockingIOError: it is held, or that cannot be told, and ``waiting`` is False.
        OSError: it cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("a") as file:
            try:
                import fcntl
            except ImportError:  # Windows: one process at a time is then the user's business.
                if not waiting:
                    raise BlockingIOError(f"nobody can tell who holds {path}") from None
                yield
                return
            fcntl.flock(file, fcntl.LOCK_EX | (0 if waiting else fcntl.LOCK_NB))
            if passing and not _is_at(path, file):
                continue
            try:
                yield
            finally:
                if passing:
                    # While it is held: nobody else may remove it, and who comes makes another.
                    with contextlib.suppress(OSError):
                        path.unlink()
            return


def _is_at(path: Path, file: IO[Any]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
