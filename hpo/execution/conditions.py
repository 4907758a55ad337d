"""Conditions under which ``multiprocessing`` starts its server: what is imported, which signals.

Each is a context that holds while something is started, and leaves this process as it was.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def environment(**changed: str) -> Iterator[None]:
    """Let variables of the environment have these values for what is started now."""
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def own_imports() -> contextlib.AbstractContextManager[None]:
    """Let what is started now import this package, and nothing from the current folder.

    Python puts the current folder first for ``-c``, which is how ``multiprocessing`` starts its
    server: a ``queue.py`` there would take the standard library's place, and a checkout of another
    version this package's. Children get the parent's own path afterwards.
    """
    root = str(Path(__file__).parents[2])
    path = os.environ.get("PYTHONPATH")
    return environment(
        PYTHONSAFEPATH="1", PYTHONPATH=os.pathsep.join([root, *([path] if path else [])])
    )


@contextlib.contextmanager
def blocked(*signals: signal.Signals) -> Iterator[None]:
    """Keep signals from this thread, and from what it starts, which inherits that."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def without_main() -> Iterator[None]:
    """Keep ``multiprocessing`` from importing the parent's main module again in each child.

    A child needs nothing of it, a script without a ``__main__`` guard would start itself over, and
    code that was piped into ``python`` has no file to import.
    """
    main = sys.modules["__main__"]
    saved = {key: main.__dict__.get(key) for key in ("__spec__", "__file__")}
    main.__dict__.update(__spec__=None, __file__=None)
    try:
        yield
    finally:
        main.__dict__.update(saved)
        if saved["__file__"] is None:
            del main.__dict__["__file__"]
