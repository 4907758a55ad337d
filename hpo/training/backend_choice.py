"""Which of TensorFlow, JAX and PyTorch Keras has, and what each reads as it is first imported.

None is imported here: ``backend`` is the door to them.
"""

from __future__ import annotations

import importlib.util
import os
import sys

from hpo.spec.errors import EnvironmentProblem
from hpo.spec.workspace import machine_cache

_MOST_COMPILED_BYTES = 2**30
"""Of JAX's compiled networks on disk; the ones that were used longest ago go first."""

_ONEDNN = "TF_ENABLE_ONEDNN_OPTS"

_EXTRAS = {"tensorflow": "hpo", "jax": "hpo[jax]", "torch": "hpo[torch]"}
"""What installs each backend."""

WITHOUT_ONEDNN = {_ONEDNN: "0"}
"""What the environment of a process says before it imports TensorFlow; afterwards is too late."""


def configure() -> None:
    """Set the environment that a backend reads when it is first imported.

    ``KERAS_BACKEND`` is TensorFlow unless the environment says otherwise, and TensorFlow keeps its
    start-up chatter to itself. Nothing is imported.

    Raises:
        EnvironmentProblem: ``KERAS_BACKEND`` names no backend, or one that is not installed.
    """
    _check_backend(os.environ.setdefault("KERAS_BACKEND", "tensorflow"))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault(_ONEDNN, "1")
    # One trial would otherwise take all of a GPU's memory, used or not.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    # Every trial is a new process, and JAX would compile the same network for each.
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(machine_cache() / "jax"))
    os.environ.setdefault("JAX_COMPILATION_CACHE_MAX_SIZE", str(_MOST_COMPILED_BYTES))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")


def _check_backend(name: str) -> None:
    """Refuse what Keras would die of in every trial's process, one after the other."""
    otherwise = "leave KERAS_BACKEND unset for TensorFlow"
    if name not in _EXTRAS:
        raise EnvironmentProblem(
            "KERAS_BACKEND names no backend",
            expected="tensorflow, jax or torch",
            got=f"'{name}'",
            hint=f"Name one of these, or {otherwise}",
        )
    if name not in sys.modules and importlib.util.find_spec(name) is None:
        raise EnvironmentProblem(
            f"Keras's backend '{name}', which KERAS_BACKEND names, is not installed",
            hint=f"pip install '{_EXTRAS[name]}' in this environment, or {otherwise}",
        )


def backend_name() -> str:
    """Return ``tensorflow``, ``jax`` or ``torch``."""
    keras = sys.modules.get("keras")
    if keras is not None and hasattr(keras, "config"):
        return str(keras.config.backend())
    return os.environ.get("KERAS_BACKEND", "tensorflow")


def onednn() -> str:
    """Return ``on`` or ``off`` for TensorFlow, as the environment says; "" for other backends."""
    if backend_name() != "tensorflow":
        return ""
    return "off" if os.environ.get(_ONEDNN, "1").lower() in ("0", "false") else "on"
