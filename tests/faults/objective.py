"""An analytic objective in training's place, which breaks as it is told to.

It runs in a trial's child like training does, so that everything around it is the real thing.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hpo.spec.records import EpochReport, TrialResult


def value_of(params: dict[str, Any]) -> float:
    """What a trial comes to: a function of what was searched and nothing else."""
    return round(0.1 * params.get("layers", 1) - abs(params["learning_rate"] - 1e-3), 9)


def train(
    report: Callable[[Any], None], should_stop: Callable[[], bool], job: dict[str, Any]
) -> dict[str, Any]:
    """Run ``job["params"]``: ``epochs``, ``pause`` seconds each, then ``fault`` if there is one."""
    params, output = job["params"], Path(job["output"])
    value = value_of(params)
    pause = params.get("pause", float(os.environ.get("HPO_TEST_PAUSE", "0.01")))
    for epoch in range(1, params["epochs"] + 1):
        time.sleep(pause)
        if should_stop():
            return TrialResult(state="pruned", epochs_run=epoch - 1).to_json()
        reached = value - 0.1 * (params["epochs"] - epoch)
        metrics = {"loss": -reached, "val_accuracy": reached}
        report(EpochReport(epoch, metrics, pause).to_json())
        if epoch == params.get("fault_epoch", 1):
            _break(params.get("fault", ""), output)
    checkpoint = output / "model.keras"
    output.mkdir(parents=True, exist_ok=True)
    served = Path(job["dataset"]).parent / "model.keras"
    # Each checkpoint is a file of its own, whole models as well as stand-ins.
    content = served.read_bytes() if job["dataset"] and served.is_file() else b""
    checkpoint.write_bytes(content + repr(sorted(params.items())).encode())
    return TrialResult(
        state="complete",
        value=value,
        checkpoint=str(checkpoint),
        checkpoint_sha256=hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
        best_epoch=params["epochs"],
        epochs_run=params["epochs"],
        metrics=metrics,
        final_metrics=metrics,
        params=params,
    ).to_json()


def _break(fault: str, output: Path) -> None:
    if fault == "segfault":
        ctypes.string_at(0)
    elif fault == "onednn":
        if os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "0":
            os.abort()
    elif fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault == "exit":
        os._exit(7)
    elif fault == "exception":
        raise ValueError("the layers do not fit")
    elif fault == "memory_error":
        raise MemoryError("no more arrays")
    elif fault == "leak":
        kept = []
        while True:
            kept.append(bytearray(b"x" * 2**24))
            time.sleep(0.01)
    elif fault == "hang":
        while True:
            time.sleep(1)
    elif fault == "disk":
        big = output / "big"
        try:
            with big.open("wb") as file:
                while True:
                    file.write(b"x" * 2**20)
                    file.flush()
        finally:
            big.unlink()  # as a checkpoint that is not whole
