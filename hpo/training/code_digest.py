"""The code that features hang on: what is kept of an earlier code is never found.

A network's description and weights say nothing of what a layer of one's own does in ``call``, nor
of how faces are changed before the base sees them.
"""

from __future__ import annotations

import hashlib
import sys
import sysconfig
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import hpo.architectures
import hpo.training

_OURS = (hpo.architectures, hpo.training)


@lru_cache(maxsize=1)
def our_code() -> str:
    """Return a digest of what comes with ``hpo`` and computes features, in hexadecimal."""
    return _digest(file for room in _OURS for file in Path(str(room.__file__)).parent.glob("*.py"))


def is_ours(build: Callable[..., Any]) -> bool:
    """Return whether an architecture comes with ``hpo``."""
    return str(getattr(build, "__module__", "")).startswith(f"{hpo.architectures.__name__}.")


def code_of(build: Callable[..., Any]) -> str:
    """Return a digest of the code that an architecture's features hang on, in hexadecimal.

    Of an architecture of one's own these are all modules that are loaded and were not installed,
    and those of its own package: what it imports is among them.

    Args:
        build: the architecture's.
    """
    if is_ours(build):
        return our_code()
    package = str(getattr(build, "__module__", "")).partition(".")[0]
    installed = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")]
    found = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        top = name.partition(".")[0]
        if not str(file).endswith(".py") or top == hpo.__name__:
            continue
        path = Path(str(file))
        if top == package or not any(map(path.is_relative_to, installed)):
            found.append(path)
    return hashlib.sha256(f"{our_code()} {_digest(found)}".encode()).hexdigest()


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in sorted(set(files)):
        digest.update(f"{file.name} ".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
