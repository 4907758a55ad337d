"""On which file system a path lies, and that an SQLite database does not lie on a network one.

SQLite's locks and its shared memory hold between processes of one machine. Over a network file
system two machines may both believe that they hold the lock, and then the database is damaged or
trials are lost without a word.
"""

from __future__ import annotations

import re
from pathlib import Path

from hpo.spec.errors import EnvironmentProblem

NETWORK = frozenset(
    {
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse.ceph",
        "fuse.ceph-fuse",
        "fuse.gcsfuse",
        "fuse.glusterfs",
        "fuse.juicefs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "gfs2",
        "gpfs",
        "lustre",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "panfs",
        "pvfs2",
        "smb3",
        "smbfs",
        "vboxsf",
        "wekafs",
    }
)
"""Types of file systems that several machines share, as ``/proc/self/mounts`` spells them. 9p is
none: virtual machines and containers see their own host's disk through it. vboxsf is one: a
guest's locks do not hold against its host's."""

_MOUNTS = Path("/proc/self/mounts")
_ESCAPE = re.compile(r"\\([0-7]{3})")


def filesystem_of(path: Path, mounts: str) -> str:
    """Return the type of the file system that holds ``path``, or will once it is made; "" if none.

    Args:
        path: absolute, without symbolic links.
        mounts: what ``/proc/self/mounts`` holds: device, place and type of each mount, in order.
    """
    longest, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        # Spaces, tabs, newlines and backslashes are written as octal numbers.
        place = Path(_ESCAPE.sub(lambda match: chr(int(match[1], 8)), fields[1]))
        depth = len(place.parts)
        # What is mounted later over the same place hides what was there.
        if path.is_relative_to(place) and depth >= longest:
            longest, kind = depth, fields[2]
    return kind


def refuse_network(path: Path) -> None:
    """Check that an SQLite database at ``path`` lies on a disk of this machine.

    Raises:
        EnvironmentProblem: it lies, or would lie, on a network file system.
    """
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return  # The system does not tell.
    kind = filesystem_of(path.resolve(), mounts)
    if kind in NETWORK:
        raise EnvironmentProblem(
            "SQLite loses trials on a network file system",
            where=str(path),
            expected="a local disk, or PostgreSQL for several machines",
            got=f"a file on {kind}",
            hint="Name a PostgreSQL database in HPO_STORAGE (docs/cluster.md shows how), or a "
            "local file by --storage sqlite:////FOLDER/optuna.db",
        )
