"""Functions that the isolation tests run in children."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from hpo.spec.errors import SpecError


def echo(report: Callable[[Any], None], should_stop: Callable[[], bool], value: Any) -> Any:
    print("a line for the log")
    report({"half": value})
    return {"whole": value, "pid": os.getpid()}


def variable(report: Callable[[Any], None], should_stop: Callable[[], bool], name: str) -> Any:
    report(os.getppid())
    return os.environ.get(name)


def until_stopped(report: Callable[[Any], None], should_stop: Callable[[], bool]) -> str:
    report("ready")
    for _ in range(1000):
        if should_stop():
            return "stopped"
        time.sleep(0.01)
    return "never stopped"


def busy(report: Callable[[Any], None], should_stop: Callable[[], bool]) -> None:
    report(os.getpid())
    time.sleep(60)


def bad_input(report: Callable[[Any], None], should_stop: Callable[[], bool]) -> None:
    raise SpecError("no such thing", where="here", hint="Look there")


def segfault(report: Callable[[Any], None], should_stop: Callable[[], bool]) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def unexpected(report: Callable[[Any], None], should_stop: Callable[[], bool]) -> None:
    class Local(Exception):
        """Cannot be pickled."""

    raise Local("broken")


def within_a_library(report: Callable[[Any], None], should_stop: Callable[[], bool]) -> None:
    json.loads("{")  # is refused by json, three frames below
