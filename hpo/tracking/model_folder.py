"""The folder of an MLflow model around a ``.keras`` file.

It is a handful of small files, written here by mlflow's own classes;
``mlflow.keras.load_model`` and ``mlflow models serve`` read it as they read their own. No pickle
is involved, no Keras is loaded, and no process is started.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.spec.errors import IntegrityError, NotFoundError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KERAS_FILE = "data/model.keras"
"""Where the checkpoint lies in the folder."""

REQUIREMENTS = ("keras", "tensorflow", "numpy")
"""Packages that a server needs beside mlflow."""


def write_keras_model(
    folder: Path,
    checkpoint: Path,
    example: NDArray[np.generic],
    outputs: int,
    metadata: Mapping[str, Any],
    requirements: Sequence[str],
    backend: str,
    run_id: str | None = None,
    model_id: str | None = None,
) -> None:
    """Write an MLflow model folder around a ``.keras`` file, as ``mlflow.keras.save_model`` does.

    Args:
        folder: made here; must not exist.
        checkpoint: copied to ``KERAS_FILE``.
        example: faces, shape ``(n, height, width, channels)``.
        outputs: number of classes; the signature's output is ``(-1, outputs)`` float32.
        metadata: kept in the MLmodel file.
        requirements: packages to pin.
        backend: Keras's.
        run_id: of the run that trained it.
        model_id: of the logged model.
    """
    import numpy as np
    from mlflow import pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.models.utils import _save_example
    from mlflow.types.schema import Schema, TensorSpec

    (folder / "data").mkdir(parents=True)
    shutil.copyfile(checkpoint, folder / KERAS_FILE)
    (folder / "data" / "keras_module.txt").write_text("keras")
    model = Model(
        run_id=run_id,
        model_id=model_id,
        model_uuid=model_id,
        metadata=dict(metadata),
        signature=ModelSignature(
            inputs=Schema([TensorSpec(np.dtype(example.dtype), (-1, *example.shape[1:]))]),
            outputs=Schema([TensorSpec(np.dtype("float32"), (-1, outputs))]),
        ),
    )
    _save_example(model, example, str(folder))
    model.add_flavor(
        "keras",
        data="data",
        keras_version=_installed("keras"),
        keras_backend=backend,
        save_exported_model=False,
    )
    pyfunc.add_to_model(
        model, loader_module="mlflow.keras", conda_env="conda.yaml", python_env="python_env.yaml"
    )
    _write_environment(folder, requirements)
    model.model_size_bytes = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    model.save(str(folder / "MLmodel"))


def _write_environment(folder: Path, requirements: Sequence[str]) -> None:
    """Write the three files that say what a server must install, without inferring any of it."""
    import yaml
    from mlflow.utils.environment import _mlflow_conda_env, _PythonEnv

    pinned = [f"mlflow=={_installed('mlflow')}"]
    pinned += [f"{name}=={_installed(name)}" for name in requirements if name != "mlflow"]
    (folder / "requirements.txt").write_text("\n".join(pinned) + "\n")
    with (folder / "conda.yaml").open("w") as file:
        yaml.safe_dump(_mlflow_conda_env(additional_pip_deps=pinned, install_mlflow=False), file)
    _PythonEnv.current().to_yaml(str(folder / "python_env.yaml"))


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError as error:
        raise NotFoundError(f"the model needs '{package}', which is not installed") from error


def check_sha256(file: Path, sha256: str) -> None:
    """Compare a file with its recorded checksum.

    Raises:
        IntegrityError: it differs.
    """
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != sha256:
        raise IntegrityError(
            "this is not the file that was recorded",
            where=str(file),
            expected=f"sha256 {sha256[:16]}…",
            got=f"{found[:16]}…",
        )
