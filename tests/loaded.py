"""Programs of this project in processes of their own, forked from one that has loaded libraries.

A fresh interpreter imports Optuna and MLflow for seconds before a command begins. Where a test is
not about that, its program is forked from a process that has imported them, and does all else as
when a person calls it: arguments, environment, folder, streams, signals, exit code, and what an
interpreter does at its end. Keras is not loaded there, and nothing is open.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

REPOSITORY = Path(__file__).parents[1]
_LIBRARIES = (
    "alembic.migration",
    "cv2",
    "mlflow.pyfunc",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.tracking",
    "optuna.samplers",
    "optuna.storages._rdb.storage",
    "pyarrow.pandas_compat",
    "sqlalchemy.dialects.sqlite",
    "hpo.cli.app",
    "hpo.reports.compute",
    "hpo.search.optuna_engine",
    "hpo.search.remembered",
    "hpo.study.doctor",
    "hpo.study.launchers.local",
    "hpo.study.promoting",
    "hpo.study.running",
    "hpo.recommender.publish",
    "hpo.tracking.mirror",
)
_MOST_BYTES = 1 << 17


class Program:
    """A running program, as far as tests need what ``subprocess.Popen`` has.

    Args:
        args: what was called: the interpreter, ``-m``, the module and its arguments.
        pid: its process id.
        out: the file of its standard output.
        said: the file of its standard error.
    """

    def __init__(self, args: list[str], pid: int, out: IO[str], said: IO[str]) -> None:
        self.args = args
        self.pid = pid
        self.returncode: int | None = None
        self._written = ("", "")
        self._out, self._said = out, said
        self._end = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Return the exit code, minus the signal if one killed it; None while it runs."""
        return self._wait(0.0)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end and return what it wrote to standard output and error.

        Raises:
            subprocess.TimeoutExpired: it has not ended in so many seconds.
        """
        if self._wait(timeout) is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(self.args, timeout)
        if not self._out.closed:
            self._written = (_whole(self._out), _whole(self._said))
        return self._written

    def lines(self) -> Iterator[str]:
        """Yield the lines of its standard error as they come, until it has ended."""
        place, rest, ended = 0, b"", False
        while not ended:
            ended = self._wait(0.01) is not None
            new = os.pread(self._said.fileno(), 1 << 24, place)
            place += len(new)
            *whole, rest = (rest + new).split(b"\n")
            yield from (line.decode() for line in whole)

    def send_signal(self, number: int) -> None:
        """Send it a signal if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _wait(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._end], [], [], seconds)[0]:
            self.returncode = _ask({"reap": self.pid})
            os.close(self._end)
        return self.returncode


def _whole(file: IO[str]) -> str:
    with file:
        file.seek(0)
        return file.read()


def begin(
    module: str,
    arguments: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    given: str = "",
    said: Path | None = None,
) -> Program:
    """Start ``python -m module arguments`` in a session of its own.

    Args:
        module: a program.
        arguments: of the program.
        env: its environment; this process's if it is not given.
        cwd: its folder; the repository's if it is not given.
        given: its standard input.
        said: a file to which its standard error is appended.
    """
    out = tempfile.TemporaryFile("w+")  # noqa: SIM115
    errors: IO[str] = said.open("a+") if said else tempfile.TemporaryFile("w+")  # noqa: SIM115
    with tempfile.TemporaryFile("w+") as standard_input:
        standard_input.write(given)
        standard_input.seek(0)
        asked = {
            "module": module,
            "arguments": list(arguments),
            "env": dict(os.environ if env is None else env),
            "cwd": str(cwd or REPOSITORY),
        }
        pid = _ask(asked, [standard_input.fileno(), out.fileno(), errors.fileno()])
    return Program([sys.executable, "-m", module, *arguments], pid, out, errors)


def run(
    module: str, arguments: Sequence[str], *, timeout: float = 400, **how: Any
) -> subprocess.CompletedProcess[str]:
    """Call a program and wait for its end; see ``begin``.

    Raises:
        subprocess.TimeoutExpired: it has not ended in time; it is killed.
    """
    program = begin(module, arguments, **how)
    try:
        out, said = program.communicate(timeout)
    except subprocess.TimeoutExpired:
        program.kill()
        raise
    assert program.returncode is not None
    return subprocess.CompletedProcess(program.args, program.returncode, out, said)


_parent: list[socket.socket] = []


def _ask(message: dict[str, Any], files: Sequence[int] = ()) -> int:
    if not _parent:
        mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            its.set_inheritable(True)
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.loaded", str(its.fileno())],
                cwd=REPOSITORY,
                pass_fds=[its.fileno()],
                env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
            )
        _parent.append(mine)
        atexit.register(_end, process)
    socket.send_fds(_parent[0], [json.dumps(message).encode()], list(files))
    answer = _parent[0].recv(64)
    assert answer, "the process that programs are forked from is gone; its last words are above"
    return int(answer)


def _end(process: subprocess.Popen[bytes]) -> None:
    _parent.pop().close()
    process.wait(30)


def load() -> None:
    """Load what most programs, and processes that are forked here, would each load for seconds."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    importlib.import_module("sqlalchemy.orm").configure_mappers()
    # Which package each module is of: MLflow looks at every installed file when it logs a model.
    importlib.import_module("mlflow.utils.requirements_utils")._init_modules_to_packages_map()


def serve(connection: socket.socket) -> str:
    """Fork and reap programs until there is nobody left to ask; return the module in each."""
    load()
    gc.freeze()  # in children the collector would copy every page that it looks at
    while True:
        message, files, _, _ = socket.recv_fds(connection, _MOST_BYTES, 3)
        if not message:
            sys.exit()
        asked = json.loads(message)
        if "reap" in asked:
            _, status = os.waitpid(asked["reap"], 0)
            connection.send(str(os.waitstatus_to_exitcode(status)).encode())
            continue
        pid = os.fork()
        if pid == 0:
            connection.close()
            _become(asked, files)
            return str(asked["module"])
        for file in files:
            os.close(file)
        connection.send(str(pid).encode())


def _become(asked: dict[str, Any], files: list[int]) -> None:
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    sys.path[0] = asked["cwd"]  # as python -m has it
    sys.argv = ["-m", *asked["arguments"]]


def main() -> None:
    """Serve; then be what was asked for."""
    module = serve(socket.socket(fileno=int(sys.argv[1])))
    code: object = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    # As an interpreter ends, but for taking apart hundreds of modules, which takes a second.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    main()
