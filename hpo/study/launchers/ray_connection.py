"""The one door to Ray: nothing else in the package imports it."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any, TextIO

from hpo.execution import conditions
from hpo.spec.errors import EnvironmentProblem
from hpo.study.launchers.ray_nodes import hosts

_OBJECT_STORE_BYTES = 100 * 2**20
"""Almost Ray's least: nothing but a worker's report goes through it."""
_LOOPBACK = "127.0.0.1"


def require_ray() -> None:
    """Check, without loading it, that Ray is installed.

    Raises:
        EnvironmentProblem: it is not.
    """
    if importlib.util.find_spec("ray") is None:
        raise EnvironmentProblem(
            "the launcher ray needs Ray, which is not installed",
            where="launcher",
            hint="pip install 'hpo[ray]', on every node of the cluster",
        )


class _NotFromRay(io.TextIOBase):
    """Standard output without what Ray's threads print there: a page of logs for a lost node.

    An outcome as JSON goes there too, and who is lost the launcher tells in a line.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what anyone else writes."""
        if threading.current_thread().name.startswith("ray_"):
            return len(text)
        return self._stream.write(text)

    def flush(self) -> None:
        """Flush the stream below."""
        self._stream.flush()


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Yield Ray, connected; a program that has connected already keeps its connection.

    Args:
        address: of a cluster, or ``auto``; None starts one of this machine alone, which no other
            machine can reach.

    Raises:
        EnvironmentProblem: the cluster cannot be reached, or Ray not be started.
    """
    # Until Ray's threads have ended: word of a node that died may come while they are told to.
    with contextlib.redirect_stdout(_NotFromRay(sys.stdout)):
        with _alone() if address is None else contextlib.nullcontext():
            import ray

            given = ray.is_initialized()
            if not given:
                _connect(ray, address)
        try:
            if not given and address is None and hosts(ray.nodes()) != {_LOOPBACK}:
                raise EnvironmentProblem(
                    "Ray would be heard by other machines",
                    where="launcher",
                    hint="Start a cluster yourself by `ray start --head`, and give its address",
                )
            yield ray
        finally:
            if not given:
                # Here, on this thread, Ray prints what it had held back as being told twice.
                with contextlib.redirect_stdout(io.StringIO()):
                    ray.shutdown()


def _connect(ray: Any, address: str | None) -> None:
    # Ray takes SIGTERM for itself, and its own answer to it would lose the trials at hand.
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM) if main else None
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        quiet |= {"include_dashboard": False, "object_store_memory": _OBJECT_STORE_BYTES}
    try:
        ray.init(address or "local", **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        raise EnvironmentProblem(
            "the Ray cluster cannot be reached" if address else "Ray cannot be started",
            where="launcher.address" if address else "launcher",
            got=str(error).strip().partition("\n")[0][:300],
            hint="`ray status` on this machine tells whether it is part of a cluster; without an "
            "address a cluster of this machine alone is started",
        ) from error
    finally:
        if handler is not None:
            signal.signal(signal.SIGTERM, handler)


def _alone() -> contextlib.AbstractContextManager[None]:
    """Let what Ray starts listen on loopback, tell nobody, and take no GPUs away.

    Ray has no argument for the first: it takes this machine's address for its own even where it is
    told 127.0.0.1, unless clusters are ruled out by the variable that it reads when it is imported.
    The last it warns of, and a worker sees to it by itself.
    """
    return conditions.environment(
        RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0",
        RAY_USAGE_STATS_ENABLED="0",
        RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0",
    )
