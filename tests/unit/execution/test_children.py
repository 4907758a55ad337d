"""Children run, report, stop and die one at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hpo.execution.children import ChildServer
from hpo.spec.errors import TrainingError

TARGETS = "tests.unit.execution.targets"


@pytest.fixture(scope="module")
def server() -> ChildServer:
    # Without the preloaded Keras these tests take milliseconds; what it saves is a benchmark's.
    return ChildServer(preload=("hpo.spec.errors",))


def test_reports_come_before_the_result(server: ChildServer, tmp_path: Path) -> None:
    child = server.start(f"{TARGETS}:echo", log=tmp_path / "log.txt", value=[1, 2])
    first, second = child.receive(), child.receive()
    assert first is not None
    assert second is not None
    assert (first.kind, first.data) == ("report", {"half": [1, 2]})
    assert second.kind == "result"
    assert second.data["whole"] == [1, 2]
    assert second.data["pid"] not in (os.getpid(), None)
    assert "a line for the log" in (tmp_path / "log.txt").read_text()


def test_a_child_may_have_variables_that_no_other_has(
    server: ChildServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HPO_TEST_LIBRARY", "1")
    parents: list[int] = []
    told = {"name": "HPO_TEST_LIBRARY", "on_report": parents.append}
    changed = server.call(f"{TARGETS}:variable", variables={"HPO_TEST_LIBRARY": "0"}, **told)
    assert (changed, os.environ["HPO_TEST_LIBRARY"]) == ("0", "1")
    # No fork of the server, whose libraries have read theirs already.
    assert parents == [os.getpid()]
    assert server.call(f"{TARGETS}:variable", **told) != "0"


def test_a_fresh_child_stops_when_asked_and_dies_aloud(server: ChildServer) -> None:
    fresh = {"variables": {"HPO_TEST_LIBRARY": "0"}}
    child = server.start(f"{TARGETS}:until_stopped", **fresh)
    assert child.receive() is not None
    os.kill(child.pid, signal.SIGINT)  # as a terminal does to the whole group
    child.stop()
    message = child.receive(timeout_seconds=5)
    assert message is not None
    assert message.data == "stopped"
    with pytest.raises(TrainingError, match="crashed: segfault"):
        server.call(f"{TARGETS}:segfault", **fresh)


def test_a_child_stops_when_asked_and_still_answers(server: ChildServer) -> None:
    child = server.start(f"{TARGETS}:until_stopped")
    assert child.receive() is not None
    child.stop()
    message = child.receive(timeout_seconds=5)
    assert message is not None
    assert message.data == "stopped"


def test_a_segfault_ends_only_the_child(server: ChildServer) -> None:
    with pytest.raises(TrainingError, match="crashed: segfault"):
        server.call(f"{TARGETS}:segfault")
    assert server.call(f"{TARGETS}:echo", value=1)["whole"] == 1


def test_an_ended_child_holds_no_descriptors(server: ChildServer) -> None:
    server.call(f"{TARGETS}:echo", value=1)
    before = len(os.listdir("/proc/self/fd"))
    ended = []
    for _ in range(3):
        child = server.start(f"{TARGETS}:echo", value=1)
        while (message := child.receive()) is not None and message.kind == "report":
            pass
        ended.append(child)
    assert len(os.listdir("/proc/self/fd")) == before
    for child in ended:
        child.kill()


def test_a_killed_child_is_told_as_killed(server: ChildServer) -> None:
    child = server.start(f"{TARGETS}:until_stopped")
    assert child.receive() is not None
    os.kill(child.pid, signal.SIGKILL)
    message = child.receive(timeout_seconds=5)
    assert message is not None
    assert message.kind == "error"
    assert "SIGKILL" in str(message.data)


def test_a_parent_without_a_main_file_can_start_children() -> None:
    code = (
        "from hpo.execution.children import ChildServer\n"
        "server = ChildServer(preload=('hpo.spec.errors',))\n"
        f"print(server.call('{TARGETS}:echo', value=7)['whole'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-"], input=code, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "7"


def test_signals_to_the_group_reach_neither_server_nor_child() -> None:
    code = (
        "import os, signal\n"
        "from hpo.execution.children import ChildServer\n"
        "signal.signal(signal.SIGINT, lambda *a: None)\n"
        "signal.signal(signal.SIGTERM, lambda *a: None)\n"
        "server = ChildServer(preload=('hpo.spec.errors',))\n"
        "server.warm()\n"
        "os.killpg(0, signal.SIGINT)\n"
        f"child = server.start('{TARGETS}:until_stopped')\n"
        "os.killpg(0, signal.SIGTERM)\n"
        "assert child.receive().data == 'ready'\n"
        "os.killpg(0, signal.SIGTERM)\n"
        "child.stop()\n"
        "print(child.receive(10).data)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        start_new_session=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "stopped"


def test_a_child_ends_with_its_parent_though_it_does_not_look() -> None:
    code = (
        "import os, signal\n"
        "from hpo.execution.children import ChildServer\n"
        "server = ChildServer(preload=('hpo.spec.errors',))\n"
        f"child = server.start('{TARGETS}:busy')\n"
        "print(child.receive().data, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL
    status = Path(f"/proc/{int(done.stdout)}/stat")
    until = time.monotonic() + 10  # it would sleep for 60
    # As a zombie it has ended, whoever collects it.
    while status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < until
        time.sleep(0.05)


def test_modules_in_the_current_folder_do_not_take_the_place_of_others(tmp_path: Path) -> None:
    (tmp_path / "queue.py").write_text("raise RuntimeError('not the one that was meant')\n")
    (tmp_path / "hpo.py").write_text("raise RuntimeError('not the one that was meant')\n")
    code = (
        "import sys, os\n"
        f"sys.path[:] = [{str(Path(__file__).parents[3])!r}, *sys.path[1:]]\n"
        "from hpo.execution.children import ChildServer\n"
        f"os.chdir({str(tmp_path)!r})\n"
        "server = ChildServer(preload=('hpo.spec.errors',))\n"
        f"print(server.call('{TARGETS}:echo', value=7)['whole'])\n"
        "print('PYTHONSAFEPATH' in os.environ)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["7", "False"]
