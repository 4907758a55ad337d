"""The end of a child whose parent is gone."""

from __future__ import annotations

import multiprocessing
import os
import threading
from multiprocessing.connection import wait


def end_with_parent() -> None:
    """End this process as soon as its parent is gone, on a thread that waits for it.

    At its next look for a wish to stop it would end as well, but that may be minutes away, in which
    whoever takes the parent's place is given the same GPU. The kernel's own signal for it is of no
    use: the child's parent is the server that it was forked from, which lives as long as a child.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        # Nobody waits for a result.
        os._exit(3)

    threading.Thread(target=watch, name="hpo-parent", daemon=True).start()
