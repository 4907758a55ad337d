"""``hpo ui``: MLflow's own pages over this workspace's store, for this machine only."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import typer

from hpo.cli.shell import TrackingUri, current, examples, say
from hpo.spec.addresses import without_password
from hpo.spec.errors import EnvironmentProblem, InputError, NotFoundError
from hpo.spec.workspace import Workspace
from hpo.tracking import names
from hpo.tracking.store import (
    artifact_folder,
    is_server,
    quiet_environment,
    sqlite_path,
)
from hpo.tracking.views import experiments_link, trials_link

LOOPBACK = ("127.0.0.1", "localhost", "::1")
START_TIMEOUT_SECONDS = 120.0
LISTED_STUDIES = 5

EPILOG = examples(
    ("hpo ui", "open what it prints and compare trials"),
    ("hpo ui --port 5001", "when port 5000 is taken"),
)


def register(app: typer.Typer) -> None:
    """Add ``hpo ui`` to the root command."""

    @app.command("ui", epilog=EPILOG)
    def command_ui(
        context: typer.Context,
        port: int = typer.Option(5000, min=1, max=65535, help="Port to listen on."),
        host: str = typer.Option("127.0.0.1", help="Address to listen on."),
        allow_remote: bool = typer.Option(
            False,
            "--allow-remote",
            help="Let other machines in. There is no password: anyone who can reach the port can "
            "read and delete runs.",
        ),
        tracking: TrackingUri = None,
    ) -> None:
        """Start the MLflow UI over this workspace's runs; Ctrl-C stops it."""
        ui(
            workspace=current(context, tracking=tracking).workspace,
            port=port,
            host=host,
            allow_remote=allow_remote,
        )


def ui(
    *,
    workspace: Workspace | None = None,
    port: int = 5000,
    host: str = "127.0.0.1",
    allow_remote: bool = False,
) -> None:
    """Serve the MLflow UI over a workspace's runs until Ctrl-C, and print where its studies are.

    A workspace that is tracked on a server has its pages there: only their address is printed.

    Args:
        workspace: whose runs; the current directory's by default.
        port: to listen on.
        host: to listen on.
        allow_remote: let other machines in, without a password.

    Raises:
        NotFoundError: nothing was tracked yet.
        InputError: ``host`` is beyond loopback without ``allow_remote``.
        EnvironmentProblem: the port is taken, or the server ended.
    """
    workspace = workspace or Workspace.at()
    uri = workspace.tracking_uri()
    if is_server(uri):
        say("This workspace is tracked on a server; its pages are at")
        typer.echo(experiments_link(without_password(uri)))
        return
    check_address(host, port, allow_remote)
    database = sqlite_path(uri)
    if database is not None and not database.exists():
        raise NotFoundError(
            "nothing has been tracked in this workspace yet",
            where=str(database),
            hint="Run a study first (hpo quickstart), or point --home at its workspace",
        )
    serve(uri, artifact_folder(uri, workspace.runs / "artifacts"), host, port)


def check_address(host: str, port: int, allow_remote: bool) -> None:
    """Refuse an address that others can reach, unless told, and a port that is taken.

    Raises:
        InputError: the host is beyond loopback without ``--allow-remote``, or is no address.
        EnvironmentProblem: the port is taken or may not be used.
    """
    if host not in LOOPBACK and not allow_remote:
        raise InputError(
            "the MLflow UI has no password, so it stays on this machine",
            where=f"--host {host}",
            expected="127.0.0.1",
            hint="Add --allow-remote if everyone who can reach this port may read and delete "
            f"runs, or reach it through a tunnel: ssh -L {port}:127.0.0.1:{port} THIS-MACHINE",
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are still closing counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror as error:
            raise InputError(f"'{host}' is no address of this machine", where="--host") from error
        except OSError as error:
            raise EnvironmentProblem(
                f"cannot listen on port {port}",
                where=f"{host}:{port}",
                got=error.strerror or str(error),
                hint=f"Try hpo ui --port {port + 1 if port < 65535 else 5001}; another MLflow UI "
                "may be running already",
            ) from error


def serve(tracking_uri: str, artifacts: Path | None, host: str, port: int) -> None:
    """Run MLflow's server until Ctrl-C; prints the address once it answers.

    Raises:
        EnvironmentProblem: the server ended, or did not answer in time; with its last words.
    """
    shown = host if host not in ("0.0.0.0", "::") else socket.gethostname()
    address = f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
    say("Starting the MLflow UI ...")
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(
            command(artifacts, host, port),
            env={
                **os.environ,
                **quiet_environment(),
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                "MLFLOW_BACKEND_STORE_URI": tracking_uri,
            },
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C reaches us alone, and we end the server's whole group in order.
            start_new_session=True,
        )
        with _ended(server):
            probe = f"http://127.0.0.1:{port}" if host == "0.0.0.0" else address
            if not _answers(server, probe):
                raise EnvironmentProblem(
                    "the MLflow UI did not start", where=address, got=_last_words(log)
                )
            for line in where(address, _studies(probe)):
                typer.echo(line)
            say("Ctrl-C stops the UI.")
            sys.stdout.flush()
            if server.wait() not in (0, -signal.SIGTERM, -signal.SIGINT):
                raise EnvironmentProblem("the MLflow UI ended", got=_last_words(log))


def where(address: str, studies: Sequence[tuple[str, str]]) -> list[str]:
    """Return lines that lead to the trials of each study, the newest first.

    The list of all experiments is named only where there is more, or nothing, to choose from: what
    MLflow opens from there is not a study's trials but its overview for language models.

    Args:
        address: of the server.
        studies: name and experiment id of each; one more than are listed says that there are more.
    """
    lines = [f"{n}: {trials_link(address, i)}" for n, i in studies[:LISTED_STUDIES]]
    if lines and len(studies) <= LISTED_STUDIES:
        return lines
    return [
        *lines,
        f"older studies: {experiments_link(address)}" if lines else experiments_link(address),
    ]


def command(artifacts: Path | None, host: str, port: int) -> list[str]:
    """Return the command line of MLflow's server; where its store is, the environment tells it.

    A command line is for all to see, and the address of a store may hold a password.
    """
    words = [sys.executable, "-m", "mlflow", "server"]
    if artifacts is not None:
        words += ["--default-artifact-root", str(artifacts)]
    # The server reads artifacts from disk itself; it need not offer to store other people's.
    words += ["--no-serve-artifacts", "--workers", "1", "--uvicorn-opts", "--log-level warning"]
    if host not in LOOPBACK:
        # MLflow turns away requests for names that it was not told of (DNS rebinding).
        hosts = {host, socket.gethostname(), "localhost", "127.0.0.1"} - {"0.0.0.0", "::"}
        private = ("10.*", "192.168.*", "172.*")
        allowed = [*sorted(hosts), *(f"{name}:*" for name in sorted(hosts)), *private]
        words += ["--allowed-hosts", ",".join(allowed)]
    return [*words, "--host", host, "--port", str(port)]


@contextlib.contextmanager
def _ended(server: subprocess.Popen[bytes]) -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        say("Stopped.")
    finally:
        signal.signal(signal.SIGTERM, before)
        for sent in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(server.pid, sent)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(10)
                break


def _answers(server: subprocess.Popen[bytes], address: str) -> bool:
    until = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(address + "/health", timeout=2):
            return True
        time.sleep(0.2)
    return False


def _studies(address: str) -> list[tuple[str, str]]:
    """Return name and experiment id of the newest studies, as the running server tells them.

    One more than are listed, where there are more.
    """
    request = urllib.request.Request(
        address + "/api/2.0/mlflow/experiments/search",
        data=json.dumps({"max_results": LISTED_STUDIES + 2}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            found = json.load(answer).get("experiments", [])
    except (OSError, ValueError):
        return []  # Only a convenience: the list of experiments is named instead.
    ours = [e for e in found if any(tag["key"] == names.STUDY for tag in e.get("tags", ()))]
    return [(e["name"], e["experiment_id"]) for e in ours]


def _last_words(log: IO[str]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log.read().splitlines() if line.strip()]
    return " / ".join(lines[-3:]) or "no word from it"
