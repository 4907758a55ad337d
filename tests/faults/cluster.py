"""A PostgreSQL of one's own: a temporary cluster on loopback, gone with the test."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

USER = "hpo"


@dataclass(frozen=True)
class Cluster:
    """A running server.

    Args:
        folder: its data.
        port: that it listens on.
        programs: the folder of ``initdb`` and ``pg_ctl``.
        address: that it listens on.
    """

    folder: Path
    port: int
    programs: Path
    address: str = "127.0.0.1"

    def url(self, database: str) -> str:
        """Return the storage URL of a database."""
        return f"postgresql://{USER}@{self.address}:{self.port}/{database}"

    def make(self, database: str) -> str:
        """Make an empty database and return its URL."""
        self.call("createdb", "-h", self.address, "-p", str(self.port), "-U", USER, database)
        return self.url(database)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        # Sockets lie with the data: the usual folder may not be this user's to write.
        options = f"-p {self.port} -c listen_addresses={self.address} -c unix_socket_directories=''"
        log = str(self.folder / "log.txt")
        self.call("pg_ctl", "-D", str(self.folder), "-w", "-o", options, "-l", log, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it: ``fast``, or ``immediate`` as a crash would."""
        self.call("pg_ctl", "-D", str(self.folder), "-w", "-m", mode, "stop")

    def call(self, program: str, *arguments: str) -> None:
        """Call one of PostgreSQL's programs; as root by way of a user that it accepts."""
        command = [str(self.programs / program), *arguments]
        if os.geteuid() == 0:
            command = [
                "setpriv",
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
                *command,
            ]
        subprocess.run(command, check=True, capture_output=True, cwd="/")


def programs() -> Path | None:
    """Return where PostgreSQL's server programs are; None where there are none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    return Path(on_path).parent if on_path else None


@contextlib.contextmanager
def cluster(folder: Path, *, address: str = "127.0.0.1", friends: str = "") -> Iterator[Cluster]:
    """Run a server in ``folder``, which it must be able to reach.

    Args:
        folder: of its data.
        address: that it listens on.
        friends: a network beside this machine's own addresses that it trusts.
    """
    where = programs()
    assert where is not None
    folder.mkdir(parents=True)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind((address, 0))
        port = free.getsockname()[1]
    server = Cluster(folder, port, where, address)
    # No passwords on a server that lives for seconds and hears only this machine.
    server.call("initdb", "-D", str(folder), "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8")
    if friends:
        with (folder / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {friends} trust\n")
    server.start()
    try:
        yield server
    finally:
        server.stop("immediate")
