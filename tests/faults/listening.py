"""Which sockets a process and its descendants listen on, as the kernel tells it."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

_LISTENS = "0A"
_LOOPBACK = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")


def heard_beyond_loopback(pid: int) -> list[str]:
    """Return the addresses, as the kernel writes them, on which others can reach these processes.

    Args:
        pid: of the process whose descendants are meant as well.
    """
    sockets = {inode for process in [pid, *descendants(pid)] for inode in _sockets_of(process)}
    heard = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            address, _, port = fields[1].partition(":")
            if fields[3] == _LISTENS and fields[9] in sockets and address not in _LOOPBACK:
                heard.append(f"{address}:{int(port, 16)}")
    return heard


def descendants(pid: int) -> list[int]:
    """Return the process ids of a process's children, theirs, and so on."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(stat[1])
    found: list[int] = []
    fresh = [pid]
    while fresh:
        fresh = [child for child, parent in parents.items() if parent in fresh]
        found += fresh
    return found


def _sockets_of(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                match = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(link))
                if match:
                    found.add(match[1])
    return found
