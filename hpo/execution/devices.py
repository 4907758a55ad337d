"""What trials that run at once may use: each its share of the cores, or a GPU."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

_ASK_SECONDS = 10


@dataclass(frozen=True)
class Share:
    """What one of several trials at once may use.

    Args:
        threads: cores; None for all.
        gpu: the one GPU, as ``CUDA_VISIBLE_DEVICES`` takes it; None for whatever there is.
    """

    threads: int | None
    gpu: str | None


def shares(workers: int, cores: int, gpus: list[str]) -> list[Share]:
    """Return what each of ``workers`` trials at once may use.

    Args:
        workers: trials at once.
        cores: that this process may use.
        gpus: that this process may use; with more workers than GPUs several share one.
    """
    if workers == 1:
        return [Share(None, None)]
    threads = max(1, cores // workers)
    return [Share(threads, gpus[i % len(gpus)] if gpus else None) for i in range(workers)]


def crowded(workers: int, cores: int, gpus: list[str]) -> str | None:
    """Return a warning where more trials than cores would train at once, without a GPU."""
    if gpus or workers <= cores:
        return None
    has = "1 core" if cores == 1 else f"{cores} cores"
    return (
        f"{workers} workers on {has}: trials take each other's time and memory, and more are not "
        f"finished in an hour than with --workers {cores}."
    )


def visible_gpus() -> list[str]:
    """Return the NVIDIA GPUs that this process may use; none where there is no driver."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name for name in (part.strip() for part in chosen.split(",")) if name not in _NONE]
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        told = subprocess.run(
            [program, "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=_ASK_SECONDS,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return told.split()


_NONE = ("", "-1", "NoDevFiles")
