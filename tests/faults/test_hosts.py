"""Two hosts and a database server, as network namespaces; one host is cut off for a while."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hpo.search.studies import read_trials
from tests.faults.cluster import Cluster, cluster, programs
from tests.faults.test_pauses_and_outages import tables, wait_until
from tests.faults.workers import start, states
from tests.unit.search.analytic import make_spec

pytestmark = pytest.mark.slow

LEASE_SECONDS = 4
SERVER, CLIENT = "10.213.0.1", "10.213.0.2"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def host() -> Iterator[str]:
    """Make a host in a namespace of its own, linked to this one, which holds the server."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and iproute2")
    name = f"hpo{os.getpid()}"
    try:
        ip("netns", "add", name)
        ip("link", "add", "hpo-here", "type", "veth", "peer", "name", "hpo-there", "netns", name)
    except subprocess.CalledProcessError:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        pytest.skip("network namespaces are not allowed here")
    try:
        ip("addr", "add", f"{SERVER}/30", "dev", "hpo-here")
        ip("link", "set", "hpo-here", "up")
        ip("-n", name, "addr", "add", f"{CLIENT}/30", "dev", "hpo-there")
        ip("-n", name, "link", "set", "hpo-there", "up")
        ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)


@pytest.fixture
def database(host: str) -> Iterator[Cluster]:
    if programs() is None:
        pytest.skip("no PostgreSQL server is installed (Debian: postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="hpo-postgresql-"))
    folder.chmod(0o755)
    try:
        with cluster(folder / "data", address=SERVER, friends=f"{SERVER}/30") as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def in_namespace(name: str) -> Callable[[], None]:
    def enter() -> None:
        import ctypes

        with Path(f"/run/netns/{name}").open() as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0x40000000) != 0:
                raise OSError(ctypes.get_errno(), "cannot enter the namespace")

    return enter


def test_a_host_that_is_cut_off_loses_its_trial_and_comes_back(
    database: Cluster, host: str, tmp_path: Path
) -> None:
    url = database.make("study")
    fixed: dict[str, Any] = {"epochs": 20, "pause": 0.25}
    spec = make_spec(
        12,
        sampler="random",
        limits={"lease_seconds": LEASE_SECONDS},
        architecture={"fixed": fixed},
    )
    distant = start(url, spec, tmp_path / "there", before=in_namespace(host))
    wait_until(lambda: tables(url) and states(url)["RUNNING"] == 1)
    near = start(url, spec, tmp_path / "here")
    wait_until(lambda: states(url)["RUNNING"] == 2)
    ip("link", "set", "hpo-here", "down")
    began = time.monotonic()
    wait_until(lambda: states(url)["FAIL"] == 1, seconds=60)
    print(f"its trial was given to another {time.monotonic() - began:.1f} s after the cut")
    time.sleep(20)
    ip("link", "set", "hpo-here", "up")
    back = time.monotonic()
    done = states(url)["COMPLETE"]
    for worker in (distant, near):
        worker.join(300)
    print(f"the study was done {time.monotonic() - back:.1f} s after the cut's end, {done} before")
    assert [distant.exitcode, near.exitcode] == [0, 0]
    records = read_trials(url, "study")
    assert sorted(r.slot for r in records) == list(range(12))
    assert {r.state for r in records} == {"complete"}
    assert states(url) == {"COMPLETE": 12, "FAIL": 1}
