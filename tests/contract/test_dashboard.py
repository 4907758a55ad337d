"""``optuna-dashboard`` opens our storage: another program's view of what we wrote."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.search.analytic import make_spec, open_it, run

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("optuna_dashboard") is None,
    reason="optuna-dashboard is not installed: pip install 'hpo[dashboard]'",
)

TRIALS = 5
START_SECONDS = 60


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[str]:
    """The address of a dashboard over a finished study."""
    url = f"sqlite:///{tmp_path}/optuna.db"
    spec = make_spec(TRIALS, sampler="random")
    run(open_it(url, spec), spec)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    call = "import sys; from optuna_dashboard._cli import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", call, url, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def answer(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=30) as response:
        return json.load(response)


def test_the_dashboard_shows_a_study_and_its_trials(dashboard: str) -> None:
    until = time.monotonic() + START_SECONDS
    studies = None
    while studies is None:
        assert time.monotonic() < until, "the dashboard did not start"
        with contextlib.suppress(OSError):
            studies = answer(f"{dashboard}/api/studies")["study_summaries"]
        time.sleep(0.1)
    (study,) = studies
    assert study["study_name"] == "study/cnn"
    assert study["directions"] == ["maximize"]
    detail = answer(f"{dashboard}/api/studies/{study['study_id']}?after=0")
    assert [trial["state"] for trial in detail["trials"]] == ["Complete"] * TRIALS
    first = detail["trials"][0]
    assert {"learning_rate", "layers"} <= {param["name"] for param in first["params"]}
    assert len(first["intermediate_values"]) == 3
