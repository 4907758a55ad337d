"""The served checkpoint: one ``.keras`` file, whole or absent, with its checksum."""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hpo.spec.errors import EnvironmentProblem

FILE_NAME = "model.keras"


def write_checkpoint(
    model: Any, folder: str, save: Callable[[Any, Path], None] | None = None
) -> tuple[str, str]:
    """Write ``model`` without its optimizer to ``folder/model.keras``.

    It is written beside its place and renamed into it, so that a reader never meets half a file.

    Args:
        model: what to write.
        folder: where; it is made.
        save: how; by default as Keras does.

    Returns:
        The path and the file's sha256.

    Raises:
        EnvironmentProblem: the folder cannot be written, or the disk is full.
    """
    target = Path(folder) / FILE_NAME
    part = target.with_name(f".{os.getpid()}.part.keras")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            # TensorFlow's, about an argument that its own arrays lack under numpy 2.
            warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
            plain = _without_optimizer(model)
            if save is None:
                plain.save(part)
            else:
                save(plain, part)
        with part.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        part.replace(target)
    except OSError as error:
        raise _unwritable(target, error.strerror or str(error)) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return str(target), digest


def check_folder(folder: str) -> None:
    """Make sure, before hours of training, that ``folder`` could be written; make nothing.

    Raises:
        EnvironmentProblem: it could not.
    """
    target = Path(folder)
    nearest = next((p for p in (target, *target.parents) if p.exists()), Path("."))
    if not nearest.is_dir():
        raise _unwritable(target, f"{nearest} is a file")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise _unwritable(target, f"no permission to write in {nearest}")


def _unwritable(target: Path, reason: str) -> EnvironmentProblem:
    return EnvironmentProblem(
        "cannot write the checkpoint",
        expected="a folder that may be written, with room on its disk",
        got=reason,
        where=str(target),
    )


def _without_optimizer(model: Any) -> Any:
    """Return the same layers as a model that was never compiled: Adam's moments triple a file."""
    import keras

    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs:
        return model
    # Lists of one would make a model that wants a list of one.
    return keras.Model(
        inputs[0] if len(inputs) == 1 else inputs,
        outputs[0] if len(outputs) == 1 else outputs,
        name=model.name,
    )
