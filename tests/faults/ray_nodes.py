"""A program: a Ray cluster of several nodes on this machine's loopback, told what to do by lines.

``python -m tests.faults.ray_nodes`` prints the address of its first node, which has no room for
workers. ``add`` adds a node of one core and one make-believe GPU, ``kill PID`` kills the node with
that process id and all that runs on it; each is answered by a line. The end of input ends it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# As hpo itself does it where it starts Ray; before Ray is imported.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

REPOSITORY = Path(__file__).parents[2]


class Nodes:
    """The running program.

    Args:
        process: its process; it answers each line by one.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.address = self._answer()

    def add(self) -> str:
        """Add a node and return the process id by which it is known."""
        return self._ask("add")

    def kill(self, node: str) -> None:
        """Kill a node with everything on it."""
        assert self._ask(f"kill {node}") == node

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextlib.contextmanager
def nodes(environment: dict[str, str], log: Path) -> Iterator[Nodes]:
    """Run the program.

    Args:
        environment: is added to this process's.
        log: file for what Ray says.
    """
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=REPOSITORY,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
        )
    try:
        yield Nodes(process)
    finally:
        process.communicate(timeout=60)


def main() -> None:
    """Hold the cluster until the input ends."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    added: dict[str, Any] = {}
    print(cluster.address, flush=True)
    for line in sys.stdin:
        word, _, node = line.strip().partition(" ")
        if word == "add":
            made = cluster.add_node(num_cpus=1, num_gpus=1)
            (raylet,) = made.all_processes["raylet"]
            node = str(raylet.process.pid)
            added[node] = made
        else:
            # Not by Ray's own way, which waits until the cluster has noticed.
            added[node].kill_all_processes(check_alive=False, allow_graceful=False)
        print(node, flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
