"""What the benchmarks of whole processes share: databases of their own, spreads, processes' costs.

Importing it puts the repository's root on the path: workers on an analytic objective and the
temporary PostgreSQL come from ``tests/faults``, which is no part of the installed package.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

MakeDatabase = Callable[[Path], str]
"""Makes an empty database, in a folder where it is a file, and returns its URL."""

_TICKS = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def databases(chosen: Iterable[str]) -> Iterator[dict[str, MakeDatabase]]:
    """Yield what makes a database by the name of its kind: ``sqlite``, ``postgresql``.

    PostgreSQL is a temporary cluster on loopback, gone at the end; it is left out, with a word,
    where no server is installed.
    """
    from tests.faults.cluster import cluster, programs

    found: dict[str, MakeDatabase] = {}
    with contextlib.ExitStack() as stack:
        if "sqlite" in chosen:
            found["sqlite"] = lambda folder: f"sqlite:///{folder}/optuna.db"
        if "postgresql" in chosen and programs() is None:
            print("no PostgreSQL server is installed; it is left out", file=sys.stderr)
        elif "postgresql" in chosen:
            # Another user's server must be able to enter it.
            folder = Path(tempfile.mkdtemp(prefix="hpo-postgresql-"))
            folder.chmod(0o755)
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            server = stack.enter_context(cluster(folder / "data"))
            found["postgresql"] = lambda _: server.make(f"study{time.monotonic_ns()}")
        yield found


def spread(values: Iterable[float], digits: int = 3) -> dict[str, float]:
    """Median, range and number of the values."""
    known = list(values)
    return {
        "median": round(statistics.median(known), digits),
        "low": round(min(known), digits),
        "high": round(max(known), digits),
        "n": len(known),
    }


def machine() -> dict[str, Any]:
    """The cores, and how busy others keep them."""
    return {"cores": os.cpu_count(), "load_average": [round(x, 2) for x in os.getloadavg()]}


def progress(name: str, figures: Any) -> Any:
    """Say on standard error what is done, so that a run cut short was not for nothing."""
    print(json.dumps({name: figures}), file=sys.stderr, flush=True)
    return figures


def told(name: str, value: Mapping[str, float], unit: str = "") -> str:
    """One spread as a line for people."""
    return (
        f"  {name:44} {value['median']:9.2f} {unit:3} "
        f"[{value['low']:.2f}, {value['high']:.2f}], n = {value['n']}"
    )


def fork_server_pid() -> int:
    """The fork server of this process, from which its trials' processes are forked."""
    from multiprocessing import forkserver

    return int(forkserver._forkserver._forkserver_pid or 0)  # type: ignore[attr-defined]


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process and of those of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / _TICKS
