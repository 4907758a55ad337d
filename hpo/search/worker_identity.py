"""Who holds a trial, and what can be known of whether that process still lives."""

from __future__ import annotations

import os
import re
import secrets
import socket
from functools import lru_cache
from pathlib import Path
from typing import Literal

Holder = Literal["self", "alive", "gone", "unknown"]

_MARKS = re.compile(r"\.[0-9a-f]{8}\.\d+$")
"""What ``_host`` puts behind a machine's name."""


def identity() -> str:
    """Return a name for this engine in this process: ``host:pid:start:token``.

    The start time tells a process from a later one that was given the same id; the token tells two
    engines of one process apart.
    """
    pid = os.getpid()
    return f"{_host()}:{pid}:{_start(pid)}:{secrets.token_hex(4)}"


def holder(owner: str, me: str) -> Holder:
    """Tell what is known of the process that holds a trial.

    ``gone`` is certain: a process of this machine that has ended, or an earlier engine of this very
    process (whoever makes a new one has let go of it). ``alive`` says that the process is there,
    not that it works: it may be stopped, or cut off from the storage. Nothing is known of other
    machines' processes, nor of other containers'.

    Args:
        owner: the ``identity`` stored with the trial.
        me: the one that asks.
    """
    parts, mine = owner.split(":"), me.split(":")
    if len(parts) != 4 or parts[0] != mine[0]:
        return "unknown"
    if parts[:3] == mine[:3]:
        return "self" if parts == mine else "gone"
    return "alive" if _start(int(parts[1])) == parts[2] else "gone"


def shown(owner: str) -> str:
    """Return a worker as people know it, ``host, process 123``; "" if it has no such name.

    Args:
        owner: the ``identity`` stored with a trial.
    """
    host, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    return f"{_MARKS.sub('', host)}, process {pid}" if host and pid else ""


@lru_cache(maxsize=1)
def _host() -> str:
    """Return the machine's name and, where the kernel tells them, its boot and process namespace.

    Containers may share a name, and a process id means nothing in another one or after a reboot.
    """
    marks = []
    try:
        marks.append(Path("/proc/sys/kernel/random/boot_id").read_text()[:8])
        marks.append(str(os.stat("/proc/self/ns/pid").st_ino))
    except OSError:
        pass
    return ".".join([socket.gethostname().replace(":", "_"), *marks])


def _start(pid: int) -> str:
    """Return when process ``pid`` started, in clock ticks since boot; "" if it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # The second field, the command in parentheses, may itself hold spaces.
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]
