"""An MLflow server of one's own on loopback, which can be killed and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

START_SECONDS = 120  # It takes 5 to 8; generous for a loaded machine.


class MlflowServer:
    """A server over SQLite in a folder.

    Args:
        folder: holds its database and artifacts.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]

    @property
    def uri(self) -> str:
        """Return its address, the same after every start."""
        return f"http://127.0.0.1:{self._port}"

    def launch(self) -> None:
        """Start it without waiting."""
        words = [sys.executable, "-m", "mlflow", "server", "--workers", "1"]
        words += ["--backend-store-uri", f"sqlite:///{self._folder}/mlflow.db"]
        words += ["--artifacts-destination", str(self._folder / "artifacts")]
        words += ["--host", "127.0.0.1", "--port", str(self._port)]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                words,
                cwd=self._folder,
                env={
                    **os.environ,
                    "MLFLOW_DISABLE_TELEMETRY": "true",
                    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                },
                stdout=log,
                stderr=subprocess.STDOUT,
                # Its worker processes die with it.
                start_new_session=True,
            )

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.launch()
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(OSError), urllib.request.urlopen(self.uri + "/health"):
                return
            time.sleep(0.2)
        raise AssertionError((self._folder / "server.log").read_text()[-2000:])

    def kill(self) -> None:
        """End it with all its processes, as a crash would."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)
            self._process = None


@contextlib.contextmanager
def mlflow_server(folder: Path) -> Iterator[MlflowServer]:
    """Yield a server that is not started yet, and end it."""
    server = MlflowServer(folder)
    try:
        yield server
    finally:
        server.kill()
