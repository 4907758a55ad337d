"""The served checkpoint: one ``.keras`` file, whole or absent, with its checksum."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from hpo.spec.errors import EnvironmentProblem

FILE_NAME = "model.keras"


def write_checkpoint(model: Any, folder: str) -> tuple[str, str]:
    """Write ``model`` without its optimizer to ``folder/model.keras``.

    It is written beside its place and renamed into it, so that a reader never meets half a file.

    Returns:
        The path and the file's sha256.

    Raises:
        EnvironmentProblem: the folder cannot be written, or the disk is full.
    """
    target = Path(folder) / FILE_NAME
    part = target.with_name(f".{os.getpid()}.part.keras")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _without_optimizer(model).save(part)
        with part.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        part.replace(target)
    except OSError as error:
        raise EnvironmentProblem(
            "cannot write the checkpoint",
            expected="a folder that may be written, with room on its disk",
            got=error.strerror or str(error),
            where=str(target),
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return str(target), digest


def _without_optimizer(model: Any) -> Any:
    """Return the same layers as a model that was never compiled: Adam's moments triple a file."""
    import keras

    if getattr(model, "inputs", None) and getattr(model, "outputs", None):
        return keras.Model(model.inputs, model.outputs, name=model.name)
    return model
