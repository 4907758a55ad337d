"""What a child does with its log, and how its errors arrive."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hpo.execution.children import ChildServer
from hpo.spec.errors import EnvironmentProblem, SpecError, TrainingError
from tests.unit.execution import targets

TARGETS = "tests.unit.execution.targets"


@pytest.fixture(scope="module")
def server() -> ChildServer:
    # Without the preloaded Keras these tests take milliseconds; what it saves is a benchmark's.
    return ChildServer(preload=("hpo.spec.errors",))


def test_an_error_on_purpose_arrives_whole(server: ChildServer) -> None:
    with pytest.raises(SpecError, match=r"here: no such thing. Look there."):
        server.call(f"{TARGETS}:bad_input")


def test_an_unexpected_error_arrives_with_its_name(server: ChildServer) -> None:
    with pytest.raises(TrainingError, match="Local: broken"):
        server.call(f"{TARGETS}:unexpected")


def test_an_unexpected_error_names_the_last_line_of_a_file_that_is_not_installed(
    server: ChildServer,
) -> None:
    line = next(
        number
        for number, text in enumerate(Path(targets.__file__).read_text().splitlines(), 1)
        if text.endswith("# is refused by json, three frames below")
    )
    with pytest.raises(TrainingError, match=rf"JSONDecodeError: .* \(targets\.py:{line}\)"):
        server.call(f"{TARGETS}:within_a_library")


def test_a_server_that_cannot_load_keras_says_why() -> None:
    code = (
        "from hpo.execution.child_side import CANNOT_BEGIN\n"
        "from hpo.execution.children import ChildServer\n"
        "child = ChildServer().start('tests.unit.execution.targets:echo', value=1)\n"
        "message = child.receive()\n"
        "assert message.failure == CANNOT_BEGIN, message\n"
        "print(message.data)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "KERAS_BACKEND": "none"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "KERAS_BACKEND names no backend" in done.stdout, done.stderr


def test_a_log_that_cannot_be_made_is_told_as_the_reason(
    server: ChildServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    child = server.start(f"{TARGETS}:echo", log=tmp_path / "file" / "log.txt", value=1)
    message = child.receive(timeout_seconds=20)
    assert message is not None
    # As a crash it would be tried again, and come out the same.
    assert (message.kind, message.failure) == ("error", "error")
    assert isinstance(message.data, EnvironmentProblem)
    assert "file/log.txt: the trial's log cannot be made" in str(message.data)
    assert "Traceback" not in capfd.readouterr().err


def test_a_disk_too_full_for_the_log_is_told_as_such(server: ChildServer, tmp_path: Path) -> None:
    # One inode is the root's own: the log finds none.
    mount = ["mount", "-t", "tmpfs", "-o", "nr_inodes=1", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    try:
        child = server.start(f"{TARGETS}:echo", log=tmp_path / "log.txt", value=1)
        message = child.receive(timeout_seconds=20)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
    assert message is not None
    assert message.failure == "disk_full"
