"""Who holds a trial, and whether that process still lives."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path


def identity() -> str:
    """Return a name for this engine in this process: ``host:pid:start:token``.

    The start time tells a process from a later one that was given the same id; the token tells two
    engines of one process apart.
    """
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}:{_start(pid)}:{secrets.token_hex(4)}"


def holds(owner: str, me: str) -> bool:
    """Tell whether ``owner`` may still be working on what it holds.

    Another process of this host that lives does. An earlier engine of this very process does not:
    whoever makes a new one has let go of it. Nothing is known of other hosts' processes, so theirs
    count as gone only where a person says so by resuming.
    """
    parts, mine = owner.split(":"), me.split(":")
    if len(parts) != 4 or parts[0] != mine[0]:
        return False
    if parts[:3] == mine[:3]:
        return parts == mine
    return _start(int(parts[1])) == parts[2]


def _start(pid: int) -> str:
    """Return when process ``pid`` started, in clock ticks since boot; "" if it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # The second field, the command in parentheses, may itself hold spaces.
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]
